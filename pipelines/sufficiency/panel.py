"""The panel: what is known today, as arrays that the method reads. Axes are always need, age or phase, health place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.sufficiency.drift import HORIZON, WINDOW

SPECIALIST = ("special", "specialist_base", "independent")
UNKNOWN = "unknown"
LAST_AGE = 25
# Phase -> ages on 31 August. Ages past 25, of plans that run to the end of the year, count with the last.
PHASES = {"early_years": range(0, 5), "primary": range(5, 11), "secondary": range(11, 16), "post_16": range(16, 26)}

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rows = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class Panel:
    """One authority's plans, people and places. The last need, age (26) and place may be `unknown`.

    plans, specialist: children by need x age x health place today; specialist is the part in specialist places.
    population: residents by age x health place x horizon (0 today to 5); unknown ages and places hold the sums.
    past_population: residents three years ago over residents today.
    stock: plans by need x years back (0 to 3) as start and cease dates tell.
    ceased: plans that ceased within a year of each of those days, all needs; first entry (today) is zero.
    places: reliable specialist places by need x phase x health place x horizon.
    """

    reference: date
    needs: tuple[str, ...]
    health_places: tuple[str, ...]
    plans: Ints
    specialist: Ints
    population: Floats
    past_population: float
    stock: Floats
    ceased: Floats
    places: Floats

    @property
    def phases(self) -> tuple[str, ...]:
        """Codes of the phase axis; the last is for children whose age is not known."""
        return (*PHASES, UNKNOWN)


def academic_year(day: date) -> int:
    """The January that names the academic year a day falls in, as capacity rows do: 2025-09-01 is 2026."""
    return day.year + (day.month >= 9)


def by_phase(by_age: NDArray[Any]) -> NDArray[Any]:
    """Sum the age axis (second, 27 long) into phases; keeps all other axes."""
    parts = [by_age[:, ages.start : ages.stop].sum(axis=1) for ages in PHASES.values()]
    return np.stack([*parts, by_age[:, LAST_AGE + 1]], axis=1)


def panel_from_rows(reference: date, *, plans: Rows, history: Rows, population: Rows, capacity: Rows) -> Panel:
    """Arrays from the rows of sql/marts/sufficiency_gap/*.sql. Codes are sorted; `unknown` comes last."""
    plans, history, population, capacity = list(plans), list(history), list(population), list(capacity)
    needs = _codes(row["need_code"] for row in [*plans, *history, *capacity])
    health_places = _codes(row["health_place_code"] for row in [*plans, *population, *capacity])
    need = {code: at for at, code in enumerate(needs)}
    place = {code: at for at, code in enumerate(health_places)}
    phase = {code: at for at, code in enumerate((*PHASES, UNKNOWN))}

    counts = np.zeros((2, len(needs), LAST_AGE + 2, len(health_places)), dtype=np.int64)
    for row in plans:
        age = LAST_AGE + 1 if row["age"] is None else min(max(row["age"], 0), LAST_AGE)
        where = need[row["need_code"]], age, place[row["health_place_code"]]
        counts[(0, *where)] += row["plans"]
        counts[(1, *where)] += row["specialist"]

    stock, ceased = np.zeros((len(needs), WINDOW + 1)), np.zeros(WINDOW + 1)
    for row in history:
        stock[need[row["need_code"]], row["years_back"]] += row["plans"]
        ceased[row["years_back"]] += row["ceased_within_year"]

    places = np.zeros((len(needs), len(phase), len(health_places), HORIZON + 1))
    for row in capacity:
        at = need[row["need_code"]], phase[row["phase_code"]], place[row["health_place_code"]], row["horizon_years"]
        places[at] += row["places"]

    residents, past = _population(reference.year, population, place)
    return Panel(reference, needs, health_places, counts[0], counts[1], residents, past, stock, ceased, places)


def _codes(found: Iterable[str]) -> tuple[str, ...]:
    codes = set(found)
    return (*sorted(codes - {UNKNOWN}), *(codes & {UNKNOWN}))


def _population(year: int, rows: Rows, place: Mapping[str, int]) -> tuple[Floats, float]:
    """Residents by age x place x horizon, and those of three years ago over today's.

    A year the file does not have is the nearest one it has.
    """
    rows = list(rows)
    years = sorted({row["year"] for row in rows})
    full = np.zeros((LAST_AGE + 2, len(place), len(years)))
    for row in rows:
        full[row["age"], place[row["health_place_code"]], years.index(row["year"])] += row["residents"]
    if UNKNOWN in place:
        full[:, place[UNKNOWN]] = full.sum(axis=1)
    full[LAST_AGE + 1] = full.sum(axis=0)

    def nearest(wanted: int) -> int:
        return min(range(len(years)), key=lambda at: (abs(years[at] - wanted), at))

    ahead = full[:, :, [nearest(year + step) for step in range(HORIZON + 1)]]
    known = full[LAST_AGE + 1, [at for code, at in place.items() if code != UNKNOWN]].sum(axis=0)
    now, then = known[nearest(year)], known[nearest(year - WINDOW)]
    return ahead, float(then / now) if now and then else 1.0
