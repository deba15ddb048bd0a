"""Referrals to community health services and their contacts, at the trusts that serve the area."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.synth.clock import Clock
from pipelines.synth.draw import DAY, NONE, Columns, Draws, as_day, pick, some_day
from pipelines.synth.people import age_on, band_of

WEEK = 7 * DAY


def health(draws: Draws, area: Mapping[str, Any], clock: Clock, person: Columns, need: Columns) -> dict[str, Columns]:
    """`referral` (one row each, to one team) and `contact`, up to the end of the month and from four years back; the
    same of mental health services as `mental_referral` and `mental_contact`.

    A need leads to a referral to the service that meets it, in one health place more often than in the other; others
    are referred by age. Waits to the first contact fall off evenly, so the share of those waiting who have waited long
    follows from the mean wait alone.
    """
    found: dict[str, Columns] = {}
    for prefix, topic, services in (("", "", "services"), ("mental_", "mental health ", "mental_health_services")):
        referral = _referrals(draws, area, clock, person, need, area[services], f"{topic}referrals")
        found[f"{prefix}referral"] = referral
        found[f"{prefix}contact"] = _contacts(draws, area, clock, referral, f"{topic}contacts")
    return found


def _referrals(
    draws: Draws,
    area: Mapping[str, Any],
    clock: Clock,
    person: Columns,
    need: Columns,
    services: Mapping[str, Any],
    topic: str,
) -> Columns:
    parts = [_of_service(draws, area, clock, person, need, code, about) for code, about in services.items()]
    referral = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    referral = {name: values[np.argsort(referral["received_on"], kind="stable")] for name, values in referral.items()}
    rng = draws.stream(topic)
    size = len(referral["person"])
    place = person["place"][referral["person"]]
    trust = np.empty(size, dtype=object)
    for side in area["health_places"]:
        own = np.flatnonzero(place == side)
        trust[own] = pick(rng, {code: shares[side] for code, shares in area["trusts"].items()}, len(own))
    referral["referral"] = np.arange(1, size + 1, dtype=np.int32)
    referral["trust"] = trust
    # What a trust holds of an adopted child from before the adoption stays under the earlier identity.
    referral["identity"] = (referral["received_on"] < person["adopted_on"][referral["person"]]).astype(np.int32)
    referral["priority"] = pick(rng, {"1": 0.88, "2": 0.10, "3": 0.02}, size)
    referral["asked_by"] = pick(rng, {"A1": 0.42, "D2": 0.28, "B1": 0.12, "C1": 0.10, "A3": 0.08}, size)
    return referral


def _of_service(
    draws: Draws,
    area: Mapping[str, Any],
    clock: Clock,
    person: Columns,
    need: Columns,
    code: str,
    about: Mapping[str, Any],
) -> Columns:
    rng = draws.stream(f"service {code}")
    years = area["referral_years"]
    end = as_day(clock.month_end)
    age = age_on(person["birth"], end)
    met = np.array([area["met_need"][place] for place in person["place"]])
    chance = np.zeros(len(age))
    leads = np.array([about["needs"].get(one, 0.0) for one in need["need"]]) * np.where(need["rank"] == 1, 1.0, 0.5)
    np.maximum.at(chance, need["person"], leads)
    of_need = np.flatnonzero(rng.random(len(age)) < chance * met)
    rate = band_of(age, about["rate"], 0.0) / 1000 * years
    by_age = np.flatnonzero((rng.random(len(age)) < rate) & (chance == 0))
    who = np.concatenate([of_need, by_age])
    received = some_day(rng, np.maximum(person["birth"][who] + 60 * DAY, end - years * 365 * DAY), end, len(who))
    kept = (received > person["birth"][who]) & (received <= end)
    who, received = who[kept], received[kept]
    mean = about["wait_weeks"] * np.array([area["wait_factor"][place] for place in person["place"][who]])
    seen = received + np.maximum(1, rng.exponential(mean * 7, len(who))).astype("timedelta64[D]")
    course = np.maximum(7, rng.gamma(2.0, about["course_weeks"] * 3.5, len(who))).astype("timedelta64[D]")
    rejected = rng.random(len(who)) < area["rejected"]
    turned_down = received + rng.integers(5, 36, len(who)).astype("timedelta64[D]")
    return {
        "person": who.astype(np.int32),
        "team": np.full(len(who), code, dtype=object),
        "is_consultant_led": np.full(len(who), about.get("rtt", False)),
        "received_on": received,
        "rejected_on": np.where(rejected, turned_down, NONE),
        "seen_on": np.where(rejected, NONE, seen),
        "closed_on": np.where(rejected, turned_down, seen + course),
    }


def _contacts(draws: Draws, area: Mapping[str, Any], clock: Clock, referral: Columns, topic: str) -> Columns:
    """Contacts from the first one, which is attended, to the end of treatment or of the month."""
    rng = draws.stream(topic)
    end = as_day(clock.month_end)
    at = np.flatnonzero(referral["seen_on"] <= end)
    low, high = area["weeks_between_contacts"]
    gap = rng.uniform(low * 7, high * 7, len(at))
    last = np.minimum(referral["closed_on"][at], end)
    count = 1 + np.minimum(((last - referral["seen_on"][at]).astype(int) / gap).astype(int), area["most_contacts"] - 1)
    row = np.repeat(np.arange(len(at)), count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    day = referral["seen_on"][at][row] + (number * gap[row]).astype("timedelta64[D]")
    at_first, later = pick(rng, {"5": 0.9, "6": 0.1}, len(row)), pick(rng, area["attendance"], len(row))
    attendance = np.where(number == 0, at_first, later)
    order = np.argsort(day, kind="stable")
    return {
        "contact": np.arange(1, len(row) + 1, dtype=np.int32),
        "referral": referral["referral"][at][row][order],
        "day": day[order],
        "number": (number[order] + 1).astype(np.int32),
        "attendance": attendance[order],
        "minutes": (rng.integers(3, 13, len(row)) * 5).astype(np.int32),
        "subject": pick(rng, {"01": 0.97, "02": 0.03}, len(row)),
        "mechanism": pick(rng, {"01": 0.78, "02": 0.14, "11": 0.08}, len(row)),
        "location": pick(rng, {"B01": 0.45, "L01": 0.33, "A01": 0.22}, len(row)),
    }
