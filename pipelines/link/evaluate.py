"""How well the crosswalk agrees with a known truth: precision, recall and match rate by pair of agency groups.

What counts: every record in a linkage file of a current submission, a record whose rows validation held back included,
since the linker matches it too; held rows beside an accepted row of the same record are left out, as they are in
matching, and rows that the door rejected never had a record. Row numbers come from the linkage files: whoever evaluates
has the linker's key, and needs no payload. Pairs are counted between records of
different sources (agency and dataset). Where the rows of one record belong to two people in truth, the record counts
once for each, so that wrongly merged rows show as wrong pairs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa

from pipelines.ledger import Ledger
from pipelines.link import epochs, fairness, tokens
from pipelines.registry import Registry
from pipelines.seal.keys import HubKeys
from pipelines.settings import Settings


def against_truth(
    connection: psycopg.Connection[Any], registry: Registry, settings: Settings, truth: Path
) -> dict[str, Any]:
    """Compare the current crosswalk with `truth/records.parquet`.

    truth: the folder with records.parquet (agency, dataset, period, source_row, person_id, component_id).

    Returns precision, recall (of the pairs that the files' content can link), recall_all (of every true pair) and f1
    (of precision and recall), overall over all pairs of sources, and by pair of agency groups, there with match_rate:
    the share of the smaller group's records whose person has a record in the other group. Where the truth has
    persons.parquet beside it, recall by group of children as well (`fairness.by_group`).
    """
    db = tokens.memory()
    _load(db, connection, registry, settings)
    db.execute("CREATE TABLE truth AS SELECT * FROM read_parquet(?)", [str(truth / "records.parquet")])
    db.execute("""
        CREATE TABLE item AS
        SELECT DISTINCT agency, dataset, agency || '/' || dataset AS source, agency_group, record_pseudonym,
               person_key, person_id, component_id
        FROM row_of JOIN truth USING (agency, dataset, period, source_row)
        JOIN crosswalk USING (agency, dataset, record_pseudonym)""")
    pairs = {name: _pairs(db, column) for name, column in _COLUMNS.items()}
    total = {name: sum(found.values()) for name, found in pairs.items()}
    groups = sorted({key for found in pairs.values() for key in found if key[0] != key[1]})
    persons = truth / "persons.parquet"
    fair = fairness.by_group(db, connection, persons) if persons.exists() else {}
    return (
        _rates(total)
        | fair
        | {
            "by_pair": {
                f"{a}-{b}": _rates({name: found.get((a, b), 0) for name, found in pairs.items()})
                | {"match_rate": _match_rate(db, a, b)}
                for a, b in groups
            }
        }
    )


# What two items must share to count: in the crosswalk, in both, in truth as far as linkable, in truth.
_COLUMNS = {
    "made": ("person_key",),
    "right": ("person_key", "person_id"),
    "linkable": ("component_id",),
    "found": ("person_key", "component_id"),
    "true": ("person_id",),
}


def _load(
    db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], registry: Registry, settings: Settings
) -> None:
    keys = HubKeys.load(settings.hub_keys)
    db.execute("""CREATE TABLE seen (agency VARCHAR, dataset VARCHAR, period VARCHAR, agency_group VARCHAR,
        record_pseudonym VARCHAR, source_row INTEGER, is_held BOOLEAN)""")
    for submission in tokens.people_only(registry, Ledger(connection).current(None, registry.every_period)):
        db.register(
            "rows",
            tokens.read(epochs.newest(settings, submission), keys, submission, ("record_pseudonym", "source_row")),
        )
        db.execute(
            """INSERT INTO seen
               SELECT ?, ?, ?, ?, record_pseudonym, source_row, list_contains(?::INTEGER[], source_row) FROM rows""",
            [
                submission.agency_code,
                submission.dataset_code,
                submission.period,
                registry.agency(submission.agency_code).group,
                tokens.held_rows(connection, registry, submission),
            ],
        )
        db.unregister("rows")
    db.execute(f"""
        CREATE TABLE row_of AS
        SELECT * EXCLUDE source_id FROM (SELECT *, agency || '/' || dataset AS source_id FROM seen)
        QUALIFY {tokens.SPEAKS}""")  # noqa: S608
    known = connection.execute("""
        SELECT agency_code, dataset_code, record_pseudonym, person_key::text
        FROM link.crosswalk WHERE valid_to = 'infinity'""").fetchall()
    columns = list(zip(*known, strict=True)) or [(), (), (), ()]
    names = ("agency", "dataset", "record_pseudonym", "person_key")
    db.register("known", pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)}))
    db.execute("CREATE TABLE crosswalk AS SELECT * FROM known")
    db.unregister("known")


def _pairs(db: duckdb.DuckDBPyConnection, shared: tuple[str, ...]) -> dict[tuple[str, str], int]:
    """Pairs of items of different sources that agree on the shared columns, by their two groups in order of name."""
    rows = db.execute(f"""
        SELECT least(l.agency_group, r.agency_group) AS a, greatest(l.agency_group, r.agency_group) AS b, count(*)
        FROM item l JOIN item r USING ({", ".join(shared)})
        WHERE l.source < r.source GROUP BY a, b""").fetchall()  # noqa: S608
    return {(a, b): count for a, b, count in rows}


def _rates(counts: dict[str, int]) -> dict[str, float]:
    precision = counts["right"] / counts["made"] if counts["made"] else 1.0
    recall = counts["found"] / counts["linkable"] if counts["linkable"] else 1.0
    recall_all = counts["right"] / counts["true"] if counts["true"] else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {name: round(v, 5) for name, v in zip(_RATES, (precision, recall, recall_all, f1), strict=True)}


_RATES = ("precision", "recall", "recall_all", "f1")


def _match_rate(db: duckdb.DuckDBPyConnection, a: str, b: str) -> float:
    rows = db.execute(
        """SELECT count(DISTINCT (source, record_pseudonym)),
                  count(DISTINCT (source, record_pseudonym)) FILTER (person_key IN (
                      SELECT person_key FROM item WHERE agency_group IN ($a, $b) AND agency_group <> x.agency_group))
           FROM item x WHERE agency_group IN ($a, $b) GROUP BY agency_group ORDER BY 1, 2""",
        {"a": a, "b": b},
    ).fetchall()
    records, matched = rows[0]
    return round(matched / records, 5)
