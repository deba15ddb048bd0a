"""What a match is worth against a known truth: pairs, review queue, clusters, groups.

    {"pairs": {"precision","recall","f1","tp","fp","fn"},           links accepted without a person: the headline
     "with_review": {"precision","recall","f1"},                    plus the queue as a perfect reviewer would decide it
     "review": {"pairs","share_of_records"},                        distinct records in the queue / all records
     "clusters": {"over_merged","split","exact_precision","exact_recall"},
     "by_group": {"source_pair"|"sex"|"names": {group: {precision, recall, f1, tp, fp, fn}}}}

A pair is two records of different sources taken to be one person, or of the one source where there is no other; chains
count, since a person is what the warehouse sees. over_merged: found persons with records of several true ones; split:
true persons whose records are in several found ones; exact: persons of two or more records that are found whole.
"""

from __future__ import annotations

from typing import Any

import duckdb

Counts = dict[str, int]
Document = dict[str, Any]

# How a pair is put into groups. names: whether both, one or none of the two has first and last name.
_GROUPS = {
    "source_pair": "least(l.source, r.source) || '-' || greatest(l.source, r.source)",
    "sex": "CASE WHEN coalesce(l.sex, r.sex) = coalesce(r.sex, l.sex) THEN coalesce(l.sex, r.sex) ELSE 'differs' END",
    "names": "CASE l.names + r.names WHEN 2 THEN 'both' WHEN 1 THEN 'one' ELSE 'none' END",
}


def score(db: duckdb.DuckDBPyConnection) -> Document:
    """Score what `solve` left in `db`.

    Needs `labels(record_pseudonym, rec_id, source, truth_id, forename, surname, sex)`; records without a truth_id are
    matched and not scored. Makes `accepted(rec_id_l, rec_id_r)` and `queued(rec_id_l, rec_id_r, reason, probability)`.
    """
    _load(db)
    pairs = _counts(db, "scored_pair", "''")[""]
    with_review = dict(pairs)
    found = int(db.execute(f"SELECT count(*) FROM queued_pair WHERE {_TRUE}").fetchall()[0][0])  # noqa: S608
    with_review["tp"] += found
    with_review["fn"] -= found
    queue, touched, records = db.execute("""
        SELECT (SELECT count(*) FROM queued),
               (SELECT count(*) FROM (SELECT rec_id_l FROM queued UNION SELECT rec_id_r FROM queued)),
               (SELECT count(*) FROM labelled)""").fetchall()[0]
    return {
        "pairs": _rates(pairs),
        "with_review": {k: v for k, v in _rates(with_review).items() if k in ("precision", "recall", "f1")},
        "review": {"pairs": queue, "share_of_records": round(touched / records, 5) if records else 0.0},
        "clusters": _clusters(db),
        "by_group": {
            name: {group: _rates(c) for group, c in sorted(_counts(db, "scored_pair", sql).items())}
            for name, sql in _GROUPS.items()
        },
    }


_TRUE = "truth_l = truth_r"


def _load(db: duckdb.DuckDBPyConnection) -> None:
    db.execute("""
        CREATE TABLE labelled AS
        SELECT record_id, person_id, rec_id, coalesce(source, '') AS source, truth_id, upper(sex[1]) AS sex,
               (forename IS NOT NULL AND surname IS NOT NULL)::INTEGER AS names
        FROM labels JOIN record USING (record_pseudonym) JOIN person USING (record_id);
        CREATE TABLE rule AS SELECT count(DISTINCT source) > 1 AS is_linking FROM labelled;
        CREATE TABLE found_pair AS
        SELECT l.record_id AS record_l, r.record_id AS record_r
        FROM labelled l JOIN labelled r ON l.person_id = r.person_id AND l.record_id < r.record_id, rule
        WHERE NOT is_linking OR l.source <> r.source;
        CREATE TABLE true_pair AS
        SELECT l.record_id AS record_l, r.record_id AS record_r
        FROM labelled l JOIN labelled r ON l.truth_id = r.truth_id AND l.record_id < r.record_id, rule
        WHERE NOT is_linking OR l.source <> r.source;
        CREATE TABLE scored_pair AS
        SELECT record_l, record_r, f.is_found IS NOT NULL AS is_found, t.is_true IS NOT NULL AS is_true
        FROM (SELECT *, true AS is_found FROM found_pair) f FULL JOIN (SELECT *, true AS is_true FROM true_pair) t
            USING (record_l, record_r);
        CREATE TABLE queued_pair AS
        SELECT review.*, l.rec_id AS rec_id_l, r.rec_id AS rec_id_r, l.truth_id AS truth_l, r.truth_id AS truth_r
        FROM review JOIN labelled l ON l.record_id = record_l JOIN labelled r ON r.record_id = record_r
        WHERE is_queued;
        CREATE TABLE queued AS
        SELECT rec_id_l, rec_id_r, reason, probability FROM queued_pair ORDER BY probability DESC, rec_id_l, rec_id_r;
        CREATE TABLE accepted AS
        SELECT l.rec_id AS rec_id_l, r.rec_id AS rec_id_r
        FROM found_pair JOIN labelled l ON l.record_id = record_l JOIN labelled r ON r.record_id = record_r
        ORDER BY record_l, record_r;
    """)


def _counts(db: duckdb.DuckDBPyConnection, table: str, group: str) -> dict[str, Counts]:
    rows = db.execute(f"""
        SELECT {group}, count_if(is_found AND is_true), count_if(is_found AND NOT is_true),
               count_if(is_true AND NOT is_found)
        FROM {table} JOIN labelled l ON l.record_id = record_l JOIN labelled r ON r.record_id = record_r
        WHERE l.truth_id IS NOT NULL AND r.truth_id IS NOT NULL
        GROUP BY ALL""").fetchall()  # noqa: S608
    found = {str(n or ""): {"tp": tp or 0, "fp": fp or 0, "fn": fn or 0} for n, tp, fp, fn in rows}
    return found or {"": {"tp": 0, "fp": 0, "fn": 0}}


def _rates(counts: Counts) -> Document:
    """Precision and recall; 1 where there is nothing to be wrong about."""
    tp, fp, fn = counts["tp"], counts["fp"], counts["fn"]
    precision = tp / (tp + fp) if tp + fp else 1.0
    recall = tp / (tp + fn) if tp + fn else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"precision": round(precision, 6), "recall": round(recall, 6), "f1": round(f1, 6), **counts}


def _clusters(db: duckdb.DuckDBPyConnection) -> Document:
    over_merged, split, exact, found, true = db.execute("""
        WITH known AS (FROM labelled WHERE truth_id IS NOT NULL),
        p AS (SELECT person_id, count(*) AS size, count(DISTINCT truth_id) AS truths, any_value(truth_id) AS truth_id
              FROM known GROUP BY person_id),
        t AS (SELECT truth_id, count(*) AS size, count(DISTINCT person_id) AS persons FROM known GROUP BY truth_id)
        SELECT (SELECT count(*) FROM p WHERE truths > 1), (SELECT count(*) FROM t WHERE persons > 1),
               (SELECT count(*) FROM p JOIN t USING (truth_id)
                WHERE truths = 1 AND persons = 1 AND p.size = t.size AND p.size > 1),
               (SELECT count(*) FROM p WHERE size > 1), (SELECT count(*) FROM t WHERE size > 1)""").fetchall()[0]
    return {
        "over_merged": over_merged,
        "split": split,
        "exact_precision": round(exact / found, 6) if found else 1.0,
        "exact_recall": round(exact / true, 6) if true else 1.0,
    }
