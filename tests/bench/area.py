"""The whole flow on a synthetic area of one size, stage by stage, and its floors on the same files.

Floor F: DuckDB reads the raw CSVs once (XML and workbooks: the bare reader) and ADBC writes the same final rows into
the same PostgreSQL. Each size is measured in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from lxml import etree
from python_calamine import CalamineWorkbook

from pipelines import flow, synth
from pipelines import registry as declared
from pipelines.ledger.database import adbc
from pipelines.seal import keys, seal_area
from pipelines.settings import Settings
from tests.bench import matching, night

WORK = ("seal", "receive", "validate", "accept", "conform", "integrate")
REFRESH = ("link", "conform", "integrate")


def timed(seconds: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    """Run `work`, add its seconds under `name`, and say so at once."""
    result = each(seconds, name, work)
    print(f"  {name:<12} {seconds[name]:7.1f} s", flush=True)
    return result


def each(seconds: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    """Run one of many pieces of work and add its seconds under `name`."""
    started = time.monotonic()
    result = work()
    seconds[name] = seconds.get(name, 0.0) + time.monotonic() - started
    return result


def floor(settings: Settings, raw: Path) -> float:
    """Seconds of floor F: read each raw file once, write the conformed rows once."""
    db = duckdb.connect()
    started = time.monotonic()
    for path in sorted(raw.rglob("*")):
        if path.suffix.lower() == ".csv" and "truth" not in path.parts:
            db.execute(
                "CREATE OR REPLACE TABLE t AS SELECT * FROM read_csv(?, all_varchar = true, ignore_errors = true)",
                [str(path)],
            )
        elif path.suffix.lower() == ".xml":
            for _, element in etree.iterparse(str(path), resolve_entities=False):
                element.clear()
        elif path.suffix.lower() == ".xlsx":
            book = CalamineWorkbook.from_path(str(path))
            for sheet in book.sheet_names:
                book.get_sheet_by_name(sheet).to_python()
    with adbc(settings) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS bench")
        for path in sorted(settings.conformed.glob("*.parquet")):
            table = db.execute("SELECT * FROM read_parquet(?)", [str(path)]).to_arrow_table()
            cursor.adbc_ingest(path.stem, table, mode="create", db_schema_name="bench")
        connection.commit()
    return time.monotonic() - started


def measure(children: int, home: Path, *, with_link_floor: bool = True) -> dict[str, Any]:
    """Run the whole flow once on a fresh home, then a night on which little changed; seconds by stage.

    with_link_floor: whether floor S is measured too, which at a large size takes longer than all the rest.
    """
    os.environ.update(JOINT_NEEDS_HOME=str(home), JOINT_NEEDS_ENVIRONMENT="demo")
    os.environ.pop("JOINT_NEEDS_DATABASE_URL", None)
    settings = Settings.from_environment()
    registry = declared.load()
    raw, stages, again, nothing = home / "raw", {}, {}, {}
    print(f"{children:,} children", flush=True)
    timed(stages, "synth", lambda: synth.generate(raw, children=children, seed=7, as_of=date.today()))
    keys.new_area(home / "keys", sorted(registry.agencies), "2026a")
    sealed = timed(stages, "seal", lambda: seal_area(raw, keys_dir=home / "keys", out=settings.landing))
    take_in(registry, stages)
    refresh(stages)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    link_floor = timed({}, "bare Splink", lambda: matching.floor(settings, registry)) if with_link_floor else None
    print("nothing new", flush=True)
    refresh(nothing)
    print("one child in a hundred changed", flush=True)
    night.write(raw, home / "night", registry)
    seal_area(home / "night", keys_dir=home / "keys", out=settings.landing)
    take_in(registry, again)
    refresh(again)
    f_seconds = floor(settings, raw)
    print(f"  {'floor':<12} {f_seconds:7.1f} s", flush=True)
    full, changed = (sum(seconds[name] for name in REFRESH) for seconds in (stages, again))
    return {
        "children": children,
        "stages": rounded(stages),
        "sealed_rows_per_second": round(sum(one.counts["rows_in"] for one in sealed) / stages["seal"]),
        "work_seconds": round(sum(stages[name] for name in WORK), 2),
        "floor_seconds": round(f_seconds, 2),
        "link_ratio": round(stages["link"] / link_floor, 2) if link_floor else None,
        "night_1pct": rounded(again),
        "night_1pct_ratio": round(changed / full, 3),
        "nothing_new_seconds": round(sum(nothing.values()), 2),
        "peak_mb": round(peak / 1024),
    }


def take_in(registry: declared.Registry, seconds: dict[str, float]) -> None:
    """Receive, validate and accept whatever waits."""
    folders = timed(seconds, "start", lambda: [name for group in registry.groups for name in flow.waiting(group)])
    names = [each(seconds, "receive", lambda f=folder: flow.receive(f))["subject"] for folder in folders]
    for name in names:
        each(seconds, "validate", lambda n=name: flow.validate(n))
        each(seconds, "accept", lambda n=name: flow.accept(n))
    for name in ("receive", "validate", "accept"):
        print(f"  {name:<12} {seconds[name]:7.1f} s", flush=True)


def refresh(seconds: dict[str, float]) -> None:
    """Link, conform, integrate."""
    for name in REFRESH:
        timed(seconds, name, getattr(flow, name))


def rounded(seconds: dict[str, float]) -> dict[str, float]:
    """To hundredths."""
    return {name: round(value, 2) for name, value in seconds.items()}
