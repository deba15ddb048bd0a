"""The hub's second pass: deterministic, unlike the partners' tokens, comparable across partners and columns."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pyrage
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from pipelines.receive.rekey import back, forth, passed
from pipelines.seal import keys
from pipelines.seal.tokens import TOKEN, subkey
from tests.receive.conftest import Area

PLAIN = (
    "record_pseudonym",
    "source_row",
    "sex",
    "is_birth_day_unknown",
    "is_forename_initial",
    "is_protected",
    "birth_parts",
)


def _open(area: Area, path: Path) -> pa.Table:
    linker = keys.HubKeys.load(area.settings.hub_keys).linker
    return pq.read_table(pa.BufferReader(pyrage.decrypt(path.read_bytes(), [linker])))


def _values(table: pa.Table, *but: str) -> set[str]:
    found: set[str] = set()
    for name in set(table.column_names) - set(but):
        for value in table.column(name).to_pylist():
            found |= set(value) if isinstance(value, list) else {value}
    return found - {None}


def test_every_token_is_another_one_and_the_rest_is_as_it_was(area: Area) -> None:
    folder = area.register(upn="A801001115001")
    before = _open(area, folder / "linkage.2026a.age")
    area.receive(folder)
    after = _open(area, area.settings.link_store / "education__ehc_register__2026-03-15__1.2026a.age")
    assert after.schema.names == before.schema.names
    assert after.select(PLAIN).equals(before.select(PLAIN))
    assert _values(before, *PLAIN)
    assert not _values(before, *PLAIN) & _values(after, *PLAIN)
    assert len(_values(before, *PLAIN)) == len(_values(after, *PLAIN))
    for name in before.column_names:
        assert after.column(name).null_count == before.column(name).null_count, name


def test_equal_children_stay_equal_across_partners_and_nights(area: Area) -> None:
    area.receive(area.register())
    area.receive(area.patients("north_trust"))
    area.receive(area.patients("south_trust", period="2026-02"))
    store = area.settings.link_store
    register = _open(area, store / "education__ehc_register__2026-03-15__1.2026a.age")
    north = _open(area, store / "north_trust__csds__2026-03__1.2026a.age")
    south = _open(area, store / "south_trust__csds__2026-02__1.2026a.age")
    for name in ("birth_date", "postcode", "nhs_number"):
        assert register.column(name).to_pylist() == north.column(name).to_pylist() == south.column(name).to_pylist()
    assert register.column("birth_date").null_count == 0


def test_another_hub_makes_other_tokens(area: Area) -> None:
    area.receive(area.register())
    here = _open(area, area.settings.link_store / "education__ehc_register__2026-03-15__1.2026a.age")
    elsewhere = area.settings.home / "elsewhere"
    keys.new_area(elsewhere, ["education"], "2026a")
    (elsewhere / "hub" / "pass.key").replace(area.settings.hub_keys / "pass.key")
    area.receive(area.register(upn="A801001115001", sequence=2))
    there = _open(area, area.settings.link_store / "education__ehc_register__2026-03-15__2.2026a.age")
    assert not _values(here, *PLAIN) & _values(there, *PLAIN)


def test_a_former_surname_still_compares_with_a_surname(area: Area) -> None:
    text = (
        "la_id,upn,surname,former_surname,forename,birth_date,status\n"
        "LA1,,Marchbanks,Quillfeather,Ottoline,2015-03-09,plan\nLA2,,Quillfeather,,Barnaby,2012-10-30,plan\n"
    )
    area.receive(area.send("education", "ehc_register", text, period="2026-03-15"))
    table = _open(area, area.settings.link_store / "education__ehc_register__2026-03-15__1.2026a.age")
    assert table.column("other_surnames").to_pylist()[0] == [table.column("surname").to_pylist()[1]]


def test_the_stored_file_is_readable_by_the_linker_alone(area: Area) -> None:
    folder = area.register()
    area.receive(folder)
    stored = (area.settings.link_store / "education__ehc_register__2026-03-15__1.2026a.age").read_bytes()
    assert stored.startswith(b"age-encryption.org")
    assert b"forename" not in stored


def test_each_token_is_one_block_of_aes_wherever_it_lies() -> None:
    """In columns with gaps, in parts of columns, in lists; NULL stays NULL; the hub's key turns all of it back."""
    key, pseudonym = bytes(range(64)), "0" * 32
    blocks = Cipher(AES(subkey(key, "pass")), ECB())  # noqa: S305 - one block

    def one(token: bytes | None) -> bytes | None:
        return None if token is None else blocks.encryptor().update(token)

    tokens = [b"a" * 16, None, bytes(range(16)), b"a" * 16, None, b"z" * 16]
    several = [tokens[:1], None, [], [b"q" * 16, None], tokens[2:4], [None]]
    whole = pa.table({
        "record_pseudonym": [pseudonym] * 6, "surname": pa.array(tokens, TOKEN), "upn": pa.nulls(6, TOKEN),
        "address": pa.array(several, pa.list_(TOKEN)),
    })  # fmt: skip
    assert whole["surname"].null_count == 2
    for table in (whole, whole.slice(1), whole.slice(2, 3), pa.concat_tables([whole, whole.slice(3)]), whole[:0]):
        made = passed(table, {TOKEN: forth(key)})
        made.validate(full=True)
        assert made.schema == table.schema
        assert made["surname"].to_pylist() == [one(token) for token in table["surname"].to_pylist()]
        asked = [tokens and [one(token) for token in tokens] for tokens in table["address"].to_pylist()]
        assert made["address"].to_pylist() == asked
        assert made["upn"].null_count == len(table)
        assert passed(made, {TOKEN: back(key)}).equals(table)
