"""The identifier columns of a table, read row by row: which field, what value, whether it is good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts import FieldMeaning
from pipelines.registry import ColumnView
from pipelines.seal.normalise import INVALID, MISSING, Reading, reader


@dataclass(frozen=True)
class Evidence:
    """One identifier column, or the part of a long identifier table's value column that is one kind of identifier.

    raw, values and states are VARCHAR, one for each row of the batch; values are NULL where there is none.
    """

    column: str
    field: str
    kind: str
    raw: pa.Array
    values: pa.Array
    states: pa.Array

    @property
    def is_main(self) -> bool:
        """The identifier itself, rather than a former, preferred or other one: its field is called as its kind."""
        return self.field == self.kind

    def slice(self, start: int, rows: int) -> Evidence:
        """Some of its rows."""
        parts = (column.slice(start, rows) for column in (self.raw, self.values, self.states))
        return Evidence(self.column, self.field, self.kind, *parts)

    @property
    def valid(self) -> pa.Array:
        """Values that may serve as identifiers; NULL elsewhere."""
        return pc.if_else(pc.equal(self.states, "valid"), self.values, None)


def is_identifier(view: ColumnView) -> bool:
    """Whether a column becomes tokens and a state. Sex is compared too, but it is no identifier."""
    return view.column.field_by is not None or view.token not in (None, "sex")


def evidence(
    batch: pa.RecordBatch | pa.Table,
    views: Sequence[ColumnView],
    fields: Mapping[str, FieldMeaning],
    latest: date,
) -> Iterator[Evidence]:
    """All identifier columns of a batch, in contract order. latest: the last day on which a child can be born."""
    for view in filter(is_identifier, views):
        raw = _array(batch.column(view.name))
        if view.column.field_by is None:
            yield read_column(view.name, view.column.field or "", str(view.token), raw, latest)
            continue
        chosen = pc.utf8_lower(_array(batch.column(view.column.field_by.column)))
        for kind_of_row, field in view.column.field_by.values.items():
            of_kind = pc.fill_null(pc.equal(chosen, kind_of_row.lower()), False)
            yield read_column(view.name, field, str(fields[field].token), pc.if_else(of_kind, raw, None), latest)


def states(found: Sequence[Evidence], raw: pa.Array) -> pa.Array:
    """The state of one column from all its kinds; a value of no known kind is invalid, a blank one missing."""
    result = pc.if_else(pc.is_valid(raw), INVALID, MISSING)
    for one in found:
        result = pc.if_else(pc.is_valid(one.raw), one.states, result)
    return result


def read_column(column: str, field: str, kind: str, raw: pa.Array, latest: date) -> Evidence:
    """One column of raw texts as one kind of identifier of one field."""
    values, found = _readings(raw, reader(kind, latest))
    return Evidence(column, field, kind, raw, values, found)


def _readings(raw: pa.Array, function: Callable[[str], Reading]) -> tuple[pa.Array, pa.Array]:
    """Values and states, worked out once for each distinct text."""
    encoded = raw.dictionary_encode()
    values: list[str | None] = []
    found: list[str] = []
    for text in encoded.dictionary.to_pylist():
        value, state = function(text)
        values.append(value)
        found.append(state)
    states_of = pa.array(found, pa.string()).take(encoded.indices)
    return pa.array(values, pa.string()).take(encoded.indices), pc.fill_null(states_of, MISSING)


def _array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
