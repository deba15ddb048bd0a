"""What the matcher opens: several submissions of one source are one set of records."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from pipelines.errors import SystemFault
from pipelines.link import tokens
from tests.link.drawn import SOURCES, rows, tokenised


def loaded(*editions: str, held: tuple[int, ...] = ()) -> duckdb.DuckDBPyConnection:
    """Submissions of one source, the older first; held: row numbers held back in the newest."""
    db = tokens.memory()
    drawn = [rows(table) for table in editions]
    tokens.load(
        db,
        [
            tokens.Part(SOURCES["school"], number, tokenised(content), held if number + 1 == len(drawn) else ())
            for number, content in enumerate(drawn)
        ],
    )
    return db


def same(db: duckdb.DuckDBPyConnection, condition: str) -> bool:
    """Whether there is one profile, and its look and identifiers fulfil a condition."""
    found = db.execute(f"SELECT {condition} FROM profile JOIN look USING (look_id)").fetchall()
    return len(found) == 1 and bool(found[0][0])


OLDER = """
    source | record | name     | born       | sex | postcode | upn | nhs | protected
    school | 1      | Ada Byrd | 2014-03-04 | F   | MB1 1AA  | U1  | N1  |
"""
NEWER = """
    source | record | name       | born       | sex | postcode | upn | nhs | protected
    school | 1      | Ada Lowell | 2014-03-05 | F   | MB2 2BB  | U2  |     |
"""


def values(table: str) -> dict[str, int]:
    """The matcher's tokens of a drawn row."""
    db = loaded(table)
    found = db.execute("SELECT surname, postcode, birth_date, upn, nhs_number FROM profile").fetchall()[0]
    return dict(zip(("surname", "postcode", "birth_date", "upn", "nhs_number"), found, strict=True))


def test_the_newest_speaks_and_the_earlier_add_what_was() -> None:
    old, new = values(OLDER), values(NEWER)
    db = loaded(OLDER, NEWER)
    assert db.execute("SELECT count(*) FROM record").fetchall() == [(1,)]
    assert same(db, f"look.surname = {new['surname']} AND other_surnames = [{old['surname']}]")
    assert same(db, f"look.postcode = {new['postcode']} AND other_postcodes = [{old['postcode']}]")
    assert same(db, f"look.birth_date = {new['birth_date']}")
    assert same(db, f"nhs_number = {old['nhs_number']}")
    former = db.execute("SELECT value FROM identifier WHERE kind = 'upn' AND is_former").fetchall()
    assert former == [(old["upn"],)]


def test_the_same_twice_adds_nothing() -> None:
    db = loaded(NEWER, NEWER)
    assert same(db, "other_surnames = [] AND other_postcodes = [] AND other_upns = []")


@pytest.mark.parametrize("flagged", [OLDER, NEWER])
def test_a_protected_child_has_no_history(flagged: str) -> None:
    texts = [t.rstrip().removesuffix("|") + "| yes\n" if t is flagged else t for t in (OLDER, NEWER)]
    db = loaded(*texts)
    assert same(db, "other_surnames = [] AND other_postcodes = [] AND other_upns = [] AND nhs_number IS NULL")
    assert db.execute("SELECT is_protected FROM record").fetchall() == [(True,)]


def test_a_held_row_leaves_the_word_to_an_earlier_submission() -> None:
    old = values(OLDER)
    assert same(loaded(OLDER, NEWER, held=(1,)), f"look.surname = {old['surname']} AND other_surnames = []")
    assert same(loaded(NEWER, held=(1,)), "look.surname IS NOT NULL")


def test_a_record_gone_from_the_newest_is_still_there() -> None:
    other = NEWER.replace("| 1 ", "| 2 ")
    db = loaded(OLDER, other)
    assert db.execute("SELECT count(*) FROM record").fetchall() == [(2,)]


def test_a_token_is_its_first_eight_bytes() -> None:
    """In a part of a column, in lists, with gaps. Those of earlier versions stop the run, which says what to do."""
    written = [b"f" * 16, None, bytes(range(16)), b"f" * 16]
    plain = pa.array(written, pa.binary(16))
    for column in (plain, plain.slice(1), pa.concat_arrays([plain, plain]), plain[:0]):
        asked = [int.from_bytes(t[:8], "little") if t else None for t in column.to_pylist()]
        assert tokens._integers(column).to_pylist() == asked
    several = pa.array([written[:1], None, [], written[2:]], pa.list_(pa.binary(16)))
    (first, _, *others) = tokens._integers(plain).to_pylist()
    assert tokens._lists(several).to_pylist() == [[first], [], [], others]
    with pytest.raises(SystemFault, match="earlier version; have its submission sealed"):
        tokens._integers(pa.array(["f" * 64]))
    with pytest.raises(SystemFault, match="earlier version; `joint-needs keys repass`"):
        tokens._lists(pa.array([[b"f" * 32]], pa.list_(pa.binary(32))))
