"""Phishing Sites: is this web site after passwords? A project of one's own, in one file.

The data set comes with River: `river.datasets.Phishing`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from river import datasets, linear_model, naive_bayes, preprocessing

from flows.learning.tasks.binary import BinaryClassification
from flows.projects.forms import about
from flows.projects.spec import Features, Project, Query

Share = Annotated[float, about("How suspicious it is: 1 is honest, 0 is not", ge=0, le=1)]


class Site(msgspec.Struct, frozen=True, gc=False):
    """One web site, with what was found out about it."""

    site_id: Annotated[str, about("Identifies the site", generated=True, min_length=1)]
    timestamp: Annotated[datetime, about("When it was looked at", tz=True)]
    empty_server_form_handler: Share
    popup_window: Share
    https: Share
    request_from_other_domain: Share
    anchor_from_other_domain: Share
    is_popular: Share
    long_url: Share
    age_of_domain: Annotated[int, about("Is the domain older than a year?", ge=0, le=1)]
    ip_in_url: Annotated[int, about("Is the address a number?", ge=0, le=1)]
    is_phishing: Annotated[int, about("Label: 1 phishing, 0 honest", ge=0, le=1)] | None = None


def features(site: Site) -> Features:
    """All that was found out."""
    found = msgspec.structs.asdict(site)
    return {name: found[name] for name in found.keys() - {"site_id", "timestamp", "is_phishing"}}


def model() -> Any:
    """Make an untrained model."""
    return preprocessing.StandardScaler() | linear_model.LogisticRegression()


PROJECT = Project(
    slug="phishing",
    title="Phishing Sites",
    summary="Is this web site after passwords?",
    topic="phishing_sites",
    task=BinaryClassification(),
    event=Site,
    event_id="site_id",
    entity="site_id",
    label="is_phishing",
    features=features,
    model=model,
    challengers={"naive bayes": naive_bayes.GaussianNB},
    score="F1",
    queries=(Query("Newest sites", "SELECT * FROM phishing ORDER BY timestamp DESC LIMIT 100"),),
)


def values() -> Iterator[dict[str, Any]]:
    """River's 1 250 sites as events, a minute apart."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number, (found, label) in enumerate(datasets.Phishing()):
        time = start + timedelta(minutes=number)
        yield {
            "site_id": f"site-{number}",
            "timestamp": time.isoformat(),
            **found,
            "is_phishing": int(label),
        }
