"""Pairs whose first names tell little: tied where twins known to one service each are shown to be rare.

Two records agree in birth date, surname and home; of the first names one is missing, or only the first letters agree.
Such is a child whose name is written in two ways, or two twins of whom each service knows one, and no field tells them
apart. But how many twins there are can be told from the pairs whose first names do not agree at all: among twins one
pair in three is a boy and a girl, among records of one child hardly any. So many twins of one sex as that allows (its
upper bound) would also be found at each grade of agreement, by chance. The purest grades are accepted first, each where
twins are at most one pair in twenty, and only so far as all of them together stay below one in a thousand of the sure
links. Everything else stays in review, and so does a pair of a home where some source shows two children of one birth
date. Small files never show enough.
"""

from __future__ import annotations

from typing import Any

import duckdb
from scipy import stats

from pipelines.link import agreement
from pipelines.link.predict import ACCEPT

# Of pairs of twins about a third are a boy and a girl (births in England and Wales); first names of twins begin alike
# more often than those of any two children of one sex.
OPPOSITE_SEX, ALIKE = 0.3, 1.25
MOST_TWINS, MOST_OF_LINKS = 0.05, 0.001
CONFIDENCE = 0.95
PAIRS_BY_CHANCE = 500_000


def release(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> None:
    """Make `released(record_l, record_r, weight)`, pairs of the review that are one child after all.

    model: a pinned one (matcher.made). Needs `pair`, and `person` as it stands after the sure ties.
    """
    db.execute(f"""
        CREATE TABLE between_sources AS
        SELECT DISTINCT a.record_id, r.source_id
        FROM person a JOIN person b USING (person_id) JOIN record r ON r.record_id = b.record_id
        WHERE a.record_id <> b.record_id;
        CREATE TABLE weak AS
        WITH alone AS (
            SELECT p.*, l.source_id AS source_l, r.source_id AS source_r
            FROM pair p JOIN record l ON l.record_id = record_l JOIN record r ON r.record_id = record_r
            WHERE reason IN ('first_name', 'sibling') AND NOT is_same_source AND probability >= {ACCEPT}
              AND (record_l, r.source_id) NOT IN (FROM between_sources)
              AND (record_r, l.source_id) NOT IN (FROM between_sources)
        )
        SELECT * FROM alone
        QUALIFY count(*) OVER (PARTITION BY record_l, source_r) = 1
            AND count(*) OVER (PARTITION BY record_r, source_l) = 1;
    """)  # noqa: S608
    accepted = grades(db, model)
    db.execute(
        """CREATE TABLE released AS
           WITH home AS (
               SELECT record_l, record_r, look.birth_date, look.surname, look.postcode
               FROM (SELECT record_l, record_r, unnest([look_a, look_b]) AS look_id
                     FROM compared SEMI JOIN weak USING (record_l, record_r))
               JOIN look USING (look_id))
           SELECT record_l, record_r, weight FROM weak
           WHERE reason = 'first_name' AND sex <> 0 AND birth_date <> 0 AND list_contains(?::INTEGER[], forename)
             -- Where some source shows two children, either may be meant.
             AND (record_l, record_r) NOT IN (
                 SELECT (record_l, record_r) FROM home JOIN sibling_names USING (birth_date, surname, postcode))""",
        [accepted],
    )


def grades(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> list[int]:
    """The grades of agreement of first names, -1 for a missing one, at which twins are rare enough."""
    seen = dict(db.execute("SELECT forename, count(*) FROM weak WHERE sex <> 0 GROUP BY forename").fetchall())
    same, opposite = _by_sex(db)
    (sure,) = db.execute("SELECT count(*) FROM pair WHERE reason = 'matcher' AND NOT is_same_source").fetchall()[0]
    chance = model["by_chance"]
    wrong_sex = by_level(model["model"], "sex", "m_probability")[0]
    if not chance[0]:
        return []
    twins = most_of_one_sex(same, opposite, wrong_sex) / chance[0]
    expected = {grade: twins * ALIKE * chance[grade] for grade in range(1, agreement.FORENAME_TELLS)}
    # A missing or misplaced first name befalls twins as often as anyone.
    for grade in (-1, agreement.FORENAME_HALF_SWAPPED):
        expected[grade] = twins * seen.get(grade, 0) / max(sure + sum(seen.values()), 1)
    accepted, total = [], 0.0
    for grade in sorted(expected, key=lambda g: (expected[g] / max(seen.get(g, 0), 1), g)):
        total += expected[grade]
        if expected[grade] <= MOST_TWINS * seen.get(grade, 0) and total <= MOST_OF_LINKS * sure:
            accepted.append(grade)
    return accepted


def by_chance(db: duckdb.DuckDBPyConnection) -> list[float]:
    """How often first names reach each grade, 0 first, between children who share birth date and sex and nothing else.

    Over all birth dates, or such a part of them that the pairs stay few. All 0 where there is no such pair.
    """
    level = agreement.FORENAME.level()
    rows = db.execute(f"""
        WITH dates AS (SELECT birth_date, count(*) AS looks FROM look WHERE is_named GROUP BY birth_date),
        one AS (
            SELECT * FROM look
            WHERE is_named AND birth_date % (
                SELECT 1 + sum(looks * (looks - 1) // 2)::BIGINT // {PAIRS_BY_CHANCE} FROM dates
                WHERE birth_date IS NOT NULL) = 0
        ),
        pair AS (
            SELECT {level} AS grade
            FROM (SELECT COLUMNS(*) AS '\\0_l' FROM one) l
            JOIN (SELECT COLUMNS(*) AS '\\0_r' FROM one) r ON birth_date_l = birth_date_r AND look_id_l < look_id_r
            WHERE sex_l = sex_r AND surname_l <> surname_r AND postcode_sector_l <> postcode_sector_r
              AND forename_l IS NOT NULL AND forename_r IS NOT NULL AND surname_phonetic_l <> surname_phonetic_r
        )
        SELECT grade, count(*) / sum(count(*)) OVER () FROM pair GROUP BY grade""").fetchall()  # noqa: S608
    found = dict(rows)
    return [found.get(grade, 0.0) for grade in range(len(agreement.FORENAME.levels) + 1)]


def share(db: duckdb.DuckDBPyConnection, model: dict[str, Any]) -> float:
    """Of pairs of one sex whose first names do not agree and all else does, what share are twins at least.

    model: a pinned one (matcher.made). Needs `weak` (release). 0 where nothing shows any.
    """
    same, opposite = _by_sex(db)
    if not (same and opposite):
        return 0.0
    least = float(stats.beta.ppf(1 - CONFIDENCE, opposite, same + 1))
    return _of_one_sex(same, opposite, least, by_level(model["model"], "sex", "m_probability")[0]) / same


def most_of_one_sex(same: int, opposite: int, wrong_sex: float) -> float:
    """How many pairs with different first names may be twins of one sex, given how many are of one and of two.

    The upper bound of the share of two sexes is compared; where it is not known of one of the two, neither counts.
    """
    most = float(stats.beta.ppf(CONFIDENCE, opposite + 1, same)) if same else 1.0
    return _of_one_sex(same, opposite, most, wrong_sex)


def _of_one_sex(same: int, opposite: int, share_of_two_sexes: float, wrong_sex: float) -> float:
    """Twins of one sex among the pairs, were this the share of a boy and a girl; no more than pairs of one sex."""
    twins = (same + opposite) * min(1.0, max(0.0, (share_of_two_sexes - wrong_sex) / (OPPOSITE_SEX - wrong_sex)))
    return min(float(same), (1 - OPPOSITE_SEX) * twins)


def _by_sex(db: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Pairs of `weak` whose first names do not agree at all: those of one sex, those of two."""
    same, opposite = db.execute(
        "SELECT count(*) FILTER (sex = 1), count(*) FILTER (sex = 0) FROM weak WHERE forename = 0"
    ).fetchall()[0]
    return same, opposite


def by_level(model: dict[str, Any], name: str, probability: str) -> dict[int, float]:
    """A probability of a comparison in a model by level, as `Agreement.level` counts them."""
    comparison = next(c for c in model["comparisons"] if c["output_column_name"] == name)
    levels = [level for level in comparison["comparison_levels"] if not level.get("is_null_level")]
    return {len(levels) - 1 - place: level[probability] for place, level in enumerate(levels)}
