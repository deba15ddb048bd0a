"""The whole match in one in-memory DuckDB: from token tables to people, ties and the review queue.

Makes `person(record_id, person_id)`, `link(record_l, record_r, reason, probability)` and `review(...)` of the same
columns, from the tables of `tokens.load`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.link import lasting, nameless, pairs, predict, questions, twins
from pipelines.link.clusters import Clusters, Numbers, Refusal


def solve(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> int:
    """Match everything in `db` with a model of `matcher`; returns how many looks were compared anew."""
    lasting.tables(db)
    fresh = predict.predict(db, model["model"])
    pairs.compare(db)
    pairs.decide(db)
    lasting.keep(db)
    clusters = _start(db)
    refused = clusters.add(lasting.together(db))
    refused += _add(clusters, db, "is_same_source FROM pair WHERE verdict = 'link'", "weight DESC, ")
    nameless.register_persons(db, clusters.labels())
    twins.release(db, model)
    refused += _add(clusters, db, "false AS is_same_source FROM released", "weight DESC, ")
    nameless.register_persons(db, clusters.labels())
    nameless.propose(db)
    refused += _add(clusters, db, "false AS is_same_source FROM proposed WHERE outcome = 'tie'")
    nameless.register_persons(db, clusters.labels())
    _results(db, refused, model)
    return fresh


def _start(db: duckdb.DuckDBPyConnection) -> Clusters:
    sources = db.execute("SELECT source_id FROM record ORDER BY record_id").fetchnumpy()["source_id"]
    apart: dict[int, set[int]] = defaultdict(set)
    for left, right in db.execute("SELECT record_l, record_r FROM forced WHERE verdict = 'apart'").fetchall():
        apart[left].add(right)
        apart[right].add(left)
    return Clusters(
        source=np.concatenate([[-1], sources]).astype(np.int32),
        nhs_numbers=_numbers(db, "kind = 'nhs_number'"),
        # An earlier UPN bridges two present ones, but alone it says nothing.
        upns=_numbers(db, "kind = 'upn' AND record_id IN (FROM has_upn)"),
        apart={record: frozenset(others) for record, others in apart.items()},
    )


def _numbers(db: duckdb.DuckDBPyConnection, which: str) -> Numbers:
    found = db.execute(f"""
        WITH has_upn AS (SELECT record_id FROM identifier WHERE kind = 'upn' AND NOT is_former)
        SELECT record_id, value FROM identifier WHERE {which}""").fetchnumpy()  # noqa: S608
    return Numbers.of(found["record_id"], found["value"])


def _add(clusters: Clusters, db: duckdb.DuckDBPyConnection, which: str, first: str = "") -> list[Refusal]:
    found = db.execute(f"SELECT record_l, record_r, {which} ORDER BY {first}record_l, record_r").fetchnumpy()
    ends = np.stack([found["record_l"], found["record_r"]], axis=1).astype(np.int64)
    return clusters.add_all(ends, np.asarray(found["is_same_source"], dtype=np.bool_))


def _results(db: duckdb.DuckDBPyConnection, refused: list[Refusal], model: dict[str, Any]) -> None:
    left, right, reason = zip(*refused, strict=True) if refused else ((), (), ())
    db.register(
        "refused_rows",
        pa.table({
            "record_l": pa.array(left, pa.int32()), "record_r": pa.array(right, pa.int32()),
            "reason": pa.array(reason, pa.string()),
        }),
    )  # fmt: skip
    db.execute("""
        CREATE TABLE refused AS SELECT * FROM refused_rows;
        CREATE TABLE link AS
        WITH tie AS (
            SELECT record_l, record_r, reason, probability FROM pair WHERE verdict = 'link'
            UNION ALL
            SELECT record_l, record_r, 'birth_sex_postcode', NULL
            FROM proposed ANTI JOIN (FROM pair WHERE verdict = 'link') USING (record_l, record_r)
            WHERE outcome = 'tie'
            UNION ALL
            SELECT record_l, record_r, 'household', probability FROM released JOIN pair USING (record_l, record_r)
            UNION ALL
            SELECT record_l, record_r, 'decided', NULL
            FROM forced ANTI JOIN (FROM pair WHERE verdict = 'link') USING (record_l, record_r)
            WHERE verdict = 'together'
        )
        SELECT DISTINCT ON (record_l, record_r) tie.*, coalesce(faded_runs, 0) AS faded_runs
        FROM tie LEFT JOIN fading USING (record_l, record_r)
        JOIN person l ON l.record_id = record_l JOIN person r ON r.record_id = record_r
        WHERE l.person_id = r.person_id ORDER BY record_l, record_r;
    """)
    db.unregister("refused_rows")
    questions.ask(db, model)
