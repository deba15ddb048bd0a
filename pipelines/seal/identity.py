"""Who the records are: pseudonyms, linkage rows, and what the other tables are checked against.

Read first, from the record tables and the identifier tables that hang on them; held in memory for one sealing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts import FieldMeaning
from pipelines.errors import SystemFault
from pipelines.extract import TextTable
from pipelines.registry import ColumnView, Registry
from pipelines.seal import own
from pipelines.seal.cells import cells_of
from pipelines.seal.identifiers import Evidence, evidence, is_identifier
from pipelines.seal.keys import PartnerKeys
from pipelines.seal.names import parts
from pipelines.seal.normalise import INVALID, partial_birth_date, sex
from pipelines.seal.tokens import OTHERS, linkage_tokens, over_distinct, pseudonyms, subkey
from pipelines.settings import near_tokens

MAIN = ("forename", "surname", "birth_date", "postcode", "nhs_number", "upn", "uln")


@dataclass(frozen=True)
class Claim:
    """Values of one field that belong to records: as (record number, value), several for a record allowed."""

    records: np.ndarray
    found: Evidence


@dataclass
class Identities:
    """The records of a delivery, numbered from 0 in file order, one record table after the other.

    starts: the number of the first record of each record table. pseudonyms: hex32. births: valid birth dates. linkage:
    by key epoch; its `source_row` goes on counting from one record table to the next, rows that could not be read among
    them. weak: how many records no identifier names. shared: UPNs that more than one child of the delivery has. read:
    what the rows of the record tables hold, by column.
    """

    starts: Mapping[str, int]
    pseudonyms: pa.Array
    births: pa.Array
    linkage: dict[str, pa.Table]
    weak: int
    shared: pa.Array = field(repr=False)
    read: Sequence[Evidence] = field(repr=False)
    own: own.OwnIdentifiers = field(repr=False)


@dataclass(frozen=True)
class Scope:
    """What is being sealed, for whom, as of when."""

    registry: Registry
    agency: str
    dataset: str
    period: str
    latest: date
    keys: PartnerKeys
    # Whether names also leave tokens of what is one letter away (ADR 33).
    near: bool = field(default_factory=near_tokens)

    @property
    def fields(self) -> Mapping[str, FieldMeaning]:
        """What columns mean."""
        return self.registry.fields

    def views(self, table: str) -> list[ColumnView]:
        """The columns of a table of this dataset."""
        return self.registry.columns(self.dataset, table)


def identities(scope: Scope, tables: Mapping[str, TextTable]) -> Identities:
    """Read the identifiers of a delivery and make of them all that leaves the door in their place."""
    contract = scope.registry.contract(scope.dataset)
    parts = {name: _read(tables[name], scope.views(name)) for name in contract.record_tables if name in tables}
    views = list({view.name: view for name in parts for view in scope.views(name)}.values())
    rows = _one_after_the_other(parts, tables)
    starts = dict(zip(parts, accumulate((part.num_rows for part in parts.values()), initial=0), strict=False))
    numbers = np.arange(rows.num_rows)
    read = list(evidence(rows, views, scope.fields, scope.latest))
    claims = [Claim(numbers, one) for one in read]
    ours = own.OwnIdentifiers()
    for view in views:
        if view.column.drop == "name" and view.name in rows.column_names:
            ours.add(numbers, _text(rows, view.name), own.words_of)
    protected = _protected(rows, views, scope)
    for name in contract.tables:
        if name in tables and name not in parts:
            found, flagged = _claims_below(scope, tables[name], parts, starts)
            claims += found
            protected = pc.or_(protected, pa.array(np.isin(numbers, flagged)))
    for claim in claims:
        _remember(ours, claim)
    ours.freeze()
    own_claims = {claim.found.field: claim.found for claim in claims if claim.records is numbers}
    pseudonyms, weak = _pseudonyms(scope, own_claims, rows)
    sexes = [_text(rows, view.name) for view in views if view.token == "sex"]  # noqa: S105 - a kind of column
    plain = plain_identities(claims, sexes[0] if sexes else None, protected, scope.agency)
    numbered = pa.table({"record_pseudonym": pseudonyms, "source_row": rows.column("source_row").cast(pa.int32())})
    linkage = {}
    for epoch, key in scope.keys.link_keys.items():
        tokens = linkage_tokens(plain, key, near=scope.near).append_column("is_protected", protected)
        linkage[epoch] = pa.table([*numbered.columns, *tokens.columns], [*numbered.column_names, *tokens.column_names])
    births = over_distinct(_text(plain, "birth_date"), lambda iso: None if "?" in iso else iso).cast(pa.date32())
    shared = _shared(own_claims.get("upn"), pseudonyms)
    return Identities(starts, pseudonyms, births, linkage, weak, shared, read, ours)


def _shared(upns: Evidence | None, pseudonyms: pa.Array) -> pa.Array:
    """The valid UPNs that stand in rows of different children."""
    if upns is None:
        return pa.array([], pa.string())
    held = pa.table({"upn": upns.valid, "child": pseudonyms}).group_by(["upn", "child"]).aggregate([])
    counted = held.filter(pc.is_valid(held["upn"])).group_by("upn").aggregate([("child", "count")])
    return counted.filter(pc.greater(counted["child_count"], 1))["upn"].combine_chunks()


def parent_key(views: Sequence[ColumnView]) -> str | None:
    """The column that names the row's parent."""
    return next((view.name for view in views if view.type == "parent_key"), None)


def _read(table: TextTable, views: Sequence[ColumnView]) -> pa.Table:
    """The columns of a table that say who a row is about."""
    choosers = {view.column.field_by.column for view in views if view.column.field_by}
    needed = [
        view.name
        for view in views
        if view.name in table.columns
        and (
            is_identifier(view)
            or view.passes == "pseudonym"
            or view.token == "sex"  # noqa: S105 - a kind of column
            or view.column.drop == "name"
            or view.column.protects
            or view.name in choosers
        )
    ]
    schema = pa.schema([(name, pa.string()) for name in needed] + [("source_row", pa.int32())])
    return pa.Table.from_batches((batch.select(schema.names) for batch in table.batches()), schema)


def _one_after_the_other(parts: Mapping[str, pa.Table], tables: Mapping[str, TextTable]) -> pa.Table:
    """The rows of all record tables, numbered through."""
    numbered, before = [], 0
    for name, part in parts.items():
        numbers = pc.add(part.column("source_row"), pa.scalar(before, pa.int32()))
        numbered.append(part.set_column(part.schema.get_field_index("source_row"), "source_row", numbers))
        before += tables[name].rows + len(tables[name].rejected)
    return pa.concat_tables(numbered, promote_options="default")


def _claims_below(
    scope: Scope, table: TextTable, parts: Mapping[str, pa.Table], starts: Mapping[str, int]
) -> tuple[list[Claim], np.ndarray]:
    """Identifiers that another table holds of the records, such as addresses, and the records it says are protected."""
    views = scope.views(table.name)
    if not any(is_identifier(view) or view.column.protects for view in views):
        return [], np.empty(0, dtype=np.int64)
    parent = parent_key(views)
    definitions = scope.registry.contract(scope.dataset).tables
    owner = definitions[table.name].parent or ""
    if owner not in scope.registry.contract(scope.dataset).record_tables or parent is None:
        raise SystemFault(f"table {table.name} holds identifiers but does not hang on a record table")
    rows = _read(table, views)
    keys = _text(parts[owner], definitions[owner].key[0]) if owner in parts else pa.array([], pa.string())
    found = pc.index_in(_text(rows, parent), value_set=keys)
    records = pc.fill_null(pc.add(found, starts.get(owner, 0)), -1).to_numpy(zero_copy_only=False)
    flagged = records[_protected(rows, views, scope).to_numpy(zero_copy_only=False)]
    return [Claim(records, one) for one in evidence(rows, views, scope.fields, scope.latest)], flagged


def _remember(ours: own.OwnIdentifiers, claim: Claim) -> None:
    """Add a claim to what cells are checked against, valid or not: a mistyped number is still the child's."""
    if claim.found.kind == "birth_date":
        ours.add(claim.records, claim.found.values, own.birth_words)
    elif claim.found.kind in ("forename", "surname"):
        ours.add(claim.records, claim.found.raw, own.words_of)
    else:
        ours.add(claim.records, claim.found.values, own.whole)


def _pseudonyms(scope: Scope, found: Mapping[str, Evidence], rows: pa.Table) -> tuple[pa.Array, int]:
    """A pseudonym for each record from the first record key it has, and how many have only a weak one.

    A key of several fields (surname, forename, birth date) is weak; so is the row's own place in the delivery, which is
    all that is left where nothing names the child.
    """
    key = subkey(scope.keys.record_key, "record", scope.agency, scope.dataset)
    result = pa.nulls(rows.num_rows, pa.string())
    strong = 0
    for entry in scope.registry.contract(scope.dataset).record_key:
        parts = [found[name].valid for name in entry.split("+")]
        joined = pc.binary_join_element_wise(entry, *parts, "\0", null_handling="emit_null")
        result = pc.coalesce(result, pseudonyms(key, pc.if_else(pc.is_null(result), joined, None)))
        if "+" not in entry:
            strong = rows.num_rows - result.null_count
    places = pc.if_else(pc.is_null(result), rows.column("source_row").combine_chunks(), None).cast(pa.string())
    by_place = pc.binary_join_element_wise("row", scope.period, places, "\0", null_handling="emit_null")
    return pc.coalesce(result, pseudonyms(key, by_place)), rows.num_rows - strong


def plain_identities(claims: Sequence[Claim], sexes: pa.Array | None, protected: pa.Array, agency: str) -> pa.Table:
    """One row per record: the valid identifiers from which tokens are made, as `linkage_tokens` takes them.

    sexes: the cells of a column of sexes. protected: BOOLEAN, one for each record; such a record keeps nothing of an
    earlier identity. agency: within which local identifiers mean something.
    """
    count = len(protected)
    columns: dict[str, pa.Array] = {}
    others: dict[str, pa.Array] = {}
    for kind in MAIN:
        good = _pairs([claim for claim in claims if claim.found.field == kind])
        columns[kind] = _first(good, count)
        if (name := f"other_{kind}s") in OTHERS:
            further = [c for c in claims if c.found.kind == kind and not c.found.is_main]
            of_double = [_parts(c) for c in claims if c.found.kind == kind and kind in ("forename", "surname")]
            every = pa.concat_tables([good, _pairs(further), *of_double])
            others[name] = _others(every, columns[kind], protected)
        # Of several values of a protected child one is from before the change, and nobody can say which.
        several = pa.array(_counts(good, count) > 1)
        columns[kind] = pc.if_else(pc.and_(protected, several), None, columns[kind])
    columns["birth_date"] = pc.coalesce(columns["birth_date"], _partial_births(claims, count))
    columns["local_id"] = pa.nulls(count, pa.string())
    for one in (claim.found for claim in claims if claim.found.kind == "local_id"):
        prefix = f"{one.field}\0{agency}\0"
        columns["local_id"] = pc.coalesce(columns["local_id"], pc.binary_join_element_wise(prefix, one.valid, ""))
    addresses = _pairs([claim for claim in claims if claim.found.kind == "address"])
    columns["address"] = _first(addresses, count)
    columns["sex"] = pa.nulls(count, pa.string()) if sexes is None else over_distinct(sexes, sex)
    return pa.table({**columns, **others})


def _parts(claim: Claim) -> pa.Table:
    """(record, value) of the parts of double names."""
    encoded = claim.found.raw.dictionary_encode()
    of_distinct = pa.array([parts(raw) for raw in encoded.dictionary.to_pylist()], pa.list_(pa.string()))
    found = of_distinct.take(encoded.indices)
    records = claim.records[pc.list_parent_indices(found).to_numpy(zero_copy_only=False)]
    table = pa.table({"record": pa.array(records, pa.int64()), "value": found.flatten()})
    return table.filter(pc.greater_equal(table["record"], 0))


def _partial_births(claims: Sequence[Claim], count: int) -> pa.Array:
    """What is known of birth dates of which only a month, or only some parts, can be read."""
    months = _first(_pairs([c for c in claims if c.found.kind == "birth_month"]), count)
    for claim in claims:
        if claim.found.kind == "birth_date" and claim.found.is_main and len(claim.records) == count:
            unreadable = pc.if_else(pc.equal(claim.found.states, INVALID), claim.found.raw, None)
            months = pc.coalesce(months, over_distinct(unreadable, partial_birth_date))
    return months


def _pairs(claims: Sequence[Claim]) -> pa.Table:
    """All valid (record, value) of some claims, in order, without those of no record."""
    schema = pa.schema([("record", pa.int64()), ("value", pa.string())])
    parts = [
        pa.table({"record": pa.array(c.records, pa.int64()), "value": c.found.valid}, schema=schema) for c in claims
    ]
    table = pa.concat_tables([schema.empty_table(), *parts])
    return table.filter(pc.and_(pc.is_valid(table["value"]), pc.greater_equal(table["record"], 0)))


def _first(pairs: pa.Table, count: int) -> pa.Array:
    """The first value of each record; NULL for a record that has none."""
    records, places = np.unique(pairs["record"].to_numpy(), return_index=True)
    where = np.full(count, -1, dtype=np.int64)
    where[records] = places
    index = pa.array(where, mask=where < 0)
    return pairs["value"].combine_chunks().take(index)


def _counts(pairs: pa.Table, count: int) -> np.ndarray:
    """How many different values each record has."""
    distinct = pairs.group_by(["record", "value"]).aggregate([])
    return np.bincount(distinct["record"].to_numpy(), minlength=count)


def _others(pairs: pa.Table, main: pa.Array, protected: pa.Array) -> pa.Array:
    """For each record its further values, without the main one; none at all for a protected child."""
    of_record = main.take(pairs["record"].combine_chunks())
    hidden = protected.take(pairs["record"].combine_chunks())
    differs = pc.fill_null(pc.not_equal(pairs["value"].combine_chunks(), of_record), True)
    kept = pairs.filter(pc.and_(differs, pc.invert(hidden)))
    distinct = kept.group_by(["record", "value"], use_threads=False).aggregate([])
    distinct = distinct.sort_by([("record", "ascending"), ("value", "ascending")])
    sizes = np.bincount(distinct["record"].to_numpy(), minlength=len(main))
    offsets = pa.array(np.concatenate([[0], np.cumsum(sizes)]), pa.int32())
    return pa.ListArray.from_arrays(offsets, distinct["value"].combine_chunks())


def _protected(rows: pa.Table, views: Sequence[ColumnView], scope: Scope) -> pa.Array:
    """Which rows say that their child is adopted or protected; a flag that cannot be read counts as set."""
    flag = pa.array(np.zeros(rows.num_rows, dtype=bool))
    for view in views:
        protects = view.column.protects
        if not protects or view.name not in rows.column_names:
            continue
        text = _text(rows, view.name)
        if isinstance(protects, tuple):
            codes = cells_of(view, scope.registry.code_lists[view.codes or ""]).uniform
            said = pc.is_in(over_distinct(text, codes), value_set=pa.array(protects))
        elif view.type == "boolean":
            said = pc.not_equal(over_distinct(text, cells_of(view, None).uniform), "false")
        else:
            said = pc.is_valid(text)
        flag = pc.or_(flag, pc.fill_null(said, False))
    return flag


def _text(rows: pa.Table, name: str) -> pa.Array:
    return rows.column(name).combine_chunks()
