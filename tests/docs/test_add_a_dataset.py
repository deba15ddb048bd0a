"""docs/how-to/add-a-dataset.md taken at its word: its files are written, its commands run, and no Python is touched."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/how-to/add-a-dataset.md").read_text()
DECLARED = ("pipelines", "expectations", "sql", "tests", "docs/dictionary", "pyproject.toml")


def files() -> dict[str, str]:
    """The files of the page: the path in backticks that ends the text before a block, and the block."""
    found = re.findall(r"`([\w/.]+)`\)?:\n\n```(?:csv|yaml|json|sql)\n(.*?)```", PAGE, re.DOTALL)
    return dict(found)


def commands() -> list[list[str]]:
    blocks = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    return [shlex.split(line[2:]) for block in blocks for line in block.splitlines()]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of what is declared, with the files of the page."""
    root = tmp_path_factory.mktemp("project")
    for name in DECLARED:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    before = set(root.rglob("*.py"))
    number = 1 + max(int(path.name[:4]) for path in (root / "sql/migrations").glob("*.sql"))
    for name, text in files().items():
        target = root / name.replace("NNNN", f"{number:04}")
        assert not target.exists()
        target.write_text(text)
    assert set(root.rglob("*.py")) == before
    return root


@pytest.fixture(scope="module")
def said(project):
    """What each command of the page printed."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JOINT_NEEDS_")}
    environment |= {"PYTHONPATH": str(project), "COLUMNS": "200", "JOINT_NEEDS_HOME": str(project / "try")}
    run = [sys.executable, "-c", "from pipelines.cli import app; app()"]
    printed = {}
    try:
        for words in commands():
            if words[0] == "export":
                continue
            done = subprocess.run([*run, *words[1:]], cwd=project, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
            printed[words[1]] = done.stdout
    finally:
        subprocess.run([*run, "db", "stop"], cwd=project, env=environment)
    return printed


def test_the_page_has_every_file(project):
    assert len(files()) == 9
    assert {Path(name).suffix for name in files()} == {".csv", ".yaml", ".json", ".sql"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_file_is_read_by_the_new_contract(said):
    assert "travel_assistance" in said["check"]
    for rule in ("TRV-104", "TRV-105"):
        assert rule in said["check"]


@pytest.mark.slow
def test_it_reaches_the_warehouse_as_the_page_says(said):
    rows = said["sql"]
    assert "TAXI" in rows and "212.5" in rows and "MINIBUS" in rows and "50" in rows
    assert "BUS " not in rows.replace("MINIBUS ", "")
    assert "TRV-105" in said["quarantine"]


@pytest.mark.slow
def test_the_dictionary_has_it(said, project):
    page = (project / "docs/dictionary/dataset-travel_assistance.md").read_text()
    assert "How the child travels" in page
    assert "TRV-105" in page


@pytest.mark.slow
def test_its_rules_are_proven_by_the_suite_of_tests(project):
    environment = os.environ | {"PYTHONPATH": str(project)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/validate/test_suites.py"]
    done = subprocess.run(
        [*command, "-k", "travel_assistance"], cwd=project, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert json.loads((project / "expectations/travel_assistance.json").read_text())["suite"] == "travel_assistance"
