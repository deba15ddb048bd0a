"""Children looked after, care leavers and families helped early, drawn from those social care knows or might.

Children looked after are children in need, brothers and sisters together; those adopted in the year are there under the
identity before the adoption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.synth.clock import Clock
from pipelines.synth.draw import DAY, NONE, Array, Columns, Draws, as_day, days, pick, some_day, weighted_sample, where
from pipelines.synth.people import age_on

ADULT = 18
YEAR = 365 * DAY
MOST_EPISODES = 3
# Placements that need an age, and what stands instead for the younger ones.
NOT_BEFORE = {"K3": 16, "S1": 6, "K2": 8}
SPAN_OF_SEVERAL = 120 * DAY


def looked_after(
    draws: Draws, area: Mapping[str, Any], clock: Clock, person: Columns, episode: Columns, with_plan: Array
) -> dict[str, Columns]:
    """`care_period` (one child's time in care, with what the year found), `care_episode` and `care_leaver`.

    episode: children in need as `care` draws them. with_plan: whether each person has an EHC plan.
    """
    rng = draws.stream("looked after")
    about, end = area["looked_after"], as_day(clock.case_year_end)
    period = _periods(rng, about, end, person, episode, with_plan)
    leaver = _leavers(rng, about, end, person, period["person"])
    return {
        "care_period": period | _found_in_year(rng, about, end, person, period),
        "care_episode": _episodes(rng, about, person, period),
        "care_leaver": leaver,
    }


def _periods(
    rng: np.random.Generator,
    about: Mapping[str, Any],
    end: np.datetime64,
    person: Columns,
    episode: Columns,
    with_plan: Array,
) -> Columns:
    """Who is in care at the end of the year, left it within the year, was adopted in it, or has short breaks."""
    age = age_on(person["birth"], end)
    minors = int(((age >= 0) & (age < ADULT)).sum())
    wanted = round(about["per_10000"] / 10_000 * minors)
    who, known_on = episode["person"], episode["referred_on"]
    is_open = np.isnat(episode["closed_on"]) & (known_on < end - 10 * DAY)
    now = _together(rng, who, np.flatnonzero(is_open), person, wanted)
    left = episode["closed_on"] - known_on > 20 * DAY
    ended = _together(rng, who, np.flatnonzero(left), person, round(wanted * about["ended_in_year"]))
    adopted = np.flatnonzero(person["is_adopted"] & (person["adopted_on"] <= end) & (person["adopted_on"] > end - YEAR))
    free = with_plan & (age >= 4) & (age < ADULT) & ~person["is_adopted"]
    free[who[np.concatenate([now, ended])]] = False
    breaks = np.flatnonzero(free)
    breaks = weighted_sample(
        rng, breaks, np.ones(len(breaks)), round(about["short_breaks_per_10000"] / 10_000 * minors)
    )
    parts = [len(now), len(ended), len(adopted), len(breaks)]
    kind = np.repeat(np.array(["open", "ended", "adopted", "breaks"], dtype=object), parts)
    everyone = np.concatenate([who[now], who[ended], adopted, breaks])
    birth = person["birth"][everyone]
    after = np.concatenate([known_on[now] + 2 * DAY, known_on[ended] + 2 * DAY, np.full(parts[2] + parts[3], NONE)])
    after = np.where(np.isnat(after), birth + 5 * DAY, after)
    until = np.concatenate(
        [np.full(parts[0], end), episode["closed_on"][ended], person["adopted_on"][adopted], np.full(parts[3], end)]
    )
    length = np.where(kind == "breaks", YEAR, days(rng, about["days"], len(everyone)))
    # A child is placed for adoption only after some time in care.
    started = np.maximum(until - np.where(kind == "adopted", length + 200 * DAY, length), after)
    return {
        "person": everyone.astype(np.int32),
        "identity": (kind == "adopted").astype(np.int32),
        "kind": kind,
        "started_on": np.minimum(started, until - 3 * DAY),
        "until": until,
        "ended_on": np.where((kind == "open") | (kind == "breaks"), NONE, until),
        "need": np.where(kind == "breaks", "N2", pick(rng, about["needs"], len(everyone))).astype(object),
    }


def _together(rng: np.random.Generator, who: Array, at: Array, person: Columns, wanted: int) -> Array:
    """Positions of children, those of one family mostly together, those of deprived areas more often."""
    family = person["family"][who[at]]
    ticket = rng.exponential(size=int(person["family"].max()) + 1)[family] * rng.uniform(0.8, 1.2, len(at))
    ticket /= np.where(person["decile"][who[at]] <= 2, 1.6, 1.0)
    return at[np.sort(np.argsort(ticket, kind="stable")[:wanted])]


def _episodes(rng: np.random.Generator, about: Mapping[str, Any], person: Columns, period: Columns) -> Columns:
    """The episodes of each time in care: one after the other without a gap, each change with its reason."""
    span = period["until"] - period["started_on"]
    is_adopted, is_break = period["kind"] == "adopted", period["kind"] == "breaks"
    size = np.where(span >= SPAN_OF_SEVERAL, rng.integers(1, MOST_EPISODES + 1, len(span)), 1)
    size = np.where(is_adopted & (span >= SPAN_OF_SEVERAL), 2, np.where(is_break, 1, size))
    of = np.repeat(np.arange(len(span)), size)
    number = np.arange(len(of)) - np.repeat(np.cumsum(size) - size, size)
    share = np.where(number == 0, 0.0, (number + rng.random(len(of)) * 0.6) / size[of])
    began = period["started_on"][of] + (span[of].astype(int) * share).astype("timedelta64[D]")
    is_last = number == size[of] - 1
    status = pick(rng, about["legal_status"], len(span))
    status = np.where(is_adopted, "E1", np.where(is_break, "V4", status)).astype(object)
    # A care order may begin as an interim one: then the first change is of the legal status alone.
    turns = (status == "C2") & (size > 1) & (rng.random(len(span)) < about["interim_order_first"])
    is_turn = turns[of] & (number == 1)
    moves = np.where(turns[of], np.maximum(number - 1, 0), number)
    place = _places(rng, about, person, period, of, moves, began, is_last)
    ended = np.append(began[1:], NONE)
    reason = np.where(is_last, _reasons(rng, about, person, period)[of], "X1").astype(object)
    moved = ~is_last & ~np.append(is_turn[1:], False)
    provider = np.array([about["providers"][code[0]] for code in place], dtype=object)
    provider = np.array([str(rng.choice(options)) for options in provider], dtype=object)
    number_of_home = np.array([f"SC{n:06d}" for n in rng.integers(100_000, 999_999, len(of))], dtype=object)
    return {
        "person": period["person"][of],
        "identity": period["identity"][of],
        "began_on": began,
        "ended_on": np.where(is_last, period["ended_on"][of], ended),
        "why_began": np.where(number == 0, "S", np.where(is_turn, "L", "P")).astype(object),
        "why_ended": reason,
        "legal_status": np.where(turns[of] & (number == 0), "C1", status[of]).astype(object),
        "need": period["need"][of],
        "placement": place,
        "provider": provider,
        "provider_number": where(place != "P1", number_of_home),
        "why_moved": where(moved, pick(rng, about["placement_changes"], len(of))),
    }


def _places(
    rng: np.random.Generator,
    about: Mapping[str, Any],
    person: Columns,
    period: Columns,
    of: Array,
    moves: Array,
    began: Array,
    is_last: Array,
) -> Array:
    """The placement of each episode; it stays where only the legal status changes."""
    drawn = pick(rng, about["placements"], len(period["person"]) * MOST_EPISODES).reshape(-1, MOST_EPISODES)
    drawn[period["kind"] == "breaks"] = pick(rng, about["short_break_placements"], 1)
    place = drawn[of, moves]
    age = (began - person["birth"][period["person"][of]]).astype(int) / 365.25
    for code, least in NOT_BEFORE.items():
        place[(place == code) & (age < least)] = "U6"
    adopted = period["kind"][of] == "adopted"
    place[adopted & is_last] = "A6"
    return place


def _reasons(rng: np.random.Generator, about: Mapping[str, Any], person: Columns, period: Columns) -> Array:
    """Why each time in care ended; None where it goes on."""
    reason = pick(rng, about["ends"], len(period["person"]))
    old = (period["until"] - person["birth"][period["person"]]).astype(int) >= 16 * 365.25
    reason[old] = pick(rng, about["ends_from_16"], int(old.sum()))
    reason = np.where(period["kind"] == "adopted", "E12", reason).astype(object)
    return where(~np.isnat(period["ended_on"]), reason)


def _found_in_year(
    rng: np.random.Generator, about: Mapping[str, Any], end: np.datetime64, person: Columns, period: Columns
) -> Columns:
    """What the year found of each child: outcomes of those in care for all of it, times missing, asylum."""
    size = len(period["person"])
    birth = person["birth"][period["person"]]
    age = age_on(birth, end)
    in_care = (period["kind"] == "open") & (period["started_on"] <= end - YEAR)
    has_score = in_care & (age >= 4) & (age <= 16) & (rng.random(size) < 0.85)
    score = np.clip(rng.normal(about["difficulties"], 6.0, size).round(), 0, 40)
    goes_missing = (period["kind"] == "open") & (age >= 11) & (rng.random(size) < about["missing_of_11_and_older"])
    first = np.maximum(period["started_on"] + DAY, end - YEAR + DAY)
    gone = some_day(rng, first, end - 8 * DAY, size)
    goes_missing &= (gone >= first) & (gone <= end - 8 * DAY)
    return {
        "is_for_a_year": in_care,
        "score": where(has_score, np.array([str(int(s)) for s in score], dtype=object)),
        "no_score": where(in_care & ~has_score & (age >= 4) & (age <= 16), pick(rng, about["no_score"], size)),
        "is_under_5": age < 5,
        "is_immunised": rng.random(size) < 0.88,
        "has_teeth_checked": rng.random(size) < 0.82,
        "is_assessed": rng.random(size) < 0.91,
        "misuses": (age >= 12) & (rng.random(size) < 0.04),
        "missing_on": np.where(goes_missing, gone, NONE),
        "found_on": np.where(goes_missing, gone + rng.integers(1, 7, size).astype("timedelta64[D]"), NONE),
        "is_asylum": (period["kind"] == "open") & (age >= 16) & (rng.random(size) < about["asylum_of_16_and_17"]),
        "had_order": rng.random(size) < about["earlier_permanence"],
        "is_deprived_of_liberty": (period["kind"] == "open") & (age >= 12) & (rng.random(size) < about["liberty"]),
    }


def _leavers(
    rng: np.random.Generator, about: Mapping[str, Any], end: np.datetime64, person: Columns, in_care: Array
) -> Columns:
    """Young people of 18 to 20 who were in care."""
    age = age_on(person["birth"], end)
    fits = (age >= ADULT) & (age <= 20) & ~person["is_adopted"]
    fits[in_care] = False
    at = np.flatnonzero(fits)
    weight = np.where(person["decile"][at] <= 2, 2.0, 1.0)
    who = weighted_sample(rng, at, weight, round(about["leavers_per_10000_of_18_to_20"] / 10_000 * len(at)))
    touch = pick(rng, about["leaver_contact"], len(who))
    away = np.isin(touch, ["DIED", "RHOM"])
    return {
        "person": who.astype(np.int32),
        "contact": touch,
        "activity": np.where(away, "0", pick(rng, about["leaver_activity"], len(who))).astype(object),
        "accommodation": np.where(away, "0", pick(rng, about["leaver_accommodation"], len(who))).astype(object),
    }


def family_help(
    draws: Draws, area: Mapping[str, Any], clock: Clock, person: Columns, in_need: Array, on_support: Array
) -> dict[str, Columns]:
    """`family_help`: episodes of help before social care, most children with one.

    in_need: persons social care helps already. on_support: whether each person is on SEN support.
    """
    rng = draws.stream("early help")
    about, end = area["family_help"], as_day(clock.month_end)
    age = age_on(person["birth"], end)
    fits = (age < ADULT) & (person["birth"] < end - 120 * DAY) & ~person["is_adopted"]
    fits[in_need] = False
    at = np.flatnonzero(fits)
    weight = np.where(person["decile"][at] <= 2, 2.0, 0.8) * np.where(on_support[at], 3.0, 1.0)
    minors = int(((age >= 0) & (age < ADULT)).sum())
    now, before = (round(about[name] / 10_000 * minors) for name in ("open_per_10000", "ended_per_10000"))
    who = rng.permutation(weighted_sample(rng, at, weight, now + before))
    is_open = np.arange(len(who)) < now
    until = np.where(
        is_open, end, some_day(rng, np.maximum(end - YEAR, person["birth"][who] + 90 * DAY), end, len(who))
    )
    began = np.maximum(until - days(rng, about["days"], len(who)), person["birth"][who] + 30 * DAY)
    again = np.flatnonzero((rng.random(len(who)) < about["helped_before"]) & (began - person["birth"][who] > 3 * YEAR))
    earlier = began[again] - rng.integers(200, 500, len(again)).astype("timedelta64[D]")
    assessed = rng.integers(5, 40, len(who)).astype("timedelta64[D]")
    return {
        "family_help": {
            "person": np.concatenate([who, who[again]]).astype(np.int32),
            "began_on": np.concatenate([began, earlier]),
            "assessed_on": np.concatenate([began + assessed, earlier + assessed[again]]),
            "ended_on": np.concatenate([np.where(is_open, NONE, until), earlier + 120 * DAY]),
            "lead": pick(rng, about["lead"], len(who) + len(again)),
        }
    }
