"""The rules of a dataset: its suite, and one rule for the form of every column the suite does not speak of.

expectations/README.md says what an entry means and which rules nobody has to write.
"""

from __future__ import annotations

from dataclasses import dataclass
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
        found[table] = entries + _of_form(registry, dataset, table, entries, period_end)
    return found


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
    )


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
