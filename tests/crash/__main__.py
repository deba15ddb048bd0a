"""Kill the night as often as asked: `python -m tests.crash --runs 500 --seed 7`, or `make crash RUNS=500`.

Prints each kill with what was about to happen, and at the end how many fell in which stage. Exit 1 where one of them
lost or doubled anything.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from pipelines.local import postgres
from pipelines.settings import Settings
from tests.crash.kills import Kill, kill_server, plan, run_all
from tests.crash.night import prepare


def main(
    runs: Annotated[int, typer.Option(help="kills of the process")] = 500,
    server_runs: Annotated[int | None, typer.Option(help="kills of the server; a tenth of runs unless given")] = None,
    seed: Annotated[int, typer.Option(help="of the points; 0: another one each time")] = 0,
    at_once: Annotated[int, typer.Option(help="processes killed at the same time")] = 2,
) -> None:
    """Kill, run again, compare."""
    seed = seed or random.SystemRandom().randrange(1, 1 << 30)
    of_server = runs // 10 if server_runs is None else server_runs
    home = Settings(home=Path(tempfile.mkdtemp(prefix="joint-needs-crash-")))
    home.home.chmod(0o755)
    found: list[Kill] = []
    try:
        night = prepare(home)
        print(f"seed {seed}; events: {', '.join(f'{name} {len(trace)}' for name, trace in night.events.items())}")
        for kill in run_all(night, plan(night, runs, seed), at_once):
            found.append(tell(kill, "process"))
        for kill in plan(night, of_server, seed + 1, ("held", "seen")):
            found.append(tell(kill_server(night, kill)[0], "server"))
    finally:
        postgres.remove(home)
        shutil.rmtree(home.home, ignore_errors=True)
    bad = [kill for kill in found if kill.fault]
    fell = Counter(kill.stop.stage for kill in found)
    print(
        f"{len(found)} kills ({', '.join(f'{name} {count}' for name, count in fell.items())}), {len(bad)} with a fault"
    )
    sys.exit(1 if bad else 0)


def tell(kill: Kill, what: str) -> Kill:
    """Print one line about a kill."""
    stop = kill.stop
    print(
        f"{what} {stop.stage} {stop.number} {stop.how} +{kill.delay:.3f} s [{kill.label}] {kill.fault or 'good'}",
        flush=True,
    )
    return kill


if __name__ == "__main__":
    typer.run(main)
