"""The search for the planted child finds what it looks for, however it is packed."""

import gzip
import hashlib
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests import canary

VALUES = {"forename": "Zephyrina", "birth_date": "2015-03-14", "postcode": "MK99 7QX", "nhs_number": "5990007919"}


@pytest.mark.parametrize(
    "text",
    [
        "ZEPHYRINA",
        "born 14/03/2015",
        "14 March 2015",
        "20150314",
        "mk997qx",
        "599 000 7919",
        hashlib.sha256(b"ZEPHYRINA").hexdigest(),
        "\\x" + hashlib.md5(b"5990007919").hexdigest(),  # noqa: S324
        "f" * 7 + hashlib.sha1(b"MK997QX").hexdigest(),  # noqa: S324
    ],
)
def test_every_spelling_is_found(tmp_path, text):
    (tmp_path / "log.txt").write_text(f"something {text} else")
    assert canary.in_files([tmp_path], VALUES)


def test_packed_files_are_opened(tmp_path):
    pq.write_table(pa.table({"a": ["x", "Zephyrina"]}), tmp_path / "a.parquet", compression="zstd")
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", "<t>MK99 7QX</t>")
    (tmp_path / "c.log.gz").write_bytes(gzip.compress(b"5990007919"))
    hits = canary.in_files([tmp_path], VALUES)
    assert {hit.split(":")[0].rsplit("/", 1)[1] for hit in hits} == {"a.parquet", "b.xlsx", "c.log.gz"}


def test_an_innocent_file_is_not_accused(tmp_path):
    (tmp_path / "a.txt").write_text("2015-03-15 zephyr MK99 7QY " + hashlib.sha256(b"other").hexdigest())
    assert canary.in_files([tmp_path], VALUES) == []


def test_whatever_can_hold_data_in_a_database_is_searched(connection):
    connection.execute("""
        CREATE TABLE core.told AS SELECT date '2012-05-23' AS day;
        CREATE FUNCTION core.tell() RETURNS TABLE (day date) LANGUAGE sql AS 'SELECT day FROM core.told';
        CREATE VIEW core.through_a_table AS SELECT day FROM core.told;
        CREATE VIEW core.through_a_function AS SELECT day FROM core.tell();
        CREATE MATERIALIZED VIEW core.kept AS SELECT day FROM core.told;
        CREATE VIEW core.calendar AS
        SELECT day::date FROM generate_series(timestamp '2012-01-01', timestamp '2012-12-31', interval '1 day') AS day
    """)
    hits = canary.in_database(connection, {"birth_date": "2012-05-23"})
    assert {hit.split(":")[0] for hit in hits} == {
        f"core.{name}" for name in ("told", "through_a_table", "through_a_function", "kept")
    }
