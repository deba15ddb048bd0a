"""The rules of a dataset: its suite, and one rule for the form of every column the suite does not speak of.

expectations/README.md says what an entry means and which rules nobody has to write.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from pipelines.errors import SystemFault
from pipelines.registry import ColumnView, Registry

# Words that the door writes in place of a value that may not pass.
SENTINELS = {"#unlisted": "unlisted", "#blanked": "blanked", "#unreadable": "unreadable"}
TYPED = {"date": "DATE", "integer": "INTEGER", "decimal": "DOUBLE", "boolean": "BOOLEAN"}
IN_SET = "expect_column_values_to_be_in_set"
REGEX = "expect_column_values_to_match_regex"
NOT_NULL = "expect_column_values_to_not_be_null"
NULL = "expect_column_values_to_be_null"
ROW_COUNT = "expect_table_row_count_to_be_between"
# Bounds of a row count, as shares of the rows that the last accepted submission had.
OF_PREVIOUS = {"min_share_of_previous": "min_value", "max_share_of_previous": "max_value"}
# A share of fewer rows than this says nothing.
FEWEST = 50


@dataclass(frozen=True)
class Rule:
    """One expectation on one table, with what becomes of a row that fails it."""

    table: str
    rule: str
    on_fail: str
    type: str
    kwargs: dict[str, Any]
    severity: str
    tell_supplier: str
    column: str | None = None
    flag_sql: str | None = None
    min_share: float | None = None
    published: tuple[str, ...] = ()
    of_previous: bool = False

    @property
    def needs_history(self) -> bool:
        """Whether it compares with the last accepted submission, and so means nothing where there is none."""
        names_it = bool(self.flag_sql and re.search(r"\bprevious\.", self.flag_sql))
        return self.of_previous or names_it or not OF_PREVIOUS.keys().isdisjoint(self.kwargs)

    @property
    def of_table(self) -> bool:
        """Whether it judges the table as a whole and no row of it."""
        return self.type.startswith("expect_table_")

    @property
    def columns(self) -> list[str]:
        """Names of the columns it reads."""
        return [str(self.kwargs[name]) for name in ("column", "column_A", "column_B") if name in self.kwargs]

    def expectation(self) -> dict[str, Any]:
        """The entry as Great Expectations takes it; the rule code finds the result again."""
        return {"type": self.type, "kwargs": self.kwargs, "severity": self.severity, "meta": {"rule": self.rule}}


def rules(registry: Registry, dataset: str, period_end: date) -> dict[str, list[Rule]]:
    """Table -> its rules, those of the suite first, for every table of the contract.

    period_end: codes that may not be used any more, or not yet, on that day are not in the lists.
    """
    suite = registry.suites[dataset]["tables"]
    found = {}
    for table in registry.contract(dataset).tables:
        entries = [_from_suite(registry, dataset, table, entry, period_end) for entry in suite.get(table, [])]
        generated = _of_form(registry, dataset, table, entries, period_end)
        if table == registry.contract(dataset).record_table:
            generated += _of_volume(registry, dataset, table, entries)
        found[table] = entries + generated
    return found


def against(rule: Rule, previous_rows: Mapping[str, int], least: float | None = None) -> Rule | None:
    """A rule with its bounds worked out from the rows of the last accepted submission; None where they say nothing.

    previous_rows: table -> rows; empty where there is no such submission. least: the sender's own lower share, in place
    of the rule's.
    """
    if not rule.needs_history:
        return rule
    if not previous_rows:
        return None
    shares = {name: rule.kwargs[name] for name in OF_PREVIOUS if name in rule.kwargs}
    if not shares:
        return rule
    before = previous_rows.get(rule.table, 0)
    if before < FEWEST:
        return None
    if least is not None and "min_share_of_previous" in shares:
        shares["min_share_of_previous"] = least
    bounds = {OF_PREVIOUS[name]: math.ceil(share * before) for name, share in shares.items()}
    return replace(rule, kwargs={n: value for n, value in rule.kwargs.items() if n not in OF_PREVIOUS} | bounds)


def codes(registry: Registry, name: str, day: date) -> list[str]:
    """The codes of a list that may be used on a day, in the order of the list."""
    listed = registry.code_lists[name]
    return [
        code
        for code in listed.codes
        if listed.since.get(code, date.min) <= day and day <= listed.until.get(code, date.max)
    ]


def _from_suite(registry: Registry, dataset: str, table: str, entry: dict[str, Any], day: date) -> Rule:
    kwargs, meta = dict(entry["kwargs"]), entry["meta"]
    if "value_set_from" in kwargs:
        kwargs["value_set"] = codes(registry, kwargs.pop("value_set_from"), day)
    if kwargs.pop("regex_from", None) == "shape":
        views = {view.name: view for view in registry.columns(dataset, table)}
        shape = views[kwargs["column"]].shape
        if shape is None:
            raise SystemFault(f"rule {meta['rule']} takes the shape of {kwargs['column']}, which has none")
        kwargs["regex"] = shape
    return Rule(
        table=table,
        rule=meta["rule"],
        on_fail=meta["on_fail"],
        type=entry["type"],
        kwargs=kwargs,
        severity=entry["severity"],
        tell_supplier=meta["tell_supplier"],
        column=meta.get("column"),
        flag_sql=meta.get("flag_sql"),
        min_share=meta.get("min_share"),
        published=tuple(meta.get("published", ())),
        of_previous=meta.get("of") == "previous",
    )


def _of_volume(registry: Registry, dataset: str, table: str, suite: list[Rule]) -> list[Rule]:
    """What becomes of a submission with far fewer or far more children than the last one.

    None for a delta, whose volume may be anything, and none where a rule of the suite bounds the table by the last one.
    """
    contract = registry.contract(dataset)
    if contract.delivery == "delta" or any(not OF_PREVIOUS.keys().isdisjoint(rule.kwargs) for rule in suite):
        return []
    whole = "Check that the export ran to the end and over the whole area"
    fewer = f"There are fewer than half as many rows as in the last submission that was accepted. {whole}."
    more = f"There are more than twice as many rows as in the last submission that was accepted. {whole}, once."
    return [
        Rule(table, f"{contract.rule_prefix}-{name}", on_fail, ROW_COUNT, {bound: share}, severity, tell)
        for name, on_fail, severity, bound, share, tell in (
            ("VOLUME", "reject_file", "critical", "min_share_of_previous", 0.5, fewer),
            ("GROWTH", "warn", "warning", "max_share_of_previous", 2.0, more),
        )
    ]


def _of_form(registry: Registry, dataset: str, table: str, suite: list[Rule], day: date) -> list[Rule]:
    prefix = registry.contract(dataset).rule_prefix
    return [
        Rule(
            table=table,
            rule=f"{prefix}-CAST-{view.name}",
            on_fail="null_field",
            severity="warning",
            column=view.name,
            **_form(registry, view, day),
        )
        for view in registry.columns(dataset, table)
        if view.passes == "text" and not any(_checks_form(rule, view) for rule in suite)
    ]


def _form(registry: Registry, view: ColumnView, day: date) -> dict[str, Any]:
    left_out = "The value is left out and the row is kept."
    if view.codes:
        kwargs: dict[str, Any] = {"column": view.name, "value_set": codes(registry, view.codes, day)}
        return {"type": IN_SET, "kwargs": kwargs, "tell_supplier": f"{view.title}: not a code of the list. {left_out}"}
    if view.shape:
        kwargs = {"column": view.name, "regex": view.shape}
        tell = f"{view.title}: not in the form it must have. {left_out}"
        return {"type": REGEX, "kwargs": kwargs, "tell_supplier": tell}
    tell = f"{view.title}: cannot be read as {_READ_AS[view.type or '']}. {left_out}"
    return {"type": NULL, "kwargs": {"column": f"{view.name}_cast"}, "tell_supplier": tell}


_READ_AS = {"date": "a date", "integer": "a whole number", "decimal": "a number", "boolean": "yes or no", "": "a value"}


def _checks_form(rule: Rule, view: ColumnView) -> bool:
    column = rule.kwargs.get("column")
    on_value = (NOT_NULL,) if view.type in TYPED else (IN_SET, REGEX)
    return (column == view.name and rule.type in on_value) or (column == f"{view.name}_cast" and rule.type == NULL)
