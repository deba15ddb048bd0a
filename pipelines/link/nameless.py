"""Records without names: tied by birth date, sex and postcode, and only where that can be one person alone.

The three together are enough where, over all sources, they show one person: at most one person with names, no source
that shows two, no two different identifiers, and no sign of a twin of the same sex. Otherwise the record waits, and is
counted as unmatched.
"""

from __future__ import annotations

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats

# The share of pairs with different numbers beyond which the three are not believed; its lower bound is compared.
MOST_CONFLICTS = 0.005
CONFIDENCE = 0.95


def register_persons(db: duckdb.DuckDBPyConnection, labels: npt.NDArray[np.int32]) -> None:
    """Make `person(record_id, person_id)` from the label of each record number."""
    numbers = np.arange(len(labels), dtype=np.int32)[1:]
    found = pa.table({"record_id": numbers, "person_id": labels[1:]})
    db.register("labels", found)
    db.execute("CREATE OR REPLACE TABLE person AS SELECT * FROM labels")
    db.unregister("labels")


def _sharing(db: duckdb.DuckDBPyConnection) -> None:
    """Make `triple`: each birth date, sex and postcode, who shares the three, and what forbids to take them as one.

    Needs `person` as it stands after identifiers and the matcher.
    """
    db.execute("""
        CREATE TABLE triple AS
        WITH described AS (
            SELECT person_id, bool_or(is_named) AS is_named, list(DISTINCT source_id) AS sources,
                   list(DISTINCT nhs_number) FILTER (nhs_number IS NOT NULL) AS nhs_numbers,
                   list(DISTINCT upn) FILTER (upn IS NOT NULL) AS upns
            FROM profile JOIN record USING (record_id) JOIN person USING (record_id) GROUP BY person_id
        ), twin AS (
            SELECT DISTINCT p.person_id
            FROM profile a JOIN profile b ON a.surname = b.surname AND a.birth_date = b.birth_date AND a.sex = b.sex
                 AND (a.postcode_sector = b.postcode_sector OR a.postcode IS NULL OR b.postcode IS NULL)
            JOIN person p ON p.record_id = a.record_id JOIN person q ON q.record_id = b.record_id
            WHERE p.person_id <> q.person_id
        ), protected AS (
            SELECT DISTINCT person_id FROM shielded JOIN person USING (record_id)
        ), sharing AS (
            SELECT birth_date, sex, postcode, person_id, min(record_id) AS record_id
            FROM profile JOIN person USING (record_id)
            WHERE birth_date IS NOT NULL AND sex IS NOT NULL AND postcode IS NOT NULL
            GROUP BY ALL
        )
        SELECT birth_date, sex, postcode, list(record_id) AS records, count_if(d.is_named) AS with_names,
               arg_min(record_id, (NOT d.is_named, record_id)) AS anchor,
               len(flatten(list(sources))) > len(list_distinct(flatten(list(sources)))) AS is_twice_in_a_source,
               len(list_distinct(flatten(list(nhs_numbers)))) > 1
                   AND count_if(len(nhs_numbers) > 0) > 1 AS has_two_numbers,
               len(list_distinct(flatten(list(upns)))) > 1 AND count_if(len(upns) > 0) > 1 AS has_two_upns,
               count(twin.person_id) > 0 AS has_twin, count(protected.person_id) > 0 AS has_protected
        FROM sharing JOIN described d USING (person_id) LEFT JOIN twin USING (person_id)
        LEFT JOIN protected USING (person_id)
        GROUP BY birth_date, sex, postcode""")


def is_believed(db: duckdb.DuckDBPyConnection) -> bool:
    """Whether pairs that share the three, one without names, have the same number often enough.

    Asked of pairs such as would be tied: where something else shows two people, the three are not relied on. Pairs in
    which a number is another child's altogether are left out: they speak of the number. Needs `triple`.
    """
    conflicts, pairs = db.execute("""
        WITH one AS (
            SELECT birth_date, sex, postcode, source_id, any_value(record_id) AS record_id,
                   bool_or(is_named) AS is_named
            FROM profile JOIN record USING (record_id)
            GROUP BY ALL HAVING count(DISTINCT record_id) = 1
        ), wrong AS (
            SELECT record_l AS record_id FROM pair WHERE reason = 'identifier_alone'
            UNION SELECT record_r FROM pair WHERE reason = 'identifier_alone'
        ), numbered AS (
            SELECT l.record_id AS record_l, r.record_id AS record_r,
                   list_has_any(a.nhs_numbers, b.nhs_numbers) AS is_same_nhs,
                   list_has_any(a.all_upns, b.all_upns) AS is_same_upn
            FROM one l JOIN one r USING (birth_date, sex, postcode) JOIN triple USING (birth_date, sex, postcode)
            JOIN numbers a ON a.record_id = l.record_id JOIN numbers b ON b.record_id = r.record_id
            WHERE l.source_id < r.source_id AND NOT (l.is_named AND r.is_named)
              AND with_names <= 1 AND NOT is_twice_in_a_source AND NOT has_twin AND NOT has_protected
        )
        SELECT count_if(NOT coalesce(is_same_nhs, is_same_upn)), count(*)
        FROM numbered
        WHERE coalesce(is_same_nhs, is_same_upn) IS NOT NULL
          AND record_l NOT IN (FROM wrong) AND record_r NOT IN (FROM wrong)""").fetchall()[0]
    if not conflicts:
        return True
    return float(stats.beta.ppf(1 - CONFIDENCE, conflicts, pairs - conflicts + 1)) <= MOST_CONFLICTS


def propose(db: duckdb.DuckDBPyConnection) -> None:
    """Make `proposed(record_l, record_r, outcome)`: records that share the three, with `tie` or why they wait.

    Outcomes: tie, two_people, two_numbers, twin, protected, and not_believed where the area's twins are too many.

    Needs `person` as it stands after identifiers and the matcher. One row per person beside the one it would join.
    """
    _sharing(db)
    otherwise = "tie" if is_believed(db) else "not_believed"
    db.execute(f"""
        CREATE TABLE proposed AS
        SELECT least(anchor, record_id) AS record_l, greatest(anchor, record_id) AS record_r,
            CASE WHEN with_names > 1 OR is_twice_in_a_source THEN 'two_people'
                 WHEN has_two_numbers OR has_two_upns THEN 'two_numbers'
                 WHEN has_twin THEN 'twin'
                 WHEN has_protected THEN 'protected'
                 ELSE '{otherwise}' END AS outcome
        FROM (SELECT * EXCLUDE records, unnest(records) AS record_id FROM triple
              WHERE len(records) > 1 AND with_names < len(records))
        WHERE record_id <> anchor;
        DROP TABLE triple;
    """)  # noqa: S608
