"""How likely two records are one child, for every pair with any evidence: what draws and estimates are made from.

The matcher's probability speaks for names, birth date, sex and home. The rules add what it does not know: that a number
is shared or differs (so often are numbers wrong), that first names which tell little may be twins', and that of several
people who share birth date, sex and postcode only one can be meant. Answers to sampled questions move whole reasons.

Makes `belief(record_l, record_r, reason, is_tied, chance, choice)`. Pairs that are apart by decision or for a child's
protection are not in it. Rows of one `choice` (a record) exclude each other.
"""

from __future__ import annotations

from typing import Any

import duckdb
import psycopg

from pipelines.link import agreement, twins

# So often two valid numbers of one child differ: about three numbers in a thousand are another's, on either side.
DIFFER = 0.006
# Birth date, sex and postcode tie where at most one in two hundred such pairs contradict each other (nameless.py).
NAMELESS, NOT_BELIEVED = 0.995, 0.95
FADING = 0.3
# First names of twins agree by chance more often than those of any two people: twins are mostly of one sex.
OF_ONE_SEX = 1.5
# What sampled answers are weighed against: so many answers as the matcher's own word counts for.
OWN_WORD, LEAST_WRONG = 50, 0.0001


def judge(db: duckdb.DuckDBPyConnection, model: dict[str, Any], answers: dict[str, tuple[int, int]]) -> None:
    """Make `belief` from the tables of `solve.solve`.

    model: the Splink settings. answers: of sampled ties by reason, how many were wrong and how many were answered.
    """
    bits = " + ".join(_bits(model, field) for field in agreement.ALL)
    grades = " ".join(f"WHEN {grade} THEN {chance}" for grade, chance in _first_names(db, model).items())
    db.execute(f"""
        CREATE TABLE belief AS
        WITH known AS (
            SELECT p.*, s.record_l IS NOT NULL AS is_shared, log2((1 - {DIFFER}) / {DIFFER}) + {bits} AS shared_bits,
                   log2(greatest(p.probability, 1e-9) / greatest(1 - p.probability, 1e-9)) AS own_bits,
                   CASE p.reason WHEN 'identifier_conflict' THEN log2({DIFFER}) ELSE 0 END AS conflict_bits
            FROM pair p LEFT JOIN compared c USING (record_l, record_r) LEFT JOIN shared s USING (record_l, record_r)
            WHERE p.reason NOT IN ('sibling', 'protected', 'decided_apart', 'same_source')
        ), told AS (
            SELECT record_l, record_r, reason,
                CASE WHEN reason = 'first_name' THEN CASE p.forename {grades} ELSE 0.5 END
                     WHEN reason = 'fading' THEN {FADING}
                     WHEN is_shared THEN 1 / (1 + pow(2, -least(
                         shared_bits + conflict_bits, CASE reason WHEN 'identifier' THEN weight ELSE 40 END)))
                     WHEN own_bits IS NULL THEN 1 / (1 + pow(2, -(coalesce(weight, 0) + conflict_bits)))
                     ELSE 1 / (1 + pow(2, -(own_bits + conflict_bits))) END AS chance,
                NULL::INTEGER AS choice
            FROM known p
            UNION ALL
            SELECT record_l, record_r, 'birth_sex_postcode', {NAMELESS}, NULL FROM proposed WHERE outcome = 'tie'
            UNION ALL
            SELECT record_l, record_r, 'not_believed', {NOT_BELIEVED}, NULL FROM proposed WHERE outcome = 'not_believed'
            UNION ALL
            SELECT least(record_id, other), greatest(record_id, other), 'one_of_several', chance, record_id
            FROM ({_SEVERAL})
            UNION ALL
            SELECT record_l, record_r, 'decided', 1.0, NULL FROM forced WHERE verdict = 'together'
        )
        SELECT record_l, record_r, arg_max(reason, chance) AS reason, bool_or(coalesce(is_tied, false)) AS is_tied,
               max(chance)::DOUBLE AS chance, max(choice) AS choice
        FROM told LEFT JOIN (SELECT record_l, record_r, true AS is_tied FROM link) USING (record_l, record_r)
        GROUP BY record_l, record_r;
    """)  # noqa: S608
    _calibrate(db, answers)


# A record without names that waits, and the people it may be: all that share birth date, sex and postcode and are not
# in its source yet; where there is but one, somebody like it is known elsewhere.
_SEVERAL = """
    SELECT w.record_id, min(q.record_id) AS other,
           1.0 / greatest(count(*) OVER (PARTITION BY w.record_id), 2) AS chance
    FROM (
        SELECT DISTINCT p.record_id, p.birth_date, p.sex, p.postcode, r.source_id, person_id
        FROM profile p JOIN record r USING (record_id) JOIN person USING (record_id)
        WHERE NOT p.is_named AND p.record_id NOT IN (SELECT record_id FROM reach) AND p.record_id IN (
            SELECT unnest([record_l, record_r]) FROM proposed WHERE outcome IN ('two_people', 'twin', 'two_numbers'))
    ) w
    JOIN profile q ON q.birth_date = w.birth_date AND q.sex = w.sex AND q.postcode = w.postcode
    JOIN person o ON o.record_id = q.record_id JOIN record x ON x.record_id = q.record_id
    WHERE o.person_id <> w.person_id AND x.source_id <> w.source_id
      AND (q.record_id, w.source_id) NOT IN (FROM reach)
    GROUP BY w.record_id, o.person_id"""


def _bits(model: dict[str, Any], field: agreement.Agreement) -> str:
    """A SQL expression of what a field says for or against one child, in bits."""
    cases = [f"WHEN {level} THEN log2({m} / {u})" for level, (m, u) in levels(model, field.name).items()]
    return f"coalesce(CASE c.{field.name} {' '.join(cases)} END, 0)"


def levels(model: dict[str, Any], name: str) -> dict[int, tuple[float, float]]:
    """Level -> m and u of a field in a model, counted as `Agreement.level` does; without the one for missing."""
    m, u = (twins.by_level(model, name, f"{of}_probability") for of in "mu")
    return {level: (m[level], u[level]) for level in m}


def _first_names(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> dict[int, float]:
    """Grade of agreement of first names that tell little -> chance that the two are one child and not twins.

    As many twins as there are pairs whose first names do not agree at all would reach each grade by chance.
    """
    seen = dict(db.execute("SELECT forename, count(*) FROM weak WHERE sex <> 0 GROUP BY forename").fetchall())
    chance = {grade: u for grade, (_, u) in levels(model, agreement.FORENAME.name).items()}
    found = {}
    for grade in (-1, *range(1, agreement.FORENAME_TELLS)):
        # A missing first name befalls twins as often as anyone: one pair in a hundred, where nobody has counted.
        expected = seen.get(0, 0) * OF_ONE_SEX * chance.get(grade, 0.01) / chance[0]
        found[grade] = 1 - min(0.9, (expected + 0.05) / (seen.get(grade, 0) + 1))
    return found


def answers(connection: psycopg.Connection[Any]) -> dict[str, tuple[int, int]]:
    """Of the sampled ties by the reason they had: how many were wrong, and how many were answered either way."""
    rows = connection.execute("""
        SELECT s.reason, count(*) FILTER (WHERE d.verdict = 'apart'), count(*)
        FROM link.sampled AS s
        JOIN LATERAL (
            SELECT verdict FROM link.decision AS d
            WHERE (d.agency_l, d.dataset_l, d.record_l, d.agency_r, d.dataset_r, d.record_r)
                = (s.agency_l, s.dataset_l, s.record_l, s.agency_r, s.dataset_r, s.record_r) AND d.at > s.at
            ORDER BY decision_key DESC LIMIT 1
        ) AS d ON d.verdict <> 'open'
        GROUP BY s.reason""").fetchall()
    return {reason: (wrong, told) for reason, wrong, told in rows}


def _calibrate(db: duckdb.DuckDBPyConnection, answers: dict[str, tuple[int, int]]) -> None:
    """Move the chances of ties of a reason so that together they are as often wrong as the answers say."""
    for reason, (wrong, told) in answers.items():
        (own,) = db.execute(
            "SELECT coalesce(avg(1 - chance), 0) FROM belief WHERE reason = ? AND is_tied", [reason]
        ).fetchall()[0]
        own = max(own, LEAST_WRONG)
        factor = (OWN_WORD * own + wrong) / (OWN_WORD + told) / own
        db.execute(
            f"""UPDATE belief SET chance = 1 - least(0.5, greatest(1 - chance, {LEAST_WRONG}) * ?)
                WHERE reason = ? AND is_tied""",  # noqa: S608
            [factor, reason],
        )
