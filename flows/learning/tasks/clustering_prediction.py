"""What a clusterer says of an event."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

MOST = 2**31 - 1

Count = Annotated[int, Meta(ge=0, le=MOST)]
Distance = Annotated[float, Meta(ge=0)]


class ClusterPrediction(msgspec.Struct, frozen=True, gc=False):
    """The cluster whose centre is nearest, by its lasting number and its present name.

    Distances are in the model's own measure: to its centre, to the nearest other centre, and to
    the second farthest of all, which River's silhouette compares with. The last two are None
    while there is only one cluster. `clusters` and `micro_clusters` say how many there were.
    """

    cluster: Count
    name: str
    distance: Distance
    second_distance: Distance | None
    second_farthest: Distance | None
    clusters: Count
    micro_clusters: Count
