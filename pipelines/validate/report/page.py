"""The report as a web page: one file that needs no other, no script and no network."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from pipelines.validate.report import words

TEMPLATES = Path(__file__).parent / "templates"


def render(document: dict[str, Any]) -> str:
    """The page of a submission's document."""
    fixes = words.to_fix(document)
    sections = [
        {"name": on_fail, "heading": heading, "then": then, "rules": [r for r in fixes if r["on_fail"] == on_fail]}
        for on_fail, (heading, then) in words.THEN.items()
    ]
    return (
        _environment()
        .get_template("report.html")
        .render(
            document=document,
            period=words.period(document["period"]),
            heading=words.heading(document),
            meaning=words.meaning(document),
            sections=[section for section in sections if section["rules"]],
            absent=list(zip(document["absent_tables"], document["absent_titles"], strict=True)),
            how_to_read=words.HOW_TO_READ,
            share=words.share,
            where=lambda rule: words.where(document, rule),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(TEMPLATES)
    return jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
