"""How well clusters agree with the personas that a stream has planted."""

from __future__ import annotations

from typing import Any

from sklearn.metrics import adjusted_rand_score

from flows.projects.spec import Project

SETTLING = 0.1
"""The part of a stream that clusters may take to form."""


class Agreement:
    """Keeps what each entity was said to be last, beside what it is."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._events = 0
        self._last: dict[str, tuple[int, Any, int]] = {}

    def add(self, event: Any, truth: dict[str, Any], prediction: Any | None) -> None:
        """Take one event with its planted truth; those without a persona do not count."""
        self._events += 1
        if prediction is not None and "persona" in truth:
            key = self._project.key(event)
            self._last[key] = self._events, truth["persona"], prediction.cluster

    def values(self, since: float = SETTLING) -> dict[str, float]:
        """`AdjustedRand` over entities last seen after that part of the stream, if there are any.

        Hubert and Arabie (1985), "Comparing partitions".
        """
        first = since * self._events
        found = [(truth, said) for at, truth, said in self._last.values() if at > first]
        if not found:
            return {}
        truths, said = zip(*found, strict=True)
        return {"AdjustedRand": float(adjusted_rand_score(truths, said))}
