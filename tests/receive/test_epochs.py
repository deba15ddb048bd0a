"""A change of the link key, from the partners' doors to person keys: nobody changes, at any step of it."""

from __future__ import annotations

import pytest

from pipelines import link
from pipelines.errors import DataFault
from pipelines.ledger import Submission
from pipelines.link import epochs
from pipelines.seal import keys
from tests.receive.conftest import Area

AGENCIES = ("education", "north_trust", "south_trust")


def _send(area: Area, sequence: int, *agencies: str) -> None:
    """Seal, receive and accept the newest delivery of each agency."""
    for agency in agencies or AGENCIES:
        # A new birth date in one row makes other files of the same children.
        upn = "A801001115001" if sequence % 2 else ""
        if agency == "education":
            area.receive(area.register(upn=upn, sequence=sequence))
        else:
            area.receive(area.patients(agency, sequence=sequence))
    area.connection.execute("UPDATE ops.submission SET state = 'integrated', accepted_at = now()")
    area.connection.commit()


def _people(area: Area) -> dict[tuple[str, ...], str]:
    """The open person key of every record, after a run of the linker."""
    link.run(area.settings, area.registry, area.connection, None)
    rows = area.connection.execute("""
        SELECT agency_code, dataset_code, record_pseudonym, person_key::text FROM link.crosswalk
        WHERE valid_to = 'infinity'""").fetchall()
    return {tuple(record): key for *record, key in rows}


def _epoch(area: Area) -> str:
    row = area.connection.execute("SELECT inputs->>'epoch' FROM link.run ORDER BY link_run_key DESC LIMIT 1").fetchone()
    return str(row[0]) if row else ""


def test_person_keys_survive_a_change_at_every_step(area: Area) -> None:
    home = area.settings.hub_keys.parent
    _send(area, 1)
    before = _people(area)
    assert len(before) == 6 and len(set(before.values())) == 2
    keys.rotate(home, "2026b")
    _send(area, 2, "education")
    assert _people(area) == before and _epoch(area) == "2026a"
    _send(area, 2, "north_trust", "south_trust")
    assert _people(area) == before and _epoch(area) == "2026b"
    keys.retire(home)
    _send(area, 3, "education")
    assert _people(area) == before and _epoch(area) == "2026b"
    kinds = area.connection.execute("SELECT DISTINCT kind FROM link.key_event").fetchall()
    assert kinds == [("new",)]


def test_both_linkage_files_are_kept_of_a_delivery_during_a_change(area: Area) -> None:
    keys.rotate(area.settings.hub_keys.parent, "2026b")
    _send(area, 1, "education")
    names = sorted(path.name for path in area.settings.link_store.glob("*.age"))
    assert names == [f"education__ehc_register__2026-03-15__1.{epoch}.age" for epoch in ("2026a", "2026b")]


def test_a_partner_that_has_only_one_of_the_keys_is_taken(area: Area) -> None:
    home = area.settings.hub_keys.parent
    late = area.register(sequence=1)
    keys.rotate(home, "2026b")
    assert area.receive(late).state == "success"
    (home / "education" / "link.2026a.key").unlink()
    assert area.receive(area.register(sequence=2)).state == "success"
    stale = area.patients("north_trust")
    for epoch in ("2026b", "2026c"):
        if epoch != "2026b":
            keys.rotate(home, epoch)
        keys.retire(home)
    with pytest.raises(DataFault, match=r"FILE-025.*2026c"):
        area.receive(stale)


def test_records_without_tokens_of_the_epoch_stay_with_their_people(area: Area) -> None:
    """A key that leaked is retired at once: until everybody has sealed again, some records cannot be compared."""
    home = area.settings.hub_keys.parent
    _send(area, 1)
    before = _people(area)
    keys.rotate(home, "2026b")
    keys.retire(home)
    _send(area, 2, "education", "north_trust")
    outcome = link.run(area.settings, area.registry, area.connection, None)
    assert any("south_trust/csds/2026-03/1" in note for note in outcome.notes)
    assert _epoch(area) == "2026b"
    assert _people(area) == before
    _send(area, 2, "south_trust")
    assert _people(area) == before


def test_the_newest_common_epoch_else_the_one_most_have(area: Area) -> None:
    store = area.settings.link_store
    store.mkdir()

    def standing(*names: str) -> list[Submission]:
        facts = dict.fromkeys(Submission.__dataclass_fields__)
        return [Submission(**facts | {"submission": name, "key_epoch": "2025a"}) for name in names]  # type: ignore[arg-type]

    for file in ("a.2026a", "a.2026b", "b.2026a", "b.2026b", "c.2026a", "d"):
        (store / f"{file}.age").touch()
    assert epochs.choose(area.settings, standing("a", "b")).epoch == "2026b"
    assert epochs.choose(area.settings, standing("a", "b", "c")).epoch == "2026a"
    mixed = epochs.choose(area.settings, standing("a", "b", "d"))
    assert mixed.epoch == "2026b" and [one.submission for one in mixed.absent] == ["d"]
    assert epochs.choose(area.settings, standing("d")).epoch == "2025a"
