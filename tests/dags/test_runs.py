"""Each DAG run to its end in one process, on real deliveries, a real ledger and a real database."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from pipelines import flow, registry
from pipelines.ledger import Ledger
from pipelines.seal import keys
from tests.receive.conftest import Area

pytestmark = pytest.mark.slow


@pytest.fixture
def hub(database, connection, monkeypatch):
    """A hub with keys, whose environment the tasks see, and partners who can send."""
    monkeypatch.setenv("JOINT_NEEDS_HOME", str(database.home))
    monkeypatch.setenv("JOINT_NEEDS_DATABASE_URL", database.database_url)
    monkeypatch.setenv("JOINT_NEEDS_ENVIRONMENT", database.environment)
    found = registry.load()
    keys.new_area(database.home / "keys", sorted(found.agencies), "2026a")
    desk = database.home / "desk"
    desk.mkdir()
    return Area(database, found, connection, desk)


def states(connection):
    return {s.submission: s.state for s in Ledger(connection).submissions()}


def test_a_pull_takes_in_what_is_good_and_goes_on_past_what_is_not(hub, run):
    hub.capacity()
    forged = hub.capacity(period="2025")
    document = json.loads((forged / "manifest.json").read_text())
    (forged / "manifest.json").write_text(json.dumps(document | {"sequence": 7}))
    state, tasks, values = run("pull_planning")
    assert state == "success"
    taken = {values[name]["state"]: name[1] for name in values if name[0] == "take_in.receive"}
    assert set(taken) == {"success", "refused"}
    for step, after_a_refusal in (("validate", "skipped"), ("accept", "skipped")):
        assert tasks[f"take_in.{step}", taken["success"]] == "success"
        assert tasks[f"take_in.{step}", taken["refused"]] == after_a_refusal
    assert tasks["announce", -1] == "success"
    assert states(hub.connection) == {"planning/provision_capacity/2026/1": "accepted"}
    assert values["announce", -1] == ["planning/provision_capacity/2026/1"]


def test_a_pull_that_finds_nothing_says_nothing(hub, run):
    state, tasks, _ = run("pull_planning")
    assert state == "success"
    assert tasks["announce", -1] == "skipped"


def test_a_pull_finishes_what_an_earlier_run_left_half_way(hub, run):
    folder = hub.capacity()
    flow.receive(str(folder.relative_to(hub.settings.landing)))
    assert states(hub.connection) == {"planning/provision_capacity/2026/1": "received"}
    hub.connection.commit()
    state, tasks, _ = run("pull_planning")
    assert (state, tasks["take_in.accept", 0]) == ("success", "success")
    assert states(hub.connection) == {"planning/provision_capacity/2026/1": "accepted"}


def test_a_pull_leaves_other_groups_alone(hub, run):
    hub.capacity()
    _, tasks, _ = run("pull_education")
    assert tasks["take_in.receive", -1] == "skipped"
    assert states(hub.connection) == {}


def test_the_refresh_leaves_at_once_while_a_pull_is_at_work(hub, run, bag):
    """A run of a pull whose tasks are still to be done: the gate asks for them through Airflow's own API."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    hub.capacity()
    run("pull_planning")
    with create_session() as session:
        last = session.query(DagRun).filter_by(dag_id="pull_planning").order_by(DagRun.id.desc()).first()
        mine = session.query(TaskInstance).filter_by(run_id=last.run_id, task_id="take_in.accept").one()
        mine.state = None
    try:
        state, tasks, _ = run("refresh_warehouse")
        assert (state, tasks["link", -1], tasks["integrate", -1]) == ("success", "skipped", "skipped")
    finally:
        with create_session() as session:
            session.query(TaskInstance).filter_by(run_id=last.run_id, task_id="take_in.accept").one().state = "success"
    assert states(hub.connection) == {"planning/provision_capacity/2026/1": "accepted"}


def test_the_watch_opens_alerts_for_what_the_pulls_refused(hub, run):
    forged = hub.capacity()
    (forged / "manifest.sig").write_bytes(b"0" * 64)
    run("pull_planning")
    state, _, values = run("watch_deliveries")
    assert state == "success"
    assert values["look", -1]["counts"]["new"] > 0
    kinds = hub.connection.execute("SELECT kind FROM ops.alert WHERE subject LIKE 'delivery refused%'").fetchall()
    assert kinds == [("rejected",)]


def test_a_broken_machine_fails_the_run_and_a_person_is_told(hub, run, bag, monkeypatch):
    """The hub's keys are gone. No retries here, so that the test need not wait for them."""
    hub.capacity()
    (hub.settings.hub_keys / "pass.key").unlink()
    monkeypatch.setattr(bag.dags["pull_planning"].get_task("take_in.receive"), "retries", 0)
    state, tasks, _ = run("pull_planning")
    assert (state, tasks["take_in.receive", 0], tasks["take_in.accept", 0]) == ("failed", "failed", "upstream_failed")
    assert tasks["hand_back", -1] == "success"
    assert states(hub.connection) == {}
    told = hub.connection.execute("SELECT kind, subject FROM ops.alert").fetchall()
    assert [(kind, subject.split()[0]) for kind, subject in told] == [("failed_run", "pull_planning")]


def test_a_picture_is_for_its_day_in_london(bag):
    import importlib
    import sys
    from types import SimpleNamespace

    sys.path.insert(0, str(bag.dag_folder))
    try:
        house = importlib.import_module("_house")
    finally:
        sys.path.remove(str(bag.dag_folder))
    late = SimpleNamespace(run_after=datetime(2026, 6, 30, 23, 30, tzinfo=UTC))
    assert str(house.day_of({"params": {"as_of": None}, "dag_run": late})) == "2026-07-01"
    assert str(house.day_of({"params": {"as_of": "2026-03-31"}, "dag_run": late})) == "2026-03-31"
    assert house.TASKS["retry_delay"] == timedelta(seconds=30)
