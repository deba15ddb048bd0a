"""From a run's summary to the words, tables and charts of its page."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from math import log2, sqrt
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from pipelines.link import agreement, belief, quality
from pipelines.link.report import charts
from pipelines.validate.report.page import TEMPLATES as SHARED

TEMPLATES = Path(__file__).parent / "templates"
Summary = dict[str, Any]
# Reasons as `pairs` defines them, in words.
REASONS = {
    "identifier": "the same valid identifier, corroborated",
    "matcher": "names and the rest, by probability",
    "household": "a first name that tells little, where twins apart are rare",
    "duplicate": "one child twice in one source, beyond doubt",
    "birth_sex_postcode": "no name: birth date, sex and postcode of one person alone",
    "decided": "put together by a person",
    "kept": "tied the night before and still above a half",
    "fading": "tied before, below a half tonight",
    "identifier_conflict": "two different valid identifiers",
    "identifier_alone": "the same identifier, and the rest contradicts it",
    "sibling": "first names do not agree: siblings, twins",
    "sibling_to_check": "the same, and neither is tied into the other's source",
    "first_name": "first names agree in little more than twins' do",
    "protected": "perhaps the earlier identity of a protected child: kept apart",
    "probable": "likely, short of the threshold",
    "same_source": "two records of one source, short of certainty",
    "too_many_records": "more records than anyone has",
    "decided_apart": "put apart by a person",
}
WAITING = {
    "two_people": "shares birth date, sex and postcode with two people",
    "two_numbers": "shares them with somebody of another number",
    "twin": "shares them with somebody who has a twin, perhaps",
    "protected": "shares them with a protected child",
    "not_believed": "the area's twins are too many to believe the three",
}
# For how many patterns a waterfall is drawn, and of which reasons: those that rest on the model alone.
WATERFALLS = 6
_BY_MODEL = ("matcher", "probable", "first_name", "sibling", "identifier_conflict")
CONFIDENCE = 1.96


def render(number: int, at: datetime, summary: Summary, model: Summary | None) -> str:
    """The page of a run. model: Splink's settings, None where there are none to show."""
    estimate = summary.get("estimate", {})
    return (
        _environment()
        .get_template("linkage.html")
        .render(
            number=number,
            at=f"{at:%d %B %Y, %H:%M} UTC".lstrip("0"),
            summary=summary,
            estimate=estimate,
            warnings=summary.get("drift", {}).get("warnings", []),
            drift=summary.get("drift", {"against": None, "moved": []}),
            sources=[_source(row) for row in summary["sources"]],
            pairs=_pairs(summary, estimate),
            reasons=REASONS,
            waiting=WAITING,
            histogram=_histogram(summary.get("weights", [])),
            patterns=_patterns(summary.get("patterns", []), model) if model else [],
            fields=_fields(model) if model else [],
            prior=model["probability_two_random_records_match"] if model else None,
            share=share,
            interval=interval,
        )
    )


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([TEMPLATES, SHARED]), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


def share(value: float | None, digits: int = 1) -> str:
    """A share as a percentage; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}%}"


def interval(found: dict[str, float] | None) -> str:
    """An estimate with its interval: 99.2% (98.7 to 99.5)."""
    return f"{found['value']:.2%} ({100 * found['low']:.2f} to {100 * found['high']:.2f})" if found else "–"


def wilson(part: int, whole: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's formula; 0 to 1 where there is nothing."""
    if not whole:
        return 0.0, 1.0
    p, z = part / whole, CONFIDENCE
    middle = (p + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * sqrt(p * (1 - p) / whole + z * z / (4 * whole * whole))
    return max(0.0, middle - half), min(1.0, middle + half)


def _source(row: Summary) -> Summary:
    met = row["in_other_sources"] / row["records"] if row["records"] else None
    low, high = wilson(row["in_other_sources"], row["records"])
    return row | {"met": met, "ends": f"{100 * low:.1f} to {100 * high:.1f}"}


def _pairs(summary: Summary, estimate: Summary) -> list[Summary]:
    """Pairs of sources that share anything, most pairs of records first, with what is estimated of them."""
    ends = ("agency_l", "dataset_l", "agency_r", "dataset_r")
    known = {tuple(row[end] for end in ends): row for row in estimate.get("pairs", [])}
    found = []
    for row in summary["pairs"]:
        of = known.get(tuple(row[end] for end in ends), {})
        waits = sum(row["reviews"].values())
        if of or waits:
            records = row["matched_l"] + row["unmatched_l"]
            met = row["matched_l"] / records if records else None
            found.append(row | {"found": of.get("found", 0), "waits": waits, "met": met,
                                "precision": of.get("precision"), "recall": of.get("recall")})  # fmt: skip
    return sorted(found, key=lambda row: (-row["found"], *(row[end] for end in ends)))


def _histogram(weights: list[Summary]) -> Summary | None:
    if not weights:
        return None
    by_bits: dict[int, dict[str, int]] = {}
    for row in weights:
        bar = by_bits.setdefault(row["bits"], {"bits": row["bits"], "ties": 0, "questions": 0})
        bar["ties" if row["verdict"] == "link" else "questions"] += row["pairs"]
    steps = range(min(by_bits), max(by_bits) + 1, quality.STEP)
    bars = [by_bits.get(bits, {"bits": bits, "ties": 0, "questions": 0}) for bits in steps]
    title = "Pairs of records by strength of evidence, tied and waiting"
    return {"bars": [bar for bar in bars if bar["ties"] or bar["questions"]], "step": quality.STEP,
            "svg": Markup(charts.histogram(bars, quality.STEP, title))}  # noqa: S704  # fmt: skip


def _patterns(patterns: list[Summary], model: Summary) -> list[Summary]:
    """The commonest pattern of each reason that rests on the model, with its waterfall."""
    prior = model["probability_two_random_records_match"]
    chosen: list[Summary] = []
    for at in range(quality.PATTERNS):
        for reason in _BY_MODEL:
            of = [row for row in patterns if row["reason"] == reason]
            chosen += of[at : at + 1]
    found = []
    for row in chosen[:WATERFALLS]:
        steps = [("two records at random", log2(prior / (1 - prior)))]
        for field in agreement.ALL:
            level = row["fields"][field.name]
            if level >= 0:
                m, u = belief.levels(model, field.name)[level]
                steps.append((f"{_name(field.name)}: {_grade(field, level)}", log2(m / u)))
        # What is left is how rare the names and postcodes are, in the middle of these pairs.
        rarity = row["bits"] - sum(bits for _, bits in steps)
        if abs(rarity) >= 0.1:
            steps.append(("how rare names and postcode are", rarity))
        verdict = "tied" if row["verdict"] == "link" else "not tied"
        title = f"{row['pairs']:,} pairs {verdict}, {REASONS[row['reason']]}: {row['bits']:+.1f} bits"
        found.append({"title": title, "steps": steps, "total": row["bits"],
                      "svg": Markup(charts.waterfall(steps, title))})  # noqa: S704  # fmt: skip
    return found


def _fields(model: Summary) -> list[Summary]:
    """For each field its grades, best first, with m, u and what they say in bits."""
    found = []
    for field in agreement.ALL:
        rows = [
            {"grade": _grade(field, level), "m": m, "u": u, "bits": log2(m / u),
             "bar": Markup(charts.bits_bar(log2(m / u), 16))}  # noqa: S704
            for level, (m, u) in belief.levels(model, field.name).items()
        ]  # fmt: skip
        found.append({"name": _name(field.name), "rows": rows})
    return found


def _grade(field: agreement.Agreement, level: int) -> str:
    return [*(grade.label for grade in field.levels), "no agreement"][len(field.levels) - level]


def _name(field: str) -> str:
    return field.replace("_", " ")
