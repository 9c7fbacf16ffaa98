"""Points by the million in the colours of their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from datashader import transfer_functions


def shaded(cells: Mapping[str, Any], colours: Mapping[str, str]) -> list[Any]:
    """Red, green, blue and opacity, each between 0 and 1, of cells by kind: arrays of counts of one
    shape, in which no rows are NaN. A cell's colour is its kinds' mixture, its opacity by rank."""
    names = list(cells)
    counts = np.stack([np.nan_to_num(cells[name]) for name in names], axis=-1).astype("uint32")
    stacked = xr.DataArray(counts, dims=["y", "x", "kind"], coords={"kind": names})
    picture = transfer_functions.shade(
        stacked, color_key={name: colours[name] for name in names}, how="eq_hist", min_alpha=60
    )
    told = picture.to_numpy().view("uint8").reshape(*picture.shape, 4) / 255
    return [told[..., channel] for channel in range(4)]
