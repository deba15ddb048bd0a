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

from pipelines.link import agreement, lasting, nameless, pairs, predict, twins
from pipelines.link.clusters import Clusters, Numbers, Refusal

# Below this a pair that nobody is asked about is not kept to be looked up either.
NOTED = 0.1
# A tie that gave way to another record of the same source is asked about where it rests on a number, or was weaker by
# no more bits than this.
CLOSE = 10.0


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
    _results(db, refused)
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


def _results(db: duckdb.DuckDBPyConnection, refused: list[Refusal]) -> None:
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
    _waiting(db)
    db.unregister("refused_rows")


def _waiting(db: duckdb.DuckDBPyConnection) -> None:
    """Make `review` of what is not tied, and `reach`, the sources that a record has ties into."""
    db.execute(f"""
        CREATE TABLE reach AS
        SELECT DISTINCT a.record_id, record.source_id
        FROM person a JOIN person b USING (person_id) JOIN record ON record.record_id = b.record_id
        WHERE a.record_id <> b.record_id;

        CREATE TEMP TABLE household AS
        SELECT record_id, max(records) - 1 AS others FROM (
            SELECT record_id, count(DISTINCT record_id) OVER (PARTITION BY birth_date, surname, postcode) AS records
            FROM profile WHERE birth_date IS NOT NULL AND surname IS NOT NULL AND postcode IS NOT NULL)
        GROUP BY record_id;

        -- The strongest tie of a record into each other source.
        CREATE TEMP TABLE strongest AS
        SELECT l.record_id, r.source_id, max(weight) AS weight
        FROM (SELECT record_l AS one, record_r AS other, p.weight FROM link JOIN pair p USING (record_l, record_r)
              UNION ALL SELECT record_r, record_l, p.weight FROM link JOIN pair p USING (record_l, record_r))
        JOIN record l ON l.record_id = one JOIN record r ON r.record_id = other GROUP BY ALL;

        CREATE TABLE review AS
        WITH waiting AS (
            SELECT record_l, record_r, reason, probability, false AS is_close FROM pair WHERE verdict = 'review'
            UNION ALL
            SELECT record_l, record_r, refused.reason, probability,
                   refused.reason = 'same_source'
                       AND (p.reason = 'identifier' OR p.weight >= greatest(s.weight, t.weight) - {CLOSE})
            FROM refused LEFT JOIN pair p USING (record_l, record_r)
            JOIN record x ON x.record_id = record_l JOIN record y ON y.record_id = record_r
            LEFT JOIN strongest s ON s.record_id = record_l AND s.source_id = y.source_id
            LEFT JOIN strongest t ON t.record_id = record_r AND t.source_id = x.source_id
        )
        SELECT DISTINCT ON (record_l, record_r) record_l, record_r,
               x.source_id <> y.source_id AND (is_close IS NOT FALSE OR a.record_id IS NULL AND b.record_id IS NULL)
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
          AND (is_queued OR waiting.reason NOT IN ('probable', 'sibling') OR waiting.probability >= {NOTED})
        ORDER BY record_l, record_r;
    """)  # noqa: S608


def _in_words() -> str:
    """A SQL expression of how far two records agree, field by field, as JSON; fields that say nothing are left out.

    Written as PostgreSQL writes it, so that what is stored can be compared with it: shorter names first.
    """
    fields = []
    for field in sorted(agreement.ALL, key=lambda field: (len(field.name), field.name)):
        words = [*(level.label for level in field.levels), "no agreement"]
        cases = " ".join(f"""WHEN {len(words) - 1 - n} THEN '"{field.name}": "{w}"'""" for n, w in enumerate(words))
        fields.append(f"CASE c.{field.name} {cases} END")
    return f"'{{' || concat_ws(', ', {', '.join(fields)}) || '}}'"
