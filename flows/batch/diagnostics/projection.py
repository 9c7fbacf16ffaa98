"""Many columns on a plane."""

from __future__ import annotations

from collections.abc import Sequence

from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from flows.batch.diagnostics.thin import told
from flows.batch.preparing import SEED
from flows.batch.table import Floats
from flows.batch.task import Json

PERPLEXITY = 30.0


def pca(points: Floats, classes: Sequence[str]) -> Json:
    """The plane on which points are spread most; `explained`: shares of the variance."""
    axes = min(2, *points.shape)
    model = PCA(axes, random_state=SEED).fit(points)
    found = model.transform(points)
    return {
        "x": told(found[:, 0]),
        "y": told(found[:, 1]) if axes > 1 else [0.0] * len(points),
        "class": list(classes),
        "explained": told(model.explained_variance_ratio_),
    }


def tsne(points: Floats, classes: Sequence[str]) -> Json:
    """A plane on which neighbours stay neighbours; van der Maaten and Hinton (2008)."""
    perplexity = min(PERPLEXITY, max(2.0, (len(points) - 1) / 4))
    found = TSNE(2, perplexity=perplexity, init="pca", random_state=SEED).fit_transform(points)
    return {"x": told(found[:, 0]), "y": told(found[:, 1]), "class": list(classes)}
