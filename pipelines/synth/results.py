"""What pupils reach at school and do afterwards: results by stage, and the activity of those aged 16 and over.

One child's ability stays the same over the stages, so that results of different years go together. Plans, SEN support
and deprivation pull them down, and lead more often out of education, employment and training.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from pipelines.synth.clock import Clock
from pipelines.synth.draw import DAY, NONE, Array, Columns, Draws, as_day, pick, some_day
from pipelines.synth.people import age_on

# Stage -> age on the 31 August with which its school year ends, and the kind of school it is taken in.
STAGES = {"EYFSP": (5, "primary"), "PHONICS": (6, "primary"), "KS2": (11, "primary"), "KS4": (16, "secondary")}
YEARS = 2
SUBJECTS = ("reading", "writing", "maths")
POOR = {True: 0.45, False: 0.14}  # free school meals in the most deprived fifth, and elsewhere


def results(
    draws: Draws,
    area: Mapping[str, Any],
    clock: Clock,
    person: Columns,
    pupil: Columns,
    case: Columns,
    schools: Columns,
) -> Columns:
    """`result`: one row per pupil, stage and year, with a standard score by subject (0 is near the mean of all)."""
    rng = draws.stream("results")
    about, size = area["results"], len(person["birth"])
    ability, is_deprived = rng.normal(size=size), person["decile"] <= 2
    supported, has_left = np.zeros(size, dtype=bool), np.ones(size, dtype=bool)
    supported[pupil["person"][pupil["status"] == "K"]] = True
    has_left[pupil["person"]] = False
    supported |= has_left & (rng.random(size) < about["support_of_leavers"])
    parts: list[Columns] = []
    for year in range(clock.results_day.year - YEARS + 1, clock.results_day.year + 1):
        age = age_on(person["birth"], date(year, 8, 31))
        status = np.where(with_plan(case, as_day(date(year, 6, 1)), size), "E", np.where(supported, "K", "N"))
        for stage, (of_age, kind) in STAGES.items():
            who = np.flatnonzero((age == of_age) & (rng.random(size) < about["in_cohort"]))
            mean = np.array([about["mean"][code] for code in status[who]], dtype=float)
            mean += np.where(is_deprived[who], about["most_deprived"], 0.0) + 0.85 * ability[who]
            parts.append(
                {
                    "person": who.astype(np.int32),
                    "stage": np.full(len(who), stage, dtype=object),
                    "year": np.full(len(who), year, dtype=np.int32),
                    "status": status[who].astype(object),
                    "school": _schools(rng, who, kind, person, pupil, schools),
                    "is_poor": rng.random(len(who)) < np.where(is_deprived[who], POOR[True], POOR[False]),
                    **{subject: mean + rng.normal(0, 0.5, len(who)) for subject in SUBJECTS},
                }
            )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def with_plan(case: Columns, day: np.datetime64, size: int) -> Array:
    """For each of `size` persons whether an EHC plan is in force on a day."""
    found = np.zeros(size, dtype=bool)
    found[case["person"][(case["started_on"] <= day) & ~(case["ceased_on"] <= day)]] = True
    return found


def _schools(
    rng: np.random.Generator, who: Array, kind: str, person: Columns, pupil: Columns, schools: Columns
) -> Array:
    """The child's own school where it is special or of this kind, else one of this kind in the same place."""
    own = np.full(len(person["birth"]), -1)
    own[pupil["person"]] = pupil["school"]
    found = own[who]
    stays = (found >= 0) & np.isin(schools["kind"][found], (kind, "special"))
    for place in np.unique(schools["place"]):
        local = schools["school"][(schools["kind"] == kind) & (schools["place"] == place)]
        moved = np.flatnonzero(~stays & (person["place"][who] == place))
        found[moved] = rng.choice(local, len(moved))
    return found.astype(np.int32)


def activities(draws: Draws, area: Mapping[str, Any], clock: Clock, person: Columns, case: Columns) -> Columns:
    """`activity`: one row per young person aged 16 or 17, or 18 to 24 with an EHC plan: what they do now."""
    rng = draws.stream("activities")
    about, size, end = area["activities"], len(person["birth"]), as_day(clock.month_end)
    age = age_on(person["birth"], clock.age_day)
    has_plan = with_plan(case, end, size)
    who = np.flatnonzero(np.where(age >= 18, has_plan & (age <= 24), age >= 16))
    plan, count = has_plan[who], len(who)
    activity = np.where(plan, pick(rng, about["with_plan"], count), pick(rng, about["others"], count))
    share_out = np.where(person["decile"][who] <= 2, about["out"]["most_deprived"], about["out"]["others"])
    out = ~plan & (rng.random(count) < share_out)
    activity[out] = pick(rng, about["when_out"], int(out.sum()))
    support = ~plan & (rng.random(count) < about["support"])
    code = activity.astype(int)
    term = as_day(clock.age_day) + DAY
    started = np.where(code < 300, term, some_day(rng, end - 330 * DAY, end - 20 * DAY, count))
    found_out = np.maximum(started, term) + rng.integers(5, 60, count) * DAY
    is_neet = ((code >= 610) & (code < 700)) | (code == 540)
    return {
        "person": who.astype(np.int32),
        "activity": activity,
        "is_plan": plan,
        "is_support": support,
        "started_on": started,
        "found_out_on": np.maximum(np.minimum(found_out, end), started),
        "neet_on": np.where(is_neet, started, NONE),
        "level": np.where(is_neet, "1", np.where(plan | support, "2", "3")).astype(object),
    }
