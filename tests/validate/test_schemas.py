"""The JSON Schemas for editors agree with what the registry takes."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from pipelines import dictionary
from pipelines.settings import PACKAGE, shipped

CONTRACTS = PACKAGE / "contracts"
FILES = {
    "contract": sorted(CONTRACTS.glob("[a-z]*.yaml")),
    "fields": [CONTRACTS / "_fields.yaml"],
    "codes": sorted((CONTRACTS / "_codes").glob("*.yaml")),
    "agency": sorted((PACKAGE / "agencies").glob("*.yaml")),
    "suite": sorted(shipped("expectations").glob("*.json")),
}


@pytest.fixture(scope="module")
def validators() -> dict[str, Draft202012Validator]:
    found = {name.split(".")[0]: json.loads(text) for name, text in dictionary.schemas().items()}
    return {name: Draft202012Validator(schema) for name, schema in found.items()}


def read(path: Path) -> Any:
    """A file as an editor's validator sees it: dates are text."""
    return json.loads(json.dumps(yaml.safe_load(path.read_text()), default=str))


@pytest.mark.parametrize("kind", FILES)
def test_every_file_that_people_write_fits_its_schema(kind: str, validators: dict[str, Draft202012Validator]) -> None:
    assert FILES[kind] and set(FILES) == set(validators)
    found = {
        f"{path.name}: {error.json_path}: {error.message}"
        for path in FILES[kind]
        for error in validators[kind].iter_errors(read(path))
    }
    assert found == set()


def test_a_slip_of_the_pen_is_marked(validators: dict[str, Draft202012Validator]) -> None:
    contract = read(FILES["contract"][0])
    contract["delivry"] = contract.pop("delivery")
    assert {error.validator for error in validators["contract"].iter_errors(contract)} == {
        "required",
        "additionalProperties",
    }
    suite = read(FILES["suite"][0])
    next(iter(suite["tables"].values()))[0]["meta"]["on_fail"] = "quarantine"
    assert [error.validator for error in validators["suite"].iter_errors(suite)] == ["enum"]
