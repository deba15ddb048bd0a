"""Which pairs of records are tied, which wait for a person, and why: identifiers, the matcher's scores, the vetoes.

Makes `pair(record_l, record_r, is_same_source, verdict, reason, weight, probability)`, record_l < record_r, verdict
`link` or `review`. The weight is a strength in bits on the matcher's scale; the strongest ties are made first.

Reasons of links:
    identifier        the same valid identifier, and nothing else contradicts it; two kinds of identifier stand for each
                      other where the birth date contradicts them
    matcher           names and the rest, probability at or above .9
    household         the same with a first name that tells little, where twins apart are shown to be rare (twins.py)
    duplicate         two records of one source that are one person beside doubt
    birth_sex_postcode  a record without names that can only be this person (pipelines/link/nameless.py)
Reasons of reviews:
    identifier_conflict  two different valid NHS numbers or UPNs: never tied
    identifier_alone     the same identifier, but the rest contradicts it
    sibling              first names do not agree at all, or some source shows both as two children: twins, siblings
    sibling_to_check     the same, where neither has a tie into the other's source
    first_name           first names agree in little more than twins' do, or one is missing
    protected            the earlier identity of an adopted or protected child, perhaps: never tied
    probable             probability between .1 and .9
    same_source          likely one person twice in one source, short of certainty, or tied to two records of one
    too_many_records     the person would have more records than anyone has (pipelines/link/clusters.py)
"""

from __future__ import annotations

import duckdb

from pipelines.link import agreement
from pipelines.link.predict import ACCEPT

# Strengths of a shared identifier, in bits. With agreeing names nothing is stronger; a first name that disagrees is
# how the wrong number of a twin looks, so such a tie is the first to give way.
NAMES_AGREE, SURNAME_CHANGED, FORENAME_DISAGREES = 40.0, 25.0, 4.0
# Without names a number is a little weaker than names, birth date and postcode that all agree, by the starting values.
NAMELESS = {4: 23.0, 3: 19.0, 2: 15.0, 1: 11.0, -1: 9.0, 0: 5.0}
DUPLICATE_PROBABILITY = 0.999
# Where birth dates contradict each other altogether, it may be a parent and a child of one name.
SURE = 0.995


def _levels() -> str:
    return ", ".join(f"{field.level()} AS {field.name}" for field in agreement.ALL)


def tables(db: duckdb.DuckDBPyConnection) -> None:
    """Make the table of the last run's grades empty where nothing filled it."""
    grades = ", ".join(f"{field.name} INTEGER" for field in agreement.ALL)
    db.execute(f"CREATE TABLE IF NOT EXISTS graded_before (content_l UBIGINT, content_r UBIGINT, {grades})")


def compare(db: duckdb.DuckDBPyConnection) -> None:
    """Make `compared`: every pair of records that share an identifier or that the matcher scored, at its best profiles.

    Needs `record`, `profile`, `look`, `identifier` (tokens.load) and `scored` (predict.predict). Leaves `graded`, how
    the looks that met agree.
    """
    tables(db)
    grades = ", ".join(field.name for field in agreement.ALL)
    db.execute(f"""
        CREATE TABLE shared AS
        SELECT l.record_id AS record_l, r.record_id AS record_r,
               bool_or(NOT l.is_former AND NOT r.is_former) AS is_current, count(DISTINCT l.kind) AS kinds
        FROM identifier l JOIN identifier r ON l.kind = r.kind AND l.value = r.value AND l.record_id < r.record_id
        GROUP BY ALL;

        CREATE TEMP TABLE candidate AS
        WITH found AS (
            SELECT p.record_id AS a, q.record_id AS b, p.look_id AS look_a, q.look_id AS look_b
            FROM shared JOIN profile p ON p.record_id = record_l JOIN profile q ON q.record_id = record_r
            UNION ALL
            SELECT p.record_id, q.record_id, p.look_id, q.look_id
            FROM scored JOIN profile p ON p.look_id = look_l JOIN profile q ON q.look_id = look_r
            WHERE p.record_id <> q.record_id AND (look_l < look_r OR p.record_id < q.record_id)
        )
        SELECT DISTINCT least(a, b) AS record_l, greatest(a, b) AS record_r, look_a, look_b FROM (
            SELECT a, b, least(look_a, look_b) AS look_a, greatest(look_a, look_b) AS look_b FROM found);

        -- How two looks agree follows from them alone: what the last run graded is not graded again.
        CREATE TEMP TABLE met AS
        SELECT look_a, look_b, l.content AS content_l, r.content AS content_r, l.is_named AND r.is_named AS is_named
        FROM (SELECT DISTINCT look_a, look_b FROM candidate)
        JOIN look l ON l.look_id = look_a JOIN look r ON r.look_id = look_b;
        CREATE TABLE graded AS
        SELECT look_a, look_b, {grades} FROM met JOIN graded_before USING (content_l, content_r);
        INSERT INTO graded
        SELECT look_a, look_b, {_levels()}
        FROM (SELECT look_a, look_b FROM met ANTI JOIN graded_before USING (content_l, content_r))
        JOIN (SELECT COLUMNS(*) AS '\\0_l' FROM look) ON look_id_l = look_a
        JOIN (SELECT COLUMNS(*) AS '\\0_r' FROM look) ON look_id_r = look_b;

        CREATE TABLE compared AS
        SELECT candidate.*, is_named, graded.* EXCLUDE (look_a, look_b), weight, probability
        FROM candidate JOIN graded USING (look_a, look_b) JOIN met USING (look_a, look_b)
        LEFT JOIN scored ON look_l = look_a AND look_r = look_b
        QUALIFY row_number() OVER (
            PARTITION BY record_l, record_r
            ORDER BY is_named DESC, weight DESC NULLS LAST, birth_date DESC, forename DESC, surname DESC, postcode DESC,
                     sex, look_a, look_b
        ) = 1;
        DROP TABLE candidate;
        DROP TABLE met;
    """)  # noqa: S608


def decide(db: duckdb.DuckDBPyConnection) -> None:
    """Make `pair` from `compared`, and `numbers(record_id, nhs_numbers, upns, all_upns)` on the way."""
    _what_is_known(db)
    _verdicts(db)


def _what_is_known(db: duckdb.DuckDBPyConnection) -> None:
    """What the rules ask about a record: its numbers, whether it is shielded, which names are of two children."""
    db.execute(f"""
        CREATE TABLE numbers AS
        SELECT record_id,
               list(value) FILTER (kind = 'nhs_number') AS nhs_numbers,
               list(value) FILTER (kind = 'upn' AND NOT is_former) AS upns,
               list(value) FILTER (kind = 'upn') AS all_upns
        FROM identifier GROUP BY record_id;
        -- A record under the current number of a protected child is protected too, whether its source says so or not.
        CREATE TABLE shielded AS
        SELECT DISTINCT record_id FROM identifier WHERE NOT is_former AND kind <> 'local_id' AND (kind, value) IN (
            SELECT (kind, value) FROM identifier JOIN record USING (record_id) WHERE is_protected AND NOT is_former)
        UNION SELECT record_id FROM record WHERE is_protected;

        -- First names that one source shows as two children of one birth date, surname and postcode.
        CREATE TABLE sibling_names AS
        SELECT DISTINCT p.birth_date, p.forename AS one, q.forename AS other, p.surname, p.postcode
        FROM compared c JOIN look p ON p.look_id = c.look_a JOIN look q ON q.look_id = c.look_b
        JOIN record rl ON rl.record_id = c.record_l JOIN record rr ON rr.record_id = c.record_r
        WHERE rl.source_id = rr.source_id AND p.birth_date = q.birth_date AND p.surname = q.surname
          AND p.postcode = q.postcode AND c.forename < {agreement.FORENAME_TELLS} AND c.forename >= 0;
    """)  # noqa: S608


def _verdicts(db: duckdb.DuckDBPyConnection) -> None:
    nameless = " ".join(f"WHEN {level} THEN {weight}" for level, weight in NAMELESS.items())
    db.execute(f"""
        CREATE TABLE pair AS
        WITH known AS (
            SELECT c.*, rl.source_id = rr.source_id AS is_same_source,
                   s.is_current, s.record_l IS NOT NULL AS is_shared, coalesce(s.kinds, 0) AS kinds,
                   coalesce(NOT list_has_any(nl.nhs_numbers, nr.nhs_numbers), false)
                   OR coalesce(
                       len(nl.upns) > 0 AND len(nr.upns) > 0 AND NOT list_has_any(nl.all_upns, nr.all_upns), false
                   ) AS is_conflict,
                   c.record_l IN (FROM shielded) OR c.record_r IN (FROM shielded) AS is_shielded,
                   n.birth_date IS NOT NULL AS is_told_apart
            FROM compared c
            JOIN look p ON p.look_id = c.look_a JOIN look q ON q.look_id = c.look_b
            LEFT JOIN (
                SELECT DISTINCT birth_date, one, other, surname FROM sibling_names
                UNION SELECT DISTINCT birth_date, other, one, surname FROM sibling_names
            ) n ON n.birth_date = p.birth_date AND n.birth_date = q.birth_date AND n.one = p.forename
                AND n.other = q.forename AND n.surname IN (p.surname, q.surname)
            JOIN record rl ON rl.record_id = c.record_l JOIN record rr ON rr.record_id = c.record_r
            LEFT JOIN shared s USING (record_l, record_r)
            LEFT JOIN numbers nl ON nl.record_id = c.record_l LEFT JOIN numbers nr ON nr.record_id = c.record_r
        ), judged AS (
            SELECT *,
                is_shared AND (
                    birth_date <> 0 OR kinds > 1
                    OR is_named AND forename >= {agreement.FORENAME_TELLS} AND surname >= 1
                ) AND CASE
                    WHEN NOT is_named THEN sex <> 0 OR birth_date >= {agreement.BIRTH_DATE_KNOWN} AND postcode > 1
                    WHEN forename >= 1 THEN true
                    ELSE surname >= 1 AND sex <> 0 END AS is_corroborated,
                is_named AND forename >= {agreement.FORENAME_TELLS} AND NOT is_told_apart
                    AND probability >= CASE birth_date WHEN 0 THEN {SURE} ELSE {ACCEPT} END AS is_matched,
                is_named AND forename >= {agreement.FORENAME_TELLS} AND surname >= 1 AND birth_date >= 2
                    AND probability >= {DUPLICATE_PROBABILITY} AS is_duplicate
            FROM known
        )
        SELECT record_l, record_r, is_same_source, probability, forename, birth_date, sex,
            CASE
                WHEN is_shielded AND NOT (is_corroborated AND is_current) THEN 'protected'
                WHEN is_conflict THEN 'identifier_conflict'
                WHEN is_same_source AND is_corroborated AND is_current
                    AND (is_named AND forename >= 1 OR NOT is_named AND birth_date >= 2
                         OR NOT is_named AND birth_date < 0 AND sex = 1 AND postcode > 1) THEN 'identifier'
                WHEN is_same_source AND is_duplicate THEN 'duplicate'
                WHEN is_same_source AND is_named AND forename = 0 THEN 'sibling'
                WHEN is_same_source THEN 'same_source'
                WHEN is_corroborated THEN 'identifier'
                WHEN is_matched THEN 'matcher'
                WHEN is_shared THEN 'identifier_alone'
                WHEN forename = 0 OR is_told_apart THEN 'sibling'
                WHEN forename < {agreement.FORENAME_TELLS} AND probability >= {ACCEPT} THEN 'first_name'
                ELSE 'probable' END AS reason,
            CASE WHEN reason IN ('identifier', 'duplicate', 'matcher') THEN 'link' ELSE 'review' END AS verdict,
            CASE
                WHEN NOT is_corroborated THEN weight
                WHEN NOT is_named THEN CASE birth_date {nameless} END
                WHEN forename = 0 THEN {FORENAME_DISAGREES}
                WHEN surname = 0 THEN greatest(weight, {SURNAME_CHANGED})
                ELSE greatest(weight, {NAMES_AGREE}) END AS weight
        FROM judged
        -- Who has another number and hardly the same names is told apart already.
        WHERE NOT (reason = 'identifier_conflict' AND NOT is_shared
                   AND (forename < {agreement.FORENAME_TELLS} OR probability < {ACCEPT}));
    """)  # noqa: S608
