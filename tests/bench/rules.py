"""How fast rules are checked: a million rows against 25 rules, one row in a hundred failing each.

The production path (contract cast, flags, Great Expectations on DuckDB, all failing rows listed and compared with the
counts) against a floor on the same file: one pass of plain DuckDB SQL that casts, checks and lists the same rows.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines import registry as declared
from pipelines.contracts import Contract
from pipelines.errors import SystemFault
from pipelines.registry import Registry
from pipelines.seal.manifest import sha256_of
from pipelines.validate.judge import Case, find
from pipelines.validate.rules import codes

ROWS = 1_000_000
REPEATS = 4
CONTRACT = {
    "dataset": "bench",
    "title": "Cases of a million children",
    "source": "none: made for measuring",
    "group": "education",
    "forms": ["csv"],
    "delivery": "full",
    "expected": {"every": "month", "lag_days": 10},
    "record_table": "case",
    "record_key": ["upn"],
    "rule_prefix": "BEN",
    "retention_years": 1,
    "tables": {
        "case": {
            "title": "Cases",
            "grain": "one case",
            "key": ["case_id"],
            "columns": {
                "case_id": {"type": "key"},
                "upn": {"field": "upn"},
                "birth_date": {"field": "birth_date"},
                "sex": {"field": "sex_code"},
                "ethnicity": {"field": "ethnicity_code"},
                "need": {"field": "sen_type_code"},
                "outcome": {"type": "shaped", "shape": "^[YN]$"},
                "urn": {"field": "urn"},
                "received": {"type": "date", "after_birth": True},
                "decided": {"type": "date"},
                "hours": {"type": "decimal"},
                "visits": {"type": "integer"},
                "is_open": {"type": "boolean"},
            },
        }
    },
}
_FLAGS = {
    "is_decided_first": "t.decided < t.received",
    "is_like_another": "row_number() OVER (PARTITION BY t.record_pseudonym ORDER BY t.source_row) > 1",
    "is_open_and_decided_late": "t.is_open AND t.decided > t.received + 300",
    "is_in_future": "t.received > :period_end",
    "has_no_upn": "t.upn_state = 'missing'",
}
# What is expected of the rows, and the plain SQL that finds those at fault.
_RULES: list[tuple[str, dict[str, Any], str]] = [
    ("to_be_in_set", {"column": "is_duplicate", "value_set": [False]}, "is_repeated"),
    ("to_not_be_null", {"column": "case_id"}, "case_id IS NULL"),
    ("to_be_in_set", {"column": "sex", "value_set_from": "sex"}, "sex NOT IN <sex>"),
    ("to_not_be_null", {"column": "sex"}, "sex IS NULL"),
    ("to_be_in_set", {"column": "ethnicity", "value_set_from": "ethnicity"}, "ethnicity NOT IN <ethnicity>"),
    ("to_be_in_set", {"column": "need", "value_set_from": "sen_type"}, "need NOT IN <sen_type>"),
    ("to_not_be_null", {"column": "need"}, "need IS NULL"),
    ("to_match_regex", {"column": "outcome", "regex_from": "shape"}, "NOT regexp_matches(outcome, '^[YN]$')"),
    ("to_match_regex", {"column": "urn", "regex_from": "shape"}, "NOT regexp_matches(urn, '^[0-9]{6}$')"),
    ("to_not_be_null", {"column": "received"}, "received IS NULL"),
    ("to_be_null", {"column": "decided_cast"}, "decided_text IS NOT NULL AND decided IS NULL"),
    ("to_be_in_set", {"column": "is_decided_first", "value_set": [False]}, "decided < received"),
    ("to_be_in_set", {"column": "received_before_birth", "value_set": [False]}, "received_before_birth"),
    ("to_be_between", {"column": "age_31_aug", "min_value": 0, "max_value": 25}, "age_31_aug NOT BETWEEN 0 AND 25"),
    ("to_not_be_in_set", {"column": "birth_date_state", "value_set": ["missing", "invalid"]},
     "birth_date_state IN ('missing', 'invalid')"),
    ("to_not_be_in_set", {"column": "birth_date_state", "value_set": ["future"]}, "birth_date_state = 'future'"),
    ("to_not_be_in_set", {"column": "upn_state", "value_set": ["invalid", "test"]}, "upn_state IN ('invalid', 'test')"),
    ("to_be_in_set", {"column": "has_no_upn", "value_set": [False]}, "upn_state = 'missing'"),
    ("to_be_between", {"column": "hours", "min_value": 0, "max_value": 40}, "hours NOT BETWEEN 0 AND 40"),
    ("to_be_null", {"column": "hours_cast"}, "hours_text IS NOT NULL AND hours IS NULL"),
    ("to_be_between", {"column": "visits", "min_value": 0, "max_value": 99}, "visits NOT BETWEEN 0 AND 99"),
    ("to_not_be_null", {"column": "is_open"}, "is_open IS NULL"),
    ("to_be_in_set", {"column": "is_like_another", "value_set": [False]}, "is_same"),
    ("to_be_in_set", {"column": "is_in_future", "value_set": [False]}, "received > DATE '2026-03-31'"),
    ("to_be_in_set", {"column": "is_open_and_decided_late", "value_set": [False]},
     "is_open AND decided > received + 300"),
]  # fmt: skip


def declare() -> Registry:
    """Everything declared, and the bench's contract with its suite."""
    found = declared.load()
    entries = [_entry(number, *rule[:2]) for number, rule in enumerate(_RULES, 101)]
    suite = {"suite": "bench", "tables": {"case": entries}}
    contract = Contract.model_validate(CONTRACT)
    return replace(found, contracts=found.contracts | {"bench": contract}, suites=found.suites | {"bench": suite})


def _entry(number: int, kind: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    meta = {"rule": f"BEN-{number}", "on_fail": "warn", "tell_supplier": "Correct it."}
    if kwargs["column"] in _FLAGS:
        meta["flag_sql"] = _FLAGS[kwargs["column"]]
    return {"type": f"expect_column_values_{kind}", "kwargs": kwargs, "severity": "info", "meta": meta}


def write_payload(folder: Path, rows: int) -> dict[str, Any]:
    """Write `case.parquet` as the door leaves it; returns the manifest. Each rule is broken by one row in a hundred."""
    folder.mkdir(exist_ok=True)
    place = folder / "case.parquet"
    with duckdb.connect() as connection:
        connection.execute("CREATE MACRO one_of(words, drawn) AS words[1 + (drawn % len(words))::INTEGER]")
        connection.execute(f"COPY ({_PAYLOAD.format(rows=rows)}) TO '{place}' (FORMAT parquet, COMPRESSION zstd)")
    table = {"rows_in": rows, "rows": rows, "rejected_rows": [], "sha256": sha256_of(place)}
    return {"agency": "education", "dataset": "bench", "period": "2026-03", "sequence": 1, "tables": {"case": table}}


_PAYLOAD = """
WITH drawn AS (
    SELECT i::INTEGER AS source_row, (i + 50) % 100 AS fault, DATE '2024-01-01' + (hash(i) % 600)::INTEGER AS received
    FROM range(1, {rows} + 1) AS r (i)
)
SELECT
    source_row,
    CASE fault WHEN 23 THEN printf('child%08d', source_row - 1) ELSE printf('child%08d', source_row) END
        AS record_pseudonym,
    CASE fault WHEN 1 THEN printf('case%08d', source_row - 1) WHEN 2 THEN NULL ELSE printf('case%08d', source_row) END
        AS case_id,
    CASE fault WHEN 3 THEN '#unlisted' WHEN 4 THEN NULL ELSE one_of(['M', 'F'], hash(source_row, 1)) END AS sex,
    CASE fault WHEN 5 THEN '#unlisted' ELSE one_of(['WBRI', 'ABAN', 'BAFR', 'MWBC'], hash(source_row, 2)) END
        AS ethnicity,
    CASE fault WHEN 6 THEN '#unlisted' WHEN 7 THEN NULL
        ELSE one_of(['ASD', 'SLCN', 'MLD', 'SEMH', 'PD'], hash(source_row, 3)) END AS need,
    CASE fault WHEN 8 THEN '#unlisted' ELSE one_of(['Y', 'N'], hash(source_row, 4)) END AS outcome,
    CASE fault WHEN 9 THEN '#unlisted' ELSE (100000 + hash(source_row, 5) % 50000)::VARCHAR END AS urn,
    CASE fault WHEN 10 THEN NULL WHEN 24 THEN '2026-04-01' ELSE received::VARCHAR END AS received,
    CASE fault WHEN 11 THEN '#unreadable' WHEN 12 THEN (received - 1)::VARCHAR WHEN 24 THEN NULL
        WHEN 25 THEN (received + 400)::VARCHAR ELSE (received + (hash(source_row, 6) % 200)::INTEGER)::VARCHAR END
        AS decided,
    CASE fault WHEN 19 THEN '168' WHEN 20 THEN '#unreadable' ELSE ((hash(source_row, 7) % 390) / 10.0)::VARCHAR END
        AS hours,
    CASE fault WHEN 21 THEN '365' ELSE (hash(source_row, 8) % 90)::VARCHAR END AS visits,
    CASE fault WHEN 22 THEN NULL WHEN 25 THEN 'true' ELSE one_of(['true', 'false'], hash(source_row, 9)) END AS is_open,
    CASE WHEN fault IN (15, 16) THEN NULL ELSE '2015-03-01' END AS birth_month,
    CASE fault WHEN 14 THEN '30' WHEN 15 THEN NULL WHEN 16 THEN NULL ELSE (hash(source_row, 10) % 25)::VARCHAR END
        AS age_31_aug,
    CASE WHEN fault IN (15, 16) THEN NULL ELSE '2014' END AS school_year,
    'false' AS is_birth_day_unknown,
    CASE fault WHEN 15 THEN 'missing' WHEN 16 THEN 'future' ELSE 'valid' END AS birth_date_state,
    CASE fault WHEN 17 THEN 'invalid' WHEN 18 THEN 'missing' ELSE 'valid' END AS upn_state,
    CASE fault WHEN 13 THEN 'true' ELSE 'false' END AS received_before_birth
FROM drawn
"""


_FLOOR = """
WITH typed AS (
    SELECT
        * EXCLUDE (received, decided, hours, visits, is_open, age_31_aug, received_before_birth),
        TRY_CAST(received AS DATE) AS received,
        decided AS decided_text,
        TRY_CAST(decided AS DATE) AS decided,
        hours AS hours_text,
        TRY_CAST(hours AS DOUBLE) AS hours,
        TRY_CAST(visits AS INTEGER) AS visits,
        TRY_CAST(is_open AS BOOLEAN) AS is_open,
        TRY_CAST(age_31_aug AS INTEGER) AS age_31_aug,
        TRY_CAST(received_before_birth AS BOOLEAN) AS received_before_birth,
        source_row > first_of_case AS is_repeated,
        source_row > first_of_child AS is_same
    FROM read_parquet('{place}')
    LEFT JOIN (
        SELECT case_id, min(source_row) AS first_of_case FROM read_parquet('{place}') GROUP BY ALL HAVING count(*) > 1
    ) AS cases USING (case_id)
    LEFT JOIN (
        SELECT record_pseudonym, min(source_row) AS first_of_child
        FROM read_parquet('{place}') GROUP BY ALL HAVING count(*) > 1
    ) AS children USING (record_pseudonym)
)
SELECT {lists} FROM typed
"""


def floor(registry: Registry, place: Path) -> list[pa.Int32Array]:
    """The rows at fault of each rule, by one statement of plain SQL over the payload file."""
    conditions = []
    for _, kwargs, condition in _RULES:
        name = kwargs.get("value_set_from")
        listed = ", ".join(f"'{code}'" for code in codes(registry, name, date(2026, 3, 31))) if name else ""
        conditions.append(condition.replace(f"<{name}>", f"({listed})"))
    lists = ", ".join(f"list(source_row) FILTER ({condition})" for condition in conditions)
    with duckdb.connect() as connection:
        found = connection.sql(_FLOOR.format(place=place, lists=lists)).to_arrow_table()
    return [column.combine_chunks().flatten().sort() for column in found.columns]


def checked(registry: Registry, manifest: dict[str, Any], folder: Path) -> list[pa.Int32Array]:
    """The rows at fault of each rule, by the production path from the payload file on."""
    case = Case(registry, manifest, folder)
    with duckdb.connect() as connection:
        found = find(connection, case).findings
    # Rules that nobody had to write pass or do not apply here.
    return [finding.rows for finding in found if finding.rule.rule.removeprefix("BEN-").isdigit()]


def measure(rows: int = ROWS) -> dict[str, Any]:
    """Seconds of both, each the best of some runs in turn, and their ratio; raises where the rows found differ."""
    registry, best = declare(), {}
    with tempfile.TemporaryDirectory(prefix="joint-needs-bench-") as name:
        folder = Path(name)
        manifest = write_payload(folder, rows)
        checked(registry, write_payload(folder / "small", 1000), folder / "small")  # so that imports are done
        for _ in range(REPEATS):
            ours, seconds = timed(lambda: checked(registry, manifest, folder))
            least, floor_seconds = timed(lambda: floor(registry, folder / "case.parquet"))
            if ours != least or {len(found) for found in ours} != {rows // 100}:
                raise SystemFault("the rules and the floor do not find the same rows")
            best = {
                "ours": min(seconds, best.get("ours", seconds)),
                "floor": min(floor_seconds, best.get("floor", floor_seconds)),
            }
    return {
        "validate_rows": rows,
        "validate_rules": len(_RULES),
        "validate_seconds": round(best["ours"], 2),
        "validate_floor_seconds": round(best["floor"], 2),
        "validate_ratio": round(best["ours"] / best["floor"], 2),
    }


def timed(work: Callable[[], list[pa.Int32Array]]) -> tuple[list[pa.Int32Array], float]:
    """What some work gives, and its seconds."""
    started = time.monotonic()
    found = work()
    return found, time.monotonic() - started
