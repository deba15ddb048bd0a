"""The page: one static document from the templates beside this file, without any script."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml

from pipelines.publish import sections
from pipelines.publish.disclosure import SYMBOLS, shown
from pipelines.publish.release import ALL, TOTAL, Release
from pipelines.publish.sections import Labels, day
from pipelines.settings import shipped

TEMPLATES = Path(__file__).parent / "templates"
GROUPS = {"education": "education", "social_care": "social care", "health": "health", "planning": "planning"}


def render(made: Release, labels: Labels, as_of: date, refreshed: date, feeds: Mapping[str, Collection[str]]) -> str:
    """The whole page as HTML, from released figures and the caveats of their marts.

    feeds: mart -> the datasets that its figures are made of.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.FileSystemLoader(TEMPLATES),
                jinja2.PrefixLoader({"govuk_frontend_jinja": jinja2.PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    return environment.get_template("index.html").render(
        as_of=day(as_of),
        refreshed=day(refreshed),
        facts=facts(made),
        needs=sections.needs_sections(made, labels),
        gaps=sections.gap_sections(made, labels),
        wards=sections.wards(made),
        sources=sources(made),
        matches=matches(made),
        completeness=completeness(made.sources),
        completeness_of={mart: completeness(_of(made.sources, datasets)) for mart, datasets in feeds.items()},
        symbols=SYMBOLS,
        caveats=caveats(),
    )


def facts(made: Release) -> list[dict[str, str]]:
    """The figures at the head of the page: label, figure, what it is of."""
    found = []
    for base, measure, label in (
        ("residents_0_25", "ehc_plan", "children and young people with an EHC plan"),
        ("pupils_on_roll", "sen_support", "pupils on SEN support without a plan"),
    ):
        rows = sections.needs_rows(made, base, measure, TOTAL)
        for row in rows.to_dict("records"):
            rate = shown(row["rate_pct"], row["rate_pct_symbol"])
            per = "residents aged 0 to 25" if base == "residents_0_25" else "pupils"
            detail = f"{rate} in every 100 {per}"
            if sections.is_open(row):
                detail += f"; {row['children_low']:,} to {row['children_high']:,} allowing for matching errors"
            found.append({"figure": shown(row["children"], row["children_symbol"]), "label": label, "detail": detail})
    gap = made.sufficiency
    total = gap[(gap["need_code"] == ALL) & (gap["phase_code"] == ALL) & (gap["health_place_code"] == ALL)]
    if not total.empty and total["gap"].notna().all():
        for at, when in ((0, "today"), (-1, f"in {total['year'].iloc[-1]}")):
            row = total.iloc[at].to_dict()
            short = row["gap"] > 0
            detail = f"{shown(row['specialist'], row['specialist_symbol'])} needed"
            if at:
                detail = f"range {row['gap_low']:,} to {row['gap_high']:,}"
            label = f"specialist places {'too few' if short else 'to spare'} {when}"
            found.append({"figure": f"{abs(row['gap']):,}", "label": label, "detail": detail})
    return found


def sources(made: Release) -> list[tuple[str, str, str]]:
    """Who sent what: source, data as at, share of rows accepted."""
    return [
        (
            f"{row['agency_name']}: {row['dataset_title']}",
            day(row["data_as_at"]),
            "x" if pd.isna(row["accepted_pct"]) else f"{row['accepted_pct']:.1f}%",
        )
        for row in made.sources.to_dict("records")
    ]


# Percent of a source's rows from which on it counts as nearly whole.
NEARLY_WHOLE = 99


def _of(sources: pd.DataFrame, datasets: Collection[str]) -> pd.DataFrame:
    return sources[sources["dataset_code"].isin(list(datasets))]


def completeness(sources: pd.DataFrame) -> str:
    """One phrase on how much of what these sources sent is in the figures, and which is the least complete."""
    known = sources.dropna(subset=["accepted_pct"]).sort_values("accepted_pct", kind="stable")
    if known.empty:
        return "Completeness is not known."
    last = known.iloc[0].to_dict()
    lowest = int(float(last["accepted_pct"]) * 10) / 10
    if lowest >= NEARLY_WHOLE:
        return f"Completeness: at least {lowest:.1f}% of the rows of every source were accepted."
    whole = int((known["accepted_pct"] >= NEARLY_WHOLE).sum())
    return (
        f"Completeness: {whole} of {len(known)} sources had at least {NEARLY_WHOLE}% of their rows accepted; the least "
        f"complete is {last['dataset_title']} of {last['agency_name']}, with {lowest:.1f}%."
    )


def matches(made: Release) -> list[tuple[str, str, str]]:
    """How many records of a source meet a person known to another group: source, group, share."""
    names: dict[tuple[Any, Any], str] = {
        (row["agency_code"], row["dataset_code"]): f"{row['agency_name']}: {row['dataset_title']}"
        for row in made.sources.to_dict("records")
    }
    return [
        (
            names.get((row["agency_code"], row["dataset_code"]), row["agency_code"]),
            GROUPS.get(row["to_group"], row["to_group"]),
            shown(row["matched_pct"], row["matched_pct_symbol"]),
        )
        for row in made.matches.to_dict("records")
        if row["to_group"] != row["group_code"]
    ]


def caveats() -> list[str]:
    """What to bear in mind, from the definitions of the marts shown."""
    found: list[str] = []
    for mart in ("needs_prevalence", "sufficiency_gap", "match_quality"):
        definition = yaml.safe_load((shipped("sql") / "marts" / mart / "mart.yaml").read_text())
        found += [caveat if caveat.endswith(".") else f"{caveat}." for caveat in definition.get("caveats", [])]
    return found
