"""SIGKILL, and a server that dies, at points spread over the night by a seed; what must hold after each."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from pipelines.ledger.database import connect
from pipelines.local import postgres
from pipelines.settings import Settings
from tests.crash.night import Night, Run, as_commissioner, content, differences, finish, picture, shared
from tests.crash.work import STAGES, Stop

# Where most of the night's changes are made, most kills fall.
SHARE = {"accept": 0.2, "link": 0.2, "conform": 0.2, "integrate": 0.4}


@dataclass(frozen=True)
class Kill:
    """One kill: where, how long after it, and what was wrong afterwards. label: what the process was about to do."""

    stop: Stop
    delay: float
    label: str = ""
    is_committed: bool = False
    fault: str = ""


def plan(night: Night, count: int, seed: int, how: tuple[str, ...] = ("now", "told")) -> list[Kill]:
    """Points over all stages, each at another event: at even distances, moved a little by the seed.

    Those that are `told` fall anywhere between their event and the next one, as it was timed undisturbed.
    """
    rng = random.Random(seed)  # noqa: S311
    shares = {stage: max(1, round(count * share)) for stage, share in SHARE.items()}
    shares["integrate"] += count - sum(shares.values())
    kills = []
    for stage in STAGES:
        events = night.events[stage]
        most = shares[stage]
        for at in range(most):
            number = min(len(events), int((at + rng.random()) * len(events) / most) + 1)
            following = events[min(number, len(events) - 1)]
            gap = max(0.0, following[3] - events[number - 1][3])
            kills.append(Kill(Stop(stage, number, how[at % len(how)]), gap * rng.random()))
    return kills


def run_all(night: Night, kills: list[Kill], at_once: int = 4) -> Iterator[Kill]:
    """Every kill in a hub of its own; what came of it."""
    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(lambda kill: kill_process(night, kill), kills)


def kill_process(night: Night, kill: Kill) -> Kill:
    """Kill the process there; then look at the picture, run the night again, and compare."""
    with night.begin(kill.stop.stage) as hub:
        run = Run(hub, (kill.stop.stage,), kill.stop)
        said = run.hear()
        if said[0] != "at":
            return replace(kill, fault=f"never came to event {kill.stop.number} of {kill.stop.stage}: {said}")
        if kill.stop.how == "told":
            time.sleep(kill.delay)
            run.process.kill()
        code = run.end()
        if code != -signal.SIGKILL:
            return replace(kill, label=said[1], fault=f"ended with {code} before it could be killed")
        return judge(night, hub, replace(kill, label=said[1]))


def kill_server(night: Night, kill: Kill) -> tuple[Kill, tuple[object, ...]]:
    """End the server at once, without a word to its sessions, while the process works; what the process said of it."""
    with night.begin(kill.stop.stage) as hub:
        run = Run(hub, (kill.stop.stage,), kill.stop)
        said = run.hear()
        if said[0] != "at":
            return replace(kill, fault=f"never came to event {kill.stop.number} of {kill.stop.stage}: {said}"), ()
        if kill.stop.how == "seen":
            time.sleep(kill.delay)
        end_server(night)
        if kill.stop.how == "held":
            run.channel.send("go on")
        told = run.hear()
        run.end()
        postgres.ensure_running(night.home, durable=False)
        return judge(night, hub, replace(kill, label=said[1])), told


def end_server(night: Night) -> None:
    """As `pg_ctl stop -m immediate`: every process of the server is ended where it stands, nothing is written down."""
    place = json.loads((night.home.postgres / "server.json").read_text())
    number = int((Path(place["data"]) / "postmaster.pid").read_text().split()[0])
    os.kill(number, signal.SIGQUIT)
    for _ in range(1000):
        if not Path(f"/proc/{number}").exists():
            return
        time.sleep(0.01)
    raise AssertionError("the server does not end")


def judge(night: Night, hub: Settings, kill: Kill) -> Kill:
    """Is the picture whole, does the next run finish, is the result that of an undisturbed night?"""
    try:
        reader = as_commissioner(night.server, hub)
        with connect(reader) as connection:
            connection.execute("SET statement_timeout = '5s'")
            assert connection.execute("SELECT count(*) > 0 FROM partnership.needs_prevalence").fetchall() == [(True,)]
        with connect(hub) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            seen = picture(connection)
            is_committed = len(seen["ops.refresh"]) > len(night.before[kill.stop.stage]["ops.refresh"])
            whole = night.after_picture if is_committed else night.before[kill.stop.stage]
            if is_committed and kill.stop.stage != "integrate":
                return replace(kill, fault="a refresh was marked before integrate")
            # Person keys are random: where they were not made yet, only the old picture can be the same.
            torn = differences(seen, whole)
            if shared(connection) not in (night.copies[0], night.copies[-1]):
                torn.append("the partnership's copy")
        if torn:
            return replace(kill, fault=f"a torn picture: {torn}")
        finish(hub)
        with connect(hub) as connection:
            wrong = differences(content(connection), night.after)
    except (AssertionError, psycopg.Error) as error:
        return replace(kill, fault=f"{type(error).__name__}: {error}")
    return replace(kill, is_committed=is_committed, fault="; ".join(wrong))
