"""What a browser does with a query that is clicked together: plain elements, which it knows how to
reach by keyboard and how to name to those who cannot see them."""

SCRIPT = """
function made(name, attributes = {}, ...children) {
  const one = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) one.addEventListener(key.slice(2), value)
    else if (value === true) one.setAttribute(key, "")
    else if (value !== false) one.setAttribute(key, value)
  }
  one.append(...children)
  return one
}

function chosen(key, label, options, value, change) {
  const list = made("select", { "data-key": key, "aria-label": label })
  for (const [name, said] of options) {
    const option = made("option", { value: name }, said)
    option.selected = name === value
    list.append(option)
  }
  list.addEventListener("change", () => change(list.value))
  return list
}

function button(key, label, sign, act, off = false) {
  return made("button", {
    type: "button", "data-key": key, "aria-label": label, title: label, disabled: off, onclick: act,
  }, sign)
}

export function render({ model }) {
  const box = made("div", { class: "builder" })
  const said = made("div", { class: "said", role: "status", "aria-live": "polite" })
  const state = () => JSON.parse(model.value)
  let dragged = null

  function put(next, focus, words) {
    model.value = JSON.stringify(next)
    draw(focus)
    if (words) said.textContent = words
  }
  const named = (column) => column === model.rows ? "rows" : column
  const title = (one) =>
    one.name === model.rows ? "rows" : one.function ? `${one.function} of ${one.name}` : one.name
  const names = () => model.offered.map(([name]) => [name, name])

  function move(from, to) {
    const next = state()
    if (to < 0 || to >= next.columns.length || from === to) return
    const places = next.columns.map((_, place) => place)
    places.splice(to, 0, ...places.splice(from, 1))
    next.columns = places.map((place) => next.columns[place])
    for (const order of next.orders) order.place = places.indexOf(order.place)
    const name = title(next.columns[to])
    put(next, `handle-${to}`, `${name} is now column ${to + 1} of ${next.columns.length}`)
  }
  function drop(place) {
    const next = state()
    const [gone] = next.columns.splice(place, 1)
    next.orders = next.orders.filter((order) => order.place !== place)
    for (const order of next.orders) if (order.place > place) order.place -= 1
    put(next, "add-column", `${title(gone)} is left out`)
  }

  function column(one, place, all) {
    const counts = one.name === model.rows
    const change = (value) => {
      const next = state()
      next.columns[place].function = value
      put(next, `function-${place}`)
    }
    const keys = (event) => {
      if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return
      event.preventDefault()
      move(place, place + (event.key === "ArrowUp" ? -1 : 1))
    }
    const functions = model.functions.map((name) => [name, name || "as it is"])
    const row = made("li", {
      draggable: "true",
      onkeydown: keys,
      ondragstart: (event) => {
        dragged = place
        event.dataTransfer.setData("text/plain", one.name)
      },
      ondragover: (event) => { if (dragged !== null) event.preventDefault() },
      ondrop: (event) => { event.preventDefault(); move(dragged, place); dragged = null },
      ondragend: () => { dragged = null },
    },
      made("span", {
        role: "button", tabindex: 0, class: "handle", "data-key": `handle-${place}`,
        "aria-label":
          `${title(one)}, column ${place + 1} of ${all.length}: Alt and an arrow key move it`,
      }, "⠿"),
      made("span", { class: "name" }, named(one.name)),
      counts ? made("span", { class: "counted" }, "count")
        : chosen(
          `function-${place}`, `What is made of ${one.name}`, functions, one.function, change),
      button(
        `up-${place}`, `Move ${title(one)} up`, "↑", () => move(place, place - 1), place === 0),
      button(
        `down-${place}`, `Move ${title(one)} down`, "↓", () => move(place, place + 1),
        place === all.length - 1),
      button(`drop-${place}`, `Leave ${title(one)} out`, "✕", () => drop(place)))
    return row
  }

  function filter(one, place) {
    const set = (name, value, again = true) => {
      const next = state()
      next.filters[place][name] = value
      if (again) put(next, `filter-${name}-${place}`)
      else model.value = JSON.stringify(next)
    }
    const kind = (model.offered.find(([name]) => name === one.column) || ["", "text"])[1]
    const hint = kind === "time" ? "2026-01-31 18:00" : kind === "boolean" ? "true" : ""
    const value = made("input", {
      "data-key": `filter-value-${place}`,
      "aria-label": `Value that ${one.column} is compared with`,
      value: one.value, placeholder: hint, inputmode: kind === "number" ? "decimal" : "text",
    })
    value.addEventListener("input", () => set("value", value.value, false))
    const operators = model.operators.map((name) => [name, name])
    return made("li", {},
      chosen(`filter-column-${place}`, "Column that is compared", names(), one.column,
        (name) => set("column", name)),
      chosen(`filter-operator-${place}`, "How it is compared", operators, one.operator,
        (name) => set("operator", name)),
      ...(model.bare.includes(one.operator) ? [] : [value]),
      button(`filter-drop-${place}`, `Remove the filter of ${one.column}`, "✕", () => {
        const next = state()
        next.filters.splice(place, 1)
        put(next, "add-filter", "The filter is removed")
      }))
  }

  function order(one, place, columns) {
    const set = (name, value) => {
      const next = state()
      next.orders[place][name] = value
      put(next, `order-${name}-${place}`)
    }
    const places = columns.map((each, number) => [String(number), title(each)])
    return made("li", {},
      chosen(`order-place-${place}`, "Column to order by", places, String(one.place),
        (value) => set("place", Number(value))),
      chosen(`order-down-${place}`, "Direction",
        [["", "from the least"], ["1", "from the greatest"]],
        one.down ? "1" : "", (value) => set("down", value === "1")),
      button(`order-drop-${place}`, "Remove this order", "✕", () => {
        const next = state()
        next.orders.splice(place, 1)
        put(next, "add-order", "The order is removed")
      }))
  }

  function part(words, note, rows, ...below) {
    const list = made("ol", {}, ...rows)
    return made("fieldset", {},
      made("legend", {}, words), made("p", {}, note), ...(rows.length ? [list] : []), ...below)
  }

  function draw(focus) {
    const { columns, filters, orders, limit } = state()
    const add = chosen("add-column", "Add a column",
      [["", "Add a column …"], [model.rows, "rows (count)"], ...names()], "", (name) => {
        if (!name) return
        const next = state()
        next.columns.push({ name, function: name === model.rows ? "count" : "" })
        put(next, "add-column", `${named(name)} is column ${next.columns.length}`)
      })
    const first = (model.offered[0] || [""])[0]
    const most = made("input", {
      "data-key": "limit", "aria-label": "At most so many rows", type: "number", min: 1, max: 10000,
      value: limit,
    })
    most.addEventListener("input", () => {
      model.value = JSON.stringify({ ...state(), limit: most.value })
    })
    box.replaceChildren(
      part("Columns", "All of them if none is chosen. Those without a function make groups.",
        columns.map(column), add),
      part("Filters", "Rows that fulfil all of these.", filters.map(filter),
        button("add-filter", "Add a filter", "Add a filter", () => {
          const next = state()
          next.filters.push({ column: first, operator: "is", value: "" })
          put(next, `filter-column-${next.filters.length - 1}`)
        }, !first)),
      part("Order", "By columns that are chosen.",
        orders.map((one, place) => order(one, place, columns)),
        button("add-order", "Add an order", "Add an order", () => {
          const next = state()
          next.orders.push({ place: 0, down: false })
          put(next, `order-place-${next.orders.length - 1}`)
        }, !columns.length)),
      part("Rows", "At most so many.", [], most), said)
    if (focus) box.querySelector(`[data-key="${focus}"]`)?.focus()
  }
  model.on("offered", () => draw())
  draw()
  return box
}
"""

STYLE = """
:host { color: inherit; font-size: 0.875rem; line-height: 1.43 }
.builder {
  display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr));
  width: 100%;
}
fieldset {
  border: 1px solid color-mix(in srgb, currentColor 30%, transparent); border-radius: 6px;
  margin: 0; min-width: 0; padding: 8px 12px 12px;
}
legend { font-weight: 600; padding: 0 4px }
p { color: color-mix(in srgb, currentColor 75%, transparent); font-size: 0.78rem; margin: 0 0 8px }
ol { display: grid; gap: 6px; list-style: none; margin: 0 0 8px; padding: 0 }
li { align-items: center; display: flex; flex-wrap: wrap; gap: 4px }
.name { flex: 1 1 6em; min-width: 0; overflow-wrap: anywhere }
select, input, button, .handle {
  background: color-mix(in srgb, currentColor 6%, transparent); border-radius: 4px; color: inherit;
  border: 1px solid color-mix(in srgb, currentColor 50%, transparent); font: inherit;
  max-width: 100%;
  min-height: 30px; min-width: 30px; padding: 2px 6px;
}
option { background: Canvas; color: CanvasText }
input { flex: 1 1 6em; width: 8em }
button { cursor: pointer }
button:disabled { cursor: default; opacity: 0.4 }
.handle { cursor: grab; line-height: 24px; text-align: center }
:focus-visible { outline: 2px solid #6366f1; outline-offset: 1px }
.said { grid-column: 1 / -1; font-size: 0.78rem; min-height: 1.2em }
"""
