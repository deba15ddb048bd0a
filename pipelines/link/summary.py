"""What a run of the matcher found, in counts: `link.run.summary`, from which the match quality mart is made.

    {"records", "persons",
     "sources": [{"agency","dataset","records","named","in_other_sources","alone"}],
     "pairs":   [{"agency_l","dataset_l","agency_r","dataset_r","matched_l","unmatched_l","matched_r","unmatched_r",
                  "links": {reason: n}, "reviews": {reason: n}}],
     "links": {reason: n}, "reviews": {reason: n}, "waiting": {reason: n},
     "changes": {...}, "model": {...}, "seconds": {...}}

`matched_l`: records of the left source whose person has a record in the right source. `waiting`: records without names
that share birth date, sex and postcode with someone and were left alone, by why (pipelines/link/nameless.py).
"""

from __future__ import annotations

from typing import Any

import duckdb

Summary = dict[str, Any]


def summarise(db: duckdb.DuckDBPyConnection) -> Summary:
    """The counts above, from the tables of `solve.solve`; counts and source names only."""
    records, persons = db.execute("SELECT count(*), count(DISTINCT person_id) FROM person").fetchall()[0]
    return {
        "records": records,
        "persons": persons,
        "sources": _rows(db, """
            SELECT agency, dataset, count(*) AS records, count(n.record_id) AS named,
                   count(r.record_id) AS in_other_sources, count(*) - count(r.record_id) AS alone
            FROM record JOIN source USING (source_id)
            LEFT JOIN (SELECT DISTINCT record_id FROM profile WHERE is_named) n USING (record_id)
            LEFT JOIN (SELECT DISTINCT x.record_id FROM reach x JOIN record y USING (record_id)
                       WHERE x.source_id <> y.source_id) r USING (record_id)
            GROUP BY ALL ORDER BY agency, dataset"""),
        "pairs": _pairs(db),
        "links": _counts(db, "SELECT reason, count(*) FROM link GROUP BY reason ORDER BY reason"),
        "reviews": _counts(db, "SELECT reason, count(*) FROM review GROUP BY reason ORDER BY reason"),
        "waiting": _counts(db, """
            SELECT outcome, count(DISTINCT record_id)
            FROM proposed JOIN profile ON record_id IN (record_l, record_r)
            WHERE outcome <> 'tie' AND NOT is_named AND record_id NOT IN (SELECT record_id FROM reach)
            GROUP BY outcome ORDER BY outcome"""),
    }  # fmt: skip


def _pairs(db: duckdb.DuckDBPyConnection) -> list[Summary]:
    rows = _rows(db, """
        WITH total AS (SELECT source_id, count(*) AS records FROM record GROUP BY source_id),
        matched AS (
            SELECT record.source_id AS here, reach.source_id AS there, count(*) AS records
            FROM reach JOIN record USING (record_id) GROUP BY ALL
        )
        SELECT l.source_id AS source_l, r.source_id AS source_r,
               l.agency AS agency_l, l.dataset AS dataset_l, r.agency AS agency_r, r.dataset AS dataset_r,
               coalesce(ml.records, 0) AS matched_l, tl.records - matched_l AS unmatched_l,
               coalesce(mr.records, 0) AS matched_r, tr.records - matched_r AS unmatched_r
        FROM source l JOIN source r ON l.source_id < r.source_id
        JOIN total tl ON tl.source_id = l.source_id JOIN total tr ON tr.source_id = r.source_id
        LEFT JOIN matched ml ON ml.here = l.source_id AND ml.there = r.source_id
        LEFT JOIN matched mr ON mr.here = r.source_id AND mr.there = l.source_id
        ORDER BY source_l, source_r""")  # fmt: skip
    reasons = {kind: _by_pair(db, kind) for kind in ("link", "review")}
    for row in rows:
        key = (row.pop("source_l"), row.pop("source_r"))
        row |= {f"{kind}s": found.get(key, {}) for kind, found in reasons.items()}
    return rows


def _by_pair(db: duckdb.DuckDBPyConnection, table: str) -> dict[tuple[int, int], dict[str, int]]:
    found: dict[tuple[int, int], dict[str, int]] = {}
    query = f"""
        SELECT l.source_id, r.source_id, reason, count(*)
        FROM {table} JOIN record l ON l.record_id = record_l JOIN record r ON r.record_id = record_r
        GROUP BY ALL ORDER BY ALL"""  # noqa: S608
    for left, right, reason, count in db.execute(query).fetchall():
        found.setdefault((left, right), {})[reason] = count
    return found


def _rows(db: duckdb.DuckDBPyConnection, query: str) -> list[Summary]:
    result = db.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _counts(db: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return dict(db.execute(query).fetchall())
