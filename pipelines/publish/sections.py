"""What the page says: from released tables to findings in words, charts and tables. Uses released figures only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipelines.publish import charts, disclosure
from pipelines.publish.charts import Bar, Point
from pipelines.publish.disclosure import shown
from pipelines.publish.release import ALL, TOTAL, Release

UNKNOWN = "unknown"
PHASE_ORDER = ("early_years", "primary", "secondary", "post_16", UNKNOWN)


@dataclass(frozen=True)
class Labels:
    """Words for codes: needs, phases and health places."""

    need: Mapping[str, str]
    phase: Mapping[str, str]
    place: Mapping[str, str]

    def of(self, axis: str, code: str) -> str:
        """The words for a code on an axis; what is not known says so."""
        words: str = "Not known" if code in (UNKNOWN, "Not known") else getattr(self, axis).get(code, code)
        return words[:1].upper() + words[1:]


@dataclass(frozen=True)
class Section:
    """A finding with its evidence. heading: the finding; measure: what is measured and on what base."""

    name: str
    heading: str
    measure: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    download: str
    as_at: str
    chart: str = ""
    notes: Sequence[str] = field(default_factory=list)


def day(value: Any) -> str:
    """A date as people write it: 15 January 2026."""
    found = pd.Timestamp(value)
    return f"{found.day} {found:%B %Y}"


def needs_rows(release: Release, base: str, measure: str, topic: str, level: str = "area") -> pd.DataFrame:
    """Rows of the needs table for one picture."""
    table = release.needs
    wanted = (table["base"] == base) & (table["measure"] == measure) & (table["breakdown_topic"] == topic)
    return table[wanted & (table["geographic_level"] == level)]


def gap_rows(release: Release, step: int, **fixed: str) -> pd.DataFrame:
    """Rows of the sufficiency table at a horizon, with some of need, phase and place fixed."""
    table = release.sufficiency
    wanted = table["horizon_years"] == step
    for column, code in fixed.items():
        wanted &= table[f"{column}_code"] == code
    return table[wanted]


def _bar(label: str, row: Mapping[str, Any], column: str, *, suffix: str = "", interval: bool = False) -> Bar:
    symbol_column = "gap_symbol" if column == "gap" else f"{column}_symbol"
    text = shown(row[column], row[symbol_column])
    if pd.isna(row[column]):
        return Bar(label, None, text)
    ends = (float(row[f"{column}_low"]), float(row[f"{column}_high"])) if interval else None
    return Bar(label, float(row[column]), text + suffix, ends)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


RANGE_NOTE = (
    "The range says how far a count may be off where it is not certain which records are of one child. Children whom "
    "nothing ties to their other records are not in it."
)


def _children(row: Mapping[str, Any]) -> str:
    """A count of children as people read it, with its range where matching leaves one."""
    text = shown(row["children"], row["children_symbol"])
    return f"{text} ({row['children_low']:,} to {row['children_high']:,})" if is_open(row) else text


def is_open(row: Mapping[Any, Any]) -> bool:
    """Whether matching leaves a released count a range."""
    return bool(not pd.isna(row["children_low"]) and row["children_low"] < row["children_high"])


def _about_ranges(rows: pd.DataFrame) -> tuple[str, list[str]]:
    """The heading of a column of children, and the note, with ranges only where there are any."""
    some = any(is_open(row) for row in _records(rows))
    return ("Children (range)", [RANGE_NOTE]) if some else ("Children", [])


def needs_sections(release: Release, labels: Labels) -> list[Section]:
    """Plans by need, by age and by place; SEN support by need."""
    found = [_by_need(release, labels, "residents_0_25", "ehc_plan"), _by_age(release), _by_place(release, labels)]
    found.append(_by_need(release, labels, "pupils_on_roll", "sen_support"))
    return [section for section in found if section is not None]


def _by_need(release: Release, labels: Labels, base: str, measure: str) -> Section | None:
    rows = needs_rows(release, base, measure, "Need")
    total = needs_rows(release, base, measure, TOTAL)["children"]
    if rows.empty or total.isna().all() or not total.iloc[0]:
        return None
    rows = rows[(rows["children"] != 0) | rows["children"].isna()].sort_values("children", ascending=False)
    known = rows[rows["children"].notna() & (rows["breakdown"] != "Not known")]
    who = {"ehc_plan": "EHC plans", "sen_support": "pupils on SEN support"}[measure]
    heading = f"What children with {who} need"
    if not known.empty:
        share = 100 * known["children"].iloc[0] / total.iloc[0]
        name = labels.of("need", known["breakdown"].iloc[0])
        heading = f"{name} is the most common primary need: {share:.0f}% of {who}"
    bars = [_bar(labels.of("need", row["breakdown"]), row, "children") for row in _records(rows)]
    shares = disclosure.percentage(
        rows[["children", "children_symbol"]].set_axis(["value", "symbol"], axis=1),
        pd.DataFrame({"value": total.iloc[0], "symbol": pd.NA}, index=rows.index),
    )
    table = [
        (bar.label, _children(row), shown(share, symbol))
        for bar, row, share, symbol in zip(bars, _records(rows), shares["value"], shares["symbol"], strict=True)
    ]
    column, notes = _about_ranges(rows)
    people = "children and young people aged 0 to 25" if base == "residents_0_25" else "pupils of state-funded schools"
    return Section(
        name=f"need-{measure.replace('_', '-')}",
        heading=heading,
        measure=f"{who[0].upper()}{who[1:]} by primary need, {people}",
        head=("Primary need", column, "Per cent"),
        rows=table,
        download="needs.csv",
        as_at=day(rows["data_as_at"].iloc[0]),
        chart=charts.both(f"need-{measure}", heading, "bars", bars),
        notes=notes,
    )


def _by_age(release: Release) -> Section | None:
    rows = needs_rows(release, "residents_0_25", "ehc_plan", "Age band")
    order = {"Under 5": 0, "5 to 10": 1, "11 to 15": 2, "16 to 19": 3, "20 to 25": 4}
    rows = rows[rows["breakdown"].isin(order)].sort_values("breakdown", key=lambda names: names.map(order))
    if rows["rate_pct"].isna().all():
        return None
    top = rows.dropna(subset="rate_pct").sort_values("rate_pct").iloc[-1]
    heading = f"Plans are most common at ages {top['breakdown']}: {top['rate_pct']:.1f} in every 100 residents"
    heading = heading.replace("ages Under 5", "ages under 5")
    bars = [_bar(row["breakdown"], row, "rate_pct") for row in _records(rows)]
    column, notes = _about_ranges(rows)
    return Section(
        name="age",
        heading=heading,
        measure="Children with an EHC plan per 100 residents of their age, by age on 31 August",
        head=("Age", column, "Per 100"),
        rows=[(row["breakdown"], _children(row), bar.text) for row, bar in zip(_records(rows), bars, strict=True)],
        download="needs.csv",
        as_at=day(rows["data_as_at"].iloc[0]),
        chart=charts.both("age", heading, "bars", bars),
        notes=notes,
    )


def _by_place(release: Release, labels: Labels) -> Section | None:
    rows = needs_rows(release, "residents_0_25", "ehc_plan", TOTAL, "health_place")
    rows = rows.sort_values("rate_pct", ascending=False)
    if rows["rate_pct"].notna().sum() < 2:
        return None
    high, low = rows.iloc[0], rows[rows["rate_pct"].notna()].iloc[-1]
    heading = f"Plans per 100 residents are the same in {high['area_name']} and {low['area_name']}"
    if high["rate_pct"] > low["rate_pct"]:
        heading = (
            f"{high['area_name']} has {high['rate_pct']:.1f} plans per 100 residents, "
            f"{low['area_name']} {low['rate_pct']:.1f}"
        )
    support = needs_rows(release, "pupils_on_roll", "sen_support", TOTAL, "health_place").set_index("area_code")
    support = support[["rate_pct", "rate_pct_symbol"]].rename(columns=lambda name: f"support_{name}")
    records = _records(rows.join(support, on="area_code"))
    bars = [_bar(row["area_name"], row, "rate_pct") for row in records]
    column, notes = _about_ranges(rows)
    return Section(
        name="place",
        heading=heading,
        measure="Children with an EHC plan per 100 residents aged 0 to 25, by health place where they live",
        head=("Health place", column, "Per 100", "SEN support, per 100 pupils"),
        rows=[
            (
                row["area_name"],
                _children(row),
                bar.text,
                shown(row["support_rate_pct"], row["support_rate_pct_symbol"]),
            )
            for row, bar in zip(records, bars, strict=True)
        ],
        download="needs.csv",
        as_at=day(rows["data_as_at"].iloc[0]),
        chart=charts.both("place", heading, "bars", bars),
        notes=["Children who live outside the area, or whose address is not known, are in no health place.", *notes],
    )


def wards(release: Release) -> list[tuple[str, str, str]]:
    """Ward, children with a plan, per 100 residents."""
    rows = needs_rows(release, "residents_0_25", "ehc_plan", TOTAL, "ward").sort_values("area_name")
    return [
        (
            row["area_name"],
            _children(row),
            shown(row["rate_pct"], row["rate_pct_symbol"]),
        )
        for row in _records(rows)
    ]


def gap_sections(release: Release, labels: Labels) -> list[Section]:
    """Places needed and there: by year, then in five years by need, phase and health place."""
    if release.sufficiency.empty:
        return []
    found = [_by_year(release)]
    for axis, words in (("need", "primary need"), ("phase", "phase"), ("health_place", "health place")):
        found.append(_gap_by(release, labels, axis, words))
    return [section for section in found if section is not None]


def gap_words(row: Mapping[str, Any]) -> str:
    """A gap in words: short of about 320, about 40 to spare, enough."""
    if pd.isna(row["gap"]):
        return f"not shown ({row['gap_symbol']})"
    if row["gap"] == 0:
        return "about as many as needed"
    return f"about {row['gap']:,} too few" if row["gap"] > 0 else f"about {-row['gap']:,} to spare"


def _by_year(release: Release) -> Section | None:
    total = release.sufficiency
    total = total[(total["need_code"] == ALL) & (total["phase_code"] == ALL) & (total["health_place_code"] == ALL)]
    if total["specialist"].isna().any():
        return None
    today, last = _records(total.iloc[[0, -1]])
    heading = f"Specialist places: {gap_words(today)} today, {gap_words(last)} in {last['year']}"
    there = total["places"].fillna(0)
    points = [
        Point(int(year), float(need), float(low), float(high), float(places))
        for year, need, low, high, places in zip(
            total["year"], total["specialist"], total["specialist_low"], total["specialist_high"], there, strict=True
        )
    ]
    return Section(
        name="years",
        heading=heading,
        measure="Specialist places needed and places the area can rely on; the range holds in 8 of 10 cases",
        head=("Year", "Needed", "Range", "Places"),
        rows=[
            (
                str(row["year"]),
                shown(row["specialist"], row["specialist_symbol"]),
                "counted" if row["horizon_years"] == 0 else f"{row['specialist_low']:,} to {row['specialist_high']:,}",
                shown(row["places"], row["places_symbol"]),
            )
            for row in _records(total)
        ],
        download="sufficiency.csv",
        as_at=day(today["time_period"]),
        chart=charts.both("years", heading, "lines", points),
        notes=[
            "Specialist places are places in special schools, specialist bases and independent special schools. Places "
            "held by other areas' children are left out; planned places count by their chance of opening on time."
        ],
    )


def _gap_by(release: Release, labels: Labels, axis: str, words: str) -> Section | None:
    others = {name: ALL for name in ("need", "phase", "health_place") if name != axis}
    last = int(release.sufficiency["horizon_years"].max())
    rows = gap_rows(release, last, **others)
    rows = rows[rows[f"{axis}_code"] != ALL]
    # Where nothing is needed and nothing is there, there is nothing to show.
    rows = rows[rows["gap"].isna() | rows["specialist"].gt(0) | rows["places"].gt(0)]
    if axis == "phase":
        rows = rows.sort_values("phase_code", key=lambda codes: codes.map(PHASE_ORDER.index))
    else:
        rows = rows.sort_values("gap", ascending=False)
    if rows.empty:
        return None
    label = {"need": "need", "phase": "phase", "health_place": "place"}[axis]
    names = [labels.of(label, code) for code in rows[f"{axis}_code"]]
    year, known = rows["year"].iloc[0], rows["gap"].dropna()
    if known.empty or known.max() <= 0:
        heading = f"No {words} is short of places in {year}"
    else:
        worst = names[list(rows.index).index(known.idxmax())]
        heading = f"{worst}: about {known.max():,} places too few in {year}, the most of any {words}"
    bars = [_bar(name, row, "gap", interval=True) for name, row in zip(names, _records(rows), strict=True)]
    return Section(
        name=f"gap-{axis.replace('_', '-')}",
        heading=heading,
        measure=f"Places needed less places the area can rely on in {year}, by {words}, with the range",
        head=(words.capitalize(), "Needed", "Places", "Gap (range)"),
        rows=[
            (
                name,
                shown(row["specialist"], row["specialist_symbol"]),
                shown(row["places"], row["places_symbol"]),
                shown(row["gap"], row["gap_symbol"])
                + ("" if pd.isna(row["gap"]) else f" ({row['gap_low']:,} to {row['gap_high']:,})"),
            )
            for name, row in zip(names, _records(rows), strict=True)
        ],
        download="sufficiency.csv",
        as_at=day(rows["time_period"].iloc[0]),
        chart=charts.both(f"gap-{axis}", heading, "bars", bars),
        notes=["The line across a bar is the range, which holds in 8 of 10 cases. Below zero means places to spare."],
    )
