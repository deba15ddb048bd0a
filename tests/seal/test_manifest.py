"""A sealed folder is the sender's own, whole and unchanged, or it is refused."""

import json

import pytest

from pipelines.errors import DataFault
from pipelines.seal import verify
from tests.seal.parts import register


@pytest.fixture
def sealed(area, tmp_path):
    return area.seal(register(tmp_path, {}, {"la_id": "2"}))


def refused(area, sealed, agency="education"):
    with pytest.raises(DataFault) as caught:
        verify(sealed.folder, area.hub.trusted[agency])
    return caught.value.rule


def test_what_was_sealed_verifies(area, sealed):
    assert verify(sealed.folder, area.hub.trusted["education"]) == sealed.manifest


def test_another_senders_signature(area, sealed):
    assert refused(area, sealed, "planning") == "FILE-018"


def test_a_changed_manifest(area, sealed):
    path = sealed.folder / "manifest.json"
    path.write_text(path.read_text().replace('"sequence": 1', '"sequence": 2'))
    assert refused(area, sealed) == "FILE-018"


def test_a_manifest_that_is_signed_but_makes_no_sense(area, sealed):
    from pipelines.seal import PartnerKeys

    content = json.dumps(sealed.manifest | {"format": 9}).encode()
    (sealed.folder / "manifest.json").write_bytes(content)
    keys = PartnerKeys.load(area.folder / "keys" / "education")
    (sealed.folder / "manifest.sig").write_bytes(keys.signing_key.sign(content))
    assert refused(area, sealed) == "FILE-019"


@pytest.mark.parametrize("name", ["payload/register.parquet", "linkage.2026a.age"])
def test_a_changed_file(area, sealed, name):
    path = sealed.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert refused(area, sealed) == "FILE-019"


@pytest.mark.parametrize("name", ["payload/register.parquet", "linkage.2026a.age", "manifest.json", "manifest.sig"])
def test_a_missing_file(area, sealed, name):
    (sealed.folder / name).unlink()
    assert refused(area, sealed) == "FILE-019"


def test_a_file_nobody_named(area, sealed):
    (sealed.folder / "payload" / "extra.parquet").write_bytes(b"x")
    assert refused(area, sealed) == "FILE-019"
