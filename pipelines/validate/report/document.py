"""What is known of a judged submission, as plain types: names, counts, row numbers and sentences. No value of a cell.

The pages, the workbook and `joint-needs check --json` are all made from this one document.
"""

from __future__ import annotations

from typing import Any

from pipelines.errors import DataFault
from pipelines.registry import Registry
from pipelines.validate.engine import Finding
from pipelines.validate.outcomes import Judgement

FIRST_ROWS = 10
# A row that the door could not read has no rule in a suite.
UNREAD = "ROW"
_UNREAD_TELLS = (
    "The row has more or fewer fields than the header, or cannot be read, and was left behind before the checks. Quote "
    "cells that hold the separator or a line break, and send the file again."
)


def as_json(registry: Registry, manifest: dict[str, Any], judgement: Judgement) -> dict[str, Any]:
    """A judgement in plain types. `rules` are those that did not pass, `places` the tables' places in the delivery."""
    dataset, agency = manifest["dataset"], registry.agencies.get(manifest["agency"])
    contract = registry.contract(dataset)
    titles = {
        name: table.title if table.is_taken else f"{table.title} (known; no column of it is kept)"
        for name, table in contract.tables.items()
    }
    return {
        "agency": manifest["agency"],
        "agency_name": agency.name if agency else None,
        "dataset": dataset,
        "title": contract.title,
        "period": manifest["period"],
        "sequence": manifest.get("sequence"),
        "outcome": judgement.outcome,
        "reason": _reason(judgement.fault),
        "tables": [
            {
                "table": table.table,
                "title": titles[table.table],
                "rows_in": table.rows_in,
                "accepted": table.accepted,
                "quarantined": table.quarantined,
                "parent_held": table.parent_held,
                "rejected": table.rejected,
                "is_taken": contract.tables[table.table].is_taken,
            }
            for table in judgement.tables
        ],
        "absent_tables": judgement.absent,
        "absent_titles": [titles[name] for name in judgement.absent],
        "rules": _unread(manifest, titles)
        + [_rule(registry, dataset, f) for f in judgement.findings if f.result not in ("passed", "not_applicable")],
        "not_applicable": sorted({f.rule.rule for f in judgement.findings if f.result == "not_applicable"}),
        "places": _places(manifest),
    }


def refused(
    registry: Registry, agency: str | None, dataset: str | None, period: str, fault: DataFault
) -> dict[str, Any]:
    """The same document for files that could not even be sealed, or a delivery that was turned away."""
    sender, contract = registry.agencies.get(agency or ""), registry.contracts.get(dataset or "")
    return {
        "agency": agency,
        "agency_name": sender.name if sender else None,
        "dataset": dataset,
        "title": contract.title if contract else None,
        "period": period,
        "sequence": None,
        "outcome": "rejected",
        "reason": _reason(fault),
        **{name: [] for name in ("tables", "absent_tables", "absent_titles", "rules", "not_applicable")},
        "places": {},
    }


def _reason(fault: DataFault | None) -> dict[str, str] | None:
    return {"rule": fault.rule, "tell_supplier": fault.tell_supplier} if fault else None


def _rule(registry: Registry, dataset: str, finding: Finding) -> dict[str, Any]:
    rule = finding.rule
    titles = {view.name: view.title for view in registry.columns(dataset, rule.table)}
    return {
        "rule": rule.rule,
        "published": list(rule.published),
        "table": rule.table,
        "table_title": registry.contract(dataset).tables[rule.table].title,
        "column": rule.column,
        "column_title": titles.get(rule.column or ""),
        "on_fail": rule.on_fail,
        "result": finding.result,
        "count": finding.failed,
        "of": finding.evaluated,
        "first_rows": finding.rows[:FIRST_ROWS].to_pylist(),
        "of_previous": rule.of_previous,
        "tell_supplier": rule.tell_supplier,
    }


def _unread(manifest: dict[str, Any], titles: dict[str, str]) -> list[dict[str, Any]]:
    """Rows that the door left behind, as if a rule had found them."""
    return [
        {
            "rule": UNREAD,
            "published": [],
            "table": name,
            "table_title": titles[name],
            "column": None,
            "column_title": None,
            "on_fail": "reject_row",
            "result": "failed",
            "count": len(told["rejected_rows"]),
            "of": told["rows_in"],
            "first_rows": list(told["rejected_rows"][:FIRST_ROWS]),
            "of_previous": False,
            "tell_supplier": _UNREAD_TELLS,
        }
        for name, told in manifest["tables"].items()
        if told["rejected_rows"]
    ]


def _places(manifest: dict[str, Any]) -> dict[str, str]:
    """Table -> its file's place among the files of the delivery; their names are not known after the door."""
    sources = manifest.get("sources", [])
    if len(sources) == 1:
        return dict.fromkeys(manifest["tables"], "the only file")
    found: dict[str, list[int]] = {}
    for number, source in enumerate(sources, 1):
        if source["table"]:
            found.setdefault(source["table"], []).append(number)
    return {table: f"file {' and '.join(map(str, numbers))} of {len(sources)}" for table, numbers in found.items()}
