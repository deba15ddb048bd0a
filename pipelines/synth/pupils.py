"""Pupils on roll on the census day, with their SEN status, attendance and suspensions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from pipelines.synth.clock import Clock
from pipelines.synth.draw import DAY, Array, Columns, Draws, as_day, pick, some_day, weighted_sample, where
from pipelines.synth.people import age_on, starting_school_year

NC_YEARS = {3: "N2", 4: "R", **{age: str(age - 4) for age in range(5, 19)}}
IN_CENSUS = ("mainstream", "base", "special", "alternative")
ABSENCE = {"I": 0.46, "O": 0.28, "M": 0.09, "C": 0.05, "N": 0.07, "G": 0.03, "E": 0.02}
REASONS = {"DB": 0.52, "PP": 0.16, "VA": 0.16, "PA": 0.05, "VP": 0.03, "DM": 0.03, "OW": 0.02, "DA": 0.02, "BU": 0.01}
OF_STATUS = {"N": (1.0, 1.0), "K": (1.35, 2.6), "E": (1.6, 3.2)}  # absence, suspensions


def pupils(
    draws: Draws,
    area: Mapping[str, Any],
    clock: Clock,
    person: Columns,
    case: Columns,
    placement: Columns,
    schools: Columns,
) -> Columns:
    """`pupil`: one row per child on roll, with status N, K or E, the school, and a second one where dual registered."""
    rng = draws.stream("pupils")
    age = age_on(person["birth"], date(clock.census_day.year - 1, 8, 31))
    school, with_plan = _schools_of_plans(clock, person, case, placement, age)
    share = np.select(
        [age == 3, (age >= 4) & (age <= 15), (age == 16) | (age == 17)],
        [area["pupils"]["nursery"], area["pupils"]["reception_to_11"], area["pupils"]["sixth_form"]],
        0.0,
    )
    on_roll = np.where(with_plan, school != -1, rng.random(len(age)) < share) & (age >= 3) & (age <= 18)
    at = np.flatnonzero(on_roll)
    kind = np.where(age[at] <= 10, "primary", "secondary").astype(object)
    chosen = np.where(school[at] >= 0, school[at], _local_schools(rng, person["place"][at], kind, schools))
    status = _status(rng, area, person, at, with_plan[at], age[at])
    entered = np.where(kind == "primary", np.where(age[at] == 3, 3, 4), np.where(age[at] >= 16, 16, 11))
    kind = schools["kind"][chosen]
    fewest, most = area["sessions_possible"]
    return {
        "person": at.astype(np.int32),
        "school": chosen.astype(np.int32),
        "second_school": _second(rng, area, kind, schools),
        "school_kind": kind,
        "nc_year": np.array([NC_YEARS[a] for a in age[at].tolist()], dtype=object),
        "age": age[at].astype(np.int32),
        "status": status,
        "is_told": rng.random(len(at)) < area["register_of_support"],
        "entered_on": starting_school_year(person["birth"][at], entered) + rng.integers(0, 5, len(at)) * DAY,
        "sessions": rng.integers(fewest, most, len(at)).astype(np.int32),
    }


def _schools_of_plans(
    clock: Clock, person: Columns, case: Columns, placement: Columns, age: Array
) -> tuple[Array, Array]:
    """For children with a plan on the census day: their school, -2 for one to be chosen, -1 for none in the census."""
    day = as_day(clock.census_day)
    by_case = {number: at for at, number in enumerate(case["case_number"].tolist())}
    at = np.array([by_case[number] for number in placement["case_number"].tolist()], dtype=int)
    active = (case["started_on"][at] <= day) & ~(case["ceased_on"][at] <= day)
    who = placement["person"][active]
    kind, school = placement["placement"][active], placement["school"][active]
    now_secondary = np.isin(placement["phase"][active], ["secondary", "post_16"])
    other_phase = np.isin(kind, ["mainstream", "base"]) & (now_secondary != (age[who] > 10))
    found, with_plan = np.full(len(age), -2), np.zeros(len(age), dtype=bool)
    found[who] = np.where(np.isin(kind, IN_CENSUS), np.where(other_phase, -2, school), -1)
    with_plan[who] = True
    return found, with_plan


def _local_schools(rng: np.random.Generator, place: Array, kind: Array, schools: Columns) -> Array:
    found = np.zeros(len(place), dtype=np.int32)
    for name in ("primary", "secondary"):
        for side in np.unique(place):
            own = np.flatnonzero((kind == name) & (place == side))
            local = schools["school"][(schools["kind"] == name) & (schools["place"] == side)]
            found[own] = rng.choice(local, len(own))
    return found


def _status(
    rng: np.random.Generator, area: Mapping[str, Any], person: Columns, at: Array, with_plan: Array, age: Array
) -> Array:
    status = np.full(len(at), "N", dtype=object)
    status[with_plan] = "E"
    fits = np.flatnonzero(~with_plan & (age >= 4))
    weight = np.where(person["sex"][at[fits]] == "M", 1.6, 1.0) * np.where(person["decile"][at[fits]] <= 2, 1.3, 1.0)
    status[weighted_sample(rng, fits, weight, round(area["support_share_of_pupils"] * len(at)))] = "K"
    return status


def _second(rng: np.random.Generator, area: Mapping[str, Any], kind: Array, schools: Columns) -> Array:
    """The second registration of some secondary pupils, with the alternative provider; -1 for none."""
    other = schools["school"][schools["kind"] == "alternative"][0]
    dual = (kind == "secondary") & (rng.random(len(kind)) < 2 * area["dual_registered"])
    return np.where(dual, other, -1).astype(np.int32)


def attendance(draws: Draws, area: Mapping[str, Any], pupil: Columns, decile: Array) -> Columns:
    """`session`: half days of the autumn term by attendance code, present and absent; adds up to the possible ones."""
    rng = draws.stream("attendance")
    size = len(pupil["person"])
    mean = np.array([area["absence_pct"][kind] for kind in pupil["school_kind"]]) / 100
    mean *= np.array([OF_STATUS[status][0] for status in pupil["status"]]) * np.where(decile <= 2, 1.2, 0.88)
    share = np.minimum(mean * rng.gamma(0.9, 1 / 0.9, size) * 0.93, 0.95)
    absent = np.round(share * pupil["sessions"]).astype(int)
    present = pupil["sessions"] - absent
    counts = np.column_stack([(present + 1) // 2, present // 2, rng.multinomial(absent, list(ABSENCE.values()))])
    codes = np.array(["/", "\\", *ABSENCE], dtype=object)
    row, code = np.nonzero(counts)
    return {"person": pupil["person"][row], "code": codes[code], "sessions": counts[row, code].astype(np.int32)}


def suspensions(draws: Draws, area: Mapping[str, Any], clock: Clock, pupil: Columns) -> Columns:
    """`suspension`: those of the autumn term before the census."""
    rng = draws.stream("suspensions")
    rate = np.array([area["suspended_per_100"][kind] for kind in pupil["school_kind"]]) / 300
    rate *= np.array([OF_STATUS[status][1] for status in pupil["status"]]) * 0.75
    row = np.repeat(np.arange(len(rate)), rng.poisson(rate))
    year = clock.census_day.year - 1
    reason = pick(rng, REASONS, len(row))
    second = pick(rng, REASONS, len(row))
    return {
        "person": pupil["person"][row],
        "started_on": some_day(rng, as_day(date(year, 9, 8)), as_day(date(year, 12, 17)), len(row)),
        "sessions": rng.integers(1, 11, len(row)).astype(np.int32),
        "category": np.where(rng.random(len(row)) < 0.008, "PERM", "SUSP").astype(object),
        "reason": reason,
        "second_reason": where((rng.random(len(row)) < 0.2) & (second != reason), second),
    }
