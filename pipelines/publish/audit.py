"""Can a suppressed count be worked out from what is published? A linear-programming attacker tries.

The attacker knows the released cells, the rule, and which cells add up to which totals. A cell `c` lies in 1 to 7, a
rounded cell within 2 of its value (and not in 1 to 7), `x` anywhere. For each small cell two linear programmes over all
cells that hang together find the range left; a range narrower than 1 to 7 is a disclosure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from pipelines.errors import DataFault, SystemFault
from pipelines.publish.disclosure import BASE, CONFIDENTIAL, NOT_AVAILABLE, SMALL

HALF = BASE // 2
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Relation:
    """A total and its parts, as positions in the table of cells. Exact parts add up to it; others stay within it."""

    total: int
    parts: tuple[int, ...]
    is_exact: bool = True

    @property
    def cells(self) -> tuple[int, ...]:
        """Total and parts."""
        return (self.total, *self.parts)


def bounds(cells: pd.DataFrame) -> np.ndarray:
    """Lowest and highest count each released cell can stand for (cells x 2), from `value` and `symbol` alone."""
    value = cells["value"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    low = np.where(value > 0, np.maximum(value - HALF, SMALL[1] + 1), 0.0)
    high = np.where(value > 0, value + HALF, 0.0)
    is_c = cells["symbol"].eq(CONFIDENTIAL).fillna(False).to_numpy(dtype=bool)
    is_x = cells["symbol"].notna().to_numpy() & ~is_c
    low, high = np.where(is_c, SMALL[0], low), np.where(is_c, SMALL[1], high)
    return np.column_stack([np.where(is_x, 0.0, low), np.where(is_x, np.inf, high)])


def narrowed(cells: pd.DataFrame, relations: Sequence[Relation]) -> list[int]:
    """Positions of small cells whose range the release narrows below 1 to 7.

    cells: `value`, `symbol`, and `count`, the exact number, which only says which cells are small.
    """
    limits = bounds(cells)
    is_small = cells["count"].between(*SMALL).fillna(False).to_numpy(dtype=bool)
    equal, within = _matrix(relations, len(cells), exact=True), _matrix(relations, len(cells), exact=False)
    links = abs(equal).T @ abs(equal) + abs(within).T @ abs(within)
    _, group = connected_components(links, directed=False)
    found: list[int] = []
    for part in np.unique(group[is_small]):
        inside = np.flatnonzero(group == part)
        if len(inside) > 1:
            found += _narrowed_within(inside, limits, equal, within, inside[is_small[inside]])
    return found


def _matrix(relations: Sequence[Relation], width: int, *, exact: bool) -> csr_array:
    """One row per relation of a kind: parts less total."""
    chosen = [relation for relation in relations if relation.is_exact == exact]
    rows = np.repeat(np.arange(len(chosen)), [len(relation.cells) for relation in chosen])
    columns = np.array([at for relation in chosen for at in relation.cells], dtype=int)
    signs = np.array([sign for relation in chosen for sign in (-1.0, *(1.0 for _ in relation.parts))])
    return csr_array((signs, (rows, columns)), shape=(len(chosen), width))


def _narrowed_within(
    inside: np.ndarray, limits: np.ndarray, equal: csr_array, within: csr_array, small: np.ndarray
) -> list[int]:
    own = [matrix[:, inside] for matrix in (equal, within)]
    own = [matrix[np.flatnonzero(abs(matrix).sum(axis=1))] for matrix in own]
    constraints: dict[str, Any] = {}
    if own[0].shape[0]:
        constraints |= {"A_eq": own[0], "b_eq": np.zeros(own[0].shape[0])}
    if own[1].shape[0]:
        constraints |= {"A_ub": own[1], "b_ub": np.zeros(own[1].shape[0])}
    found = []
    for cell in small:
        aim = (inside == cell).astype(float)
        lowest, highest = (_solve(sign * aim, constraints, limits[inside]) for sign in (1, -1))
        if lowest > SMALL[0] + TOLERANCE or -highest < SMALL[1] - TOLERANCE:
            found.append(int(cell))
    return found


def _solve(aim: np.ndarray, constraints: dict[str, Any], limits: np.ndarray) -> float:
    answer = linprog(aim, bounds=limits, method="highs", **constraints)
    if answer.status == 3:  # unbounded: the attacker learns nothing on this side
        return -np.inf
    if answer.status != 0:
        raise SystemFault(f"the disclosure audit could not be solved: HiGHS status {answer.status}")
    return float(answer.fun)


def protect(cells: pd.DataFrame, relations: Sequence[Relation]) -> pd.DataFrame:
    """Withhold further cells (`x`) until no small cell is narrowed: per narrowed cell the smallest open part of a total
    it belongs to, else the total. Returns new cells; does not promise success, `check` says.
    """
    cells = cells.copy()
    while findings := narrowed(cells, relations):
        chosen = {at for cell in findings if (at := _next(cell, cells, relations)) is not None}
        if not chosen:
            return cells
        where = cells.index[sorted(chosen)]
        cells.loc[where, "value"], cells.loc[where, "symbol"] = pd.NA, NOT_AVAILABLE
    return cells


def _next(cell: int, cells: pd.DataFrame, relations: Sequence[Relation]) -> int | None:
    count, symbol = cells["count"].to_numpy(dtype=float), cells["symbol"].to_numpy()
    for relation in relations:
        if cell not in relation.cells:
            continue
        still = [at for at in relation.cells if at != cell and symbol[at] is pd.NA and count[at] > 0]
        parts = [at for at in still if at != relation.total]
        if parts or still:
            return min(parts or still, key=lambda at: (count[at], at))
    # Only small cells are left in every total: withhold the totals themselves.
    totals = [relation.total for relation in relations if cell in relation.parts]
    return next((at for at in totals if symbol[at] == CONFIDENTIAL), None)


def check(cells: pd.DataFrame, relations: Sequence[Relation]) -> dict[str, int]:
    """The audit of a release: counts for the record, or a DataFault where a small cell is not protected."""
    findings = narrowed(cells, relations)
    if findings:
        raise DataFault(
            "PUB-001",
            f"the disclosure audit found {len(findings)} small counts whose range the release narrows; nothing was "
            "written. Publish fewer breakdowns, or merge small categories.",
        )
    return {
        "cells": len(cells),
        "relations": len(relations),
        "confidential": int(cells["symbol"].eq(CONFIDENTIAL).sum()),
        "withheld": int(cells["symbol"].eq(NOT_AVAILABLE).sum()),
    }
