"""From paths to the rows of the mart: totals on every path first, then means and quantiles, then the gap."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.sufficiency.drift import HORIZON, INTERVAL_PCT
from pipelines.sufficiency.panel import Panel
from pipelines.sufficiency.simulate import Paths

ALL = "ALL"
METHOD = "rates_drift3_v1"
COLUMNS = (
    "time_period", "year", "horizon_years", "need_code", "phase_code", "health_place_code",
    "plans_count", "plans_low", "plans_high", "specialist_count", "specialist_low", "specialist_high",
    "places_reliable", "gap", "gap_low", "gap_high", "interval_pct", "method",
)  # fmt: skip
CELL_AXES = (-4, -3, -2)


def with_totals(cells: NDArray[Any]) -> NDArray[Any]:
    """Append the sum as a last entry along the need, phase and health place axes; other axes stay."""
    for axis in CELL_AXES:
        cells = np.concatenate([cells, cells.sum(axis=axis, keepdims=True)], axis=axis)
    return cells


def summarise(paths: NDArray[Any]) -> NDArray[np.float64]:
    """Mean, low and high over the first axis of paths (path x need x phase x place x horizon), with totals.

    The mean adds up over cells; the ends of the interval do not, and need not.
    """
    full = with_totals(paths)
    tail = (100 - INTERVAL_PCT) / 200
    low, high = np.quantile(full, [tail, 1 - tail], axis=0)
    return np.stack([full.mean(axis=0), low, high])


def rows_of(panel: Panel, paths: Paths) -> list[tuple[Any, ...]]:
    """Rows in the order of COLUMNS: every need x phase x health place x horizon, with ALL over each of them."""
    plans, specialist = summarise(paths.plans), summarise(paths.specialist)
    places = with_totals(panel.places)
    table = np.concatenate([plans, specialist, places[None], specialist - places])
    return list(_rows(panel, np.moveaxis(np.round(table, 2), 0, -1)))


def _rows(panel: Panel, table: NDArray[np.float64]) -> Iterator[tuple[Any, ...]]:
    codes = [(*axis, ALL) for axis in (panel.needs, panel.phases, panel.health_places)]
    for step in range(HORIZON + 1):
        head = (panel.reference, panel.reference.year + step, step)
        for at in product(*(range(len(axis)) for axis in codes)):
            values = table[(*at, step)].tolist()
            names = tuple(axis[index] for axis, index in zip(codes, at, strict=True))
            yield (*head, *names, *values, INTERVAL_PCT, METHOD)
