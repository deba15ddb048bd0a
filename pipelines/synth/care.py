"""Children known to social care: episodes of need, assessments, enquiries and protection plans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.synth.clock import Clock
from pipelines.synth.draw import DAY, NONE, Array, Columns, Draws, as_day, days, pick, some_day, weighted_sample, where
from pipelines.synth.people import age_on

ADULT = 18


def care(
    draws: Draws,
    area: Mapping[str, Any],
    clock: Clock,
    person: Columns,
    with_plan: Array,
    on_support: Array,
    need: Columns,
) -> dict[str, Columns]:
    """`known` (children with the day they became known), `episode` and `disability`.

    with_plan, on_support: whether each person has an EHC plan, or SEN support, on the last day of the social care year.
    """
    rng = draws.stream("social care")
    end = as_day(clock.case_year_end)
    age = age_on(person["birth"], end)
    cin = area["cin"]
    minors = int(((age >= 0) & (age < ADULT)).sum())
    wanted = round(cin["open_per_10000"] / 10_000 * minors)
    weight = np.where(person["decile"] <= 2, 2.2, 0.8) * np.where(person["is_adopted"], 0.0001, 1.0)
    free = person["birth"] < end - 60 * DAY
    open_ = _chosen(rng, cin, age, weight, free, with_plan, on_support, wanted, cin["plan_share_of_school_age"])
    free[open_] = False
    closing = round(wanted * cin["closed_in_year"])
    closed = _chosen(rng, cin, age, weight, free, with_plan, on_support, closing, cin["plan_share_of_closed"])
    free[closed] = False
    # A child's social care case ends with its adoption.
    adopted = np.flatnonzero(person["is_adopted"] & free & (rng.random(len(age)) < 0.8))
    episode = _episodes(rng, cin, end, person["birth"], open_, closed)
    fits = np.flatnonzero(free & (age <= 20) & ~person["is_adopted"])
    earlier = weighted_sample(rng, fits, weight[fits], round(area["known_before"] * len(age)))
    known = np.concatenate([open_, closed, adopted, earlier])
    first = np.full(len(known), NONE)
    first[: len(open_) + len(closed)] = episode["referred_on"]
    since = np.maximum(person["birth"][known] + 30 * DAY, end - 2500 * DAY)
    long_ago = some_day(rng, since, end - 400 * DAY, len(known))
    first = np.where(np.isnat(first), np.minimum(long_ago, end), first)
    known_on = {"person": known.astype(np.int32), "known_on": first}
    disability = _disabilities(rng, cin, episode["person"], with_plan, need)
    return {"known": known_on, "episode": episode, "disability": disability}


def _chosen(
    rng: np.random.Generator,
    cin: Mapping[str, Any],
    age: Array,
    weight: Array,
    free: Array,
    with_plan: Array,
    on_support: Array,
    wanted: int,
    plan_share: float,
) -> Array:
    """Children by age; of those of school age the given shares have a plan or are on SEN support."""
    found = []
    for band, share in cin["by_age"].items():
        low, high = map(int, band.split("-"))
        fits = free & (age >= low) & (age <= high)
        size = round(wanted * share)
        if high < 5 or low > 15:
            parts = [(fits, size)]
        else:
            plan, support = round(size * plan_share), round(size * cin["support_share_of_school_age"])
            rest = fits & ~with_plan & ~on_support
            parts = [(fits & with_plan, plan), (fits & on_support, support), (rest, size - plan - support)]
        for group, part in parts:
            at = np.flatnonzero(group)
            found.append(weighted_sample(rng, at, weight[at], part))
    return np.concatenate(found)


def _episodes(
    rng: np.random.Generator, cin: Mapping[str, Any], end: np.datetime64, birth: Array, open_: Array, closed: Array
) -> Columns:
    """One episode per child: open at the end of the year or closed within it."""
    who = np.concatenate([open_, closed])
    size = len(who)
    is_open = np.arange(size) < len(open_)
    closure = np.where(is_open, NONE, some_day(rng, np.maximum(end - 364 * DAY, birth[who] + 30 * DAY), end, size))
    until = np.where(is_open, end, closure)
    length = np.where(is_open, days(rng, cin["open_days"], size), days(rng, cin["closed_days"], size))
    referred = np.maximum(until - length, birth[who] + 5 * DAY)
    assessed = referred + rng.integers(1, 12, size).astype("timedelta64[D]")
    authorised = assessed + rng.integers(10, 65, size).astype("timedelta64[D]")
    minors = round(len(open_) / cin["open_per_10000"] * cin["protection_per_10000"])
    old = np.flatnonzero(is_open & (until - referred > 40 * DAY))
    protected = np.zeros(size, dtype=bool)
    protected[rng.choice(old, min(minors, len(old)), replace=False)] = True
    enquired = protected | ((until - referred > 40 * DAY) & (rng.random(size) < 0.2))
    enquiry = referred + rng.integers(3, 15, size).astype("timedelta64[D]")
    conference = enquiry + rng.integers(8, 16, size).astype("timedelta64[D]")
    planned = ~protected & (until - referred > 60 * DAY) & (rng.random(size) < 0.6)
    reason = pick(rng, cin["closures"], size)
    factors = np.column_stack([rng.random(size) < share for share in cin["factors"].values()])
    factors[~factors.any(axis=1), 0] = True
    codes = np.array([str(code) for code in cin["factors"]], dtype=object)
    return {
        "person": who.astype(np.int32),
        "referred_on": referred,
        "asked_by": pick(rng, cin["sources"], size),
        "need": pick(rng, cin["needs"], size),
        "closed_on": closure,
        "closure": where(~is_open, reason),
        "assessed_on": np.where(assessed <= until, assessed, NONE),
        "authorised_on": np.where(authorised <= until, authorised, NONE),
        "factors": np.array([",".join(codes[row]) for row in factors], dtype=object),
        "plan_on": np.where(planned & (authorised <= until), authorised, NONE),
        "enquiry_on": np.where(enquired, enquiry, NONE),
        "conference_on": np.where(protected, conference, NONE),
        "protected_on": np.where(protected, conference, NONE),
        "abuse": pick(rng, cin["abuse"], size),
        "earlier_plans": (rng.random(size) < 0.25).astype(np.int32),
    }


def _disabilities(
    rng: np.random.Generator, cin: Mapping[str, Any], who: Array, with_plan: Array, need: Columns
) -> Columns:
    """Disability codes of children in need, from their educational needs where social care wrote them down."""
    member = np.zeros(len(with_plan), dtype=bool)
    member[who] = True
    chance = np.where(with_plan, cin["disability_recorded"]["plan"], cin["disability_recorded"]["other"])
    recorded = member & (rng.random(len(with_plan)) < chance)
    own = recorded[need["person"]]
    codes = [cin["disability_of_need"][code] for code in need["need"][own]]
    pairs = set(zip(need["person"][own].tolist(), codes, strict=True))
    some = {child for child, _ in pairs}
    pairs |= {(child, "NONE") for child in who.tolist() if child not in some}
    ordered = sorted(pairs)
    return {
        "person": np.array([child for child, _ in ordered], dtype=np.int32),
        "code": np.array([code for _, code in ordered], dtype=object),
    }
