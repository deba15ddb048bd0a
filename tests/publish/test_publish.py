"""The stage on a real database: a whole snapshot or nothing."""

import hashlib
import json
from datetime import date, timedelta

import pandas as pd
import pytest

from pipelines import publish
from pipelines.errors import DataFault, SystemFault, UsageFault
from pipelines.publish import assets, audit

from . import made_marts

needs_style = pytest.mark.skipif(
    not (assets._folder() / assets.STYLE).is_file(), reason="no style sheet; run python -m pipelines.publish.assets"
)
pytestmark = needs_style


@pytest.fixture
def marts(connection):
    made_marts.load(connection, made_marts.frames())
    return connection


def state_of_last_run(connection):
    return connection.execute("SELECT state, counts FROM ops.run ORDER BY run_key DESC LIMIT 1").fetchone()


def test_a_snapshot_has_a_page_data_and_a_manifest(database, marts, tmp_path):
    out = tmp_path / "snapshots" / "2026-03-20"
    outcome = publish.run(database, marts, None, out)
    manifest = json.loads((out / "manifest.json").read_text())
    assert outcome.state == "success" and outcome.counts["files"] == len(manifest["files"]) + 1 == 11
    assert manifest["status"] == "draft: not signed off" and manifest["as_of"] == "2026-03-20"
    for name, sha256 in manifest["files"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == sha256
    csv, parquet = pd.read_csv(out / "data/needs.csv"), pd.read_parquet(out / "data/needs.parquet")
    assert len(csv) == len(parquet) > 150
    html = (out / "index.html").read_text()
    assert "not signed off" in html and "Autistic spectrum disorder" in html and "<script" not in html
    assert state_of_last_run(marts)[0] == "success"


def test_twice_gives_the_same_bytes(database, marts, tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    publish.run(database, marts, None, first)
    publish.run(database, marts, None, second)
    publish.run(database, marts, None, second)
    assert (first / "manifest.json").read_bytes() == (second / "manifest.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_a_failed_audit_writes_nothing(database, marts, tmp_path, monkeypatch):
    monkeypatch.setattr(audit, "protect", lambda cells, relations: cells)
    out = tmp_path / "public" / "picture"
    with pytest.raises(DataFault, match="PUB-001") as fault:
        publish.run(database, marts, None, out)
    assert fault.value.exit_code == 1
    assert not out.parent.exists() and state_of_last_run(marts)[0] == "data_fault"


def test_a_failed_audit_leaves_the_last_snapshot(database, marts, tmp_path, monkeypatch):
    out = tmp_path / "picture"
    publish.run(database, marts, None, out)
    before = (out / "manifest.json").read_bytes()
    monkeypatch.setattr(audit, "protect", lambda cells, relations: cells)
    with pytest.raises(DataFault):
        publish.run(database, marts, None, out)
    assert (out / "manifest.json").read_bytes() == before


def test_a_past_date_cannot_be_made_from_todays_marts(database, marts, tmp_path):
    with pytest.raises(UsageFault, match="can no longer be made"):
        publish.run(database, marts, made_marts.DAY - timedelta(days=1), tmp_path / "out")


def test_a_later_date_is_on_the_page_beside_the_refresh(database, marts, tmp_path):
    publish.run(database, marts, date(2026, 4, 2), tmp_path / "out")
    html = (tmp_path / "out" / "index.html").read_text()
    assert "2 April 2026" in html and "refresh of 20 March 2026" in html


def test_a_folder_with_something_else_is_left_alone(database, marts, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("mine")
    with pytest.raises(UsageFault, match="no draft snapshot"):
        publish.run(database, marts, None, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["letter.txt"]


def test_without_a_refresh_it_says_so(database, connection, tmp_path):
    with pytest.raises(UsageFault, match="joint-needs refresh"):
        publish.run(database, connection, None, tmp_path / "out")


def test_without_the_style_sheet_it_says_what_to_run(database, marts, tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "_folder", lambda: tmp_path / "nowhere")
    with pytest.raises(SystemFault, match="run `make`"):
        publish.run(database, marts, None, tmp_path / "out")


def test_an_area_without_plans_still_has_a_page(database, connection, tmp_path):
    made = made_marts.frames()
    made["gap"] = made["gap"].iloc[:0]
    made["needs"] = made["needs"][made["needs"]["measure"] != "ehc_plan"]
    made_marts.load(connection, made)
    publish.run(database, connection, None, tmp_path / "out")
    assert "No figures on places can be shown" in (tmp_path / "out" / "index.html").read_text()
