"""Airflow's page and API, and the warehouse, on this machine only, until Ctrl-C: `python -m pipelines.local.up`."""

from __future__ import annotations

import os
import signal
import sys
import threading

from rich.console import Console

from pipelines.errors import JointNeedsError
from pipelines.ledger.database import connect
from pipelines.ledger.migrate import migrate
from pipelines.local import airflow, postgres
from pipelines.local.demo import MARK
from pipelines.settings import Settings

PORT = 8080


def run(console: Console, until: threading.Event) -> None:
    """Start what does not run, say where it is, wait for `until`, and stop what was started."""
    settings = Settings.from_environment()
    was_running = settings.database_url is not None or postgres.is_running(settings)
    try:
        with connect(settings) as connection:
            migrate(connection)
        local = airflow.prepare(settings, port=airflow.free_port(PORT))
        try:
            local.start(lambda text: console.print(f"[dim]{text}[/]", highlight=False))
            _say_where(settings, local, console)
            until.wait()
        finally:
            console.print("\nstopping what was started")
            local.stop()
    finally:
        if not was_running:
            postgres.stop(settings)


def _say_where(settings: Settings, local: airflow.LocalAirflow, console: Console) -> None:
    pages = sorted(settings.snapshots.glob("*/index.html"))
    console.print(f"""
[bold]Airflow[/]      {local.address}
             user {airflow.USER}; the password is in {local.passwords}
[bold]API[/]          {local.address}/api/v2, described at {local.address}/docs
[bold]warehouse[/]    .venv/bin/joint-needs sql
[bold]page[/]         {pages[-1] if pages else "none yet: trigger publish_picture"}

DAGs that are paused stay paused until you switch them on. Ctrl-C stops all of it.""")


def main() -> int:
    """Serve until Ctrl-C or a polite kill."""
    console, until = Console(highlight=False, soft_wrap=True), threading.Event()
    if (Settings.from_environment().home / MARK).exists():
        os.environ.setdefault("JOINT_NEEDS_ENVIRONMENT", "demo")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: until.set())
    try:
        run(console, until)
    except JointNeedsError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
