"""An erasure killed anywhere: either nothing was done, or the child is listed and the nightly replay finishes it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

import pytest

from pipelines.keeping import erasure
from pipelines.local import postgres
from tests.crash.work import Stop, Watch
from tests.keeping.conftest import CSDS, Hub, copied
from tests.keeping.test_erasure import BY, EVERYWHERE, child_of, erase, look

KILLS = 12
_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload(["tests.crash.warm"])


def work(environment: dict[str, str], record: str, stop: Stop | None, channel: Connection) -> None:
    """Erase a child everywhere, in a process of its own that ends at an event; else tells how many there were."""
    os.environ.update(environment)
    from pipelines import registry
    from pipelines.ledger.database import connect
    from pipelines.settings import Settings

    settings, watch = Settings.from_environment(), Watch(environment["JOINT_NEEDS_HOME"], channel, stop)
    watch.listen()
    with connect(settings) as connection:
        watch.stage = "erase"
        child = erasure.whose(registry.load(), connection, "north_trust", record, is_everywhere=True)
        erasure.erase(settings, connection, child, erasure.suppress(settings, connection, child, **BY))
        watch.stage = None
    channel.send(("done", watch.count["erase"]))


def run(hub: Hub, stop: Stop | None) -> tuple[tuple[Any, ...], int | None]:
    """What the process said, and how it ended."""
    settings = hub.area.settings
    environment = {
        "JOINT_NEEDS_HOME": str(settings.home),
        "JOINT_NEEDS_DATABASE_URL": str(settings.database_url),
        "JOINT_NEEDS_ENVIRONMENT": settings.environment,
    }
    ours, theirs = _fork.Pipe()
    process = _fork.Process(target=work, args=(environment, hub.record, stop, theirs), daemon=True)
    process.start()
    theirs.close()
    assert ours.poll(60), "the process says nothing"
    said = tuple(ours.recv())
    process.join(30)
    return said, process.exitcode


@pytest.fixture(scope="module")
def events(built: Hub, server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """How many statements, commits and changes of files an undisturbed erasure is made of."""
    with copied(built, server, tmp_path_factory.mktemp("undisturbed")) as hub:
        said, code = run(hub, None)
        assert (said[0], code) == ("done", 0)
        yield said[1]


@pytest.mark.parametrize("part", range(KILLS))
def test_killed_there_it_is_finished_by_the_replay(hub: Hub, events: int, part: int) -> None:
    settings, connection = hub.area.settings, hub.area.connection
    child = child_of(hub)
    number = 1 + part * (events - 1) // (KILLS - 1)
    said, code = run(hub, Stop("erase", number))
    assert (said[0], code) == ("at", -signal.SIGKILL), said
    erasure.replay(settings, connection)
    if hub.rows("SELECT count(*) FROM ops.suppression") == [(0,)]:
        assert set(look(hub, child)) >= EVERYWHERE, "nothing was done"
        erase(hub, child)
    assert look(hub, child) == {}
    assert hub.rows("SELECT count(*) FROM ops.erasure WHERE finished_at IS NULL") == [(0,)]
    assert hub.counts()[CSDS, "referral"] == (3, 1, 0, 0, 2, 2)
    assert hub.refresh().state == "success"
    assert look(hub, child) == {}
