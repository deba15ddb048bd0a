"""Each reason for which a delivery is refused: its own clear error, told once, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyrage
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pipelines.errors import DataFault
from pipelines.seal import keys
from pipelines.seal.manifest import sha256_of
from tests.receive.conftest import DECLARATION, SEALED_AT, TODAY, Area

Send = Callable[[Area], Path]


def _unknown_signer(area: Area) -> Path:
    folder = area.capacity()
    content = (folder / "manifest.json").read_bytes()
    (folder / "manifest.sig").write_bytes(Ed25519PrivateKey.generate().sign(content))
    return folder


def _unregistered_signer(area: Area) -> Path:
    (area.settings.hub_keys / "trusted" / "planning.pub").unlink()
    return area.capacity()


def _changed_manifest(area: Area) -> Path:
    folder = area.capacity()
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"sequence": 1', '"sequence": 9'))
    return folder


def _changed_payload(area: Area) -> Path:
    folder = area.capacity()
    path = folder / "payload" / "capacity.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"0")
    return folder


def _missing_payload(area: Area) -> Path:
    folder = area.capacity()
    (folder / "payload" / "capacity.parquet").unlink()
    return folder


def _extra_file(area: Area) -> Path:
    folder = area.capacity()
    (folder / "payload" / "notes.txt").write_text("Ottoline Quillfeather")
    return folder


def _wrong_row_count(area: Area) -> Path:
    return area.resign(area.capacity(), lambda m: m["tables"]["capacity"].update(rows=2, rows_in=2))


def _not_json(area: Area) -> Path:
    folder = area.capacity()
    (folder / "manifest.json").write_text("{ Ottoline")
    return folder


def _claims(**claims: Any) -> Send:
    return lambda area: area.resign(area.capacity(), lambda m: m.update(claims))


def _in_the_wrong_folder(area: Area) -> Path:
    folder = area.capacity()
    place = area.settings.landing / "education"
    place.mkdir(parents=True)
    return folder.rename(place / folder.name)


def _other_epoch(area: Area) -> Path:
    folder = area.register()
    keys.rotate(area.settings.hub_keys.parent, "2026b")
    keys.retire(area.settings.hub_keys.parent)
    return folder


def _linkage(area: Area, change: Callable[[pa.Table], pa.Table], recipient: Any = None) -> Path:
    """A delivery whose linkage file was made by something else than the door."""
    folder = area.register()
    hub = keys.HubKeys.load(area.settings.hub_keys)
    path = folder / "linkage.2026a.age"
    table = change(pq.read_table(pa.BufferReader(pyrage.decrypt(path.read_bytes(), [hub.linker]))))
    clear = pa.BufferOutputStream()
    pq.write_table(table, clear)
    path.write_bytes(pyrage.encrypt(clear.getvalue().to_pybytes(), [recipient or hub.linker.to_public()]))
    return area.resign(folder, lambda m: m["linkage"]["2026a"].update(sha256=sha256_of(path)))


def _names_as_tokens(area: Area) -> Path:
    names = pa.array(["Ottoline", "Barnaby"])
    return _linkage(area, lambda t: t.set_column(t.column_names.index("forename"), "forename", names))


def _other_linker(area: Area) -> Path:
    return _linkage(area, lambda t: t, pyrage.x25519.Identity.generate().to_public())


def _fewer_linkage_rows(area: Area) -> Path:
    return _linkage(area, lambda t: t.slice(0, 1))


def _without_linkage(area: Area) -> Path:
    folder = area.register()
    (folder / "linkage.2026a.age").unlink()
    return area.resign(folder, lambda m: m.update(linkage={}))


def _replayed(area: Area) -> Path:
    """Sealed after the newer number was, as where a partner lost its list of numbers, or put into another sequence."""
    area.receive(area.capacity(40, sequence=3))
    return area.capacity(41, sequence=2, sealed_at=SEALED_AT + timedelta(days=1))


def _declares(**changes: Any) -> Send:
    return lambda area: area.patients(declaration={**DECLARATION, **changes})


def _silent_on(field: str) -> Send:
    """A manifest that the door did not write: the door itself states the basis of the agreement."""
    return lambda area: area.resign(area.patients(), lambda m: m["declaration"].update({field: None}))


CASES: dict[str, tuple[str, str, Send]] = {
    "unknown agency": ("FILE-020", "not known here", _claims(agency="Ottoline")),
    "another agency's folder": ("FILE-020", "own folder", _in_the_wrong_folder),
    "no JSON": ("FILE-020", "not known here", _not_json),
    "no key of the sender": ("FILE-021", "no signing key of planning", _unregistered_signer),
    "signed by another key": ("FILE-018", "not signed by this sender's key", _unknown_signer),
    "manifest changed after signing": ("FILE-018", "changed after signing", _changed_manifest),
    "payload changed": ("FILE-019", "changed after sealing", _changed_payload),
    "payload missing": ("FILE-019", "missing", _missing_payload),
    "a file too many": ("FILE-019", "not named in the manifest", _extra_file),
    "row counts": ("FILE-019", "number of rows of table capacity", _wrong_row_count),
    "an older format": ("FILE-022", r"format 3\. Install .* or newer\. Then seal", _claims(format=1)),
    "a newer format": ("FILE-022", r"format 3\. Ask the hub", _claims(format=4)),
    "dataset not declared": ("FILE-023", "provision_capacity", _claims(dataset="ehc_register")),
    "period": ("FILE-008", "2025-spring", _claims(period="last month")),
    "contract version": ("FILE-024", "another version of the provision_capacity contract", _claims(contract_hash="0")),
    "key epoch": ("FILE-025", r"the current one is 2026b\. Put link\.2026b\.key", _other_epoch),
    "opt-out not applied": ("FILE-028", "ndoo_applied true", _declares(ndoo_applied=False)),
    "opt-out checked too long ago": ("FILE-028", "at most 21 days", _declares(ndoo_checked_at="2026-03-24")),
    "opt-out checked after sealing": ("FILE-028", "before sealing", _declares(ndoo_checked_at="2026-04-17")),
    "opt-out date unreadable": ("FILE-028", "before sealing", _declares(ndoo_checked_at="in April")),
    "another basis": ("FILE-028", "basis section_251", _declares(basis="consent")),
    "no basis": ("FILE-028", "basis section_251", _silent_on("basis")),
    "opt-outs not counted": ("FILE-028", "opted_out_count", _declares(opted_out_count=None)),
    "no support declared": ("FILE-027", "not the one of the agreement", _silent_on("cag_ref")),
    "no end of the support declared": ("FILE-027", "has ended", _silent_on("cag_expires")),
    "support declared as ended": ("FILE-027", "has ended", _declares(cag_expires="2026-04-01")),
    "another support": ("FILE-027", "not the one of the agreement", _declares(cag_ref="20/CAG/9999")),
    "replayed sequence": ("FILE-029", "not newer than number 3", _replayed),
    "names in place of tokens": ("FILE-031", "does not hold what the door writes", _names_as_tokens),
    "sealed to another linker": ("FILE-031", "does not open", _other_linker),
    "linkage rows missing": ("FILE-031", "does not hold", _fewer_linkage_rows),
    "linkage file missing": ("FILE-019", "linkage file", _without_linkage),
}


@pytest.mark.parametrize("case", CASES)
def test_refused_with_its_reason_and_nothing_lost(area: Area, case: str) -> None:
    code, sentence, send = CASES[case]
    folder = send(area)
    before = _content(folder)
    taken = area.submissions()
    with pytest.raises(DataFault, match=sentence) as caught:
        area.receive(folder)
    assert caught.value.rule == code
    assert area.submissions() == taken
    (note,) = area.refusals()
    assert code in note
    assert "Ottoline" not in note and folder.name not in note
    (kept,) = area.refused()
    assert _content(kept) == before
    assert area.find() == []
    if area.settings.link_store.exists():
        assert not any(path.name.startswith(".") for path in area.settings.link_store.iterdir())


def _content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_no_agreement_before_it_starts_and_after_it_ends(area: Area) -> None:
    for today in (date(2024, 3, 31), date(2036, 4, 1)):
        with pytest.raises(DataFault, match=r"FILE-026.*No sharing agreement covers provision_capacity"):
            area.receive(area.capacity(), today=today)
    assert area.receive(area.capacity(), today=date(2024, 4, 1)).state == "success"


def test_support_that_has_ended_stops_a_flow_whose_agreement_has_not(area: Area) -> None:
    agency = area.registry.agencies["north_trust"]
    ended = agency.agreements[0].model_copy(update={"cag_expires": date(2026, 4, 19)})
    changed = agency.model_copy(update={"agreements": (ended,)})
    area.registry = replace(area.registry, agencies={**area.registry.agencies, "north_trust": changed})
    with pytest.raises(DataFault, match="FILE-027"):
        area.receive(area.patients(), today=TODAY)


def test_a_refusal_is_told_once(area: Area) -> None:
    folder = area.capacity()
    for _ in range(2):
        with pytest.raises(DataFault):
            area.receive(folder, today=date(2036, 4, 1))
        (folder_again,) = area.refused()
        folder_again.rename(folder)
    assert len(area.refusals()) == 1


def test_what_was_refused_can_be_received_once_the_reason_is_gone(area: Area) -> None:
    with pytest.raises(DataFault):
        area.receive(area.capacity(), today=date(2024, 3, 31))
    (kept,) = area.refused()
    assert area.receive(kept).state == "success"
    assert area.refused() == []


def test_broken_off_between_telling_and_setting_aside(area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _unknown_signer(area)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.receive.files.set_aside", killed)
        with pytest.raises(KeyboardInterrupt):
            area.receive(folder)
    assert area.find() == [folder]
    with pytest.raises(DataFault, match="FILE-018"):
        area.receive(folder)
    assert len(area.refusals()) == 1


def test_a_linked_file_is_not_followed(area: Area, tmp_path: Path) -> None:
    folder = area.capacity()
    path = folder / "payload" / "capacity.parquet"
    path.rename(tmp_path / "outside.parquet")
    path.symlink_to(tmp_path / "outside.parquet")
    with pytest.raises(DataFault, match="FILE-019"):
        area.receive(folder)


def test_the_run_is_recorded_as_the_suppliers_fault(area: Area) -> None:
    with pytest.raises(DataFault):
        area.receive(_unknown_signer(area))
    rows = area.connection.execute("SELECT state, message FROM ops.run").fetchall()
    assert [(state, message[:8]) for state, message in rows] == [("data_fault", "FILE-018")]


def test_a_manifest_exchanged_under_our_hands(area: Area, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read first is not what was verified: nothing of it is used."""
    folder = area.capacity(40)
    first = json.loads((folder / "manifest.json").read_text())
    monkeypatch.setattr("pipelines.receive.checks.json.loads", lambda _: {**first, "sequence": 7})
    with pytest.raises(DataFault, match="FILE-019"):
        area.receive(folder)


def test_public_keys_are_what_is_trusted(area: Area) -> None:
    """A partner whose key was replaced at the hub is refused until it signs with the new one."""
    fresh = Ed25519PrivateKey.generate().public_key()
    pem = fresh.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (area.settings.hub_keys / "trusted" / "planning.pub").write_bytes(pem)
    with pytest.raises(DataFault, match="FILE-018"):
        area.receive(area.capacity())
