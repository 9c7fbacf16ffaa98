"""A model's versions, its contests and its changes, in the words of tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from dashboard import wording
from dashboard.metrics import changed, describe, shown

Row = tuple[str, ...]

VERSIONS = ("Version", "Is", "Score", "Learned from", "Registered")
RIVALS = ("Model", "Score", "Error of late", "The champion's", "Against the champion")
COMPARED = ("Metric", "{a}", "{b}", "{b} is")
CHANGES = ("When", "What", "Who", "Why", "What became of it")
CLEAR = 2.0
"""Standard errors from which two models are said to differ."""


def versions(models: Iterable[dict[str, Any]], unit: str) -> list[Row]:
    """Each version with its score, newest first."""
    return [
        (
            str(model["version"]),
            ", ".join(model["aliases"]) or wording.NOTHING,
            _score(model["score"], unit),
            f"{wording.count(model['events_learned'])} events",
            wording.day(datetime.fromisoformat(model["created"])),
        )
        for model in models
    ]


def names(models: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Versions as they are chosen: "12 (champion)" → "12"."""
    return {
        f"{model['version']} ({', '.join(model['aliases'])})"
        if model["aliases"]
        else str(model["version"]): str(model["version"])
        for model in models
    }


def rivals(report: dict[str, Any], champion: float | None, score: str, unit: str) -> list[Row]:
    """The champion, and each model that learns beside it with how their contest stands."""
    leads = f"{report['leads']} (champion)"
    rows: list[Row] = [
        (leads, shown(score, champion, unit), wording.NOTHING, wording.NOTHING, "leads")
    ]
    known = dict.fromkeys([*report["challengers"], *report["contests"]])
    for name in known:
        value = report["challengers"].get(name, {}).get(score)
        contest = report["contests"].get(name) or {}
        errors = (contest.get("challenger_error"), contest.get("champion_error"))
        texts = (wording.score(error) for error in errors)
        rows.append((name, shown(score, value, unit), *texts, standing(contest)))
    return rows


def standing(contest: dict[str, Any]) -> str:
    """Whether a challenger errs less than the champion, and how sure that is."""
    if contest.get("t") is None:
        return "too few labels yet"
    labels = f"over {wording.count(contest['labels'])} labels"
    return f"{verdict(contest['t'])}, {labels}"


def verdict(t: float) -> str:
    """What a paired t says of the second of two models."""
    if abs(t) < CLEAR:
        return f"no clear difference (t = {t:.1f})"
    return f"errs {'less' if t > 0 else 'more'} (t = {t:.1f})"


def comparison(told: dict[str, Any], maximize: Callable[[str], bool], unit: str) -> list[Row]:
    """Both versions' metrics on the same events, and how much better the second is."""
    first, second = told["a"]["metrics"], told["b"]["metrics"]
    rows: list[Row] = [
        (
            describe(name).label,
            shown(name, first[name], unit),
            shown(name, second[name], unit),
            changed(name, first[name], second[name], maximize, unit),
        )
        for name in first
        if name in second
    ]
    errors = [told[side]["mean_error"] for side in "ab"]
    if None in errors:
        return rows
    return [*rows, ("Mean error", *map(wording.score, errors), wording.NOTHING)]


def compared(told: dict[str, Any]) -> str:
    """On which events two versions were compared, and who errs less."""
    if not told["events"]:
        return "The lake has no labelled events yet, so there is nothing to compare them on."
    events = f"Asked for {wording.count(told['events'])} labelled events, the newest there are"
    if told["unseen"] >= told["events"]:
        lines = [f"{events}; neither had learned any of them."]
    else:
        learnt = [wording.count(told[side]["learnt"]) for side in "ab"]
        lines = [
            f"{events}. Version {told['a']['version']} had learned {learnt[0]} of them before,"
            f" version {told['b']['version']} {learnt[1]}: what was learned before is easier."
        ]
    if told["t"] is not None:
        lines.append(f"Version {told['b']['version']} {verdict(told['t'])}.")
    if told["truncated"]:
        lines.append("The time ran out before all events were asked for.")
    return "\n".join(lines)


def changes(told: Iterable[dict[str, Any]]) -> list[Row]:
    """Who changed what when and why, and what became of it."""
    return [
        (
            wording.day(datetime.fromisoformat(change["time"])),
            what(change),
            change["who"],
            change["why"],
            outcome(change),
        )
        for change in told
    ]


def what(change: dict[str, Any]) -> str:
    """A change in words."""
    version, challenger = change["version"], change["challenger"]
    subject = f"version {version}" if version is not None else f"challenger {challenger}"
    if change["kind"] == "promotion":
        return f"Promoted {subject}"
    skipped = ", leaving out what came since" if change["skip"] else ""
    return f"Rolled back to {subject}{skipped}"


def outcome(change: dict[str, Any]) -> str:
    """What became of a change."""
    if change["state"] == "done" and change["events_learned"] is not None:
        return f"done, after {wording.count(change['events_learned'])} events"
    if change["state"] == "waiting":
        return "waits for the flow"
    return f"{change['state']}: {change['detail']}" if change["detail"] else str(change["state"])


def _score(score: dict[str, Any] | None, unit: str) -> str:
    if score is None:
        return wording.NOTHING
    return f"{describe(score['name']).label} {shown(score['name'], score['value'], unit)}"
