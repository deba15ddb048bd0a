"""Time and memory of the flow at the size of a local area, against a floor on the same files in the same run.

Floor F: DuckDB reads the raw CSVs once (XML: the bare parser) and ADBC writes the same final rows into the same
PostgreSQL. Machines are noisy: read the ratios. Written to var/bench.json.

    python -m tests.bench [--children 76000]
    python -m tests.bench validate
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from lxml import etree

from pipelines import flow, synth
from pipelines import registry as declared
from pipelines.ledger.database import adbc
from pipelines.local import postgres
from pipelines.seal import keys, seal_area
from pipelines.settings import Settings
from tests import bench_rules


def timed(seconds: dict[str, float], name: str, work: Callable[[], Any]) -> Any:
    """Run `work`, add its seconds under `name`, and say so at once."""
    started = time.monotonic()
    result = work()
    seconds[name] = seconds.get(name, 0.0) + time.monotonic() - started
    print(f"  {name:<12} {seconds[name]:7.1f} s", flush=True)
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
    with adbc(settings) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA bench")
        for path in sorted(settings.conformed.glob("*.parquet")):
            table = db.execute("SELECT * FROM read_parquet(?)", [str(path)]).to_arrow_table()
            cursor.adbc_ingest(path.stem, table, mode="create", db_schema_name="bench")
        connection.commit()
    return time.monotonic() - started


def measure(children: int, home: Path) -> dict[str, Any]:
    """Run the whole flow once on a fresh home; seconds by stage, the floor and the ratios."""
    os.environ.update(JOINT_NEEDS_HOME=str(home), JOINT_NEEDS_ENVIRONMENT="demo")
    os.environ.pop("JOINT_NEEDS_DATABASE_URL", None)
    settings = Settings.from_environment()
    registry = declared.load()
    raw, stages = home / "raw", {}
    print(f"{children:,} children", flush=True)
    timed(stages, "synth", lambda: synth.generate(raw, children=children, seed=7, as_of=date.today()))
    keys.new_area(home / "keys", sorted(registry.agencies), "2026a")
    timed(stages, "seal", lambda: seal_area(raw, registry=registry, keys_dir=home / "keys", out=settings.landing))
    folders = timed(stages, "start", lambda: [name for group in registry.groups for name in flow.waiting(group)])
    names = [timed(stages, "receive", lambda f=folder: flow.receive(f))["subject"] for folder in folders]
    for name in names:
        timed(stages, "validate", lambda n=name: flow.validate(n))
        timed(stages, "accept", lambda n=name: flow.accept(n))
    for name in ("link", "conform", "integrate"):
        timed(stages, name, getattr(flow, name))
    nothing_new = timed({}, "again", flow.refresh)
    f_seconds = floor(settings, raw)
    work = sum(stages[name] for name in ("seal", "receive", "validate", "accept", "conform", "integrate"))
    return {
        "children": children,
        "stages": {name: round(value, 2) for name, value in stages.items()},
        "floor_seconds": round(f_seconds, 2),
        "ratio_to_floor": round(work / f_seconds, 2),
        "link_seconds": round(stages["link"], 2),
        "nothing_new_seconds": round(sum(row["seconds"] for row in nothing_new), 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def flow_of_an_area(children: int) -> dict[str, Any]:
    """`measure` in a home of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="joint-needs-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        try:
            result = measure(children, home)
        finally:
            postgres.stop(Settings(home=home))
    print(f"work without linkage {result['ratio_to_floor']} x floor ({result['floor_seconds']} s)")
    print(f"nothing new {result['nothing_new_seconds']} s, peak {result['peak_mb']} MB")
    return result


def rules() -> dict[str, Any]:
    """A million rows against 25 rules."""
    result = bench_rules.measure()
    print(
        f"{result['validate_rules']} rules on {result['validate_rows']:,} rows: {result['validate_seconds']} s, "
        f"{result['validate_ratio']} x floor ({result['validate_floor_seconds']} s)"
    )
    return result


def main() -> None:
    """Measure all or one part, print the ratios, and put what was measured into var/bench.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=["flow", "validate"], help="one part alone")
    parser.add_argument("--children", type=int, default=76_000)
    asked = parser.parse_args()
    parts = {"validate": rules, "flow": lambda: flow_of_an_area(asked.children)}
    out = Path("var/bench.json")
    found = json.loads(out.read_text()) if asked.part and out.exists() else {}
    for name in [asked.part] if asked.part else parts:
        found |= parts[name]()
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(found, indent=2) + "\n")
    print(f"written to {out}")


if __name__ == "__main__":
    main()
