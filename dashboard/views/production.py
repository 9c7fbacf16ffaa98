"""What generators do and did, in the words of tables."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from dashboard import wording

KINDS = ("sudden", "gradual", "incremental", "recurring")
SEVERITIES = ("severe", "moderate", "mild", "none")

STREAMS = ("Stream", "State", "Events/s", "Asked for", "Sent", "Failed", "What holds now")
CHANGES = ("When", "From event", "What changed")
STEADY = "nothing unusual"


def row(title: str, answer: dict[str, Any]) -> tuple[str, ...]:
    """What a generator says of itself."""
    status = answer["status"]
    if status is None:
        return (title, "silent", *[wording.NOTHING] * 4, "no generator runs, or it is silent")
    return (
        title,
        status["state"],
        wording.rate(status["events_per_second"]),
        wording.rate(status["rate"]) if status["rate"] else "all it can",
        wording.count(status["sent"]),
        wording.count(status["failed"]),
        "\n".join(holding(status)) or STEADY,
    )


def holding(status: dict[str, Any]) -> list[str]:
    """The scenarios, the drift and the anomalies of a stream, and what it refused."""
    lines = [
        f"{wording.words(name)} at {wording.percent(intensity)}"
        for name, intensity in status["running"].items()
    ]
    if drift := status["drift"]:
        began = wording.count(drift["at"])
        lines.append(f"{drift['severity']} {drift['kind']} drift since event {began}")
    if status["anomaly_rate"]:
        lines.append(f"{wording.percent(status['anomaly_rate'])} anomalies")
    if status["refused"]:
        lines.append(f"refused: {status['refused']}")
    return lines


def changes(told: Iterable[dict[str, Any]]) -> list[tuple[str, ...]]:
    """What changed in a stream, newest first."""
    return [
        (
            wording.day(datetime.fromtimestamp(change["time"], UTC)),
            wording.count(change["event_number"]),
            sentence(change),
        )
        for change in reversed(list(told))
    ]


def sentence(change: dict[str, Any]) -> str:
    """One change of a stream in words."""
    details = change["details"]
    match change["what"]:
        case "drift":
            within = wording.count(details.get("width"))
            return f"{details['severity']} {details['kind']} drift, within {within} events"
        case "scenario" if details["intensity"]:
            name = wording.words(details["scenario"])
            return f"scenario {name} at {wording.percent(details['intensity'])}"
        case "scenario":
            return f"end of scenario {wording.words(details['scenario'])}"
        case "anomalies":
            return f"anomalies: {wording.percent(details['anomaly_rate'])} of the events"
        case other:
            return str(other)
