"""What a supplier is told: which rules its files broke, in which table, how often and in which rows. No values."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pipelines.validate.engine import Finding
from pipelines.validate.outcomes import Judgement

FIRST_ROWS = 10
HEADINGS = {
    "reject_file": "Why the files cannot be taken",
    "quarantine_row": "Rows that are held back",
    "null_field": "Values that are left out",
    "warn": "To be checked",
}
OUTCOMES = {
    "accepted": "Taken in. What is listed below wants mending at the source.",
    "rejected": "Not taken in. The submission that stood before it stands.",
    "held_ours": "Waiting. Some rules could not be evaluated, which is not your fault; nothing is to be done.",
}


def as_json(manifest: dict[str, Any], judgement: Judgement) -> dict[str, Any]:
    """A judgement as plain types: names, counts, row numbers and sentences."""
    return {
        "agency": manifest["agency"],
        "dataset": manifest["dataset"],
        "period": manifest["period"],
        "outcome": judgement.outcome,
        "reason": {"rule": judgement.fault.rule, "tell_supplier": judgement.fault.tell_supplier}
        if judgement.fault
        else None,
        "tables": [
            {
                "table": table.table,
                "rows_in": table.rows_in,
                "accepted": table.accepted,
                "quarantined": table.quarantined,
                "parent_held": table.parent_held,
                "rejected": table.rejected,
            }
            for table in judgement.tables
        ],
        "absent_tables": judgement.absent,
        "rules": [_rule(f) for f in judgement.findings if f.result not in ("passed", "not_applicable")],
        "not_applicable": sorted({f.rule.rule for f in judgement.findings if f.result == "not_applicable"}),
    }


def _rule(finding: Finding) -> dict[str, Any]:
    rule = finding.rule
    return {
        "rule": rule.rule,
        "table": rule.table,
        "column": rule.column,
        "on_fail": rule.on_fail,
        "result": finding.result,
        "count": finding.failed,
        "of": finding.evaluated,
        "first_rows": finding.rows[:FIRST_ROWS].to_pylist(),
        "tell_supplier": rule.tell_supplier,
    }


def as_markdown(document: dict[str, Any]) -> str:
    """The document of `as_json` for people."""
    lines = [f"# {document['dataset']} {document['period']}, {document['agency']}", "", OUTCOMES[document["outcome"]]]
    if document["reason"]:
        lines += ["", f"**{document['reason']['rule']}** {document['reason']['tell_supplier']}"]
    lines += [
        "",
        "| table | rows in | taken | held | of these below a held row | rejected |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for table in document["tables"]:
        lines.append("| " + " | ".join(str(cell) for cell in table.values()) + " |")
    for name in document["absent_tables"]:
        lines.append(f"| {name} | not sent | | | | |")
    for on_fail, heading in HEADINGS.items():
        found = [r for r in document["rules"] if r["on_fail"] == on_fail and r["result"] == "failed"]
        if found:
            lines += [
                "",
                f"## {heading}",
                "",
                "| rule | table | rows | first rows | what to do |",
                "|---|---|--:|---|---|",
            ]
            lines += [_line(rule) for rule in found]
    lines += ["", "Row numbers count the data rows of each file from 1."]
    return "\n".join(lines) + "\n"


def _line(rule: dict[str, Any]) -> str:
    rows = ", ".join(map(str, rule["first_rows"]))
    return f"| {rule['rule']} | {rule['table']} | {rule['count']} | {rows} | {rule['tell_supplier']} |"


def write(folder: Path, document: dict[str, Any]) -> None:
    """Write `report.json` and `report.md` into a folder, in place of earlier ones."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    texts = {"report.json": json.dumps(document, indent=2) + "\n", "report.md": as_markdown(document)}
    for name, text in texts.items():
        beside = folder / f".{name}.{os.getpid()}"
        beside.write_text(text)
        beside.chmod(0o600)
        beside.rename(folder / name)
