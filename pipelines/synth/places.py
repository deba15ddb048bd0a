"""Small areas, postcodes and schools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipelines.synth.draw import Array, Columns, Draws

INWARD_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
_UNITS = [a + b for a in INWARD_LETTERS for b in INWARD_LETTERS]


def small_areas(draws: Draws, area: Mapping[str, Any]) -> Columns:
    """LSOAs with ward, health place, deprivation decile (1 most deprived) and the weight of their young population."""
    rng = draws.stream("small areas")
    columns: dict[str, list[Any]] = {name: [] for name in ("place", "place_name", "ward", "ward_name", "decile")}
    wards = 0
    for place, about in area["health_places"].items():
        names = area["wards"][place]
        own = np.sort(np.arange(about["lsoas"]) % len(names))
        columns["place"] += [place] * len(own)
        columns["place_name"] += [about["name"]] * len(own)
        columns["ward"] += [f"E0599{wards + w + 1:04d}" for w in own]
        columns["ward_name"] += [names[w] for w in own]
        columns["decile"] += _deciles(rng, own, about["most_deprived_fifth"]).tolist()
        wards += len(names)
    found = {name: np.array(values, dtype=object) for name, values in columns.items()}
    found["decile"] = found["decile"].astype(np.int32)
    number = np.arange(1, len(found["place"]) + 1)
    found["lsoa"] = np.array([f"E0199{n:04d}" for n in number], dtype=object)
    found["lsoa_name"] = np.array([f"Merebrook {(n + 4) // 5:03d}{'ABCDE'[(n - 1) % 5]}" for n in number], dtype=object)
    deprived = np.where(found["decile"] <= 2, area["weight_of_most_deprived"], 1.0)
    found["weight"] = deprived * rng.uniform(0.75, 1.25, len(number))
    return found


def _deciles(rng: np.random.Generator, ward: Array, most_deprived: float) -> Array:
    """Deciles with an exact share in the first two, lower in the wards that come first."""
    low = round(most_deprived * len(ward))
    deciles = np.concatenate([np.arange(low) * 2 // low + 1, np.arange(len(ward) - low) * 8 // (len(ward) - low) + 3])
    found = np.empty(len(ward), dtype=np.int32)
    found[np.argsort(ward + rng.normal(0, 2.0, len(ward)), kind="stable")] = deciles
    return found


def postcodes(draws: Draws, area: Mapping[str, Any], areas: Columns, households: int) -> Columns:
    """Postcodes, each in one LSOA; `number` 0 is kept free for the planted child, who lives alone in it."""
    rng = draws.stream("postcodes")
    lsoas = len(areas["lsoa"])
    weights = areas["weight"] / areas["weight"].sum()
    each = np.maximum(np.round(weights * households / area["households_per_postcode"]).astype(int), 1)
    lsoa = np.concatenate([[lsoas // 3], np.repeat(np.arange(lsoas), each)])
    sectors = [f"{district} {sector}" for district in area["postcode_districts"] for sector in range(10)]
    used = max(10, -(-len(lsoa) // (len(_UNITS) - 40)))
    unit = rng.permutation(len(lsoa))
    # Neighbouring LSOAs share a sector: sectors run along the list of LSOAs.
    sector = np.minimum(np.arange(len(lsoa)) * used // len(lsoa), used - 1)
    text = [f"{sectors[s]}{_UNITS[u % len(_UNITS)]}" for s, u in zip(sector, _within(sector, unit), strict=True)]
    east, north = _grid(draws, lsoas, lsoa)
    return {
        "number": np.arange(len(lsoa), dtype=np.int32),
        "postcode": np.array(text, dtype=object),
        "lsoa": areas["lsoa"][lsoa],
        "lsoa_at": lsoa,
        "easting": east,
        "northing": north,
    }


def _grid(draws: Draws, lsoas: int, lsoa: Array) -> tuple[Array, Array]:
    """Metres east and north: LSOAs in rows of a square, a mile apart, and each postcode near the middle of its own."""
    side = int(np.ceil(np.sqrt(lsoas)))
    middle = np.column_stack([lsoa % side, lsoa // side]) * 1600 + [480_000, 230_000]
    east, north = (middle + draws.stream("grid").integers(-700, 701, middle.shape)).astype(np.int32).T
    return east, north


def _within(sector: Array, order: Array) -> Array:
    """A different number in 0 to 399 for each postcode of a sector, in no order."""
    found = np.empty(len(sector), dtype=np.int64)
    by = np.lexsort((order, sector))
    starts = np.concatenate([[0], np.flatnonzero(np.diff(sector[by])) + 1])
    within = np.arange(len(sector)) - np.repeat(starts, np.diff(np.concatenate([starts, [len(sector)]])))
    found[by] = within * 7 % len(_UNITS)
    return found


def schools(draws: Draws, area: Mapping[str, Any], areas: Columns, scale: float) -> Columns:
    """Schools by kind: number (with the authority's), URN, and the LSOA in which each stands, places in turn."""
    rng = draws.stream("schools")
    kinds, numbers, lsoas = [], [], []
    for kind, about in area["schools"].items():
        size = max(about["least"], round(about["number"] * scale))
        kinds += [kind] * size
        numbers += [area["la_code"] + str(about["first"] + n) for n in range(size)]
        for n in range(size):
            place = list(area["health_places"])[n % len(area["health_places"])]
            lsoas.append(rng.choice(np.flatnonzero(areas["place"] == place)))
    at = np.array(lsoas)
    return {
        "school": np.arange(len(at), dtype=np.int32),
        "kind": np.array(kinds, dtype=object),
        "school_number": np.array(numbers, dtype=object),
        "urn": np.array([f"99{n:04d}" for n in range(1, len(at) + 1)], dtype=object),
        "place": areas["place"][at],
        "lsoa": areas["lsoa"][at],
    }
