"""What the forked process does: one stretch of the night, watched, so that it can be ended at a chosen event.

An event is a statement or commit on its way to the database, or a file of the hub that is about to be written, renamed
or removed. Nothing in the program knows of the test: psycopg, ADBC and Python's own audit events are listened to.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

STAGES = ("accept", "link", "conform", "integrate")
FILE_EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Stop:
    """Where to end: the n-th event of a stage. how: `now`, by its own hand; `told`, the parent is told and ends it some
    moments later, in the middle of whatever it does then; `held`, nothing goes on until the parent says; `seen`, the
    parent is told and all goes on."""

    stage: str
    number: int
    how: str = "now"


class Watch:
    """Counts the events of each stage; keeps them, or ends the process at one."""

    def __init__(self, home: str, channel: Connection, stop: Stop | None) -> None:
        self.home, self.channel, self.stop = home, channel, stop
        self.stage: str | None = None
        self.count: Counter[str] = Counter()
        self.trace: list[tuple[str, int, str, float]] = []

    def event(self, label: str) -> None:
        stage = self.stage
        if stage is None:
            return
        self.count[stage] += 1
        number = self.count[stage]
        if self.stop is None:
            self.trace.append((stage, number, label, time.monotonic()))
        elif (self.stop.stage, self.stop.number) == (stage, number):
            self.stage = None
            self.channel.send(("at", label))
            if self.stop.how == "now":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.stop.how == "held":
                self.channel.recv()
            self.stage = stage

    def staged(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            self.stage = name
            try:
                return work(*args)
            finally:
                self.stage = None

        return run

    def audit(self, kind: str, args: tuple[Any, ...]) -> None:
        if self.stage is None:
            return
        is_write = kind == "open" and isinstance(args[2], int) and args[2] & WRITES
        if (is_write or kind in FILE_EVENTS) and str(args[0]).startswith(self.home):
            self.event(f"{kind} {str(args[0]).rsplit('/', 1)[1]}")

    def listen(self) -> None:
        """Hear of every statement and of every change of a file from now on."""
        import psycopg
        from adbc_driver_manager import dbapi

        def heard(owner: Any, name: str, label: Callable[..., str]) -> None:
            plain = getattr(owner, name)

            def method(this: Any, *args: Any, **more: Any) -> Any:
                self.event(label(*args))
                return plain(this, *args, **more)

            setattr(owner, name, method)

        for name in ("execute", "executemany", "copy"):
            heard(psycopg.Cursor, name, _shown)
        heard(psycopg.Connection, "commit", lambda: "COMMIT")
        heard(dbapi.Cursor, "adbc_ingest", lambda table, *_: f"ingest {table}")
        heard(dbapi.Connection, "commit", lambda: "COMMIT of ADBC")
        sys.addaudithook(self.audit)


def _shown(query: Any, *_: Any) -> str:
    return " ".join((query if isinstance(query, str) else repr(query)).split())[:70]


def work(
    environment: dict[str, str], stages: tuple[str, ...], stop: Stop | None, most_bytes: int | None, channel: Connection
) -> None:
    """Run stages, or with none the whole night as people start it; tell how it ended.

    most_bytes: no file may become longer than this, as on a full disk. Sends `("at", label)` at the chosen event, at
    the end `("done", outcomes, trace)`, or `("fault", kind, message, exit code)`.
    """
    os.environ.update(environment)
    from pipelines import flow
    from pipelines.errors import JointNeedsError

    watch = Watch(environment["JOINT_NEEDS_HOME"], channel, stop)
    for name in STAGES:
        setattr(flow, name, watch.staged(name, getattr(flow, name)))
    watch.listen()
    if most_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))
    whole: dict[str, Callable[[], list[dict[str, Any]]]] = {"accept": flow.pull_all, "refresh": flow.refresh}
    outcomes: list[dict[str, Any]] = []
    try:
        for name in stages or ("accept", "refresh"):
            outcomes += whole[name]() if name in whole else [getattr(flow, name)()]
        if stop and stop.how == "told":
            channel.recv()  # who is to be killed does not end by itself
    except JointNeedsError as fault:
        channel.send(("fault", type(fault).__name__, str(fault), fault.exit_code))
    except BaseException as error:
        channel.send(("bug", type(error).__name__, str(error), -1))
    else:
        channel.send(("done", outcomes, watch.trace))
