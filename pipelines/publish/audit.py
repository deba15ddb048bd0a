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

from pipelines.errors import SystemFault
from pipelines.extract import fault
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


class Attacker:
    """Who knows what adds up to what, and solves for one cell at a time within the cells that hang together."""

    def __init__(self, width: int, relations: Sequence[Relation]) -> None:
        self.equal = _matrix([relation for relation in relations if relation.is_exact], width)
        self.within = _matrix([relation for relation in relations if not relation.is_exact], width)
        links = abs(self.equal).T @ abs(self.equal) + abs(self.within).T @ abs(self.within)
        _, self.group = connected_components(links, directed=False)
        self.parts: dict[int, tuple[np.ndarray, dict[str, Any]]] = {}

    def range_of(self, cell: int, limits: np.ndarray) -> tuple[float, float]:
        """The lowest and highest count the cell can have, given the limits (cells x 2) of all."""
        return self._solve(cell, limits, 1)[0], -self._solve(cell, limits, -1)[0]

    def gives_away(self, cell: int, limits: np.ndarray) -> bool:
        """Whether a small cell's range is narrower than the rule's own."""
        return self.what_narrows(cell, limits) is not None

    def what_narrows(self, cell: int, limits: np.ndarray) -> np.ndarray | None:
        """Cells whose limits keep a small cell's range narrower than the rule's own; None where it is not.

        They are read from the programme's dual values: were the limits of any of them wider, so were the range.
        """
        highest, binding = self._solve(cell, limits, -1)
        if -highest >= SMALL[1] - TOLERANCE:
            lowest, binding = self._solve(cell, limits, 1)
            if lowest <= SMALL[0] + TOLERANCE:
                return None
        return binding[binding != cell]

    def _solve(self, cell: int, limits: np.ndarray, sign: int) -> tuple[float, np.ndarray]:
        """The least of sign x cell, and the cells whose limits hold it there."""
        inside, constraints = self._part(self.group[cell])
        answer = linprog(sign * (inside == cell), bounds=limits[inside], method="highs", **constraints)
        if answer.status == 3:  # unbounded: the attacker learns nothing on this side
            return -np.inf, inside[:0]
        if answer.status != 0:
            raise SystemFault(f"the disclosure audit could not be solved: HiGHS status {answer.status}")
        weight = np.abs(answer.lower.marginals) + np.abs(answer.upper.marginals)
        return float(answer.fun), inside[weight > TOLERANCE]

    def _part(self, group: int) -> tuple[np.ndarray, dict[str, Any]]:
        if group not in self.parts:
            inside = np.flatnonzero(self.group == group)
            constraints: dict[str, Any] = {}
            for name, matrix in (("eq", self.equal), ("ub", self.within)):
                own = matrix[:, inside]
                own = own[np.flatnonzero(abs(own).sum(axis=1))]
                if own.shape[0]:
                    constraints |= {f"A_{name}": own, f"b_{name}": np.zeros(own.shape[0])}
            self.parts[group] = inside, constraints
        return self.parts[group]


def _matrix(relations: Sequence[Relation], width: int) -> csr_array:
    """One row per relation: parts less total."""
    rows = np.repeat(np.arange(len(relations)), [len(relation.cells) for relation in relations])
    columns = np.array([at for relation in relations for at in relation.cells], dtype=int)
    signs = np.array([sign for relation in relations for sign in (-1.0, *(1.0 for _ in relation.parts))])
    return csr_array((signs, (rows, columns)), shape=(len(relations), width))


def narrowed(cells: pd.DataFrame, relations: Sequence[Relation]) -> list[int]:
    """Positions of small cells whose range the release narrows below 1 to 7.

    cells: `value`, `symbol`, and `count`, the exact number, which only says which cells are small.
    """
    attacker, limits = Attacker(len(cells), relations), bounds(cells)
    return [cell for cell in _small(cells) if attacker.gives_away(cell, limits)]


def _small(cells: pd.DataFrame) -> list[int]:
    is_small = cells["count"].between(*SMALL).fillna(False).to_numpy(dtype=bool)
    return [int(at) for at in np.flatnonzero(is_small)]


def protect(cells: pd.DataFrame, relations: Sequence[Relation]) -> pd.DataFrame:
    """Withhold further cells (`x`), few and small ones first, until no small cell is narrowed.

    One narrowed cell after another: of the cells that narrow it rather an open one than a small one, then by `rank`
    (what readers would miss least comes first), then the smallest. To withhold never narrows another cell, so one pass
    over the small cells will do. Returns new cells; `check` says whether they hold.
    """
    attacker, limits = Attacker(len(cells), relations), bounds(cells)
    count, rank = cells["count"].to_numpy(dtype=float, na_value=np.nan), cells["rank"].to_numpy()
    withheld: list[int] = []
    for cell in _small(cells):
        while (narrowing := attacker.what_narrows(cell, limits)) is not None:
            choices = [int(at) for at in narrowing if at not in withheld and count[at] > 0]
            if not choices:
                break
            withheld.append(min(choices, key=lambda at: (count[at] <= SMALL[1], rank[at], count[at])))
            limits[withheld[-1]] = 0.0, np.inf
    where = cells.index[sorted(withheld)]
    cells = cells.copy()
    cells.loc[where, "value"], cells.loc[where, "symbol"] = pd.NA, NOT_AVAILABLE
    return cells


def check(cells: pd.DataFrame, relations: Sequence[Relation]) -> dict[str, int]:
    """The audit of a release: counts for the record, or a DataFault where a small cell is not protected."""
    findings = narrowed(cells, relations)
    if findings:
        raise fault("PUB-001", count=len(findings))
    return {
        "cells": len(cells),
        "relations": len(relations),
        "confidential": int(cells["symbol"].eq(CONFIDENTIAL).sum()),
        "withheld": int(cells["symbol"].eq(NOT_AVAILABLE).sum()),
    }
