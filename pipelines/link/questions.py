"""What waits for a person, and what of it is asked: one question about two persons, where an answer could tie them.

Two persons who are both known to one source are two, and nobody is asked about any of their records. Of all pairs of
records between two others the strongest is asked about; what was decided about two persons is not asked again. Where
twins are shown to be why first names of one birth date, surname and home differ, nobody is asked about two whose first
names and birth dates both contradict each other: they are brothers and sisters.

Makes `reach(record_id, source_id)`, the sources that a record has ties into, and `review(record_l, record_r, reason,
probability, is_queued, agreement, household)` from what is not tied. The probability of a pair that is asked about is
how likely the answer is yes, by all that is known (belief.py); that of the others is the model's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import duckdb

from pipelines.link import agreement, twins
from pipelines.link.predict import DIGITS

# Below this a pair that nobody is asked about is not kept to be looked up either.
NOTED = 0.1
# A tie that gave way to another record of the same source is asked about where it rests on a number, or was weaker by
# no more bits than this.
CLOSE = 10.0
# The share of twins, at least, from which on first names that do not agree are taken to be two children's.
ALL_TWINS = 0.9
# The share of twins that no count of them shows to be surpassed.
MOST_TWINS = 0.98
# What of all that asking could gain the first questions should hold.
MOST_OF_IT = 0.9


def ask(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> None:
    """Make `reach` and `review` from `pair`, `refused`, `link` and `person`; model: a pinned one (matcher.made)."""
    _what_is_known(db)
    _waiting(db, twins.share(db, model) >= ALL_TWINS)
    db.execute(f"""
        CREATE TABLE review AS
        SELECT record_l, record_r,
               is_open AND row_number() OVER (
                   PARTITION BY is_open, least(person_l, person_r), greatest(person_l, person_r)
                   ORDER BY waiting.weight DESC NULLS LAST, record_l, record_r) = 1 AS is_queued,
               CASE WHEN reason = 'sibling' AND is_queued THEN 'sibling_to_check' ELSE reason END AS reason,
               waiting.probability, {_in_words()} AS agreement, coalesce(others, 0) AS household
        FROM waiting LEFT JOIN compared c USING (record_l, record_r)
        LEFT JOIN household h ON h.record_id = record_l
        QUALIFY is_queued OR waiting.reason NOT IN ('probable', 'sibling') OR waiting.probability >= {NOTED}
        ORDER BY record_l, record_r;
        DROP TABLE waiting;
    """)  # noqa: S608


def weigh(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> None:
    """Let the probability of each question say how likely the answer is yes.

    Needs `belief` (belief.judge). Pairs whose first names do not agree are not in it: they are one child so far as they
    are not twins, of whom more are a boy and a girl than pairs of one child have a wrong sex.
    """
    not_twins = 1 - min(twins.share(db, model), MOST_TWINS)
    other_sex = agreement.SEX.else_m / twins.OPPOSITE_SEX
    db.execute(f"""
        UPDATE review SET probability = round(CASE
            WHEN reason = 'sibling_to_check'
                THEN q.probability * {not_twins} * CASE q.sex WHEN 0 THEN {other_sex} ELSE 1 END
            ELSE coalesce(q.chance, q.probability) END, {DIGITS})
        FROM (SELECT record_l, record_r, v.probability, c.sex, chance
              FROM review v LEFT JOIN compared c USING (record_l, record_r)
              LEFT JOIN belief USING (record_l, record_r)) q
        WHERE is_queued AND q.record_l = review.record_l AND q.record_r = review.record_r""")  # noqa: S608


def counts(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Questions of a run, counted: {"pairs", "yes", "first", "agencies": [{"agency", "pairs", "yes", "first"}]}.

    yes: how many are likely to be answered so. first: how many, the likeliest first, hold nine tenths of these. An
    agency is asked about pairs of which it owns a record.
    """
    rows = db.execute("""
        SELECT coalesce(probability, 0), list_distinct([x.agency, y.agency])
        FROM review JOIN record l ON l.record_id = record_l JOIN record r ON r.record_id = record_r
        JOIN source x ON x.source_id = l.source_id JOIN source y ON y.source_id = r.source_id
        WHERE is_queued""").fetchall()
    agencies = sorted({agency for _, owners in rows for agency in owners})
    found = {
        agency: [chance for chance, owners in rows if agency is None or agency in owners]
        for agency in (None, *agencies)
    }
    told = {a: {"pairs": len(c), "yes": round(sum(c), 1), "first": enough(c)} for a, c in found.items()}
    return {**told[None], "agencies": [{"agency": agency, **told[agency]} for agency in agencies]}


def enough(chances: Iterable[float]) -> int:
    """How many questions, the likeliest first, hold nine tenths of what all of them are likely to gain."""
    ordered = sorted(chances, reverse=True)
    wanted, so_far = MOST_OF_IT * sum(ordered), 0.0
    for place, chance in enumerate(ordered):
        if so_far >= wanted:
            return place
        so_far += chance
    return len(ordered)


def _what_is_known(db: duckdb.DuckDBPyConnection) -> None:
    """What asking goes by: whom sources know, what people decided, how strong ties are, who shares a home."""
    db.execute("""
        CREATE TABLE reach AS
        SELECT DISTINCT a.record_id, record.source_id
        FROM person a JOIN person b USING (person_id) JOIN record ON record.record_id = b.record_id
        WHERE a.record_id <> b.record_id;

        CREATE TEMP TABLE known_to AS
        SELECT person_id, list(DISTINCT source_id) AS sources
        FROM person JOIN record USING (record_id) GROUP BY person_id;

        CREATE TEMP TABLE settled AS
        SELECT DISTINCT least(l.person_id, r.person_id) AS one, greatest(l.person_id, r.person_id) AS other
        FROM forced JOIN person l ON l.record_id = record_l JOIN person r ON r.record_id = record_r
        WHERE verdict <> 'open';

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
    """)


def _waiting(db: duckdb.DuckDBPyConnection, all_twins: bool) -> None:
    """Make `waiting`: pairs between two persons that are not tied, and whether a person may be asked about them."""
    db.execute(f"""
        CREATE TEMP TABLE waiting AS
        WITH untied AS (
            SELECT record_l, record_r, reason, weight, probability, false AS gave_way,
                   {all_twins} AND reason = 'sibling' AND forename = 0 AND birth_date = 0 AS is_sibling
            FROM pair WHERE verdict = 'review'
            UNION ALL
            SELECT record_l, record_r, refused.reason, p.weight, probability,
                   refused.reason = 'same_source' AND coalesce(
                       p.reason = 'identifier' OR p.weight >= greatest(s.weight, t.weight) - {CLOSE}, true), false
            FROM refused LEFT JOIN pair p USING (record_l, record_r)
            JOIN record x ON x.record_id = record_l JOIN record y ON y.record_id = record_r
            LEFT JOIN strongest s ON s.record_id = record_l AND s.source_id = y.source_id
            LEFT JOIN strongest t ON t.record_id = record_r AND t.source_id = x.source_id
        )
        SELECT DISTINCT ON (record_l, record_r) untied.*, l.person_id AS person_l, r.person_id AS person_r,
               x.source_id <> y.source_id AND reason NOT IN ('protected', 'decided_apart')
                   AND (gave_way OR NOT is_sibling AND NOT list_has_any(a.sources, b.sources))
                   AND settled.one IS NULL AS is_open
        FROM untied
        JOIN record x ON x.record_id = record_l JOIN record y ON y.record_id = record_r
        JOIN person l ON l.record_id = record_l JOIN person r ON r.record_id = record_r
        JOIN known_to a ON a.person_id = l.person_id JOIN known_to b ON b.person_id = r.person_id
        LEFT JOIN settled ON one = least(l.person_id, r.person_id) AND other = greatest(l.person_id, r.person_id)
        WHERE l.person_id <> r.person_id ORDER BY record_l, record_r, gave_way DESC;
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
