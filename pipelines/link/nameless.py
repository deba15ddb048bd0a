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

WEIGHT = 8.0


def register_persons(db: duckdb.DuckDBPyConnection, labels: npt.NDArray[np.int32]) -> None:
    """Make `person(record_id, person_id)` from the label of each record number."""
    numbers = np.arange(len(labels), dtype=np.int32)[1:]
    found = pa.table({"record_id": numbers, "person_id": labels[1:]})
    db.register("labels", found)
    db.execute("CREATE OR REPLACE TABLE person AS SELECT * FROM labels")
    db.unregister("labels")


def propose(db: duckdb.DuckDBPyConnection) -> None:
    """Make `proposed(record_l, record_r, outcome)`: records that share the three, with `tie` or why they wait.

    Needs `person` as it stands after identifiers and the matcher. One row per person beside the one it would join.
    """
    db.execute("""
        CREATE TABLE proposed AS
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
        ), judged AS (
            SELECT birth_date, sex, postcode, count(*) AS persons,
                   count_if(d.is_named) AS with_names,
                   arg_min(record_id, (NOT d.is_named, record_id)) AS anchor,
                   len(flatten(list(sources))) > len(list_distinct(flatten(list(sources)))) AS is_twice_in_a_source,
                   len(list_distinct(flatten(list(nhs_numbers)))) > 1
                       AND count_if(len(nhs_numbers) > 0) > 1 AS has_two_numbers,
                   len(list_distinct(flatten(list(upns)))) > 1 AND count_if(len(upns) > 0) > 1 AS has_two_upns,
                   count(twin.person_id) > 0 AS has_twin, count(protected.person_id) > 0 AS has_protected
            FROM sharing JOIN described d USING (person_id) LEFT JOIN twin USING (person_id)
            LEFT JOIN protected USING (person_id)
            GROUP BY birth_date, sex, postcode HAVING count(*) > 1 AND with_names < persons
        )
        SELECT least(anchor, record_id) AS record_l, greatest(anchor, record_id) AS record_r,
            CASE WHEN with_names > 1 OR is_twice_in_a_source THEN 'two_people'
                 WHEN has_two_numbers OR has_two_upns THEN 'two_numbers'
                 WHEN has_twin THEN 'twin'
                 WHEN has_protected THEN 'protected'
                 ELSE 'tie' END AS outcome
        FROM judged JOIN sharing USING (birth_date, sex, postcode)
        WHERE record_id <> anchor;
    """)
