"""The demonstration on a small area, under the real scheduler: from raw files to the page, and `make up` after it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from pipelines import registry, steward
from pipelines.ledger.database import connect
from pipelines.local import postgres
from pipelines.local.airflow_api import FINISHED, AirflowApi
from pipelines.settings import Settings
from tests import canary

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
PULLS = {"pull_education", "pull_social_care", "pull_health", "pull_planning"}


def processes_of(home):
    """Ids of processes that have this folder in their command line or environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(home).encode() in text and int(entry.name) != os.getpid():
            found.append(entry.name)
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """Run the demonstration once; its home, what it printed, and its summary."""
    home = tmp_path_factory.mktemp("demo") / "var"
    command = [
        sys.executable,
        "-m",
        "pipelines.local.demo",
        "--children",
        "800",
        "--scenario",
        "canary",
        "--home",
        str(home),
    ]
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "JOINT_NEEDS"))}
    done = subprocess.run(command, text=True, capture_output=True, check=False, env=outside | {"COLUMNS": "160"})
    assert done.returncode == 0, done.stdout + done.stderr
    yield home, done.stdout, json.loads((home / "summary.json").read_text())
    postgres.stop(Settings(home=home))


def test_every_run_succeeds_and_nothing_is_left_running(demo):
    home, _, summary = demo
    runs = summary["dag_runs"]
    assert {run["dag_id"] for run in runs} == PULLS | {"refresh_warehouse", "publish_picture", "watch_deliveries"}
    assert {run["state"] for run in runs} == {"success"}
    assert processes_of(home) == []


def test_everything_sent_is_integrated_and_the_counts_reconcile(demo):
    home, _, summary = demo
    sent = json.loads((home / "raw" / "deliveries.json").read_text())
    with connect(Settings(home=home)) as connection:
        states = dict(connection.execute("SELECT submission, state FROM ops.submission").fetchall())
        wanted = dict(connection.execute("SELECT 'rows', sum(rows_in)::int FROM ops.outcome").fetchall())
    postgres.stop(Settings(home=home))
    assert len(states) == len(sent)
    assert set(states.values()) <= {"integrated", "superseded"}
    feeds = summary["feeds"]
    assert {(f["agency"], f["dataset"]) for f in feeds} == {(d["agency"], d["dataset"]) for d in sent}
    assert all(f["rows_in"] == f["accepted"] + f["quarantined"] + f["rejected"] > 0 for f in feeds)
    assert sum(f["rows_in"] for f in feeds) == wanted["rows"]


def test_the_summary_has_the_form_that_machines_read(demo):
    _, _, summary = demo
    assert all(set(run) == {"dag_id", "state", "seconds"} for run in summary["dag_runs"])
    assert set(summary["linkage"]) >= {"precision", "recall", "recall_all", "f1", "by_pair"}
    assert set(summary["linkage"]["by_pair"]) == {"education-health", "education-social_care", "health-social_care"}
    for pair in summary["linkage"]["by_pair"].values():
        assert set(pair) >= {"precision", "recall", "recall_all", "match_rate"}
    assert set(summary["marts"]) >= {"needs_prevalence", "sufficiency_gap", "unmet_need", "match_quality"}
    assert set(summary["seconds"]) >= {"total", "synth", "seal", "receive", "validate", "accept", "link", "integrate"}
    assert set(summary["where"]) == {"warehouse", "airflow", "page", "reports"}
    assert Path(summary["where"]["page"]).is_file()
    assert not re.search(r"://[^/@]*:[^/@]*@", summary["where"]["warehouse"])


def test_the_page_says_what_a_person_wants_to_know(demo):
    _, printed, summary = demo
    for heading in ("What ran", "What came in", "matched", "by primary need", "places will be short", "look next"):
        assert heading in printed
    for feed in summary["feeds"]:
        assert f"{feed['rows_in']:,}" in printed
    assert summary["picture"]["needs"] and summary["picture"]["gap"]
    assert f"{summary['linkage']['precision']:.4f}" in printed


def test_the_night_left_no_password_in_a_log(demo):
    home, printed, _ = demo
    secrets = [*json.loads((home / "airflow/passwords.json").read_text()).values()]
    secrets += json.loads((home / "airflow/secrets.json").read_text()).values()
    secrets += json.loads((home / "postgres/passwords.json").read_text()).values()
    texts = [printed] + [p.read_text(errors="replace") for p in (home / "airflow/logs").rglob("*.log")]
    assert len(texts) > 20
    assert not any(secret in text for secret in secrets for text in texts)


def test_the_planted_child_is_nowhere_after_the_door(demo):
    """Not in a file (the database's own and Airflow's logs included), nor in a table of either database."""
    home, printed, _ = demo
    values = json.loads((home / "raw/truth/canary.json").read_text())
    del values["person_id"]
    assert canary.Search(values)(printed) == []
    assert canary.in_files([home], values, leave_out=[home / "raw"]) == []
    settings = Settings(home=home)
    try:
        for role in ("owner", "airflow"):
            with connect(settings, role) as connection:
                assert canary.in_database(connection, values) == []
    finally:
        postgres.stop(settings)


def a_steward_is_asked_and_answers(api, home):
    """One rule's rows are released in the browser's way, the other questions are left for later."""
    with connect(Settings(home=home)) as connection:
        held = steward.held(registry.load(), connection)
    chosen = next(found for found in held if found.is_open)
    api.unpause("release_quarantine")
    run = api.trigger("release_quarantine", {"submission": chosen.submission})
    path = f"/api/v2/dags/release_quarantine/dagRuns/{quote(run)}"
    wanted = sum(found.is_open for found in held if found.submission == chosen.submission)
    # An answer to a task that has put its question and does not wait yet is lost, and the task asks once more.
    asked = until(
        lambda: [
            question
            for question in api.call("GET", f"{path}/hitlDetails")["hitl_details"]
            if question["body"] and question["task_instance"]["state"] != "running"
        ],
        wanted,
    )
    assert all("Release" in question["options"] for question in asked)
    for question in asked:
        is_chosen = question["subject"] == f"{chosen.submission}: {chosen.rule}"
        answer = {
            "chosen_options": ["Release" if is_chosen else "Decide later"],
            "params_input": {"reason": "confirmed by telephone"},
        }
        index = question["task_instance"]["map_index"]
        api.call("PATCH", f"{path}/taskInstances/ask/{index}/hitlDetails", answer)
    until(lambda: [run for run in [api.call("GET", path)] if run["state"] in FINISHED], 1)
    assert api.call("GET", path)["state"] == "success"
    with connect(Settings(home=home)) as connection:
        decided = connection.execute("SELECT kind, rule, decided_by, reason FROM ops.decision").fetchall()
        state = connection.execute("SELECT state FROM ops.submission WHERE submission = %s", (chosen.submission,))
        assert state.fetchall() == [("accepted",)]
    assert decided == [("release", chosen.rule, "operator", "confirmed by telephone")]


def until(look, wanted, seconds=300):
    """What `look` finds, once there are as many as wanted."""
    deadline = time.monotonic() + seconds
    while len(found := look()) < wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.5)
    return found


def test_make_up_shows_the_runs_until_it_is_told_to_stop(demo):
    home, _, summary = demo
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "JOINT_NEEDS"))}
    with subprocess.Popen(
        [sys.executable, "-m", "pipelines.local.up"],
        env=outside | {"JOINT_NEEDS_HOME": str(home), "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as up:
        try:
            lines = []
            for line in up.stdout:
                lines.append(line)
                if "Ctrl-C" in line:
                    break
            text = "".join(lines)
            address = re.search(r"http://127\.0\.0\.1:\d+", text)[0]
            passwords = Path(re.search(r"password is in (\S+)", text)[1])
            api = AirflowApi.login(address, "operator", json.loads(passwords.read_text())["operator"])
            assert len(api.runs()) == len(summary["dag_runs"])
            pull = next(run for run in api.runs("pull_education"))
            names = {task["rendered_map_index"] for task in api.tasks("pull_education", pull["dag_run_id"])}
            assert any(name and name.startswith("education/") for name in names)
            a_steward_is_asked_and_answers(api, home)
        finally:
            up.send_signal(signal.SIGINT)
            up.stdout.read()
            assert up.wait(60) == 0
    assert processes_of(home) == []


def test_the_refresh_runs_in_one_process_too_and_finds_nothing_new(demo, bag, run, monkeypatch):
    home, _, _ = demo
    monkeypatch.setenv("JOINT_NEEDS_HOME", str(home))
    monkeypatch.setenv("JOINT_NEEDS_ENVIRONMENT", "demo")
    monkeypatch.delenv("JOINT_NEEDS_DATABASE_URL", raising=False)
    state, _, _ = run("refresh_warehouse")
    assert state == "success"
    with connect(Settings(home=home)) as connection:
        released = "SELECT state FROM ops.submission JOIN ops.decision USING (submission_key)"
        assert connection.execute(released).fetchall() == [("integrated",)]
    state, tasks, values = run("refresh_warehouse")
    assert state == "success"
    assert {tasks[name, -1] for name in ("no_pull_at_work", "link", "conform", "integrate")} == {"success"}
    assert values["integrate", -1]["counts"] == {"rows_changed": 0}
