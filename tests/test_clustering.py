"""The task of clustering, and metrics that need no labels."""

from __future__ import annotations

import math
import pickle
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import cluster, compose, metrics, preprocessing
from sklearn.metrics import silhouette_samples

from flows.errors import EventError
from flows.learning.models.stable_clusters import StableClusters
from flows.learning.tasks.clustering import Clustering
from flows.learning.tasks.clustering_metrics import MOST_CLUSTERS, PERIOD_SECONDS, ClusteringMetrics
from flows.learning.tasks.clustering_prediction import ClusterPrediction

TASK = Clustering()

distances = st.floats(0, 1e6)


def said(
    own: float = 1.0, other: float | None = 2.0, far: float | None = None, cluster: int = 0
) -> ClusterPrediction:
    return ClusterPrediction(
        cluster, f"kind {cluster}", own, other, other if far is None else far, 3, 40
    )


def blobs(count: int, seed: int = 0, places: int = 3) -> Iterator[dict[str, Any]]:
    rng = random.Random(seed)
    for _ in range(count):
        place = rng.randrange(places)
        yield {"x": rng.gauss(10 * place, 1), "y": rng.gauss(10 * (place % 2), 1)}


def k_means() -> compose.Pipeline:
    scaler = preprocessing.StandardScaler()
    return scaler | cluster.KMeans(n_clusters=3, halflife=0.4, sigma=3, seed=0)


MODELS: dict[str, Any] = {
    "stable": StableClusters,
    "stable in a pipeline": lambda: compose.SelectType(float) | StableClusters(),
    "k-means": lambda: cluster.KMeans(n_clusters=3, halflife=0.4, sigma=3, seed=0),
    "k-means in a pipeline": k_means,
    "dbstream": lambda: cluster.DBSTREAM(clustering_threshold=3.0),
}


@pytest.mark.parametrize("name", MODELS)
def test_predicts_what_the_model_predicts(name: str) -> None:
    model = MODELS[name]()
    for x in blobs(300):
        prediction = TASK.predict(model, x)
        if prediction is not None:
            assert prediction.cluster == model.predict_one(x)
            assert prediction.second_distance is None or (
                prediction.distance <= prediction.second_distance
            )
        TASK.learn(model, x, None)
    last = TASK.predict(model, x)
    assert last is not None and last.clusters >= 2
    assert msgspec.convert(msgspec.to_builtins(last), ClusterPrediction) == last


def test_knows_nothing_before_it_has_learnt() -> None:
    assert TASK.predict(StableClusters(), {"x": 1.0}) is None


def test_clusters_without_names_have_numbers() -> None:
    model = MODELS["dbstream"]()
    for x in blobs(100):
        model.learn_one(x)
    prediction = TASK.predict(model, x)
    assert prediction is not None
    assert prediction.name == f"cluster {prediction.cluster}"
    assert prediction.micro_clusters == len(model.micro_clusters)


def test_error_is_the_distance_as_a_part_of_the_next_one() -> None:
    assert TASK.error(None, said(1.0, 4.0)) == 0.25
    assert TASK.error(None, said(0.0, 0.0)) == 0.0
    assert TASK.error(None, said(3.0, None)) == 0.0


def test_there_are_no_labels() -> None:
    TASK.check_label(None)
    with pytest.raises(EventError, match="clusters have no labels"):
        TASK.check_label(1)


def test_only_the_silhouette_of_river_is_better_when_smaller() -> None:
    assert TASK.maximize("Silhouette") and TASK.maximize("TimeRollingSilhouette")
    assert not TASK.maximize("RiverSilhouette")


def test_nothing_is_defined_before_the_first_prediction() -> None:
    assert TASK.metrics().values() == {}
    assert TASK.metrics().report() == {"cluster_counts": []}


def test_a_single_cluster_has_no_silhouette() -> None:
    measured = ClusteringMetrics()
    measured.update(None, ClusterPrediction(0, "all", 1.0, None, None, 1, 5), 0.0)
    assert measured.values() == {"n_clusters": 1.0, "n_micro_clusters": 5.0}


@given(st.lists(st.tuples(distances, distances), min_size=1, max_size=40))
def test_silhouettes_are_the_mean_of_the_textbook_and_within_its_bounds(
    pairs: list[tuple[float, float]],
) -> None:
    measured = ClusteringMetrics()
    for own, other in pairs:
        measured.update(None, said(own, other), 0.0)
    expected = [(b - a) / max(a, b) if max(a, b) else 0.0 for a, b in pairs]
    found = measured.values()
    assert found["Silhouette"] == pytest.approx(sum(expected) / len(expected), abs=1e-12)
    assert all(-1 <= found[name] <= 1 for name in found if name.endswith("gSilhouette"))


def test_silhouette_is_that_of_scikit_learn_where_a_cluster_is_a_point() -> None:
    points = [[0.0, 0.0]] * 3 + [[4.0, 3.0]] * 3 + [[9.0, 0.0]] * 2
    labels = [0, 0, 0, 1, 1, 1, 2, 2]
    centres = [points[labels.index(one)] for one in (0, 1, 2)]
    measured = ClusteringMetrics()
    for point, label in zip(points, labels, strict=True):
        ranked = sorted(math.dist(point, centre) for centre in centres)
        measured.update(None, said(ranked[0], ranked[1], ranked[-2], label), 0.0)
    expected = silhouette_samples(points, labels).mean()
    assert measured.values()["Silhouette"] == pytest.approx(expected)


@pytest.mark.parametrize("places", [2, 3, 5])
def test_river_says_the_same_of_the_same_centres(places: int) -> None:
    model, measured, river = StableClusters(), ClusteringMetrics(), metrics.Silhouette()
    for x in blobs(600, seed=places, places=places):
        prediction = TASK.predict(model, x)
        if prediction is not None:
            measured.update(None, prediction, 0.0)
            river.update(model.scaled_one(x), prediction.cluster, model.centers)
        model.learn_one(x)
    assert measured.values()["RiverSilhouette"] == pytest.approx(river.get())


def test_rolling_silhouette_is_that_of_the_last_thousand() -> None:
    rng = random.Random(3)
    measured, last = ClusteringMetrics(), ClusteringMetrics()
    made = [said(rng.random(), 1 + rng.random()) for _ in range(2500)]
    for number, prediction in enumerate(made):
        measured.update(None, prediction, 0.0)
        if number >= 1500:
            last.update(None, prediction, 0.0)
    assert measured.values()["RollingSilhouette"] == pytest.approx(last.values()["Silhouette"])


def test_time_rolling_silhouette_is_that_of_the_last_five_minutes() -> None:
    measured = ClusteringMetrics()
    for second, own in ((0, 2.0), (200, 1.0), (299, 1.0)):
        measured.update(None, said(own, 2.0), float(second))
    assert measured.values()["TimeRollingSilhouette"] == pytest.approx(1 / 3)
    measured.update(None, said(1.0, 2.0), PERIOD_SECONDS)
    assert measured.values()["TimeRollingSilhouette"] == pytest.approx(0.5)


def test_report_counts_predictions_by_cluster() -> None:
    measured = ClusteringMetrics()
    for number in (2, 0, 2):
        measured.update(None, said(cluster=number), 0.0)
    assert measured.report() == {
        "cluster_counts": [
            {"cluster": 0, "name": "kind 0", "count": 1},
            {"cluster": 2, "name": "kind 2", "count": 2},
        ]
    }


def test_state_is_bounded_however_many_clusters_come_and_go() -> None:
    measured = ClusteringMetrics()
    for number in range(12_000):
        measured.update(None, said(cluster=number), number / 1000)
    size = len(pickle.dumps(measured))
    for number in range(12_000, 24_000):
        measured.update(None, said(cluster=number), number / 1000)
    assert len(pickle.dumps(measured)) < 1.1 * size
    assert len(measured.report()["cluster_counts"]) == MOST_CLUSTERS


def test_pickle_goes_on_as_the_original_does() -> None:
    original = ClusteringMetrics()
    for number in range(1200):
        original.update(None, said(number % 7, 8.0), float(number))
    restored = pickle.loads(pickle.dumps(original))  # noqa: S301
    for number in range(1200, 1500):
        original.update(None, said(number % 5, 8.0), float(number))
        restored.update(None, said(number % 5, 8.0), float(number))
    assert restored.values() == original.values()
