"""What a run says about itself: how sure its ties are, how they spread, and what has moved since the run before.

    {"estimate": {...}       precision and recall without a truth (estimate.py)
     "queued": n             records in pairs that a person is asked about
     "questions": {...}      how many are asked, of whom, and what answers would gain (questions.py)
     "weights": [{"bits", "verdict", "pairs"}]     ties and questions by strength, in steps of two bits
     "patterns": [{"verdict", "reason", "pairs", "bits", "fields": {field: grade}}]   how typical pairs agree
     "drift": {...}}         against the run before (drift.py)

Counts and grades only; no token, no pseudonym, no value.
"""

from __future__ import annotations

from typing import Any

import duckdb
import psycopg

from pipelines.link import agreement, draws, drift, estimate, questions
from pipelines.settings import Settings

Summary = dict[str, Any]
# Ends of the axis of strengths, and how wide its steps are.
WEAKEST, STRONGEST, STEP = -10, 40, 2
PATTERNS = 3
# Of how many pairs at least a pattern is, to be typical.
TYPICAL = 5


def look(connection: psycopg.Connection[Any], db: duckdb.DuckDBPyConnection) -> Summary:
    """What goes into `link.run.summary` beside the counts, from the tables of `solve.solve`; never commits.

    Writes `link.key_draw` on the way. Needs `belief` (belief.judge) and the crosswalk as this run has written it.
    """
    drawn = draws.draw(db)
    draws.write(connection, db, drawn)
    seen: Summary = {
        "estimate": estimate.estimate(db, drawn),
        "queued": db.execute(_QUEUED).fetchall()[0][0],
        "questions": questions.counts(db),
        "weights": _weights(db),
        "patterns": _patterns(db),
    }
    last = connection.execute(
        "SELECT link_run_key, summary FROM link.run ORDER BY link_run_key DESC LIMIT 1"
    ).fetchone()
    number, before = last or (None, None)
    return seen | {"drift": drift.compare(seen | {"sources": _rows(db, _MET)}, before, number)}


_QUEUED = """SELECT count(DISTINCT record_id) FROM (
    SELECT unnest([record_l, record_r]) AS record_id FROM review WHERE is_queued)"""
_MET = """
    SELECT agency, dataset, count(*) AS records, count(r.record_id) AS in_other_sources
    FROM record JOIN source USING (source_id)
    LEFT JOIN (SELECT DISTINCT x.record_id FROM reach x JOIN record y USING (record_id)
               WHERE x.source_id <> y.source_id) r USING (record_id)
    GROUP BY ALL ORDER BY agency, dataset"""


def after(settings: Settings, connection: psycopg.Connection[Any]) -> list[str]:
    """Write the report of the run that was just written; what a person should hear of it, as notes."""
    from pipelines.link import report

    rows = connection.execute(
        "SELECT summary #> '{drift,warnings}' FROM link.run ORDER BY link_run_key DESC LIMIT 1"
    ).fetchall()
    notes = [warning for (warnings,) in rows for warning in warnings or ()]
    try:
        report.write(settings, connection, settings.reports / "linkage")
    except OSError as error:
        # The run is good all the same; `joint-needs link report` makes the page another time.
        notes.append(f"the linkage report could not be written ({type(error).__name__})")
    return notes


def _weights(db: duckdb.DuckDBPyConnection) -> list[Summary]:
    query = f"""
        SELECT greatest({WEAKEST}, least({STRONGEST}, floor(weight / {STEP}) * {STEP}))::INTEGER AS bits, verdict,
               count(*) AS pairs
        FROM pair WHERE weight IS NOT NULL AND NOT is_same_source GROUP BY ALL ORDER BY bits, verdict"""  # noqa: S608
    return _rows(db, query)


def _patterns(db: duckdb.DuckDBPyConnection) -> list[Summary]:
    """For each verdict and reason the commonest ways in which two records with names agree."""
    fields = ", ".join(f"'{field.name}': c.{field.name}" for field in agreement.ALL)
    names = ", ".join(f"c.{field.name}" for field in agreement.ALL)
    query = f"""
        SELECT verdict, reason, count(*) AS pairs, round(median(pair.weight), 1) AS bits,
               any_value({{{fields}}}) AS fields
        FROM pair JOIN compared c USING (record_l, record_r)
        WHERE c.is_named AND pair.weight IS NOT NULL AND NOT is_same_source
        GROUP BY verdict, reason, {names} HAVING count(*) >= {TYPICAL}
        QUALIFY row_number() OVER (PARTITION BY verdict, reason ORDER BY count(*) DESC, {names}) <= {PATTERNS}
        ORDER BY verdict, pairs DESC, {names}"""  # noqa: S608
    return _rows(db, query)


def _rows(db: duckdb.DuckDBPyConnection, query: str) -> list[Summary]:
    result = db.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
