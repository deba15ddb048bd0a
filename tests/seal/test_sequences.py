"""Sequence numbers rise for good: an emptied landing place, two sealings at once, a number that was used."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.errors import UsageFault
from pipelines.seal import keys, sequences


@pytest.fixture
def folder(tmp_path):
    keys.new_area(tmp_path / "keys", ["north"], "2026a")
    return tmp_path / "keys" / "north"


def test_numbers_go_on_after_the_landing_place_was_emptied(folder, tmp_path):
    assert [sequences.take(folder, "register", "2026-03", tmp_path / "out") for _ in range(3)] == [1, 2, 3]
    assert sequences.take(folder, "register", "2026-04", tmp_path / "out") == 1


def test_numbers_in_use_where_sealed_folders_go_count(folder, tmp_path):
    (tmp_path / "out" / "register__2026-03__7").mkdir(parents=True)
    (tmp_path / "out" / "register__2026-03__7.tar").touch()
    assert sequences.take(folder, "register", "2026-03", tmp_path / "out") == 8


def test_a_number_may_be_asked_for_where_it_rises(folder, tmp_path):
    assert sequences.take(folder, "register", "2026-03", tmp_path, 12) == 12
    for used in (12, 3):
        with pytest.raises(UsageFault, match="used already; the next is 13"):
            sequences.take(folder, "register", "2026-03", tmp_path, used)
    assert sequences.take(folder, "register", "2026-03", tmp_path) == 13


def test_two_at_once_never_get_the_same(folder, tmp_path):
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: sequences.take(folder, "register", "2026-03", tmp_path), range(40)))
    assert sorted(taken) == list(range(1, 41))


def test_the_file_is_the_owners_alone_and_keys_still_load(folder, tmp_path):
    sequences.take(folder, "register", "2026-03", tmp_path)
    assert (folder / "sequences.json").stat().st_mode & 0o077 == 0
    assert keys.PartnerKeys.load(folder).epoch == "2026a"


@pytest.mark.parametrize("content", ["{", "[1]", json.dumps({"register/2026-03": "x"})])
def test_a_broken_file_is_named(folder, tmp_path, content):
    (folder / "sequences.json").write_text(content)
    (folder / "sequences.json").chmod(0o600)
    with pytest.raises(UsageFault, match=r"sequences\.json"):
        sequences.take(folder, "register", "2026-03", tmp_path)
