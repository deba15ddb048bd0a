"""The drawn rows of proofs/*.yaml, and submissions made of them; proofs/README.md says how to draw."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from pipelines.ledger.periods import bounds
from pipelines.registry import Registry
from pipelines.validate.rules import NULL, Rule, rules
from tests.validate.payloads import Rows

FOLDER = Path(__file__).parent / "proofs"
DATASETS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


@dataclass
class Drawn:
    """A dataset's drawing. `rules` are all its rules by code; `proofs` include those that prove themselves."""

    registry: Registry
    dataset: str
    period: str
    base: Rows
    proofs: dict[str, dict[str, Any]]
    rules: dict[str, list[Rule]]


def draw(registry: Registry, dataset: str) -> Drawn:
    """Read the drawing of a dataset."""
    body = yaml.safe_load((FOLDER / f"{dataset}.yaml").read_text())
    by_table = rules(registry, dataset, bounds(body["period"])[1])
    return Drawn(registry, dataset, body["period"], body["base"], body["proofs"], by_table)


@dataclass
class Composed:
    """Rows of a submission, and for each rule proved in it the table and the numbers of the rows it must find.

    previous: rows of the last accepted submission.
    """

    rows: Rows
    previous: Rows
    expected: dict[tuple[str, str], list[int]] = field(default_factory=dict)


def compose(drawn: Drawn, codes: list[str]) -> Composed:
    """The base with the rows of some proofs below it; the base was accepted before, and is there unchanged."""
    found = Composed(copy.deepcopy(drawn.base), copy.deepcopy(drawn.base))
    by_code = {rule.rule: rule for listed in drawn.rules.values() for rule in listed}
    for code in codes:
        proof = dict(drawn.proofs[code])
        for rows, tables in ((found.previous, proof.pop("previous", {})), (found.rows, proof)):
            for table, changes in tables.items():
                if changes == "none":
                    rows[table] = []
                    continue
                for change in changes if isinstance(changes, list) else [changes]:
                    number = _add(drawn, rows, table, dict(change), code)
                    judged = found.previous if by_code[code].of_previous else found.rows
                    if rows is judged and table == by_code[code].table and change.get("_expected", True):
                        found.expected.setdefault((table, code), []).append(number)
    return found


def compose_forms(drawn: Drawn, found: Composed) -> None:
    """Add one row per rule of form that nobody had to write."""
    for table, listed in drawn.rules.items():
        for rule in listed:
            if "-CAST-" in rule.rule:
                word = "#unreadable" if rule.type == NULL else "#unlisted"
                number = _add(drawn, found.rows, table, {str(rule.column): word}, f"{table}:{rule.rule}")
                found.expected[table, rule.rule] = [number]


def _add(drawn: Drawn, rows: Rows, table: str, change: dict[str, Any], name: str) -> int:
    change.pop("_expected", None)
    fresh = {
        view.name: f"new:{name}"
        for view in drawn.registry.columns(drawn.dataset, table)
        if view.name in drawn.registry.contract(drawn.dataset).tables[table].key
        and view.passes == "pseudonym"
        and view.type != "parent_key"
    }
    if drawn.registry.contract(drawn.dataset).people:
        fresh["record_pseudonym"] = f"new:{name}"
    number = len(rows[table]) + 1
    rows[table].append(drawn.base[table][0] | fresh | change | {"source_row": number})
    return number
