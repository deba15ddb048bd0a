"""What is taken in, where it ends up, and that doing it again changes nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.errors import DataFault, SystemFault
from pipelines.receive import files
from pipelines.seal import keys
from tests.receive.conftest import SEALED_AT, TODAY, Area


def test_a_delivery_becomes_a_submission(area: Area) -> None:
    folder = area.register()
    sealed = {path.name: path.read_bytes() for path in (folder / "payload").iterdir()}
    content = (folder / "manifest.json").read_bytes()
    outcome = area.receive(folder)
    assert (outcome.state, outcome.subject) == ("success", "education/ehc_register/2026-03-15/1")
    assert outcome.counts == {"register": 2}
    kept = area.settings.received / "education__ehc_register__2026-03-15__1"
    assert {path.name: path.read_bytes() for path in (kept / "payload").iterdir()} == sealed
    assert (kept / "manifest.json").read_bytes() == content
    assert (area.settings.link_store / "education__ehc_register__2026-03-15__1.2026a.age").is_file()
    assert not folder.exists()


def test_the_ledger_row_carries_what_was_checked(area: Area) -> None:
    folder = area.register()
    manifest = json.loads((folder / "manifest.json").read_text())
    area.receive(folder)
    row = area.connection.execute(
        "SELECT state, period_start, period_end, key_epoch, agreement, contract_hash, manifest FROM ops.submission"
    ).fetchone()
    day = date(2026, 3, 15)
    expected = ("received", day, day, "2026a", "ISA-education-ehc-register", manifest["contract_hash"], manifest)
    assert row == expected
    runs = area.connection.execute("SELECT stage, state, subject LIKE 'education/ehc_register/manifest%' FROM ops.run")
    assert runs.fetchall() == [("receive", "success", True)]


def test_linkage_and_payload_do_not_meet(area: Area) -> None:
    """Below `received` lies no linkage file; in the link store nothing else, readable by its owner alone."""
    area.receive(area.register())
    assert not list(area.settings.received.rglob("*.age"))
    assert [path.suffix for path in area.settings.link_store.iterdir()] == [".age"]
    for path in (*area.settings.link_store.rglob("*"), *area.settings.received.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_an_aggregate_has_no_linkage_file(area: Area) -> None:
    assert area.receive(area.capacity()).state == "success"
    assert not area.settings.link_store.exists()


def test_find_lists_what_waits_in_order_of_sequence(area: Area) -> None:
    tenth, second = area.capacity(41, sequence=10), area.capacity(40, sequence=2)
    other = area.register()
    assert area.find("planning") == [second, tenth]
    assert area.find() == [other, second, tenth]
    area.receive(second)
    assert area.find("planning") == [tenth]


def test_half_written_folders_are_left_alone(area: Area) -> None:
    whole = area.capacity()
    uploading = whole.rename(whole.with_name(whole.name + ".partial"))
    hidden = area.capacity(41, sequence=2)
    hidden = hidden.rename(hidden.with_name("." + hidden.name))
    early = area.capacity(42, sequence=3)
    (early / "manifest.json").rename(early / "manifest.json.partial")
    assert area.find() == []
    assert area.receive(early).state == "nothing_there"
    assert area.receive(early / "absent").state == "nothing_there"
    assert all(path.is_dir() for path in (uploading, hidden, early))
    assert area.refusals() == []


def test_a_telling_folder_name_goes_no_further(area: Area) -> None:
    folder = area.capacity()
    folder.rename(folder.with_name("Ottoline Quillfeather 2015"))
    (found,) = area.find()
    assert "Quillfeather" not in str(found)
    assert area.receive(found).state == "success"


def test_the_same_delivery_again_is_cleared_away(area: Area, tmp_path: Path) -> None:
    folder = area.register()
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", folder, copy], check=True)
    area.receive(folder)
    area.connection.execute("UPDATE ops.submission SET state = 'accepted'")
    copy.rename(folder)
    assert area.receive(folder).state == "already_received"
    assert not folder.exists()
    assert area.submissions() == [("education/ehc_register/2026-03-15/1", "accepted")]


def test_a_folder_elsewhere_is_read_and_left(area: Area, tmp_path: Path) -> None:
    folder = area.capacity()
    by_hand = folder.rename(tmp_path / "by-hand")
    assert area.receive(by_hand).state == "success"
    assert (by_hand / "manifest.json").is_file()


def test_the_same_files_twice_are_recorded_and_not_loaded(area: Area) -> None:
    area.receive(area.capacity())
    again = area.capacity(sequence=2)
    outcome = area.receive(again)
    assert outcome.state == "duplicate"
    assert "FILE-030" in outcome.notes[0] and "planning/provision_capacity/2026/1" in outcome.notes[0]
    assert len(area.submissions()) == 1
    assert len(area.refusals()) == 1 and "FILE-030" in area.refusals()[0]
    assert (area.refused()[0] / "payload" / "capacity.parquet").is_file()


def test_the_same_files_are_new_after_others_and_after_a_rejection(area: Area) -> None:
    area.receive(area.capacity(40))
    assert area.receive(area.capacity(41, sequence=2)).state == "success"
    assert area.receive(area.capacity(40, sequence=3)).state == "success"
    area.connection.execute("UPDATE ops.submission SET state = 'rejected' WHERE sequence > 1")
    assert area.receive(area.capacity(41, sequence=4)).state == "success"


def test_the_same_files_are_new_under_a_new_epoch(area: Area) -> None:
    area.receive(area.register())
    keys.rotate(area.settings.hub_keys.parent, "2026b")
    assert area.receive(area.register(sequence=2)).state == "success"


def test_one_that_comes_after_its_own_correction_is_set_aside_without_alarm(area: Area) -> None:
    """Where several of one period come together they may be taken in any order; the highest number stands."""
    first = area.capacity(40, sequence=1, sealed_at=SEALED_AT)
    second = area.capacity(41, sequence=2, sealed_at=SEALED_AT + timedelta(hours=1))
    assert area.receive(second).state == "success"
    outcome = area.receive(first)
    assert outcome.state == "overtaken" and "FILE-039" in outcome.notes[0]
    assert area.refusals() == [] and len(area.refused()) == 1
    assert [name for name, _ in area.submissions()] == ["planning/provision_capacity/2026/2"]
    assert area.find() == []


def test_an_agreement_that_ends_soon_is_told_once(area: Area) -> None:
    late = date(2036, 2, 15)
    area.receive(area.capacity(40), today=late)
    outcome = area.receive(area.capacity(41, sequence=2), today=late)
    subject = "planning/provision_capacity ISA-planning-provision-capacity ends 2036-03-31"
    assert outcome.notes == [f"agreement_ending: {subject}"]
    alerts = area.connection.execute("SELECT kind, subject FROM ops.alert").fetchall()
    assert alerts == [("agreement_ending", subject)]


def test_no_alert_while_an_agreement_has_time(area: Area) -> None:
    area.receive(area.capacity())
    assert area.connection.execute("SELECT count(*) FROM ops.alert").fetchone() == (0,)


STEPS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before the linkage file": lambda patch: patch.setattr("pipelines.receive._store_linkage", _killed),
    "before the payload": lambda patch: patch.setattr("pipelines.receive.files.keep_payload", _killed),
    "within the payload": lambda patch: patch.setattr("pipelines.receive.files._copied", _killed),
    "before the payload is renamed": lambda patch: patch.setattr("pipelines.receive.files.sync", _killed),
    "before the ledger row": lambda patch: patch.setattr("pipelines.ledger.Ledger.add_submission", _killed),
    "before the landing place is cleared": lambda patch: patch.setattr("pipelines.receive.files.remove_taken", _killed),
}


def _killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", STEPS)
def test_broken_off_at_any_step_the_next_run_finishes(area: Area, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    folder = area.register()
    with monkeypatch.context() as patch:
        STEPS[step](patch)
        with pytest.raises(KeyboardInterrupt):
            area.receive(folder)
    area.connection.rollback()
    for found in area.find():
        assert area.receive(found).state == "success"
    assert area.submissions() == [("education/ehc_register/2026-03-15/1", "received")]
    form = "education__ehc_register__2026-03-15__1"
    assert [path.name for path in area.settings.received.iterdir()] == [form]
    assert pq.read_metadata(area.settings.received / form / "payload" / "register.parquet").num_rows == 2
    assert [path.name for path in area.settings.link_store.iterdir()] == [f"{form}.2026a.age"]
    assert list((area.settings.landing / "education").iterdir()) == []


def test_broken_off_while_clearing_leaves_nothing_for_good(area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("pipelines.receive.files.shutil.rmtree", _killed_when_taken)
        with pytest.raises(KeyboardInterrupt):
            area.receive(area.capacity(40))
    assert area.find() == []
    area.receive(area.capacity(41, sequence=2))
    assert list((area.settings.landing / "planning").iterdir()) == []


def _killed_when_taken(path: Path, *_: Any, **__: Any) -> None:
    if Path(path).name.startswith(".taken"):
        raise KeyboardInterrupt


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from pipelines import receive, registry
from pipelines.ledger import Ledger
from pipelines.ledger.database import connect
from pipelines.settings import Settings
settings = Settings(home=Path(sys.argv[1]), database_url=sys.argv[2])
def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
Ledger.add_submission = die
with connect(settings) as connection:
    receive.receive(settings, registry.load(), connection, Path(sys.argv[3]), today=date(2026, 4, 20))
"""


def test_a_killed_process_leaves_a_state_to_go_on_from(area: Area) -> None:
    folder = area.register()
    command = [sys.executable, "-c", KILLED, str(area.settings.home), str(area.settings.database_url), str(folder)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], check=False, env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert (area.settings.received / "education__ehc_register__2026-03-15__1").is_dir()
    assert area.submissions() == []
    assert area.find() == [folder]
    assert area.receive(folder).state == "success"


def test_a_full_disk_is_our_fault_and_loses_nothing(area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = area.capacity()

    def full(*_: Any) -> str:
        raise OSError(28, "No space left on device", "/landing/Ottoline")

    with monkeypatch.context() as patch:
        patch.setattr(files, "_copied", full)
        with pytest.raises(SystemFault, match="No space left") as caught:
            area.receive(folder)
    assert "Ottoline" not in str(caught.value)
    assert area.refusals() == []
    assert area.receive(folder).state == "success"


def test_missing_hub_keys_are_our_fault(area: Area) -> None:
    folder = area.capacity()
    (area.settings.hub_keys / "pass.key").unlink()
    with pytest.raises(SystemFault, match=r"pass\.key"):
        area.receive(folder)
    assert folder.is_dir()


def test_the_opt_out_check_is_dated_against_sealing(area: Area) -> None:
    """A delivery that waits for the hub does not grow too old; one sealed on an old check is."""
    assert area.receive(area.patients(), today=date(2026, 6, 1)).state == "success"
    stale = {"basis": "section_251", "ndoo_applied": True, "ndoo_checked_at": "2026-03-01"}
    with pytest.raises(DataFault, match="FILE-028"):
        area.receive(area.patients(sequence=2, declaration=stale), today=TODAY)
    assert SEALED_AT.date() > date(2026, 3, 22)
