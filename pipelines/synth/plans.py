"""Requests, assessments, EHC plans and the places named in them, with all their days, past and to come.

Days after the extract are drawn too: an extract shows what had happened by its own day, so the open cases of today are
those whose decision lies ahead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.synth.clock import Clock
from pipelines.synth.draw import (
    DAY,
    NONE,
    Array,
    Columns,
    Draws,
    as_day,
    in_order,
    pick,
    shared_out,
    some_day,
    weighted_sample,
    where,
)
from pipelines.synth.people import age_on, band_of, starting_school_year

AHEAD = 400 * DAY  # longest time from a request to its plan
YOUNGEST_START = 840 * DAY
PHASES = {"early_years": (0, 4), "primary": (5, 10), "secondary": (11, 15), "post_16": (16, 30)}
PHASE_BEGINS = {"early_years": 2, "primary": 4, "secondary": 11, "post_16": 16}


def plans(draws: Draws, area: Mapping[str, Any], clock: Clock, person: Columns, scale: float) -> dict[str, Columns]:
    """`plan_case`: one row per request, with its plan where one came of it."""
    rng = draws.stream("plans")
    spells, taken = _spells(rng, area, clock, person, scale)
    refused = _without_plan(rng, area, clock, person, taken, scale)
    columns = {name: np.concatenate([spells[name], refused[name]]) for name in refused}
    size = len(columns["person"])
    order = np.argsort(columns["received_on"], kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    about = area["requests"]
    columns["source"] = pick(rng, about["sources"], size)
    columns["is_exception"] = rng.random(size) < about["exception"]
    columns["is_mediated"] = rng.random(size) < about["mediation"]
    columns["is_tribunal"] = rng.random(size) < about["tribunal"]
    columns["case_number"] = np.arange(1, size + 1, dtype=np.int32)
    last_review = some_day(rng, as_day(clock.month_end) - 365 * DAY, as_day(clock.month_end), size)
    columns["reviewed_on"] = np.where(rng.random(size) < area["review_held"], last_review, last_review - 365 * DAY)
    columns["cease_reason"] = _cease_reasons(rng, area, columns["ceased_on"], person["birth"][columns["person"]])
    return {"plan_case": columns}


def _cease_reasons(rng: np.random.Generator, area: Mapping[str, Any], ceased: Array, birth: Array) -> Array:
    reason = pick(rng, area["cease_reasons"], len(ceased))
    reason[(ceased - birth).astype(int) >= 25 * 365.25] = "1"
    reason[np.isnat(ceased)] = None
    return reason


def _spells(
    rng: np.random.Generator, area: Mapping[str, Any], clock: Clock, person: Columns, scale: float
) -> tuple[Columns, Array]:
    """Plans whose number on each January is that of the area, and the children who have them (all taken)."""
    start, cease = _timeline(rng, area, clock, scale)
    january = as_day(clock.census_day)
    ended, coming = ~np.isnat(cease) & (cease <= january), start > january
    groups = (
        (~ended & ~coming, area["plans_by_age"], january),
        (ended, area["ceased_plans_by_age"], january),
        (coming, area["new_plans_by_age"], as_day(clock.month_end)),
    )
    who = np.full(len(start), -1)
    free = np.ones(len(person["birth"]), dtype=bool)
    for chosen, bands, day in groups:
        spell = np.flatnonzero(chosen)
        children = _children(rng, area, person, free, bands, day, len(spell))
        free[children] = False
        spell = spell[np.argsort(start[spell], kind="stable")][::-1][: len(children)]
        young_first = np.argsort(-person["birth"][children].astype(int) + rng.normal(0, 900, len(children)))
        who[spell] = children[young_first]
    kept = who >= 0
    start, cease, who = start[kept], cease[kept], who[kept]
    earliest = person["birth"][who] + YOUNGEST_START
    before_end = np.where(np.isnat(cease), january, np.minimum(cease - 120 * DAY, january))
    latest = np.where(start > january, start, before_end)
    start = np.where(start < earliest, some_day(rng, earliest, latest, len(start)), start)
    kept = (start >= earliest) & (start <= latest)
    return _requested(rng, area, who[kept], start[kept], cease[kept]), ~free


def _timeline(rng: np.random.Generator, area: Mapping[str, Any], clock: Clock, scale: float) -> tuple[Array, Array]:
    """Start and cease days of plans, year by year, so that the stock of each January is as given."""
    january = as_day(clock.census_day)
    targets = [round(count * scale) for count in area["plans_each_january"]]
    days = [january - round(365.25 * back) * DAY for back in range(len(targets) - 1, -1, -1)]
    start = some_day(rng, days[0] - 1500 * DAY, days[0], targets[0])
    cease = np.full(len(start), NONE)
    years_of = [*zip(days[:-1], days[1:], targets[1:], strict=True), (january, as_day(clock.as_of) + AHEAD, None)]
    for opening, closing, target in years_of:
        alive = np.flatnonzero(np.isnat(cease))
        years = (closing - opening).astype(int) / 365.25
        ceasing = rng.choice(alive, round(len(alive) * area["ceased_share_a_year"] * years), replace=False)
        cease[ceasing] = some_day(rng, opening + DAY, closing, len(ceasing))
        remain = len(alive) - len(ceasing)
        new = round(area["plans_started_a_year"] * scale * years) if target is None else max(target - remain, 0)
        start = np.append(start, some_day(rng, opening + DAY, closing, new))
        cease = np.append(cease, np.full(new, NONE))
    return start, cease


def _children(
    rng: np.random.Generator,
    area: Mapping[str, Any],
    person: Columns,
    free: Array,
    bands: Mapping[str, float],
    day: np.datetime64,
    size: int,
) -> Array:
    """Children to have plans: their ages as given, boys and deprived areas more often."""
    age = age_on(person["birth"], day)
    weight = np.where(person["sex"] == "M", area["boys_to_girls"], 1.0)
    weight *= np.where(person["decile"] <= 2, area["plan_weight_of_most_deprived"], 1.0)
    found = []
    edges = np.round(np.cumsum(list(bands.values())) / sum(bands.values()) * size).astype(int)
    for band, wanted in zip(bands, np.diff(np.concatenate([[0], edges])), strict=True):
        low, high = map(int, band.split("-"))
        fits = np.flatnonzero(free & (age >= max(low, 3)) & (age <= high))
        found.append(weighted_sample(rng, fits, weight[fits], int(wanted)))
    return np.concatenate(found)


def _requested(rng: np.random.Generator, area: Mapping[str, Any], who: Array, start: Array, cease: Array) -> Columns:
    """The request and the decisions that led to each plan."""
    size, about = len(who), area["requests"]
    soon = rng.random(size) < about["within_20_weeks"]
    taken = np.where(soon, rng.integers(100, 141, size), 141 + np.minimum(rng.exponential(70, size), 250).astype(int))
    received = start - taken.astype("timedelta64[D]")
    return {
        "person": who,
        "received_on": received,
        "decided_on": received + _to_decision(rng, about, size),
        "decision": np.full(size, "Y", dtype=object),
        "issued_on": start,
        "issue": np.full(size, "Y", dtype=object),
        "started_on": start,
        "ceased_on": cease,
    }


def _to_decision(rng: np.random.Generator, about: Mapping[str, Any], size: int) -> Array:
    soon = rng.random(size) < about["decided_in_6_weeks"]
    return np.where(soon, rng.integers(20, 43, size), rng.integers(43, 80, size)).astype("timedelta64[D]")


def _without_plan(
    rng: np.random.Generator, area: Mapping[str, Any], clock: Clock, person: Columns, taken: Array, scale: float
) -> Columns:
    """Requests that were refused or withdrawn, and assessments that ended without a plan."""
    about = area["requests"]
    assessed = area["plans_started_a_year"] * scale / (1 - about["not_issued"])
    requests = assessed / (1 - about["refused"] - about["withdrawn"])
    opening, closing = as_day(clock.activity_start) - 730 * DAY, as_day(clock.as_of)
    years = (closing - opening).astype(int) / 365.25
    shares = {"N": requests * about["refused"], "W": requests * about["withdrawn"], "Y": assessed * about["not_issued"]}
    age = age_on(person["birth"], opening)
    fits = np.flatnonzero(~taken & (age >= 2) & (age <= 16))
    weight = np.where(person["sex"][fits] == "M", area["boys_to_girls"], 1.0)
    who = rng.permutation(weighted_sample(rng, fits, weight, round(sum(shares.values()) * years)))
    decision = shared_out(rng, shares, len(who))
    received = some_day(rng, opening, closing, len(who))
    decided = received + _to_decision(rng, about, len(who))
    not_issued = decided + rng.integers(30, 90, len(who)).astype("timedelta64[D]")
    none = np.full(len(who), NONE)
    return {
        "person": who,
        "received_on": received,
        "decided_on": decided,
        "decision": decision,
        "issued_on": np.where(decision == "Y", not_issued, none),
        "issue": where(decision == "Y", "N"),
        "started_on": none,
        "ceased_on": none,
    }


def needs(draws: Draws, area: Mapping[str, Any], who: Array, birth: Array, kind: str) -> Columns:
    """Ranked needs of children with a plan or on support (`kind`): the mix as given, each need at its typical ages."""
    rng = draws.stream(f"needs of {kind}")
    mix = area["needs_of_plans" if kind == "plan" else "needs_of_support"]
    primary = in_order(rng, shared_out(rng, mix, len(who)), area["typical_age"], -birth.astype(int), 6.0)
    second = pick(rng, mix, len(who))
    has_second = (rng.random(len(who)) < area["second_need"][kind]) & (second != primary) & (second != "NSA")
    return {
        "person": np.concatenate([who, who[has_second]]).astype(np.int32),
        "need": np.concatenate([primary, second[has_second]]),
        "rank": np.repeat([1, 2], [len(who), int(has_second.sum())]).astype(np.int32),
        "kind": np.full(len(who) + int(has_second.sum()), kind, dtype=object),
    }


def phase_on(birth: Array, day: Any) -> Array:
    """The phase of a place by age on the last 31 August."""
    bands = {f"{low}-{high}": phase for phase, (low, high) in PHASES.items()}
    return band_of(age_on(birth, day), bands, "early_years")


def placements(
    draws: Draws, area: Mapping[str, Any], clock: Clock, person: Columns, case: Columns, need: Columns, schools: Columns
) -> Columns:
    """`placement`: the place named in each plan: kind, phase, and the school where it is one."""
    rng = draws.stream("placements")
    at = np.flatnonzero(~np.isnat(case["started_on"]))
    who = case["person"][at]
    phase = phase_on(person["birth"][who], clock.age_day)
    first = dict(zip(need["person"][need["rank"] == 1].tolist(), need["need"][need["rank"] == 1], strict=True))
    primary = np.array([first[child] for child in who.tolist()], dtype=object)
    weight = np.array([area["special_needs"][code] for code in primary])
    kind = np.empty(len(who), dtype=object)
    for name, mix in area["placements"].items():
        own = np.flatnonzero(phase == name)
        special = weighted_sample(rng, own, weight[own], round(mix["special"] * len(own)))
        rest = np.setdiff1d(own, special)
        kind[special] = "special"
        kind[rest] = shared_out(rng, {k: share for k, share in mix.items() if k != "special"}, len(rest))
    begins = np.array([PHASE_BEGINS[name] for name in phase])
    return {
        "case_number": case["case_number"][at],
        "person": who.astype(np.int32),
        "phase": phase,
        "need": primary,
        "placement": kind,
        "school": _schools_of(rng, area, person["place"][who], kind, phase, primary, schools),
        "college": rng.choice(area["colleges"], len(who)).astype(object),
        "is_resourced": rng.random(len(who)) < 0.6,
        "phase_started": starting_school_year(person["birth"][who], begins),
    }


def _schools_of(
    rng: np.random.Generator,
    area: Mapping[str, Any],
    place: Array,
    kind: Array,
    phase: Array,
    need: Array,
    schools: Columns,
) -> Array:
    """The school of each place, in the child's own health place where it has one of that kind; -1 for none."""
    mainstream = np.where(np.isin(phase, ["secondary", "post_16"]), "secondary", "primary")
    wanted = np.where(np.isin(kind, ["mainstream", "base"]), mainstream, kind)
    found = np.full(len(kind), -1, dtype=np.int32)
    offset = np.array([area["schools_by_need"][code] for code in need])
    for name in np.unique(schools["kind"]):
        for side in np.unique(schools["place"]):
            own = np.flatnonzero((wanted == name) & (place == side))
            local = schools["school"][(schools["kind"] == name) & (schools["place"] == side)]
            local = local if len(local) else schools["school"][schools["kind"] == name]
            # Bases are few and large; special schools take the needs they are designated for.
            few = local[: max(1, len(local) // 6)]
            choice = np.where(kind[own] == "base", rng.choice(few, len(own)), rng.choice(local, len(own)))
            found[own] = np.where(kind[own] == "special", local[offset[own] % len(local)], choice)
    return found
