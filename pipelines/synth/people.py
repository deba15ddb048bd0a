"""Residents aged 0 to 25: families, names, homes and identifiers, as they truly are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from pipelines.synth import identifiers, places
from pipelines.synth.clock import Clock
from pipelines.synth.draw import DAY, NONE, Array, Columns, Draws, as_day, pick, some_day, where
from pipelines.synth.names import Names

OLDEST = 25


def band_of(age: Array, bands: Mapping[str, Any], otherwise: Any) -> Array:
    """For each age the value of its band; bands are written `5-10`."""
    found = np.full(len(age), otherwise, dtype=type(otherwise) if not isinstance(otherwise, str) else object)
    for band, value in bands.items():
        low, high = map(int, band.split("-"))
        found[(age >= low) & (age <= high)] = value
    return found


def age_on(birth: Array, day: date | np.datetime64) -> Array:
    """Whole years; negative before birth."""
    on = as_day(day)
    born_month, on_month = birth.astype("datetime64[M]"), on.astype("datetime64[M]")
    months = (on_month - born_month).astype(np.int64)
    day_of_month = (birth - born_month).astype(np.int64)
    months = months - ((on - on_month).astype(np.int64) < day_of_month)
    return months // 12


def starting_school_year(birth: Array, age: Array | int) -> Array:
    """The 1 September on which a child is of this age: how classes and phases begin."""
    school_year = (birth.astype("datetime64[M]") - np.timedelta64(8, "M")).astype("datetime64[Y]").astype(np.int64)
    return (school_year + 1 + age).astype("datetime64[Y]").astype("datetime64[M]").astype("datetime64[D]") + np.where(
        (school_year + 1 + age + 1970) % 4 == 0, 244, 243
    ).astype("timedelta64[D]")


def kept_day(clock: Clock) -> np.datetime64:
    """The birth date that nobody but the planted child has; no other event falls on it either."""
    return np.datetime64(date(clock.age_day.year - 14, 5, 23), "D")


def people(draws: Draws, area: Mapping[str, Any], names: Names, clock: Clock, children: int) -> dict[str, Columns]:
    """`small_area`, `postcode` and `person`: one row per resident, in the order of families.

    Former surnames, homes and identifiers stand beside the present ones with the day of the change; `former_*` of an
    adopted child are those of the identity before the adoption.
    """
    family, birth = _families(draws, area, clock, children)
    areas = places.small_areas(draws, area)
    homes = places.postcodes(draws, area, areas, int(family.max()) + 1)
    person: Columns = {"person": np.arange(children, dtype=np.int32), "family": family.astype(np.int32), "birth": birth}
    person |= _named(draws, area, names, family, birth)
    person |= _housed(draws, area, areas, homes, family, clock)
    person |= _identified(draws, area, birth, clock)
    person |= _adopted(draws, area, names, person, homes, clock)
    person["is_opted_out"] = draws.stream("opt-out").random(children) < area["opted_out"]
    person["is_canary"] = np.zeros(children, dtype=bool)
    return {"small_area": areas, "postcode": homes, "person": person}


def _families(draws: Draws, area: Mapping[str, Any], clock: Clock, children: int) -> tuple[Array, Array]:
    """Family numbers and birth dates: brothers and sisters some years apart, twins on one day."""
    rng = draws.stream("families")
    last = np.datetime64(clock.age_day, "D")
    first = np.datetime64(clock.age_day.replace(year=clock.age_day.year - OLDEST - 1), "D") + DAY
    families = round(children * 0.9) + 60
    sizes = pick(rng, area["children_per_family"], families).astype(int)
    family = np.repeat(np.arange(families), sizes)
    low, high = (months * 30.44 for months in area["months_between_births"])
    gap = rng.uniform(low, high, len(family))
    opening = np.concatenate([[True], np.diff(family) > 0])
    start = rng.uniform(-6 * 365, (last - first).astype(int), families)
    since = np.cumsum(gap) - np.repeat(np.cumsum(gap)[opening], sizes)
    birth = first + (start[family] + since).astype("timedelta64[D]")
    twin = np.flatnonzero(rng.random(len(family)) < area["twins_per_birth"])
    family, birth = np.append(family, family[twin]), np.append(birth, birth[twin])
    share = band_of(age_on(birth, last), area["size_of_age"], 1.0) / max(area["size_of_age"].values())
    kept = (birth >= first) & (birth <= last) & (_for_birth(rng, family, birth) < share)
    family, birth = family[kept], birth[kept]
    order = np.lexsort((birth, family))[:children]
    birth = np.where(birth == kept_day(clock), birth + DAY, birth)
    return np.unique(family[order], return_inverse=True)[1], birth[order]


def _for_birth(rng: np.random.Generator, family: Array, birth: Array) -> Array:
    """One random number per birth, the same for twins."""
    _, at = np.unique(family * 100_000 + birth.astype("datetime64[D]").astype(np.int64), return_inverse=True)
    return rng.random(int(at.max()) + 1)[at]


def _named(draws: Draws, area: Mapping[str, Any], names: Names, family: Array, birth: Array) -> Columns:
    rng = draws.stream("names")
    size = len(family)
    girl = rng.random(size) < 0.488
    twin = np.concatenate([[False], (np.diff(family) == 0) & (np.diff(birth) == np.timedelta64(0, "D"))])
    alike = twin & (rng.random(size) < 2 * area["share_of_twins_of_same_sex"] - 1)
    girl[alike] = girl[np.flatnonzero(alike) - 1]
    surname = names.surnames(rng, int(family.max()) + 1)[family]
    other = (rng.random(size) < area["share_of_other_surname_in_family"]) & ~twin
    surname[other] = names.surnames(rng, int(other.sum()))
    forename = names.forenames(rng, girl)
    for _ in range(3):  # no two children of a family have one forename
        same = _repeats(family, forename)
        forename[same] = names.forenames(rng, girl[same])
    ethnic = pick(rng, {code: share for code, (share, _) in area["ethnicity"].items()}, int(family.max()) + 1)[family]
    return {
        "sex": np.where(girl, "F", "M").astype(object),
        "forename": forename,
        "middle": names.second_forenames(rng, girl),
        "surname": surname,
        "is_twin": twin | np.append(twin[1:], False),
        "ethnicity": ethnic,
        "nhs_ethnicity": np.array([area["ethnicity"][code][1] for code in ethnic], dtype=object),
    }


def _repeats(family: Array, forename: Array) -> Array:
    """Whether an earlier child of the family has the same forename."""
    seen: set[tuple[int, str]] = set()
    found = np.zeros(len(family), dtype=bool)
    for at, key in enumerate(zip(family.tolist(), forename.tolist(), strict=True)):
        found[at] = key in seen
        seen.add(key)
    return found


def _housed(
    draws: Draws, area: Mapping[str, Any], areas: Columns, homes: Columns, family: Array, clock: Clock
) -> Columns:
    """Homes of families, now and before a move within two years; children who moved out alone stay with theirs."""
    rng = draws.stream("homes")
    families = int(family.max()) + 1
    lsoa_at = homes["lsoa_at"][1:]
    odds = areas["weight"][lsoa_at] / np.bincount(lsoa_at, minlength=len(areas["lsoa"]))[lsoa_at]
    home = 1 + rng.choice(len(lsoa_at), families, p=odds / odds.sum())
    before = 1 + rng.choice(len(lsoa_at), families, p=odds / odds.sum())
    moved = (rng.random(families) < area["moved_in_two_years"]) & (home != before)
    day = some_day(rng, np.datetime64(clock.two_years_ago, "D"), np.datetime64(clock.as_of, "D"), families)
    at = homes["lsoa_at"][home][family]
    return {
        "postcode": homes["postcode"][home][family],
        "former_postcode": where(moved, homes["postcode"][before])[family],
        "moved_on": np.where(moved, day, NONE)[family],
        "lsoa": areas["lsoa"][at],
        "place": areas["place"][at],
        "decile": areas["decile"][at],
    }


def _identified(draws: Draws, area: Mapping[str, Any], birth: Array, clock: Clock) -> Columns:
    """NHS number from birth; UPN from the September after the third or fourth birthday; ULN from the fourteenth."""
    rng = draws.stream("identifiers")
    size = len(birth)
    started = birth.astype("datetime64[Y]").astype(int) + 1970 + 4
    nhs = identifiers.nhs_numbers(rng, 2 * size + 2)
    upn = identifiers.upns(rng, 3 * size + 3, area["la_code"], np.resize(started, 3 * size + 3))
    second = (rng.random(size) < area["second_upn"]) & (age_on(birth, clock.age_day) >= 6)
    return {
        "nhs": nhs[:size],
        "former_nhs": nhs[size : 2 * size],
        "upn": upn[:size],
        "former_upn": where(second, upn[size : 2 * size]),
        "adopted_upn": upn[2 * size : 3 * size],
        "uln": identifiers.ulns(rng, size),
        "has_upn": age_on(birth, clock.census_day.replace(clock.census_day.year - 1, 8, 31)) >= 3,
        "has_uln": age_on(birth, clock.age_day) >= 14,
    }


def _adopted(
    draws: Draws, area: Mapping[str, Any], names: Names, person: Columns, homes: Columns, clock: Clock
) -> Columns:
    """Who was adopted and when, and who changed surname; the identity before stands in `former_*`.

    A child who was adopted has a new NHS number, a new UPN where it had one, a new surname and a new home.
    """
    rng = draws.stream("changes")
    size = len(person["birth"])
    age = age_on(person["birth"], clock.age_day)
    today = np.datetime64(clock.as_of, "D")
    adopted = (rng.random(size) < area["adopted"] * 2) & (age >= 3) & (age <= 14) & ~person["is_twin"]
    year_ago, years_ago = today - 300 * DAY, np.maximum(person["birth"] + 500 * DAY, today - 1400 * DAY)
    adopted_on = np.where(adopted, some_day(rng, np.minimum(years_ago, year_ago), year_ago, size), NONE)
    renamed = (rng.random(size) < area["changed_surname"]) & (age >= 2) & ~adopted
    renamed_on = np.where(renamed, some_day(rng, today - 900 * DAY, today - 30 * DAY, size), NONE)
    before = homes["postcode"][1 + rng.integers(0, len(homes["postcode"]) - 1, size)]
    adopted &= before != person["postcode"]
    earlier = names.forenames(rng, person["sex"] == "F")
    return {
        "is_adopted": adopted,
        "adopted_on": np.where(adopted, adopted_on, NONE),
        "renamed_on": renamed_on,
        "former_surname": where(adopted | renamed, names.surnames(rng, size)),
        "former_forename": np.where(adopted & (rng.random(size) < 0.5), earlier, person["forename"]),
        "former_postcode": np.where(adopted, before, person["former_postcode"]),
        "moved_on": np.where(adopted, NONE, person["moved_on"]),
        "former_upn": where(~adopted, person["former_upn"]),
    }
