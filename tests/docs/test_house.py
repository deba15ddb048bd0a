"""The house keeps its own rules: order of rooms, no dataset names in Python, no Airflow in the library."""

import ast
import re
from pathlib import Path

import pytest

from pipelines import registry as declared

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "pipelines").rglob("*.py"))

# A module may import the modules of its own room and of the rooms before it.
ORDER = [
    "errors",
    "settings",
    "durable",
    "contracts",
    "agencies",
    "registry",
    "local.postgres",
    "ledger",
    "extract",
    "seal",
    "receive",
    "routes",
    "validate",
    "link",
    "conform",
    "integrate",
    "queries",
    "lineage",
    "sufficiency",
    "publish",
    "steward",
    "keeping",
    "watch",
    "flow",
    "upkeep",
    "synth",
    "dictionary",
    "browse",
    "connecting",
    "governance",
    "checking",
    "reporting",
    "local",
    "cli",
]


def room(module: str) -> str | None:
    """`pipelines.seal.keys` -> `seal`; None for the package itself."""
    parts = module.split(".")[1:]
    if not parts:
        return None
    return "local.postgres" if parts[:2] == ["local", "postgres"] else parts[0]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_a_room_imports_only_rooms_before_it(path):
    own = room(module_of(path))
    if own is None:
        return
    for name in imports(path):
        if name.startswith("pipelines.") and (other := room(name)) in ORDER:
            assert ORDER.index(other) <= ORDER.index(own), f"{module_of(path)} imports {name}"


def test_every_room_is_in_the_order():
    assert {room(module_of(path)) for path in SOURCES} - {None} <= set(ORDER)


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_the_library_never_imports_airflow(path):
    assert not any(name.split(".")[0] == "airflow" for name in imports(path))


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_no_dataset_is_named_in_python(path):
    names = "|".join(re.escape(name) for name in declared.load().contracts)
    # `geography` is also the name of the partner's postcode file and an ordinary word of the field.
    names = names.replace("geography|", "")
    found = re.findall(rf"(?<![\w./-])(?:{names})(?![\w-])", path.read_text())
    assert not found, f"{module_of(path)} names {set(found)}"


def test_after_the_door_only_try_cast():
    """A plain CAST of payload text could fail with the value in its message."""
    for folder in ("sql/conform",):
        for path in sorted((ROOT / folder).glob("*.sql")):
            assert not re.search(r"(?<!try_)\bcast\s*\(", path.read_text(), re.IGNORECASE), path.name


def test_files_and_functions_stay_small():
    for path in SOURCES:
        text = path.read_text()
        assert len(text.splitlines()) <= 420, f"{path.name} wants a second room"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno
                assert length <= 70, f"{path.name}: {node.name} has {length} lines"
