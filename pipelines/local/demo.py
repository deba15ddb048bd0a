"""The whole flow on a synthetic area, with the real scheduler: `python -m pipelines.local.demo`.

Writes the extracts, seals them, starts the embedded PostgreSQL and the real Airflow, starts the four pulls by hand, and
waits until the refresh that they set off has integrated everything. Then a draft of the picture is published, what
happened is written to `summary.json` and printed on one page, and everything that was started here is stopped.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console

from pipelines import registry as declared
from pipelines.errors import JointNeedsError, SystemFault, UsageFault
from pipelines.ledger import Ledger
from pipelines.ledger.database import connect
from pipelines.local import airflow, demo_report, postgres
from pipelines.local.airflow_api import FINISHED, AirflowApi
from pipelines.settings import Settings

EPOCH = "2026a"
REFRESH, PUBLISH, WATCH = "refresh_warehouse", "publish_picture", "watch_deliveries"
# What a demonstration makes in the home folder, and may therefore take away before the next one.
MADE = (
    *("raw", "keys", "landing", "received", "work", "lake", "link", "conformed", "reports", "snapshots"),
    *("postgres", "airflow", "summary.json"),
)
MARK = "demonstration"
_WAIT_SECONDS = 1800


class Clock:
    """Seconds per stage, said as they pass. Stages may overlap, so that they can add up to more than the total."""

    def __init__(self, console: Console) -> None:
        self.console, self.started = console, time.monotonic()
        self.seconds: dict[str, float] = {}
        self.said: set[str] = set()

    def say(self, text: str) -> None:
        """One line of progress with the time since the start."""
        self.console.print(f"[dim]{time.monotonic() - self.started:6.1f} s[/]  {text}", highlight=False)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure a stage."""
        begun = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begun, 1)


def run(home: Path, children: int, seed: int, scenario: str, console: Console) -> int:
    """The demonstration in `home`; the exit code is 1 where a run of a DAG did not succeed."""
    _make_way(home)
    os.environ |= {"JOINT_NEEDS_HOME": str(home), "JOINT_NEEDS_ENVIRONMENT": "demo"}
    os.environ.pop("JOINT_NEEDS_DATABASE_URL", None)
    settings, clock = Settings.from_environment(), Clock(console)
    local = None
    try:
        with ThreadPoolExecutor(1) as aside:
            # Airflow gets up while the extracts are written and sealed.
            starting = aside.submit(_start, settings, clock)
            try:
                _make_deliveries(settings, children, seed, scenario, clock)
            finally:
                local = starting.result()
        runs = _night(settings, local.api(), clock)
        summary = demo_report.collect(settings, runs, clock.seconds, time.monotonic() - clock.started)
    finally:
        clock.say("stopping what was started")
        if local is not None:
            local.stop()
        postgres.stop(settings)
    (home / "summary.json").write_text(json.dumps(summary, indent=2, default=str) + "\n")
    demo_report.show(summary, console)
    return 0 if all(row["state"] == "success" for row in summary["dag_runs"]) else 1


def _make_way(home: Path) -> None:
    """Take the last demonstration away. A home that is not a demonstration's is not touched."""
    home.mkdir(parents=True, exist_ok=True)
    there = [home / name for name in MADE if (home / name).exists()]
    if there and not (home / MARK).exists():
        raise UsageFault(f"{home} holds a hub that is not a demonstration; say another folder: --home FOLDER")
    if (home / "postgres").exists():
        postgres.stop(Settings(home=home))
    for path in there:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (home / MARK).write_text("A demonstration made what is in this folder; the next one takes it away.\n")


# ---- the partners' side ----------------------------------------------------------------------------------------------
def _make_deliveries(settings: Settings, children: int, seed: int, scenario: str, clock: Clock) -> None:
    from pipelines import synth
    from pipelines.seal import keys, seal_area

    raw = settings.home / "raw"
    with clock.stage("synth"):
        clock.say(f"writing the extracts of an area with {children:,} residents aged 0 to 25")
        synth.generate(raw, children=children, seed=seed, as_of=date.today(), scenario=scenario)
    registry = declared.load(settings.agencies)
    keys.new_area(settings.home / "keys", sorted(registry.agencies), EPOCH)
    with clock.stage("seal"):
        clock.say("sealing the deliveries at the partners' doors")
        seal_area(
            raw,
            keys_dir=settings.home / "keys",
            out=settings.landing,
            agencies=settings.agencies,
            progress=lambda line: clock.say(f"  {line}"),
        )


# ---- the hub's side --------------------------------------------------------------------------------------------------
def _start(settings: Settings, clock: Clock) -> airflow.LocalAirflow:
    from pipelines.ledger.migrate import migrate

    with clock.stage("start"):
        clock.say("starting the embedded PostgreSQL")
        with connect(settings) as connection:
            migrate(connection)
        local = airflow.prepare(settings)
        local.start(clock.say)
        clock.say(f"Airflow is well at {local.address}")
    return local


def _night(settings: Settings, api: AirflowApi, clock: Clock) -> list[dict[str, Any]]:
    """Start the four pulls, wait for the refresh, then publish and look around; all runs, oldest first."""
    pulls = [f"pull_{group}" for group in declared.load(settings.agencies).groups]
    api.wait_for_dags([*pulls, REFRESH, PUBLISH, WATCH])
    for dag_id in (*pulls, REFRESH, PUBLISH):
        api.unpause(dag_id)
    with clock.stage("night"):
        clock.say(f"starting {', '.join(pulls)}")
        for dag_id in pulls:
            api.trigger(dag_id)
        _until_quiet(api, clock, lambda: _is_integrated(settings))
    with clock.stage("publish"):
        clock.say("publishing a draft of the picture")
        for dag_id in (PUBLISH, WATCH):
            api.trigger(dag_id)
            api.unpause(dag_id)
        _until_quiet(api, clock, lambda: True)
    return api.runs()


def _is_integrated(settings: Settings) -> bool:
    with connect(settings) as connection:
        waiting = Ledger(connection).submissions(states=("received", "validated", "accepted"))
        return not waiting


def _until_quiet(api: AirflowApi, clock: Clock, is_done: Callable[[], bool]) -> None:
    """Say each run that ends, until none is under way and nothing waits for another.

    Where runs have failed, nothing more is awaited. Raises SystemFault where it takes longer than half an hour.
    """
    deadline, quiet_since = time.monotonic() + _WAIT_SECONDS, time.monotonic()
    while time.monotonic() < deadline:
        runs = api.runs()
        for run in runs:
            if run["state"] in FINISHED and (name := f"{run['dag_id']} {run['dag_run_id']}") not in clock.said:
                clock.said.add(name)
                clock.say(f"  {run['dag_id']}: {run['state']} after {run['duration'] or 0:.1f} s")
        if any(run["state"] not in FINISHED for run in runs):
            quiet_since = time.monotonic()
        elif any(run["state"] == "failed" for run in runs) or (is_done() and time.monotonic() - quiet_since > 1):
            return
        elif time.monotonic() - quiet_since > 60:
            raise SystemFault("the pulls have ended, submissions wait, and no refresh came")
        time.sleep(0.5)
    raise SystemFault(f"not done after {_WAIT_SECONDS // 60} minutes; see the logs below airflow/logs")


def main() -> int:
    """Read the command line and run; Ctrl-C and a polite kill stop everything that was started."""
    parser = argparse.ArgumentParser(prog="make demo", description="The whole flow on a synthetic area.")
    parser.add_argument("--children", type=int, default=76_000, help="residents aged 0 to 25 (default 76000)")
    parser.add_argument("--seed", type=int, default=7, help="same seed, same area (default 7)")
    parser.add_argument("--scenario", default="standard", help="`canary` plants one child whose values are unique")
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("JOINT_NEEDS_HOME", "var")))
    options = parser.parse_args()
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(options.home.resolve(), options.children, options.seed, options.scenario, console)
    except JointNeedsError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        return error.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
