"""What arrives. One YAML per dataset, `_fields.yaml` for what a column means everywhere, `_codes/` for code lists.

The classes here are the strict shape of those files: an unknown key is an error. From a contract follow the reader's
header matching, what the door keeps, the typed cast, the duplicate and orphan flags and the dictionary.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Privacy = Literal["direct", "quasi", "sensitive", "staff", "key", "operational"]
ColumnType = Literal["code", "date", "integer", "decimal", "boolean", "shaped", "key", "parent_key"]
# How a direct identifier or quasi-identifier is normalised before it is tokenised (pipelines/seal/normalise.py).
TokenKind = Literal[
    "upn", "uln", "nhs_number", "local_id", "forename", "surname", "birth_date", "birth_month", "postcode", "sex"
]
# csv: one text file per table, with any separator. xml: one document. workbook: one sheet per table.
# template: one sheet on which the tables stand one below the other, each under its title.
Form = Literal["csv", "xml", "workbook", "template"]


class Strict(BaseModel):
    """A mapping in which a key nobody declared is an error, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldMeaning(Strict):
    """What a column means wherever it occurs (an entry of `_fields.yaml`)."""

    title: str
    privacy: Privacy
    token: TokenKind | None = None
    type: ColumnType | None = None
    codes: str | None = None
    shape: str | None = None
    # What the door puts into the payload in place of the value: birth_month, lsoa21_code, and so on.
    derive: tuple[Literal["birth_month", "age_31_aug", "school_year", "is_birth_day_unknown", "lsoa21_code"], ...] = ()


class FieldChoice(Strict):
    """A value column whose field is named by another column of the row (a long identifier table)."""

    column: str
    values: dict[str, str]


class Column(Strict):
    """One column of a table. Exactly one of `field`, `field_by`, `type` and `drop` says what it is."""

    field: str | None = None
    field_by: FieldChoice | None = None
    type: ColumnType | None = None
    drop: str | None = None
    title: str | None = None
    codes: str | None = None
    shape: str | None = None
    aliases: tuple[str, ...] = ()
    # In XML: the path below the table's own element, e.g. `ChildIdentifiers/UPN`.
    path: str | None = None
    # The column must be in the file. That a value is in every row is a rule, and lives in expectations/.
    required: bool = False
    since: str | None = None
    until: str | None = None
    # What marks an adopted or protected child, of whom the door leaves out every earlier name and identifier: a yes
    # (anything but a readable no), one of these codes, or, in a column of another kind, that there is a value at all.
    protects: bool | tuple[str, ...] = False
    # For keys: the table whose key it holds, where that is not the parent, so that the two can be joined.
    key_of: str | None = None
    # For dates: the door compares with the birth date before that is dropped and leaves `<column>_before_birth`.
    after_birth: bool = False
    # For the postcode of a place that is no child's home: the door measures the way to it from the postcode in this
    # column of the row and leaves `<column>_km`.
    km_from: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Column:
        kinds = [k for k in ("field", "field_by", "type", "drop") if getattr(self, k) is not None]
        if len(kinds) != 1:
            raise ValueError(f"say one of field, field_by, type, drop (found {kinds or 'none'})")
        if self.type == "code" and not self.codes:
            raise ValueError("a code column names its list: codes: <name>")
        if self.type == "shaped" and not self.shape:
            raise ValueError("a shaped column gives its regular expression: shape: '^...$'")
        if self.shape:
            re.compile(self.shape)
        return self


class Table(Strict):
    """One table of a dataset: a CSV file, a sheet, a block of a sheet, or a repeating XML element."""

    title: str
    grain: str
    # Names by which a person would recognise the file or the sheet; recognition itself is by header.
    files: tuple[str, ...] = ()
    element: str | None = None
    # In a template: the titles that may stand above the table.
    block: tuple[str, ...] = ()
    optional: bool = False
    key: tuple[str, ...] = ()
    parent: str | None = None
    columns: dict[str, Column]
    # Headers of the layout that are known and not needed: they never pass, and do not make the file a stranger.
    ignored: tuple[str, ...] = ()

    @property
    def is_taken(self) -> bool:
        """Whether anything of it passes: a table all of whose columns are dropped is known and not missed."""
        return any(column.drop is None for column in self.columns.values())

    @model_validator(mode="after")
    def _names(self) -> Table:
        for name in self.columns:
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
                raise ValueError(f"column {name!r}: lower case letters, digits and underscores only")
        for name in self.key:
            if name not in self.columns:
                raise ValueError(f"key column {name!r} is not among the columns")
        return self


class HeaderCheck(Strict):
    """A value in the file that must agree with the sender: wrong LA, wrong collection."""

    table: str
    column: str
    # What it must equal: the attribute of the agency, or a fixed text.
    agency: str | None = None
    equals: str | None = None


class Rhythm(Strict):
    """When the next submission is due: `every` period, at the latest `lag_days` after the period ends."""

    every: Literal["week", "month", "term", "year"]
    lag_days: int = Field(ge=0)
    # The day on which a year of this dataset ends: a year to March, a count in January, a mid-year estimate.
    year_ends: str = Field("12-31", pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")


class Contract(Strict):
    """A dataset: its tables, its rhythm, what names a child in it. `people: false` means no identifiers at all."""

    dataset: str
    title: str
    source: str
    group: Literal["education", "social_care", "health", "planning"]
    people: bool = True
    # The physical forms in which it may come; the first is the usual one.
    forms: tuple[Form, ...]
    # full: what is no longer in it is gone. delta: only what changed. rolling: what was open in a window of time.
    delivery: Literal["full", "delta", "rolling"]
    # newest_period: the newest period tells all there is. every_period: each period adds what only it can tell (a
    # census by term, results by year, a month of referrals), so the newest submission of each period stands.
    stands: Literal["newest_period", "every_period"] = "newest_period"
    # The widest circle that may see figures made from it, under the rule of that circle.
    disclosure: Literal["restricted", "partnership", "public"] = "public"
    expected: Rhythm
    # The table in which one row is one child, and the fields that name the same child next time, best first.
    record_table: str | None = None
    # Further tables in which one row is one child, such as leavers beside those on roll. Equal names mean equal fields.
    more_record_tables: tuple[str, ...] = ()
    record_key: tuple[str, ...] = ()
    rule_prefix: str = Field(pattern=r"^[A-Z0-9]{2,6}$")
    header_checks: tuple[HeaderCheck, ...] = ()
    retention_years: int = Field(ge=1, le=30)
    warnings: tuple[str, ...] = ()
    # Headers that any of the tables may have beside its own `ignored`, such as those a national copy adds to each.
    ignored: tuple[str, ...] = ()
    tables: dict[str, Table]

    @model_validator(mode="before")
    @classmethod
    def _ignored_in_every_table(cls, body: Any) -> Any:
        if not isinstance(body, dict) or not body.get("ignored"):
            return body
        tables = {
            name: table | {"ignored": [*table.get("ignored", ()), *body["ignored"]]}
            for name, table in body["tables"].items()
        }
        return body | {"tables": tables}

    @property
    def record_tables(self) -> tuple[str, ...]:
        """All tables in which one row is one child, `record_table` first; none without people."""
        return (self.record_table, *self.more_record_tables) if self.record_table else ()

    @model_validator(mode="after")
    def _consistent(self) -> Contract:
        if self.people:
            if not self.record_table or not set(self.record_tables) <= set(self.tables):
                raise ValueError("record_table and more_record_tables name tables of this contract")
            if not self.record_key:
                raise ValueError("record_key is missing: which fields name the same child in the next submission?")
        for name, table in self.tables.items():
            if table.parent and table.parent not in self.tables:
                raise ValueError(f"table {name}: parent {table.parent!r} is not a table of this contract")
        return self


class CodeList(Strict):
    """A code list, `_codes/<name>.yaml`: code -> label, with the dates between which a code may be used."""

    name: str
    title: str
    source: str
    codes: dict[str, str]
    # Other ways in which systems write a code, in any case: what they write -> the code.
    aliases: dict[str, str] = {}
    since: dict[str, date] = {}
    until: dict[str, date] = {}

    @model_validator(mode="after")
    def _aliases_of_codes(self) -> CodeList:
        if strange := sorted(set(self.aliases.values()) - set(self.codes)):
            raise ValueError(f"aliases stand for codes that are not in the list: {', '.join(strange)}")
        return self
