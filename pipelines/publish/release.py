"""From marts to what may be released: exact counts in, protected tables out. Pure functions of frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from pipelines.publish import audit, disclosure
from pipelines.publish.audit import Relation
from pipelines.publish.disclosure import LOW

ALL, TOTAL = "ALL", "Total"
NEEDS_KEY = ["base", "measure", "geographic_level", "area_code", "breakdown_topic", "breakdown"]
CUBE = ["need_code", "phase_code", "health_place_code"]
# Bases whose denominators count children on a register; those of residents are published population figures.
COUNTED_BASES = ("pupils_on_roll",)


@dataclass(frozen=True)
class Release:
    """The protected tables of one snapshot; every measure has its `_symbol` beside it.

    needs: one row per base, measure, area and breakdown. sufficiency: one row per horizon and cell.
    sources: what stands, its age and completeness. matches: how far records meet across agencies.
    audit: counts of cells audited, confidential and withheld.
    """

    needs: pd.DataFrame
    sufficiency: pd.DataFrame
    sources: pd.DataFrame
    matches: pd.DataFrame
    audit: dict[str, int]


def release(needs: pd.DataFrame, gap: pd.DataFrame, sources: pd.DataFrame, matches: pd.DataFrame) -> Release:
    """Apply the rule, withhold what would give a small count away, audit the whole, and derive what follows.

    The frames are the marts needs_prevalence, sufficiency_gap, data_quality and match_quality as they are.
    Raises DataFault PUB-001 where a small count is still not protected.
    """
    needs, gap = chosen_needs(needs), chosen_gap(gap)
    cells, relations = lay_out(needs, gap)
    # How often sources differ is counted of children, of how many no public table says: for the partnership alone.
    inner = ["submission", *(str(name) for name in sources if str(name).endswith("_differs_pct"))]
    cells = audit.protect(cells.join(disclosure.released(cells["count"])), relations)
    counts = audit.check(cells, relations)
    return Release(
        needs=_needs_table(needs, cells),
        sufficiency=_gap_table(gap, cells),
        sources=sources.drop(columns=inner).sort_values(["agency_code", "dataset_code"], ignore_index=True),
        matches=_matches_table(matches),
        audit=counts,
    )


def chosen_needs(needs: pd.DataFrame) -> pd.DataFrame:
    """What the public sees of needs: the finer the place and the rarer the event, the fewer the breakdowns.

    The area by everything, health places without ethnicity, wards and new plans in total; pupils without the ages that
    schools do not have. The rest is for the partnership.
    """
    topic, level = needs["breakdown_topic"], needs["geographic_level"]
    split = (level == "area") | ((level == "health_place") & (topic != "Ethnicity group"))
    beyond_school = needs["base"].isin(COUNTED_BASES) & (needs["breakdown"] == "20 to 25")
    kept = needs[(topic == TOTAL) | (split & (needs["measure"] != "new_plans_12m") & ~beyond_school)]
    return kept.sort_values(NEEDS_KEY, ignore_index=True)


def chosen_gap(gap: pd.DataFrame) -> pd.DataFrame:
    """Totals over each of need, phase and place, and phase by place; need by place only as totals."""
    is_total = gap[CUBE] == ALL
    kept = gap[is_total["need_code"] | (is_total["phase_code"] & is_total["health_place_code"])]
    return kept.sort_values(["horizon_years", *CUBE], ignore_index=True)


def lay_out(needs: pd.DataFrame, gap: pd.DataFrame) -> tuple[pd.DataFrame, list[Relation]]:
    """Every exact count that is released as one table, and what adds up to what in it.

    Cells: `table` (`needs`, `base`, `plans`, `specialist`), the keys of that table, `count`, and `rank`: the more
    a cell sums over, the more a reader would miss it.
    """
    bases = needs[needs["base"].isin(COUNTED_BASES) & needs["denominator_count"].notna()]
    bases = bases[bases["breakdown_topic"] != "Need"].drop_duplicates([k for k in NEEDS_KEY if k != "measure"])
    today = gap[gap["horizon_years"] == 0]
    parts = [
        needs[NEEDS_KEY].assign(table="needs", count=needs["children_count"]),
        bases[NEEDS_KEY].assign(table="base", measure="base", count=bases["denominator_count"]),
        today[CUBE].assign(table="plans", count=today["plans_count"]),
        today[CUBE].assign(table="specialist", count=today["specialist_count"]),
    ]
    cells = pd.concat(parts, ignore_index=True).assign(
        count=lambda frame: frame["count"].astype("Int64"),
        rank=lambda frame: (
            (frame[["breakdown_topic", "area_code", *CUBE]].isin([TOTAL, ALL])).sum(axis=1)
            + 2 * (frame["breakdown_topic"] == TOTAL)
        ),
    )
    return cells, [
        *_breakdowns(cells),
        *_places(cells),
        *_within_base(cells),
        *_cube(cells),
        *_same_number(cells),
    ]


def _related(cells: pd.DataFrame, total: int, parts: Sequence[int]) -> Iterator[Relation]:
    """A relation where the figures bear it out: exact where they add up, within where something is left over."""
    whole, together = cells["count"].iloc[total], cells["count"].iloc[list(parts)].sum()
    if together <= whole:
        yield Relation(int(total), tuple(map(int, parts)), is_exact=bool(together == whole))


def _sums(cells: pd.DataFrame, totals: pd.DataFrame, parts: pd.DataFrame, on: list[str]) -> Iterator[Relation]:
    """Relations between totals and the parts that agree with them on some keys."""
    by_key = {key: list(rows) for key, rows in parts.groupby(on, dropna=False).groups.items()}
    for key, rows in totals.groupby(on, dropna=False).groups.items():
        if key in by_key:
            yield from _related(cells, rows[0], by_key[key])


def _breakdowns(cells: pd.DataFrame) -> Iterator[Relation]:
    people = cells[cells["table"].isin(["needs", "base"])]
    totals = people[people["breakdown_topic"] == TOTAL]
    for _, parts in people[people["breakdown_topic"] != TOTAL].groupby("breakdown_topic"):
        yield from _sums(cells, totals, parts, ["table", "base", "measure", "geographic_level", "area_code"])


def _places(cells: pd.DataFrame) -> Iterator[Relation]:
    people = cells[cells["table"].isin(["needs", "base"])]
    totals = people[people["geographic_level"] == "area"]
    for level in ("health_place", "ward"):
        parts = people[people["geographic_level"] == level]
        yield from _sums(cells, totals, parts, ["table", "base", "measure", "breakdown_topic", "breakdown"])


def _within_base(cells: pd.DataFrame) -> Iterator[Relation]:
    keys = [key for key in NEEDS_KEY if key != "measure"]
    yield from _sums(cells, cells[cells["table"] == "base"], cells[cells["table"] == "needs"], keys)


def _cube(cells: pd.DataFrame) -> Iterator[Relation]:
    cube = cells[cells["table"].isin(["plans", "specialist"])]
    for column in CUBE:
        others = [name for name in CUBE if name != column]
        is_total = cube[column] == ALL
        yield from _sums(cells, cube[is_total], cube[~is_total], ["table", *others])
    yield from _sums(cells, cube[cube["table"] == "plans"], cube[cube["table"] == "specialist"], CUBE)


def _same_number(cells: pd.DataFrame) -> Iterator[Relation]:
    """The same children counted in two tables: plans by need and by place stand in both."""
    plans = cells[cells["table"] == "plans"]
    needs = cells[(cells["table"] == "needs") & (cells["base"] == "residents_0_25") & (cells["measure"] == "ehc_plan")]
    topics = needs["breakdown_topic"]
    counted = needs.assign(
        need_code=needs["breakdown"].where(topics == "Need", ALL).replace("Not known", "unknown"),
        phase_code=ALL,
        health_place_code=needs["area_code"],
    )[topics.isin(["Need", TOTAL]) & (needs["geographic_level"] != "ward")]
    for relation in _sums(cells, plans, counted, CUBE):
        if relation.is_exact:
            yield relation


def _needs_table(needs: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    count = cells[cells["table"] == "needs"].reset_index(drop=True)
    base = disclosure.released(needs["denominator_count"].astype("Int64"))
    keys = [key for key in NEEDS_KEY if key not in ("measure", "breakdown")]
    # A denominator that the audit withheld stays withheld: look it up by what it counts.
    found = needs[NEEDS_KEY].assign(
        breakdown=needs["breakdown"].where(needs["breakdown_topic"] != "Need", TOTAL),
        breakdown_topic=needs["breakdown_topic"].where(needs["breakdown_topic"] != "Need", TOTAL),
    )
    known = cells[cells["table"] == "base"][[*keys, "breakdown", "symbol"]]
    withheld = found.merge(known, how="left", on=[*keys, "breakdown"])["symbol"]
    base = base.assign(symbol=base["symbol"].fillna(withheld), value=base["value"].mask(withheld.notna()))
    no_base = needs["denominator_count"].isna()
    base = base.assign(symbol=base["symbol"].mask(no_base, disclosure.NOT_APPLICABLE))
    rate = disclosure.percentage(count, base)
    ends = disclosure.ranged(count, *(needs[f"children_{of}"].astype("Int64") for of in ("count", "low", "high")))
    return needs[[*NEEDS_KEY, "area_name", "data_as_at"]].assign(
        children=count["value"],
        children_symbol=count["symbol"],
        children_low=ends["low"],
        children_high=ends["high"],
        base_people=base["value"],
        base_people_symbol=base["symbol"],
        rate_pct=rate["value"],
        rate_pct_symbol=rate["symbol"],
    )


def _gap_table(gap: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Projections from the published counts of today, places, and the gap between the two."""
    table = gap[["time_period", "year", "horizon_years", *CUBE]].copy()
    for measure in ("plans", "specialist"):
        today = cells[cells["table"] == measure].set_index(CUBE)[["value", "symbol"]]
        exact = gap[gap["horizon_years"] == 0].set_index(CUBE)[f"{measure}_count"].rename("exact")
        seen = gap[CUBE].join(today, on=CUBE).join(exact, on=CUBE)
        count = gap[f"{measure}_count"].astype("Float64")
        growth = ratio(count, seen["exact"]).fillna(0)
        table[measure] = disclosure.projected(seen["value"], growth)
        for end, sign in (("low", -1), ("high", 1)):
            width = (ratio(gap[f"{measure}_{end}"], count).fillna(1) - 1) * sign
            factor = (1 + sign * disclosure.outward(width.clip(lower=0))).clip(lower=0)
            table[f"{measure}_{end}"] = disclosure.projected(seen["value"], growth * factor)
        table[f"{measure}_symbol"] = seen["symbol"]
    places = disclosure.rounded(gap["places_reliable"])
    hidden = table["specialist_symbol"]
    some = gap["places_reliable"].astype("Float64").gt(0)
    table["places"] = places.mask(hidden.notna() | (places.eq(0) & some))
    table["places_symbol"] = hidden.mask(hidden.isna() & places.eq(0) & some, LOW)
    table["gap"] = table["specialist"] - places
    table["gap_low"], table["gap_high"] = table["specialist_low"] - places, table["specialist_high"] - places
    table["gap_symbol"] = hidden
    return table.assign(interval_pct=gap["interval_pct"], method=gap["method"])


def ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    """Part / whole; missing where there is no whole."""
    whole = whole.astype("Float64")
    return part.astype("Float64") / whole.mask(whole.eq(0))


def _matches_table(matches: pd.DataFrame) -> pd.DataFrame:
    is_group = matches["to_dataset_code"] == ALL
    total = matches[is_group & (matches["breakdown_topic"] == TOTAL)].sort_values(
        ["agency_code", "dataset_code", "to_group"], ignore_index=True
    )
    records = disclosure.released(total["records_count"].astype("Int64"))
    matched = disclosure.released(total["matched_count"].astype("Int64"))
    share = disclosure.percentage(matched, records)
    return total[["agency_code", "dataset_code", "group_code", "to_group", "data_as_at"]].assign(
        records=records["value"],
        records_symbol=records["symbol"],
        matched=matched["value"],
        matched_symbol=matched["symbol"],
        matched_pct=share["value"],
        matched_pct_symbol=share["symbol"],
    )
