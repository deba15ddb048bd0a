"""The door as a service: what is whole is sealed and its raw files go; what is not stays, and a note says why.

The service runs as its own process, under a user of its own where the tests may take one.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Event

import pytest

from pipelines.seal import HubKeys, keys, verify
from pipelines.seal.service import Service, is_well
from tests.seal.parts import REGISTRY, register

ROOT = Path(__file__).resolve().parents[2]


class Door:
    """A service's folders and what it said."""

    def __init__(self, home):
        self.drop, self.keys, self.out = home / "drop", home / "keys", home / "out"
        for folder in (self.drop, self.out):
            folder.mkdir()
        keys.new_area(self.keys, ["education", "north_trust"], "2026a")
        self.said = []
        self.service = Service(self.drop, self.keys, self.out, REGISTRY, None, 0, self.said.append)

    def lay(self, *rows, place="education/ehc_register/2026-03-15", name="ehc_register.csv"):
        folder = self.drop / place
        folder.mkdir(parents=True, exist_ok=True)
        return register(folder, *(rows or ({},)), name=name)

    def sealed(self):
        return sorted(path.relative_to(self.out).as_posix() for path in self.out.glob("*/*"))


@pytest.fixture
def door(tmp_path):
    before = os.umask(0o022)
    yield Door(tmp_path)
    os.umask(before)  # the service sets its own


def test_a_delivery_is_sealed_and_its_raw_files_go(door):
    raw = door.lay()
    assert door.service.look() == 1
    assert door.sealed() == ["education/ehc_register__2026-03-15__1"]
    folder = door.out / door.sealed()[0]
    public = HubKeys.load(door.keys / "hub").trusted["education"]
    assert verify(folder, public)["tables"]["register"]["rows"] == 1
    assert not raw.exists() and not (door.drop / "education/ehc_register").exists()
    assert (door.drop / "education").is_dir()
    assert door.service.look() == 0


def test_a_correction_gets_the_next_number_though_the_hub_took_the_first(door):
    door.lay()
    door.service.look()
    shutil.rmtree(door.out / door.sealed()[0])
    door.lay({"status": "assessed"})
    door.service.look()
    assert door.sealed() == ["education/ehc_register__2026-03-15__2"]


def test_files_that_still_change_are_waited_for(door):
    raw = door.lay()
    door.service.settle_seconds = 3600
    os.utime(raw, (0, 0))  # as a copy that keeps the time of the original
    assert door.service.look() == 0
    door.service.settle_seconds = 0
    part = raw.rename(raw.with_name("ehc_register.csv.part.filepart"))
    assert door.service.look() == 0
    part.rename(raw)
    assert door.service.look() == 1


def test_a_refusal_leaves_the_files_and_a_note_without_values(door):
    raw = door.lay()
    raw.write_text(raw.read_text().replace("birth_date", "born").replace("surname", "family"))
    before = raw.read_bytes()
    assert door.service.look() == 0
    note = (raw.parent / "REFUSED.txt").read_text()
    assert "not sealed, and nothing was sent" in note
    assert not any(word in note for word in ("Neill", "Zoë", "2012", "ehc_register.csv"))
    assert raw.read_bytes() == before and door.sealed() == []
    assert door.said and "FILE-" in door.said[0]
    door.said.clear()
    assert door.service.look() == 0 and door.said == []  # nothing changed, nothing is said again
    door.lay()
    assert door.service.look() == 1
    assert not raw.parent.exists()


def test_files_of_another_dataset_among_them_stop_it(door):
    raw = door.lay()
    (raw.parent / "notes.csv").write_text("day,remark\n1,Zoë\n")
    assert door.service.look() == 0
    assert "1 of 2 files hold no table" in (raw.parent / "REFUSED.txt").read_text()
    assert raw.exists()


@pytest.mark.parametrize(
    ("place", "code"),
    [("Ottoline/ehc_register/2026-03", "FILE-035"), ("education/nothing/2026-03", "FILE-035"),
     ("north_trust/ehc_register/2026-03", "FILE-035"), ("education/ehc_register/Ottoline", "FILE-008")],
)  # fmt: skip
def test_folders_that_are_named_wrongly(door, place, code):
    raw = door.lay(place=place)
    assert door.service.look() == 0
    assert raw.exists() and (raw.parent / "REFUSED.txt").exists()
    assert door.said == [said for said in door.said if code in said and "Ottoline" not in said] != []


def test_the_declaration_goes_into_the_manifest(door):
    door.lay()
    (door.drop / "education/ehc_register/2026-03-15/declaration.json").write_text('{"basis": "consent"}')
    door.service.look()
    manifest = json.loads((door.out / door.sealed()[0] / "manifest.json").read_text())
    assert manifest["declaration"]["basis"] == "consent"
    assert not list(door.drop.rglob("declaration.json"))


@pytest.mark.parametrize("text", ["{", "[1]", '{"colour": "red"}'])
def test_a_declaration_that_is_none(door, text):
    raw = door.lay()
    (raw.parent / "declaration.json").write_text(text)
    assert door.service.look() == 0
    assert "FILE-036" in door.said[0]


def test_missing_keys_are_ours_and_tried_again_after_a_pause(door):
    door.service.settle_seconds = 0.05
    raw = door.lay()
    record = door.keys / "education" / "record.key"
    record.rename(door.keys / "aside")
    time.sleep(0.1)
    assert door.service.look() == 0
    assert "tried again" in door.said[0]
    assert raw.exists() and not (raw.parent / "REFUSED.txt").exists()
    assert door.service.look() == 0 and len(door.said) == 1
    (door.keys / "aside").rename(record)
    time.sleep(0.1)
    assert door.service.look() == 1


def test_killed_before_the_raw_files_were_deleted_nothing_is_sent_twice(door, monkeypatch):
    raw = door.lay()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.seal.service._clear", killed)
        with pytest.raises(KeyboardInterrupt):
            door.service.look()
    assert raw.exists()
    assert Service(door.drop, door.keys, door.out, REGISTRY, None, 0).look() == 0
    assert not raw.exists() and door.sealed() == ["education/ehc_register__2026-03-15__1"]


def test_links_are_not_followed(door, tmp_path):
    outside = register(tmp_path, {}, name="outside.csv")
    place = door.drop / "education/ehc_register/2026-03-15"
    place.mkdir(parents=True)
    (place / "ehc_register.csv").symlink_to(outside)
    assert door.service.look() == 0 and door.sealed() == []
    assert outside.exists()


def test_a_landing_place_shared_with_a_group_gets_folders_for_the_group(door):
    (door.out / "education").mkdir()
    (door.out / "education").chmod(0o2770)
    door.lay()
    door.service.look()
    folder = door.out / door.sealed()[0]
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o770 if path.is_dir() else 0o660), path


def test_elsewhere_a_sealed_folder_is_its_owners_alone(door):
    door.lay()
    door.service.look()
    folder = door.out / door.sealed()[0]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.rglob("*")))


# ---- as a process ----------------------------------------------------------------------------------------------------
# What the program reads of itself may be out of another user's reach: everything is loaded, and used once, beforehand.
AS_NOBODY = """
import os, sys
from pathlib import Path
from pipelines import registry
from pipelines.cli import app
from pipelines.seal import service, throwaway
with throwaway([Path(sys.argv[1])], registry=registry.load(), period="2026-03-15"):
    pass
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(int(sys.argv[2])), os.setuid(int(sys.argv[2]))
app(sys.argv[3:])
"""


@pytest.fixture
def open_home():
    """A folder that another user can reach, unlike those of the test runner."""
    home = Path(tempfile.mkdtemp(prefix="joint-needs-door-"))
    home.chmod(0o755)
    yield home
    shutil.rmtree(home)


def test_the_service_runs_until_it_is_told_to_stop(open_home):
    door = Door(open_home)
    raw = door.lay()
    user = 65534 if os.geteuid() == 0 else os.geteuid()
    if os.geteuid() == 0:
        for path in (open_home, *open_home.rglob("*")):
            os.chown(path, user, user)
    options = ["--drop", door.drop, "--keys", door.keys, "--out", door.out, "--settle", "0", "--poll", "0.2"]
    command = [sys.executable, "-c", AS_NOBODY, raw, str(user), "door", "serve", *options]
    process = subprocess.Popen([*map(str, command)], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while raw.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
    finally:
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 0, said
    assert not raw.exists(), said
    assert is_well(door.drop, 60)
    assert "education/ehc_register/2026-03-15/1: sealed, 1 rows" in said and "Neill" not in said
    assert (door.out / door.sealed()[0]).stat().st_uid == user


def test_health_tells_a_service_that_has_stopped_looking(door):
    assert not is_well(door.drop, 60)
    stopped = Event()
    stopped.set()
    door.service.serve(stopped, 60)
    assert is_well(door.drop, 60)
    os.utime(door.drop / ".heartbeat", (0, 0))
    assert not is_well(door.drop, 60)


def test_what_a_killed_sealing_left_is_cleared_away_at_the_start(door):
    leftover = door.out / "education" / ".ehc_register__2026-03-15__1.abc"
    leftover.mkdir(parents=True)
    stopped = Event()
    stopped.set()
    door.service.serve(stopped, 60)
    assert not leftover.exists()
