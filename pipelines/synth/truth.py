"""Who is who: the truth beside the extracts, and which records can be known to be of one person at all.

Two records of one person are *linkable* where a chain of pairs leads from one to the other, each pair with evidence in
the files as they were written (`sql/synth/_pairs.sql`):

(a) they share a valid and correct identifier: NHS number, UPN (a former one counts), ULN or, within one agency, its
    own identifier of a child or patient;
(b) both have names: the forenames are equal once normalised or one edit apart, the birth dates are equal or have day
    and month swapped, and a surname (a former one counts) or the postcode is equal;
(c) one of the two comes from files without names: birth date, sex and postcode are equal, and no other person in any
    file has the same three.

`component_id` numbers the connected components within one person. Records from before an adoption and from after it are
of one person and never of one component. Evidence is looked for in the extracts of each system that stand: the
latest, or all of a monthly or termly dataset; a record that only another one holds is a component of its own. Rows that
no reader can take apart are not among the records.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
import numpy as np

from pipelines.registry import Registry
from pipelines.settings import shipped
from pipelines.synth.draw import Array
from pipelines.synth.laying import Delivery
from pipelines.synth.world import put

# What `world.record` calls a field of the contracts.
SHOWN = {
    "nhs_number": "nhs",
    "upn": "upn",
    "former_upn": "former_upn",
    "uln": "uln",
    "la_child_id": "local_number",
    "patient_id": "local_number",
    "forename": "forename",
    "surname": "surname",
    "former_surname": "former_surname",
    "postcode": "postcode",
    "birth_date": "birth",
    "sex_code": "sex",
}


def fields_of(registry: Registry, dataset: str) -> set[str]:
    """All fields that the tables of a dataset carry, those of long identifier tables included."""
    found: set[str] = set()
    for table in registry.contract(dataset).tables.values():
        for column in table.columns.values():
            found |= {column.field} if column.field else set()
            found |= set(column.field_by.values.values()) if column.field_by else set()
    return found


def make_components(db: duckdb.DuckDBPyConnection, registry: Registry, extracts: list[Delivery]) -> None:
    """`component(record, component_id)` for the records of the extracts of each system that stand: the latest, or all.

    Needs `world.record`, `world.lost(record, field)` (what a planted fault took away) and `world.rejected(record)`.
    """
    standing: dict[str, list[Delivery]] = {}
    for delivery in extracts:
        before = standing.get(delivery.source, []) if delivery.contract.stands == "every_period" else []
        standing[delivery.source] = [*before, delivery]
    query = " UNION ALL ".join(_evidence(registry, deliveries) for deliveries in standing.values())
    db.execute(f"SET search_path = 'main'; CREATE TABLE evidence AS {query}")
    records = np.asarray(db.execute("SELECT record FROM evidence ORDER BY record").fetchnumpy()["record"])
    pairs = db.execute((shipped("sql") / "synth" / "_pairs.sql").read_text()).fetchnumpy()
    left, right = (np.searchsorted(records, pairs[side]) for side in ("l", "r"))
    put(db, "main", "component", {"record": records, "component_id": connected(len(records), left, right)})


def _evidence(registry: Registry, deliveries: list[Delivery]) -> str:
    """What the files of a system show of its records; NULL where there is no such column or a fault took it away."""
    delivery = deliveries[-1]
    there = {name for field, name in SHOWN.items() if field in fields_of(registry, delivery.contract.dataset)}
    columns = [
        f"CASE WHEN {str(name in there).lower()} AND NOT coalesce(list_contains(lost.fields, '{name}'), FALSE) "
        f"THEN held.{name} END AS {name}"
        for name in dict.fromkeys(SHOWN.values())
    ]
    written = " UNION ALL ".join(map(_written, deliveries))
    return f"""
        SELECT held.record, held.person, held.identity, '{delivery.agency.code}' AS agency,
            {str("forename" in there).lower()} AS is_named, {", ".join(columns)}
        FROM world.record AS held
        LEFT JOIN (SELECT record, list(field) AS fields FROM world.lost GROUP BY record) AS lost USING (record)
        WHERE held.record IN (SELECT record FROM ({written}))
            AND held.record NOT IN (SELECT record FROM world.rejected)"""  # noqa: S608


def connected(size: int, left: Array, right: Array) -> Array:
    """Numbers from 1 of the connected components of `size` records, given pairs of positions."""
    label = np.arange(size)
    while True:
        lowest = label.copy()
        np.minimum.at(lowest, left, label[right])
        np.minimum.at(lowest, right, label[left])
        if np.array_equal(lowest, label):
            return np.unique(label, return_inverse=True)[1] + 1
        label = lowest


def write_truth(
    db: duckdb.DuckDBPyConnection, extracts: Iterable[Delivery], faults: list[tuple[Delivery, str, str, int]], out: Path
) -> None:
    """`persons.parquet`, `records.parquet`, `rule_faults.csv`, `linkage_faults.csv` and a README, below `out`."""
    out.mkdir()
    (out / "README.md").write_text(f"# The truth beside the extracts\n\n{__doc__}\n{_FILES}")
    rows = " UNION ALL ".join(_written(delivery) for delivery in extracts if delivery.contract.people)
    readable = f"SELECT * FROM ({rows}) WHERE record NOT IN (SELECT record FROM world.rejected)"  # noqa: S608
    db.execute(f"CREATE VIEW written AS {readable}")
    for name, form in (("persons", "parquet"), ("records", "parquet"), ("linkage_faults", "csv")):
        query = (shipped("sql") / "synth" / f"_{name}.sql").read_text()
        db.execute(f"COPY ({query}) TO '{out / name}.{form}' (FORMAT {form})")
    lines = [
        f"{d.agency.code},{d.contract.dataset},{d.period},{table},{rule},{row}\n" for d, table, rule, row in faults
    ]
    (out / "rule_faults.csv").write_text("agency,dataset,period,table,rule,source_row\n" + "".join(lines))


def _written(delivery: Delivery) -> str:
    """The rows of the record tables of an extract, numbered through as the linkage file does."""
    before = "0"
    parts = []
    for table in (name for name in delivery.contract.record_tables if name in delivery.tables):
        parts.append(f"""SELECT {delivery.number} AS number, '{delivery.agency.code}' AS agency,
            '{delivery.contract.dataset}' AS dataset, '{delivery.period}' AS period, {before} + _row AS source_row,
            _record AS record FROM {delivery.schema}."{table}" """)  # noqa: S608
        before += f' + (SELECT count(*) FROM {delivery.schema}."{table}")'  # noqa: S608
    return " UNION ALL ".join(parts)


_FILES = """
| file | what |
|---|---|
| `persons.parquet` | each resident as they truly are |
| `records.parquet` | each row of each record table: whose it is (`person_id`), what it links to (`component_id`) |
| `rule_faults.csv` | each row that a rule must find; `FILE-RAGGED` are rows that fall apart at an unguarded comma |
| `linkage_faults.csv` | each row with a fault that matching has to live with, by kind |

In records and linkage faults `source_row` goes on counting from one record table of an extract to the next.
"""
