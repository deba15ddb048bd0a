"""The landing place: half-written deliveries are waited for, and what belongs to nobody is told."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from pipelines import receive, watch
from pipelines.errors import DataFault
from pipelines.receive import landing
from tests.receive.conftest import Area

NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=7)


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "payload/capacity.parquet"])
def test_a_delivery_is_taken_when_the_last_byte_is_there(area: Area, name: str) -> None:
    folder = area.capacity()
    path = folder / name
    whole = path.read_bytes()
    for content in (None, b"", whole[: len(whole) // 2], whole[:-1]):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        assert area.find() == []
    path.write_bytes(whole)
    assert area.find() == [folder]
    assert area.receive(folder).state == "success"


def test_what_never_becomes_whole_is_refused_after_some_hours(area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = area.capacity()
    (folder / "payload" / "capacity.parquet").unlink()
    assert area.find() == []
    # By hand nobody waits.
    assert receive.find(area.settings, area.registry, ["planning"], wait=False) == [folder]
    monkeypatch.setattr(landing, "OVERDUE", timedelta(0))
    assert area.find() == [folder]
    with pytest.raises(DataFault, match="FILE-019"):
        area.receive(folder)


def test_what_stands_unfinished_is_told_and_forgotten_when_it_is_whole(area: Area) -> None:
    folder = area.capacity()
    path = folder / "manifest.json"
    path.rename(folder / "manifest.json.filepart")
    uploading = area.capacity(41, sequence=2).rename(folder.with_name("Ottoline.partial"))
    assert landing.unfinished(area.settings, area.registry, NOW) == []
    told = {f"planning: delivery {_short(name)}" for name in (folder.name, uploading.name)}
    assert set(landing.unfinished(area.settings, area.registry, LATER)) == told
    (folder / "manifest.json.filepart").rename(path)
    uploading.rename(folder.with_name("Ottoline"))
    assert landing.unfinished(area.settings, area.registry, LATER) == []


def test_what_is_nobodys_is_told_by_its_hash(area: Area) -> None:
    area.capacity()
    (area.settings.landing / "Ottoline Quillfeather").mkdir()
    (area.settings.landing / ".refused").mkdir()
    (area.settings.landing / "stray.csv").write_text("x")
    told = {f"landing place: {_short(name)}" for name in ("Ottoline Quillfeather", "stray.csv")}
    assert set(landing.of_nobody(area.settings, area.registry)) == told
    watch.run(area.settings, area.registry, area.connection, NOW)
    query = "SELECT subject FROM ops.alert WHERE kind = 'unknown_sender' AND cleared_at IS NULL"
    assert {subject for (subject,) in area.connection.execute(query)} == told
    (area.settings.landing / "stray.csv").unlink()
    watch.run(area.settings, area.registry, area.connection, NOW)
    assert len(area.connection.execute(query).fetchall()) == 1


def test_an_empty_hub_has_nothing_to_tell(area: Area) -> None:
    assert landing.of_nobody(area.settings, area.registry) == []
    assert landing.unfinished(area.settings, area.registry, LATER) == []
