"""What outlives a run: decisions of people, and ties that do not flicker.

A decision holds until another follows. A tie that the matcher made stays while its probability is .5 or more, and is
untied only after three runs in a row below; a veto (another number, another first name, protection) unties at once.

Tables of a run:
    forced(record_l, record_r, verdict)        decisions about records that are there, the newest of each pair
    tied_before(record_l, record_r, faded_runs) ties of the last run that the matcher had made
    fading(record_l, record_r, faded_runs)     ties of tonight that are below .5
"""

from __future__ import annotations

from typing import Any

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

KEEP, RUNS = 0.5, 3
_PAIR = ("agency_l", "dataset_l", "record_l", "agency_r", "dataset_r", "record_r")
# Ties that rest on probability; the others stand or fall with a fact.
_LIKELY = ("matcher", "household", "kept", "fading")


def load(db: duckdb.DuckDBPyConnection, connection: psycopg.Connection[Any], links: pa.Table) -> None:
    """Fill `forced` and `tied_before` from `link.decision` and from `links`, `link.link` as the last run left it.

    Needs `record` and `source`.
    """
    tables(db)
    columns = ", ".join(_PAIR)
    newest = f"""SELECT DISTINCT ON ({columns}) {columns}, verdict FROM link.decision
        ORDER BY {columns}, decision_key DESC"""  # noqa: S608
    decided = connection.execute(newest).fetchall()  # type: ignore[arg-type]
    names = (*_PAIR, "verdict")
    forced = pa.table(dict(zip(names, map(pa.array, zip(*decided, strict=True)), strict=True))) if decided else None
    likely = links.filter(pc.is_in(links["reason"].cast(pa.string()), pa.array(_LIKELY)))
    for table, known, last in (("forced", forced, "verdict"), ("tied_before", likely, "faded_runs")):
        if not known:
            continue
        db.register("known", known)
        db.execute(f"""
            INSERT INTO {table}
            SELECT least(l.record_id, r.record_id), greatest(l.record_id, r.record_id), {last}
            FROM known
            JOIN source sl ON sl.agency = agency_l AND sl.dataset = dataset_l
            JOIN source sr ON sr.agency = agency_r AND sr.dataset = dataset_r
            JOIN record l ON l.source_id = sl.source_id AND l.record_pseudonym = known.record_l
            JOIN record r ON r.source_id = sr.source_id AND r.record_pseudonym = known.record_r""")  # noqa: S608
        db.unregister("known")


def tables(db: duckdb.DuckDBPyConnection) -> None:
    """Make the tables empty where nothing filled them."""
    db.execute("CREATE TABLE IF NOT EXISTS forced (record_l INTEGER, record_r INTEGER, verdict VARCHAR)")
    db.execute("CREATE TABLE IF NOT EXISTS tied_before (record_l INTEGER, record_r INTEGER, faded_runs INTEGER)")
    db.execute("CREATE TABLE IF NOT EXISTS fading (record_l INTEGER, record_r INTEGER, faded_runs INTEGER)")


def together(db: duckdb.DuckDBPyConnection) -> list[tuple[int, int, bool]]:
    """Pairs decided to be one person, as ties of `clusters`."""
    return db.execute("""
        SELECT record_l, record_r, l.source_id = r.source_id
        FROM forced JOIN record l ON l.record_id = record_l JOIN record r ON r.record_id = record_r
        WHERE verdict = 'together' ORDER BY record_l, record_r""").fetchall()


def keep(db: duckdb.DuckDBPyConnection) -> None:
    """Turn reviews of `pair` that were ties in the last run into ties again, and bring back what was not even compared.

    Kept ties come after every other tie: what they would spoil goes before them.
    """
    db.execute(f"""
        UPDATE pair SET verdict = 'link', reason = 'kept'
        FROM tied_before t
        WHERE t.record_l = pair.record_l AND t.record_r = pair.record_r
          AND pair.reason = 'probable' AND probability >= {KEEP};
        INSERT INTO fading
        SELECT t.record_l, t.record_r, t.faded_runs + 1
        FROM tied_before t LEFT JOIN pair USING (record_l, record_r)
        WHERE (pair.reason IS NULL OR pair.reason = 'probable' AND probability < {KEEP}) AND t.faded_runs + 1 < {RUNS}
          AND (t.record_l, t.record_r) NOT IN (SELECT (record_l, record_r) FROM forced WHERE verdict = 'apart');
        DELETE FROM pair USING fading f WHERE f.record_l = pair.record_l AND f.record_r = pair.record_r;
        INSERT INTO pair BY NAME
        SELECT record_l, record_r, false AS is_same_source, 'fading' AS reason, 'link' AS verdict, -1000.0 AS weight
        FROM fading;
        UPDATE pair SET verdict = 'review', reason = 'decided_apart'
        FROM forced f
        WHERE f.record_l = pair.record_l AND f.record_r = pair.record_r AND f.verdict = 'apart';
    """)  # noqa: S608
