"""`joint-needs check`: reports beside what is printed, and print that fits many tables."""

from pathlib import Path

from rich.console import Console

from pipelines import checking
from pipelines.registry import Registry
from pipelines.settings import Settings


def test_a_file_that_cannot_be_sealed_has_a_report_too(registry: Registry, tmp_path: Path) -> None:
    columns = registry.contract("geography").tables["area"].columns
    file = tmp_path / "geography_2026.csv"
    file.write_text(",".join(columns) + "\n")
    for _ in range(2):
        found = checking.check([file], agency=None, settings=Settings(tmp_path), reports=tmp_path / "out")
    [told] = found["submissions"]
    assert (told["dataset"], told["outcome"], told["reason"]["rule"]) == ("geography", "rejected", "FILE-003")
    folders = sorted((tmp_path / "out").iterdir())
    assert [folder.name for folder in folders] == ["geography__2026", "geography__2026__2"]
    assert all(told["reason"]["tell_supplier"] in (folder / "report.md").read_text() for folder in folders)


def table(name: str, held: int) -> dict[str, object]:
    counts = {"rows_in": 10, "accepted": 10 - held, "quarantined": held, "parent_held": 0, "rejected": 0}
    return {"table": name, "title": name, "is_taken": name != "t9", **counts}


def test_many_tables_that_are_whole_share_a_line(tmp_path: Path) -> None:
    told = {
        "dataset": "big", "period": "2026-03", "outcome": "accepted", "reason": None, "rules": [],
        "tables": [table(f"t{number}", int(number < 2)) for number in range(30)], "absent_tables": ["t30", "t31"],
    }  # fmt: skip
    with (tmp_path / "printed").open("w+") as file:
        checking.print_for_people({"submissions": [told, told], "unknown_files": ["x"]}, Console(file=file, width=90))
        file.seek(0)
        lines = file.read().splitlines()
    assert sum("27 tables more" in line and "270" in line for line in lines) == 2
    assert sum(line.startswith(" t9 (known; no column of it is kept)") for line in lines) == 2
    assert not any(line.startswith(" t2 ") for line in lines)
    assert sum(line.startswith("big ") and "2026-03" in line for line in lines) == 2
    assert any("not sent, and not needed: t30, t31" in line for line in lines)
    assert lines[-1] == "not a table that is taken here: x"
