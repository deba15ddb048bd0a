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

from pipelines.link import agreement, lasting, matcher, nameless, pairs, twins
from pipelines.link.clusters import Clusters


def solve(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> None:
    """Match everything in `db` with a model of `matcher`."""
    lasting.tables(db)
    matcher.predict(db, model["model"])
    pairs.compare(db)
    pairs.decide(db)
    lasting.keep(db)
    clusters = _start(db)
    refused = clusters.add(lasting.together(db))
    refused += clusters.add(_ties(db, "pair", "verdict = 'link'", "weight DESC, record_l, record_r"))
    nameless.register_persons(db, clusters.labels())
    twins.release(db, model["model"])
    refused += clusters.add(_ties(db, "released", "true", "weight DESC, record_l, record_r"))
    nameless.register_persons(db, clusters.labels())
    nameless.propose(db)
    refused += clusters.add(_ties(db, "proposed", "outcome = 'tie'", "record_l, record_r"))
    nameless.register_persons(db, clusters.labels())
    _results(db, refused)


def _start(db: duckdb.DuckDBPyConnection) -> Clusters:
    sources = db.execute("SELECT source_id FROM record ORDER BY record_id").fetchnumpy()["source_id"]
    rows = db.execute(
        "SELECT record_id, nhs_numbers, CASE WHEN len(upns) > 0 THEN all_upns END FROM numbers"
    ).fetchall()
    apart: dict[int, set[int]] = defaultdict(set)
    for left, right in db.execute("SELECT record_l, record_r FROM forced WHERE verdict = 'apart'").fetchall():
        apart[left].add(right)
        apart[right].add(left)
    return Clusters(
        apart={record: frozenset(others) for record, others in apart.items()},
        source=np.concatenate([[-1], sources]).astype(np.int32),
        nhs_numbers={record: frozenset(nhs) for record, nhs, _ in rows if nhs},
        upns={record: frozenset(upns) for record, _, upns in rows if upns},
    )


def _ties(db: duckdb.DuckDBPyConnection, table: str, where: str, order: str) -> list[tuple[int, int, bool]]:
    is_same = "is_same_source" if table == "pair" else "false"
    return db.execute(f"SELECT record_l, record_r, {is_same} FROM {table} WHERE {where} ORDER BY {order}").fetchall()  # noqa: S608


def _results(db: duckdb.DuckDBPyConnection, refused: list[tuple[int, int, str]]) -> None:
    left, right, reason = zip(*refused, strict=True) if refused else ((), (), ())
    db.register(
        "refused_rows",
        pa.table({
            "record_l": pa.array(left, pa.int32()), "record_r": pa.array(right, pa.int32()),
            "reason": pa.array(reason, pa.string()),
        }),
    )  # fmt: skip
    db.execute(f"""
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

        CREATE TABLE reach AS
        SELECT DISTINCT a.record_id, record.source_id
        FROM person a JOIN person b USING (person_id) JOIN record ON record.record_id = b.record_id
        WHERE a.record_id <> b.record_id;

        CREATE TEMP TABLE household AS
        SELECT record_id, max(records) - 1 AS others FROM (
            SELECT record_id, count(DISTINCT record_id) OVER (PARTITION BY birth_date, surname, postcode) AS records
            FROM profile WHERE birth_date IS NOT NULL AND surname IS NOT NULL AND postcode IS NOT NULL)
        GROUP BY record_id;

        CREATE TABLE review AS
        WITH waiting AS (
            SELECT record_l, record_r, reason, probability FROM pair WHERE verdict = 'review'
            UNION ALL
            SELECT record_l, record_r, refused.reason, probability
            FROM refused LEFT JOIN pair USING (record_l, record_r)
        )
        SELECT DISTINCT ON (record_l, record_r) record_l, record_r,
               x.source_id <> y.source_id AND a.record_id IS NULL AND b.record_id IS NULL
                   AND waiting.reason NOT IN ('protected', 'decided_apart') AS is_queued,
               CASE WHEN waiting.reason = 'sibling' AND is_queued THEN 'sibling_to_check'
                    ELSE waiting.reason END AS reason,
               waiting.probability, {_in_words()} AS agreement, coalesce(h.others, 0) AS household
        FROM waiting
        JOIN record x ON x.record_id = record_l JOIN record y ON y.record_id = record_r
        JOIN person l ON l.record_id = record_l JOIN person r ON r.record_id = record_r
        LEFT JOIN reach a ON a.record_id = record_l AND a.source_id = y.source_id
        LEFT JOIN reach b ON b.record_id = record_r AND b.source_id = x.source_id
        LEFT JOIN compared c USING (record_l, record_r)
        LEFT JOIN household h ON h.record_id = record_l
        WHERE l.person_id <> r.person_id
        ORDER BY record_l, record_r;
    """)  # noqa: S608
    db.unregister("refused_rows")


def _in_words() -> str:
    """A SQL expression of how far two records agree, field by field, as JSON; fields that say nothing are left out."""
    fields = []
    for field in agreement.ALL:
        words = [*(level.label for level in field.levels), "no agreement"]
        cases = " ".join(f"WHEN {len(words) - 1 - place} THEN '{word}'" for place, word in enumerate(words))
        fields.append(f"'{field.name}', CASE c.{field.name} {cases} END")
    return f"coalesce(json_merge_patch('{{}}', json_object({', '.join(fields)})), '{{}}')::VARCHAR"
