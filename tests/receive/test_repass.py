"""The hub exchanges its own pass key alone: other tokens, the same people, and a kill at any step does no harm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from pipelines.errors import SystemFault, UsageFault
from pipelines.ledger import Ledger
from pipelines.link.tokens import COLUMNS, read, small
from pipelines.receive.rekey import back, closed, opened, passed
from pipelines.receive.repass import repass
from pipelines.seal.keys import HubKeys
from pipelines.seal.tokens import TOKEN
from tests.receive.conftest import Area


def _tables(area: Area) -> dict[str, pa.Table]:
    keys = HubKeys.load(area.settings.hub_keys)
    return {path.name: opened(path.read_bytes(), keys) for path in sorted(area.settings.link_store.glob("*.age"))}


def _groups(tables: dict[str, pa.Table]) -> list[list[int]]:
    """Which rows of all tables share a birth date and an NHS number: what must not change."""
    found = []
    for name in ("birth_date", "nhs_number"):
        values = [value for table in tables.values() for value in table.column(name).to_pylist()]
        found.append([values.index(value) for value in values])
    return found


@pytest.fixture
def filled(area: Area) -> Area:
    area.receive(area.register())
    area.receive(area.patients("north_trust"))
    return area


def _repass(area: Area) -> int:
    return repass(area.settings.link_store, area.settings.hub_keys)


def test_every_token_changes_and_equal_ones_stay_equal(filled: Area) -> None:
    before, key = _tables(filled), HubKeys.load(filled.settings.hub_keys).pass_key
    assert _repass(filled) == 2
    after = _tables(filled)
    assert HubKeys.load(filled.settings.hub_keys).pass_key != key
    assert list(before) == list(after) and _groups(before) == _groups(after)
    for name, table in before.items():
        for column in ("surname", "birth_date", "nhs_number"):
            assert not set(table.column(column).drop_null().to_pylist()) & set(after[name].column(column).to_pylist())
        assert table.column("record_pseudonym").equals(after[name].column("record_pseudonym"))
    assert not list(filled.settings.link_store.glob(".repass"))


def test_what_comes_afterwards_compares_with_what_was_there(filled: Area) -> None:
    _repass(filled)
    filled.receive(filled.patients("south_trust"))
    tables = _tables(filled)
    north, south = (next(t for name, t in tables.items() if name.startswith(trust)) for trust in ("north", "south"))
    assert north.column("nhs_number").to_pylist() == south.column("nhs_number").to_pylist()


@pytest.mark.parametrize(
    "step",
    ["durable.write", "durable.sync", "shutil.rmtree", "_fingerprint", "closed", "the first rename", "the last step"],
)
def test_broken_off_at_any_step_it_is_finished_by_calling_it_again(
    filled: Area, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    groups, old = _groups(_tables(filled)), HubKeys.load(filled.settings.hub_keys).pass_key
    renamed: list[Path] = []
    rename = Path.rename

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    def killed_at_the_second(path: Path, target: Path) -> Path:
        if path.suffix == ".age" and path.parent.name == ".repass":
            renamed.append(path)
            if len(renamed) > 1:
                raise KeyboardInterrupt
        return rename(path, target)

    def killed_at_the_end(path: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if step == "the last step":
            patch.setattr("pipelines.receive.repass.shutil.rmtree", killed_at_the_end)
        elif step == "the first rename":
            patch.setattr(Path, "rename", killed_at_the_second)
        else:
            patch.setattr(f"pipelines.receive.repass.{step}", killed)
        with pytest.raises(KeyboardInterrupt):
            _repass(filled)
    _repass(filled)
    assert _groups(_tables(filled)) == groups
    assert HubKeys.load(filled.settings.hub_keys).pass_key != old
    assert not (filled.settings.link_store / ".repass").exists()


def _as_before(area: Area, path: Path) -> None:
    """Write a linkage file of the link store as the hub did when its tokens had 32 bytes."""
    keys = HubKeys.load(area.settings.hub_keys)
    siv, was = AESSIV(keys.pass_key), back(keys.pass_key)

    def changed(column: pa.Array) -> pa.Array:
        written = [token and siv.encrypt(token, None) for token in was(column).to_pylist()]
        return pa.array(written, pa.binary(32))

    table, columns = opened(path.read_bytes(), keys), {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if column.type == TOKEN:
            column = changed(column)
        elif column.type == pa.list_(TOKEN):
            column = pa.ListArray.from_arrays(column.offsets, changed(column.values), mask=column.is_null())
        columns[name] = column
    path.write_bytes(closed(pa.table(columns), keys))


def test_tokens_of_an_earlier_version_come_out_as_those_of_today(filled: Area) -> None:
    """Until then the linker refuses the file and names the command; a file of today beside it is taken as it is."""
    before, path = _tables(filled), next(filled.settings.link_store.glob("education__*.age"))
    _as_before(filled, path)
    keys, submission = (
        HubKeys.load(filled.settings.hub_keys),
        Ledger(filled.connection).submission("education/ehc_register/2026-03-15/1"),
    )
    with pytest.raises(SystemFault, match="`joint-needs keys repass`"):
        small(read(path, keys, submission, COLUMNS))
    assert _tables(filled)[path.name].schema.field("birth_date").type == pa.binary(32)
    assert _repass(filled) == 2
    after, new = _tables(filled), HubKeys.load(filled.settings.hub_keys)
    assert small(read(path, new, submission, COLUMNS)).num_rows == before[path.name].num_rows
    assert _groups(before) == _groups(after)
    for name, table in after.items():
        partners = passed(table, {TOKEN: back(new.pass_key)})
        assert partners.equals(passed(before[name], {TOKEN: back(keys.pass_key)}))


def test_meanwhile_nothing_else_uses_the_hubs_keys(filled: Area) -> None:
    HubKeys.load_for_new_pass(filled.settings.hub_keys)
    with pytest.raises(UsageFault, match="keys repass"):
        HubKeys.load(filled.settings.hub_keys)
    _repass(filled)
    assert HubKeys.load(filled.settings.hub_keys).epoch == "2026a"
