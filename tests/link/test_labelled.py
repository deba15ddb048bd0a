"""`link evaluate`: labelled records in the clear, through the door's code and the production matcher."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.link import labelled
from pipelines.seal.tokens import linkage_tokens

HEADER = "rec_id,source,truth_id,forename,surname,sex,birth_date,postcode,address,nhs_number,upn,local_id"
TWO_SOURCES = """
a1,a,1,Ada,Byrd,F,2014-03-05,MB1 1AA,,,,
a2,a,2,Ivo,Crane,M,2012-11-19,MB2 2BB,,,,
a3,a,3,Kit,Dove,M,2011-??-19,MB3 3CD,,,,
a4,a,4,,,F,2010-01-02,MB4 4DE,,9434765919,,
b1,b,1,ADA,byrd,F,2014-03-05,MB1 1AA,,,,
b2,b,2,Ivo,Crane,M,2012-11-39,MB2 2BB,,,,
b3,b,3,Kit,Dove,M,2011-06-19,MB3 3CD,,,,
b4,b,4,Mia,East,F,2010-01-02,MB9 9ZZ,,943 476 5919,,
b5,b,9,Zoe,West,F,2009-02-03,MB8 8AA,,,,
"""


def written(folder: Path, rows: str) -> Path:
    path = folder / "records.csv"
    path.write_text(f"{HEADER}\n{rows.strip()}\n")
    return path


def test_two_sources_are_linked(tmp_path: Path) -> None:
    links, review = tmp_path / "links.csv", tmp_path / "review.csv"
    document = labelled.evaluate(written(tmp_path, TWO_SOURCES), links=links, review=review)
    assert document["pairs"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "tp": 4, "fp": 0, "fn": 0}
    assert document["with_review"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert document["review"] == {"pairs": 0, "share_of_records": 0.0}
    assert document["clusters"] == {"over_merged": 0, "split": 0, "exact_precision": 1.0, "exact_recall": 1.0}
    assert set(document["by_group"]) == {"source_pair", "sex", "names"}
    assert document["by_group"]["names"]["one"]["tp"] == 1
    assert document["seconds"] > 0 and document["peak_mb"] > 0
    assert links.read_text().splitlines() == ["rec_id_l,rec_id_r", "a1,b1", "a2,b2", "a3,b3", "a4,b4"]
    assert review.read_text().splitlines()[0].startswith("rec_id_l,rec_id_r")


def test_twins_go_to_review_and_the_reviewer_is_counted(tmp_path: Path) -> None:
    twins = "a1,a,1,Ada,Byrd,F,2014-03-05,MB1 1AA,,,,\nb1,b,2,Kit,Byrd,F,2014-03-05,MB1 1AA,,,,"
    document = labelled.evaluate(written(tmp_path, twins))
    assert (document["pairs"]["tp"], document["pairs"]["fp"]) == (0, 0)
    assert document["review"] == {"pairs": 1, "share_of_records": 1.0}
    same = twins.replace("b,2", "b,1")
    document = labelled.evaluate(written(tmp_path, same))
    assert (document["pairs"]["recall"], document["with_review"]["recall"]) == (0.0, 1.0)


def test_one_source_is_searched_for_duplicates(tmp_path: Path) -> None:
    rows = TWO_SOURCES.replace(",b,", ",a,")
    document = labelled.evaluate(written(tmp_path, rows))
    assert document["pairs"]["tp"] == 4 and document["pairs"]["fp"] == 0
    assert list(document["by_group"]["source_pair"]) == ["a-a"]


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    path = written(tmp_path, TWO_SOURCES)
    pq.write_table(pcsv.read_csv(path), tmp_path / "records.parquet")
    assert labelled.evaluate(tmp_path / "records.parquet")["pairs"] == labelled.evaluate(path)["pairs"]


def test_the_command_prints_one_document(tmp_path: Path) -> None:
    path = str(written(tmp_path, TWO_SOURCES))
    found = CliRunner().invoke(app, ["link", "evaluate", "--records", path, "--json"])
    assert found.exit_code == 0
    assert set(json.loads(found.stdout)) == {
        "pairs", "with_review", "review", "clusters", "by_group", "seconds", "peak_mb"
    }  # fmt: skip
    assert "accepted" in CliRunner().invoke(app, ["link", "evaluate", "--records", path]).stdout


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a1,a,1,Ada,Byrd,F,2014-03-05,MB1 1AA,,,,\na1,b,1,Ada,Byrd,F,2014-03-05,MB1 1AA,,,,", "rec_id"),
        ("\x00", "rec_id"),
    ],
)
def test_a_file_that_makes_no_sense_is_told(rows: str, message: str, tmp_path: Path) -> None:
    found = CliRunner().invoke(app, ["link", "evaluate", "--records", str(written(tmp_path, rows))])
    assert found.exit_code == 2
    assert "Ada" not in found.output


def test_missing_columns_are_blank_but_two(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["rec_id", "truth_id", "source", "upn"], ["1", "1", "a", ""], ["2", "1", "b", ""]])
    assert labelled.evaluate(path)["pairs"]["fn"] == 1
    path.write_text("rec_id,source\n1,a\n")
    found = CliRunner().invoke(app, ["link", "evaluate", "--records", str(path)])
    assert found.exit_code == 2 and "truth_id" in found.output


def test_tokens_are_the_doors_own() -> None:
    assert labelled.linkage_tokens is linkage_tokens
