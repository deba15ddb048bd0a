"""The supplier's report: true, without values, usable by everybody; Great Expectations' pages readable offline."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from lxml import html

from pipelines import validate
from pipelines.extract.faults import fault
from pipelines.registry import Registry
from pipelines.validate import report
from pipelines.validate.report import words, workbook
from tests.validate.payloads import write
from tests.validate.proofs import compose, draw

# Could only come out of a cell.
TELLING = "QZXJW"


@pytest.fixture(scope="module")
def made(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The report of a submission with telling values, rows that break rules of each kind, and two unread rows."""
    drawn, folder = draw(registry, "sen2"), tmp_path_factory.mktemp("payload")
    kinds = {rule.on_fail: rule for listed in drawn.rules.values() for rule in listed if rule.rule in drawn.proofs
             and not rule.of_table and rule.min_share is None}  # fmt: skip
    rows = compose(drawn, [kinds[on_fail].rule for on_fail in ("quarantine_row", "null_field", "warn")]).rows
    rows["person"].append(
        rows["person"][0] | {"persontableid": TELLING, "record_pseudonym": TELLING, "upn_state": "invalid"}
    )
    rows["plandetail"].append(rows["plandetail"][0] | {"plandetailtableid": TELLING, "urn": TELLING})
    manifest = write(registry, "sen2", rows, folder, period=drawn.period)
    manifest["tables"]["requests"] |= {"rows_in": len(rows["requests"]) + 2, "rejected_rows": [901, 902]}
    manifest["sources"] = [{"table": table} for table in manifest["tables"]]
    out = tmp_path_factory.mktemp("report")
    return out, validate.check(folder, registry, manifest=manifest, reports=out)


def text_of(path: Path) -> str:
    """Everything a file says, a workbook's parts unpacked."""
    if path.suffix != ".xlsx":
        return path.read_text()
    with zipfile.ZipFile(path) as parts:
        return " ".join(parts.read(name).decode() for name in parts.namelist())


def test_a_report_is_a_page_a_workbook_markdown_and_json_and_holds_no_value(
    made: tuple[Path, dict[str, Any]],
) -> None:
    folder, told = made
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert [name for name in files if "/" not in name] == ["report.html", "report.json", "report.md", "report.xlsx"]
    assert "great_expectations/person.html" in files
    assert not [name for name in files if TELLING in text_of(folder / name)]
    assert json.loads((folder / "report.json").read_text()) == told
    assert all((folder / name).stat().st_mode & 0o077 == 0 for name in files)


def test_page_and_workbook_say_what_to_put_right_and_where(made: tuple[Path, dict[str, Any]]) -> None:
    folder, told = made
    page = html.document_fromstring((folder / "report.html").read_text()).text_content()
    book = openpyxl.load_workbook(folder / "report.xlsx")
    rules = {row[5]: row for row in book["What to put right"].iter_rows(min_row=3, values_only=True)}
    fixes = words.to_fix(told)
    assert {rule["on_fail"] for rule in fixes} == {"reject_row", "quarantine_row", "null_field", "warn"}
    for rule in fixes:
        assert rule["tell_supplier"] in page and rule["rule"] in page and words.where(told, rule) in page
        assert rules[rule["rule"]][:5] == (
            words.THEN[rule["on_fail"]][0], rule["table"], told["places"][rule["table"]], rule["column"] or "the row",
            rule["tell_supplier"],
        )  # fmt: skip
    listed = [(row[0], row[2], row[6]) for row in book["Rows to put right"].iter_rows(min_row=3, values_only=True)]
    assert listed == [(number, rule["table"], rule["rule"]) for rule in fixes for number in rule["first_rows"]]
    assert (901, "requests", "ROW") in listed and "file 3 of 9" in page


def test_the_workbook_is_accessible_and_the_same_each_time(made: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, told = made
    book = openpyxl.load_workbook(folder / "report.xlsx")
    assert book.sheetnames == ["Cover", "What arrived", "What to put right", "Rows to put right"]
    for sheet in book:
        [table] = sheet.tables.values()
        assert (sheet.freeze_panes, sheet.merged_cells.ranges) == ("A3", set())
        assert table.ref == f"A2:{sheet.cell(sheet.max_row, sheet.max_column).coordinate}"
        cells = [cell.value for row in sheet[table.ref] for cell in row]
        assert None not in cells and "" not in cells
    with zipfile.ZipFile(folder / "report.xlsx") as parts:
        tables = [parts.read(name).decode() for name in parts.namelist() if "/tables/" in name]
    assert len(tables) == 4 and all('altText="' in table and 'altTextSummary="' in table for table in tables)
    rows = {("person", "SEN2-210"): pa.array([1, 2], pa.int32())}
    for name in ("one.xlsx", "two.xlsx"):
        workbook.write(tmp_path / name, told, rows)
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()


def test_a_huge_list_of_rows_is_cut_and_says_so(made: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    _, told = made
    rows = {(rule["table"], rule["rule"]): pa.array(range(1, 3001), pa.int32()) for rule in words.to_fix(told)}
    workbook.write(tmp_path / "report.xlsx", told, rows)
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx")["Rows to put right"]
    count = 2_000 * len(rows)
    assert sheet.max_row == 2 + min(count, workbook.MOST_ROWS)
    assert sheet["A1"].value.startswith(f"The first {count:,} of {3_000 * len(rows):,} findings: at most 2,000 rows")


@pytest.mark.parametrize("name", ["report.html", "great_expectations/person.html"])
def test_pages_ask_the_network_for_nothing_and_run_no_script(made: tuple[Path, dict[str, Any]], name: str) -> None:
    folder, _ = made
    text = (folder / name).read_text()
    page = html.document_fromstring(text)
    assert not page.xpath("//script | //iframe | //object | //img | //@onclick | //@onload")
    links = {link for _, _, link, _ in page.iterlinks()}
    assert {link for link in links if not link.startswith("#")} <= {"data:,", "report.xlsx"}
    assert not re.search(r"https?://|@import|url\(", text)


def test_engineers_see_codes_states_and_counts(made: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = made
    page = html.document_fromstring((folder / "great_expectations/person.html").read_text())
    rows = [[cell.text_content() for cell in row.iter("td")] for row in page.find(".//table").xpath(".//tr[td]")]
    states = {row[0]: row[3] for row in rows}
    assert (states["SEN2-210"], states["SEN2-203"]) == ("failed", "passed")
    assert "unexpected values found" in page.text_content()


def test_a_refused_delivery_has_its_report_beside_the_others(registry: Registry, tmp_path: Path) -> None:
    told = fault("FILE-018")
    for delivery in ("education/sen2__2026-03__2", f"education/{'ab' * 32}"):
        report.write_refusal(tmp_path, registry, delivery, told)
    known, unknown = (tmp_path / "education" / f"refused__{name}" for name in ("sen2__2026-03__2", "ab" * 32))
    for folder in (known, unknown):
        page = html.document_fromstring((folder / "report.html").read_text())
        assert told.tell_supplier in page.text_content()
        assert openpyxl.load_workbook(folder / "report.xlsx").sheetnames == ["Cover"]
    assert "SEN2 person-level return, and its monthly export, March 2026" in (known / "report.html").read_text()


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ("2025", "2025"), ("2025-spring", "spring term 2025"), ("2026-03", "March 2026"),
        ("2026-03-15", "15 March 2026"), ("", "a period that is not known"), ("2026-13", "a period that is not known"),
    ],
)  # fmt: skip
def test_periods_in_words(period: str, said: str) -> None:
    assert words.period(period) == said


@pytest.mark.browser
@pytest.mark.parametrize("name", ["report.html", "great_expectations/person.html"])
def test_no_accessibility_violation(made: tuple[Path, dict[str, Any]], name: str) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    path = next(
        (found for known in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(known))), None
    )
    with playwright.sync_playwright() as driver:
        path = path or driver.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("no Chromium on this machine; .ci/run installs one")
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        tab.goto((made[0] / name).as_uri())
        found = axe.Axe().run(tab)
        assert found.violations_count == 0, found.generate_report()
        if name == "report.html":
            tab.keyboard.press("Tab")
            assert tab.evaluate("document.activeElement.textContent") == "Skip to main content"
        browser.close()
