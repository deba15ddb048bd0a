"""The strict shape of `expectations/<dataset>.json`; expectations/README.md says what an entry means."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from pipelines.contracts import Strict

OnFail = Literal["reject_file", "quarantine_row", "null_field", "warn"]
Kind = Literal[
    "expect_column_values_to_not_be_null",
    "expect_column_values_to_be_null",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_not_be_in_set",
    "expect_column_values_to_be_between",
    "expect_column_values_to_match_regex",
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_table_row_count_to_be_between",
    "expect_table_row_count_to_equal",
]


class Meta(Strict):
    """What a rule is called, what becomes of a row that breaks it, and what its supplier is told."""

    rule: str = Field(pattern=r"^[A-Z0-9]{2,6}-[A-Z0-9_]+$", description="<rule_prefix>-<number>, never used twice")
    on_fail: OnFail
    tell_supplier: str = Field(min_length=20, description="what is wrong and what to do, without any value")
    column: str | None = Field(None, description="the contract's column that the rule is about")
    flag_sql: str | None = Field(None, description="DuckDB condition, true where the row t is at fault")
    min_share: float | None = Field(None, gt=0, le=1, description="fewer good rows than this reject the whole file")
    of: Literal["previous"] | None = Field(None, description="judge the rows of the last accepted submission instead")
    published: tuple[str, ...] = Field((), description="the same rule in published sets: CIN 1510, 903 102")


class Entry(Strict):
    """One rule: a Great Expectations expectation and what it means here."""

    type: Kind
    kwargs: dict[str, Any]
    severity: Literal["critical", "warning", "info"]
    meta: Meta

    @model_validator(mode="after")
    def _fits(self) -> Entry:
        column = self.kwargs.get("column")
        if self.type.startswith("expect_column_values") and not isinstance(column, str):
            raise ValueError("kwargs names no column")
        if self.type.startswith("expect_column_pair") and self.kwargs.get("ignore_row_if") != "either_value_is_missing":
            raise ValueError("a rule about a pair of columns says ignore_row_if: either_value_is_missing")
        if self.meta.on_fail == "null_field" and not self.meta.column:
            raise ValueError("null_field needs meta.column: the field to leave out")
        if self.meta.of and self.meta.on_fail in ("null_field", "quarantine_row"):
            raise ValueError("a rule about earlier rows can warn or reject the file; those rows are not in it")
        return self


class Suite(Strict):
    """The rules of a dataset, by table."""

    suite: str
    tables: dict[str, tuple[Entry, ...]]
