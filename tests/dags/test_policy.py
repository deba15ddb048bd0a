"""What every DAG must be: light to import, wiring only, and with owner, tags, text, retries, limits and a pool."""

import ast
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines import registry as declared
from pipelines.errors import DataFault, SystemFault, UsageFault

DAGS = Path(__file__).resolve().parents[2] / "dags"
FILES = sorted(DAGS.glob("*.py"))
HEAVY = ("pandas", "great_expectations", "duckdb", "splink", "pyarrow", "psycopg", "numpy", "pipelines.flow")

# In a process of its own, since other tests have loaded everything; Airflow's own import is not counted.
PROBE = """
import importlib, json, sys, time
sys.path.insert(0, sys.argv[1])
import airflow.sdk
airflow.sdk.task.short_circuit
found = {}
for name in sys.argv[2].split(","):
    started = time.monotonic()
    importlib.import_module(name)
    heavy = [module for module in sys.argv[3].split(",") if module in sys.modules]
    found[name] = {"seconds": time.monotonic() - started, "heavy": heavy}
print(json.dumps(found))
"""


def test_importing_is_quick_and_light():
    names = ",".join(path.stem for path in FILES)
    command = [sys.executable, "-c", PROBE, str(DAGS), names, ",".join(HEAVY)]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == len(FILES) > 5
    for name, facts in found.items():
        assert facts["heavy"] == [], name
        assert facts["seconds"] < 2, name


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_a_dag_file_only_wires(path):
    text = path.read_text()
    assert len(text.splitlines()) <= (80 if path.stem == "_house" else 60)
    tree = ast.parse(text)
    for node in tree.body:
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
        allowed = ("__future__", "datetime", "typing", "zoneinfo", "_house", "_delivery", "airflow.sdk")
        asking = ("airflow.sdk.exceptions", "airflow.providers.standard.operators.hitl")
        assert all(name in (*allowed, *asking) for name in names), names
    inside = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n not in tree.body]
    assert set(inside) <= {"pipelines"}, "a task calls the library, and of it only flow"


EXPECTED = {
    "pull_education",
    "pull_social_care",
    "pull_health",
    "pull_planning",
    "refresh_warehouse",
    "publish_picture",
    "release_quarantine",
    "watch_deliveries",
    "housekeeping",
}
BY_HAND = {"release_quarantine"}


def test_the_dags_are_those_of_the_clock_table(bag):
    assert set(bag.dags) == EXPECTED
    page = (DAGS / "README.md").read_text()
    for name in EXPECTED:
        assert f"`{name}`" in page


def test_every_group_of_agencies_has_its_pull(bag):
    assert {f"pull_{group}" for group in declared.load().groups} == {d for d in bag.dags if d.startswith("pull_")}


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_policy(bag, dag_id):
    dag = bag.dags[dag_id]
    assert dag.doc_md
    assert dag.tags
    assert any(tag.startswith("tier") for tag in dag.tags)
    assert dag.catchup is False
    assert dag.max_active_runs == 1
    assert dag.dagrun_timeout is not None
    pools = json.loads((DAGS / "pools.json").read_text())
    for task in dag.tasks:
        assert task.owner == "data engineering"
        assert task.retries == 3
        assert task.retry_delay == timedelta(seconds=30)
        assert task.retry_exponential_backoff > 1
        assert task.execution_timeout <= dag.dagrun_timeout
        assert task.pool in pools, f"{task.task_id} has no pool of ours"
        assert task.doc_md, f"{task.task_id} does not say what it does"
        assert task.has_on_failure_callback, f"{task.task_id} fails in silence"


def test_the_warehouse_has_one_writer(bag):
    assert json.loads((DAGS / "pools.json").read_text())["warehouse"]["slots"] == 1
    for dag_id, tasks in {
        "refresh_warehouse": ["link", "conform", "integrate"],
        "publish_picture": ["snapshot"],
    }.items():
        assert all(bag.dags[dag_id].get_task(name).pool == "warehouse" for name in tasks)


def test_clocks_avoid_the_hour_that_some_nights_lack(bag):
    for dag in bag.dags.values():
        timetable = getattr(dag.timetable, "timetable", dag.timetable)
        if dag.dag_id in BY_HAND:
            assert not timetable.can_be_scheduled
            continue
        minute, hour = timetable.expression.split()[:2]
        assert timetable.timezone == "Europe/London"
        assert hour != "1" and (hour == "*" or minute.isdigit())


def test_bad_data_is_never_retried_and_broken_machines_are(bag):
    from airflow.sdk import RetryAction

    policy = bag.dags["pull_education"].get_task("take_in.validate").retry_policy
    decide = lambda error: policy.evaluate(error, try_number=1, max_tries=3).action  # noqa: E731
    assert decide(DataFault("FILE-001", "x")) is RetryAction.FAIL
    assert decide(UsageFault("x")) is RetryAction.FAIL
    for ours in (SystemFault("x"), OSError(), RuntimeError(), MemoryError()):
        assert decide(ours) is RetryAction.DEFAULT


def test_the_refresh_runs_on_the_asset_and_every_night(bag):
    timetable = bag.dags["refresh_warehouse"].timetable
    assert [asset.name for asset in timetable.asset_condition.objects] == ["accepted_extracts"]
    assert timetable.timetable.expression == "30 4 * * *"
    emitters = {
        (dag.dag_id, task.task_id) for dag in bag.dags.values() for task in dag.tasks if getattr(task, "outlets", None)
    }
    assert emitters == {(name, "announce") for name in EXPECTED if name.startswith("pull_")}
