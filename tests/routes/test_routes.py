"""Deliveries come in whole and once by every kind of route, and are let go of when the ledger has them."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from pipelines import routes, watch
from pipelines.agencies import Agency, FolderRoute, Secret
from pipelines.errors import DataFault, SystemFault
from pipelines.receive import landing
from pipelines.routes.files import Files
from pipelines.seal import packing
from tests.receive.conftest import Area
from tests.routes.conftest import Mesh, Routed, Sftp, contents, make_place


# ---- every kind ------------------------------------------------------------------------------------------------------
def test_a_delivery_is_fetched_received_and_then_let_go_of(routed: Routed) -> None:
    folder = routed.sealed()
    content = contents(folder)
    routed.place.send(folder)
    sha256 = hashlib.sha256(content["manifest.json"]).hexdigest()
    assert routed.fetch() == [f"planning/{sha256}"]
    landed = routed.area.settings.landing / "planning" / sha256
    assert contents(landed) == content
    assert len(routed.place.names()) == 1
    (found,) = routed.area.find("planning")
    assert routed.area.receive(found).state == "success"
    assert len(routed.place.names()) == 1
    assert routed.fetch() == []
    assert routed.place.names() == []
    assert routed.counts() == {"confirmed": 1}


def test_before_it_was_received_it_stays_and_is_not_fetched_again(routed: Routed) -> None:
    routed.place.send(routed.sealed())
    assert len(routed.fetch()) == 1
    assert routed.fetch() == []
    assert len(routed.place.names()) == 1
    assert len(routed.landed()) == 1


def test_killed_before_letting_go_nothing_comes_twice(routed: Routed, monkeypatch: pytest.MonkeyPatch) -> None:
    routed.place.send(routed.sealed())
    assert routed.take() == ["success"]

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    from pipelines.routes.mesh import Mailbox

    with monkeypatch.context() as patch:
        patch.setattr(Files, "confirm", killed)
        patch.setattr(Mailbox, "confirm", killed)
        with pytest.raises(KeyboardInterrupt):
            routed.fetch()
    assert len(routed.place.names()) == 1
    assert routed.take() == []
    assert routed.place.names() == []
    assert len(routed.area.submissions()) == 1


def test_a_route_that_repeats_a_delivery_changes_nothing(routed: Routed) -> None:
    folder = routed.sealed()
    routed.place.send(folder)
    assert routed.take() == ["success"]
    routed.fetch()
    routed.place.send(folder, "the same under another name")
    assert routed.take() == []
    assert routed.place.names() == [] and len(routed.area.submissions()) == 1


def test_killed_while_fetching_the_next_look_brings_it_whole(routed: Routed, monkeypatch: pytest.MonkeyPatch) -> None:
    routed.place.send(routed.sealed())

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(landing, "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            routed.fetch()
    assert routed.area.find("planning") == []
    assert routed.take() == ["success"]
    assert routed.landed() == []


def test_what_is_refused_is_let_go_of_too(routed: Routed) -> None:
    folder = routed.sealed()
    content = (folder / "manifest.json").read_bytes()
    (folder / "manifest.sig").write_bytes(Ed25519PrivateKey.generate().sign(content))
    routed.place.send(folder)
    with pytest.raises(DataFault, match="FILE-018"):
        routed.take()
    assert routed.take() == []
    assert routed.place.names() == []
    (note,) = routed.area.refusals()
    assert "FILE-018" in note
    assert len(routed.area.refused()) == 1


def test_an_older_period_that_comes_late_does_not_replace_a_newer_one(routed: Routed) -> None:
    routed.place.send(routed.sealed(41, period="2026"))
    assert routed.take() == ["success"]
    routed.place.send(routed.sealed(38, period="2025"))
    assert routed.take() == ["success"]
    names = [name for name, _ in routed.area.submissions()]
    assert names == ["planning/provision_capacity/2026/1", "planning/provision_capacity/2025/1"]


def test_several_at_once_are_taken_in_order_of_sequence(routed: Routed) -> None:
    for places, sequence in ((42, 3), (40, 1), (41, 2)):
        routed.place.send(routed.sealed(places, sequence=sequence))
    assert routed.take() == ["success"] * 3
    assert [name.rsplit("/")[-1] for name, _ in routed.area.submissions()] == ["1", "2", "3"]


# ---- routes of single files ------------------------------------------------------------------------------------------
def test_half_written_deliveries_are_waited_for(by_files: Routed) -> None:
    files = contents(by_files.sealed())
    table = "payload/capacity.parquet"
    steps = [
        {table: files[table]},
        {"manifest.json": files["manifest.json"][:100]},
        {"manifest.json": files["manifest.json"]},
        {"manifest.sig": files["manifest.sig"], table: files[table][:-8]},
    ]
    for step in steps:
        by_files.place.put("delivery", step)
        assert by_files.take() == []
        assert by_files.counts() == {"unfinished": 1}
        assert [name[:9] for name in by_files.landed()] == [".waiting-"]
    by_files.place.put("delivery", {table: files[table]})
    assert by_files.take() == ["success"]
    assert by_files.landed() == []


def test_names_of_unfinished_folders_are_left_alone(by_files: Routed) -> None:
    for name in ("delivery.partial", ".delivery", "delivery.filepart"):
        by_files.place.send(by_files.sealed(sequence=len(name)), name)
    assert by_files.fetch() == []
    assert len(by_files.place.names()) == 3


def test_what_stays_unfinished_is_told_by_the_watch_and_then_refused(
    by_files: Routed, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = contents(by_files.sealed())
    by_files.place.put("Ottoline Quillfeather", {n: c for n, c in files.items() if not n.startswith("payload")})
    by_files.fetch()
    settings, registry, now = by_files.area.settings, by_files.area.registry, datetime.now(UTC)
    assert landing.unfinished(settings, registry, now) == []
    (told,) = landing.unfinished(settings, registry, now + timedelta(hours=7))
    assert told == f"planning: delivery {hashlib.sha256(b'Ottoline Quillfeather').hexdigest()[:12]}"
    (mark,) = (settings.landing / "planning").glob(".waiting-*")
    long_ago = (now - timedelta(hours=7)).timestamp()
    os.utime(mark, (long_ago, long_ago))
    by_files.fetch()
    monkeypatch.setattr(landing, "OVERDUE", timedelta(0))
    with pytest.raises(DataFault, match="FILE-019"):
        by_files.take()
    by_files.fetch()
    assert by_files.place.names() == []
    assert landing.unfinished(settings, registry, now + timedelta(hours=7)) == []


def test_a_file_servers_own_files_stay_behind(by_files: Routed) -> None:
    folder = by_files.sealed()
    by_files.place.put(folder.name, contents(folder) | {".DS_Store": b"x", "payload/Thumbs.db": b"Ottoline"})
    assert by_files.take() == ["success"]
    by_files.fetch()
    assert by_files.place.names() == []


def test_a_telling_name_goes_no_further(by_files: Routed) -> None:
    by_files.place.send(by_files.sealed(), "Ottoline Quillfeather 2015")
    assert by_files.take() == ["success"]
    text = str(by_files.area.connection.execute("SELECT * FROM ops.run").fetchall()) + str(by_files.landed())
    assert "Quillfeather" not in text


# ---- what goes wrong -------------------------------------------------------------------------------------------------
@pytest.fixture
def sftp(area: Area, request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Routed:
    monkeypatch.setattr(routes, "PAUSES_SECONDS", (0.0,))
    return Routed(area, make_place("sftp", request, tmp_path, monkeypatch))


def test_a_server_with_another_key_is_not_spoken_to(sftp: Routed) -> None:
    assert isinstance(sftp.place, Sftp)
    sftp.place.send(sftp.sealed())
    other = "ssh-ed25519 " + "AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43
    sftp.use(sftp.place.route.model_copy(update={"host_key": other}))
    assert sftp.fetch() == []
    states = sftp.area.connection.execute("SELECT state, message FROM ops.run WHERE stage = 'fetch'").fetchall()
    assert len(states) == 2 and {state for state, _ in states} == {"system_fault"}
    assert all("HostKeyNotVerifiable" in message for _, message in states)
    sftp.use(sftp.place.route)
    assert sftp.take() == ["success"]


def test_a_route_that_fails_stops_no_other_and_is_told(sftp: Routed, tmp_path: Path) -> None:
    sftp.place.send(sftp.sealed())
    sftp.use(FolderRoute(path=tmp_path / "Ottoline"), "education")
    assert len(sftp.fetch("education", "planning")) == 1
    later = datetime.now(UTC) + timedelta(hours=2)
    watch.run(sftp.area.settings, sftp.area.registry, sftp.area.connection, later)
    alerts = sftp.area.connection.execute("SELECT subject FROM ops.alert WHERE kind = 'system_fault'").fetchall()
    assert alerts == [("fetch education",)]


def test_a_secret_that_is_not_there_is_named(sftp: Routed, tmp_path: Path) -> None:
    sftp.use(sftp.place.route.model_copy(update={"private_key": Secret(env="NOT_SET_ANYWHERE")}))
    sftp.fetch()
    (message,) = set(sftp.area.connection.execute("SELECT message FROM ops.run WHERE stage = 'fetch'").fetchall())
    assert message == ("the environment variable NOT_SET_ANYWHERE is not set",)
    with pytest.raises(SystemFault, match=r"absent cannot be read: No such file"):
        Secret(file=tmp_path / "absent").read()


def test_an_agency_without_a_route_of_its_own_is_left_to_the_landing_place(area: Area) -> None:
    assert area.registry.agencies["planning"].route == FolderRoute()
    assert routes.fetch(area.settings, area.registry, ["planning"]) == []
    assert area.connection.execute("SELECT count(*) FROM ops.run").fetchone() == (0,)


@pytest.mark.parametrize(
    "route",
    [{"kind": "pigeon"}, {"kind": "sftp", "host": "h"}, {"kind": "folder", "colour": "red"},
     {"kind": "s3", "bucket": "b", "access_key": "in clear", "secret_key": {"env": "A"}},
     {"kind": "s3", "bucket": "b", "access_key": {"env": "A", "file": "/b"}, "secret_key": {"env": "A"}}],
)  # fmt: skip
def test_a_route_is_strict(route: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Agency.model_validate(
            {"code": "north", "name": "North", "group": "health", "contact": "c", "datasets": ["d"], "agreements": [],
             "route": route}
        )  # fmt: skip


# ---- packed deliveries -----------------------------------------------------------------------------------------------
@pytest.fixture
def mesh(area: Area, request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Routed:
    monkeypatch.setattr(routes, "PAUSES_SECONDS", ())
    return Routed(area, make_place("mesh", request, tmp_path, monkeypatch))


def test_a_message_that_is_no_delivery_is_refused_once(mesh: Routed) -> None:
    assert isinstance(mesh.place, Mesh)
    mesh.place.message(b"Ottoline Quillfeather, 2015-03-09")
    mesh.place.send(mesh.sealed())
    assert mesh.take() == ["success"]
    (note,) = mesh.area.refusals()
    assert "FILE-037" in note and "Ottoline" not in note
    mesh.fetch()
    assert mesh.place.names() == []
    assert len(mesh.area.refusals()) == 1


def test_a_workflow_of_others_is_left_alone(mesh: Routed) -> None:
    mesh.use(mesh.place.route.model_copy(update={"workflow": "ANOTHER"}))
    mesh.place.send(mesh.sealed())
    assert mesh.fetch() == []
    assert len(mesh.place.names()) == 1


def test_packing_keeps_nothing_of_who_packed_and_is_the_same_each_time(area: Area) -> None:
    folder = area.capacity()
    packed = packing.pack(folder)
    first = packed.read_bytes()
    with tarfile.open(packed) as archive:
        assert {(m.uid, m.gid, m.uname, m.mtime) for m in archive} == {(0, 0, "", 0)}
    assert packing.pack(folder).read_bytes() == first


def _archive(*members: tuple[str, bytes | str]) -> bytes:
    """A tar; text as content makes a link to it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"no tar at all" * 100,
        _archive(("../manifest.json", b"{}")),
        _archive(("/etc/manifest.json", b"{}")),
        _archive(("manifest.json", "/etc/passwd")),
        _archive(("manifest.json", b"{}"), ("manifest.json", b"{}")),
        _archive(("payload/notes.txt", b"x")),
        _archive(*((f"payload/t{n}.parquet", b"") for n in range(packing.MOST_FILES + 1))),
        _archive(("manifest.json", b"{}" * 400))[:700],
    ],
)
def test_what_is_no_packed_delivery_writes_nothing_outside(packed: bytes, tmp_path: Path) -> None:
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(DataFault, match="FILE-037"):
        packing.unpack(io.BytesIO(packed), into)
    assert {path.name for path in tmp_path.iterdir()} == {"into"}


def test_one_larger_than_any_submission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MOST_BYTES", 10)
    with pytest.raises(DataFault, match="FILE-037"):
        packing.unpack(io.BytesIO(_archive(("manifest.json", b"{}" * 6))), tmp_path)
