"""Recall by group, against a known truth: is anyone missed more than others, and why?

    {"by_group": {topic: {group: {"pairs", "recall"}}},
     "uneven": [{"topic", "group", "recall", "best", "reasons": {reason: pairs}}]}

Pairs are those that the files' content can link, as in `evaluate`. Children who were adopted, and those known to social
care, are groups of their own. A group is uneven where its recall is more than two points below the best of its topic,
both of at least `ENOUGH` pairs; reasons are those of the questions its missed pairs became, `none` where nothing
proposed a pair: it would have followed from another that was missed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa

POINTS, ENOUGH = 0.02, 50
# Topic -> a SQL expression over a row of the truth about persons, and `is_known_to_care`.
TOPICS = {
    "sex": "CASE sex WHEN 'F' THEN 'female' WHEN 'M' THEN 'male' ELSE 'not known' END",
    "ethnicity": "CASE ethnicity[1] WHEN 'W' THEN 'White' WHEN 'M' THEN 'Mixed' WHEN 'A' THEN 'Asian' "
    "WHEN 'B' THEN 'Black' WHEN 'C' THEN 'Chinese' ELSE 'Other or not known' END",
    "deprivation": "'fifth ' || ((imd_decile + 1) // 2)",
    "social care": "CASE WHEN is_known_to_care THEN 'known' ELSE 'not known' END",
    "adopted": "CASE WHEN is_adopted THEN 'adopted' ELSE 'not adopted' END",
    "surname": "CASE WHEN former_surname IS NOT NULL THEN 'changed' ELSE 'never changed' END",
    "twin": "CASE WHEN is_twin THEN 'twin' ELSE 'no twin' END",
}


def by_group(db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], persons: Path) -> dict[str, Any]:
    """Recall of each group, and the groups that are missed.

    Needs `item` (evaluate.against_truth). persons: the truth about persons; topics it has no column for are left out.
    """
    db.execute("""
        CREATE OR REPLACE TEMP TABLE linkable AS
        SELECT l.person_id, l.agency AS agency_l, l.dataset AS dataset_l, l.record_pseudonym AS record_l,
               r.agency AS agency_r, r.dataset AS dataset_r, r.record_pseudonym AS record_r,
               l.person_key = r.person_key AS is_found
        FROM item l JOIN item r USING (component_id) WHERE l.source < r.source""")
    db.execute("CREATE OR REPLACE TEMP TABLE known AS SELECT * FROM read_parquet(?)", [str(persons)])
    given = {row[0] for row in db.execute("DESCRIBE known").fetchall()}
    topics = {name: sql for name, sql in TOPICS.items() if name not in _NEEDS or _NEEDS[name] in given}
    columns = ", ".join(f'{sql} AS "{name}"' for name, sql in topics.items())
    db.execute(f"""
        CREATE OR REPLACE TEMP TABLE grouped AS
        SELECT person_id, {columns}
        FROM (SELECT known.*, person_id IN (SELECT person_id FROM item WHERE agency_group = 'social_care')
                  AS is_known_to_care FROM known)""")  # noqa: S608
    found = {name: _recall(db, name) for name in topics}
    _questions(db, connection)
    return {"by_group": found, "uneven": [row for name, groups in found.items() for row in _uneven(db, name, groups)]}


_NEEDS = {"ethnicity": "ethnicity", "deprivation": "imd_decile"}


def _recall(db: duckdb.DuckDBPyConnection, topic: str) -> dict[str, dict[str, float]]:
    rows = db.execute(f"""
        SELECT "{topic}", count(*), avg(is_found::INTEGER) FROM linkable JOIN grouped USING (person_id)
        GROUP BY ALL ORDER BY ALL""").fetchall()  # noqa: S608
    return {group: {"pairs": pairs, "recall": round(recall, 5)} for group, pairs, recall in rows}


def _questions(db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any]) -> None:
    """Make `question`, the pairs of the last run that were not tied, either way round."""
    ends = ("agency_l", "dataset_l", "record_l", "agency_r", "dataset_r", "record_r", "reason")
    rows = connection.execute(f"SELECT {', '.join(ends)} FROM link.review").fetchall()  # type: ignore[arg-type]  # noqa: S608
    columns = list(zip(*rows, strict=True)) or [() for _ in ends]
    db.register("asked", pa.table({n: pa.array(c, pa.string()) for n, c in zip(ends, columns, strict=True)}))
    db.execute("""
        CREATE OR REPLACE TEMP TABLE question AS
        FROM asked UNION ALL
        SELECT agency_r, dataset_r, record_r, agency_l, dataset_l, record_l, reason FROM asked""")
    db.unregister("asked")


def _uneven(db: duckdb.DuckDBPyConnection, topic: str, groups: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    large = {group: row["recall"] for group, row in groups.items() if row["pairs"] >= ENOUGH}
    best = max(large.values(), default=0.0)
    found = []
    for group, recall in large.items():
        if best - recall <= POINTS:
            continue
        reasons = db.execute(
            f"""SELECT coalesce(reason, 'none'), count(*) FROM linkable JOIN grouped USING (person_id)
                LEFT JOIN question USING (agency_l, dataset_l, record_l, agency_r, dataset_r, record_r)
                WHERE NOT is_found AND "{topic}" = ? GROUP BY ALL ORDER BY 2 DESC, 1""",  # noqa: S608
            [group],
        ).fetchall()
        found.append({"topic": topic, "group": group, "recall": recall, "best": best, "reasons": dict(reasons)})
    return found
