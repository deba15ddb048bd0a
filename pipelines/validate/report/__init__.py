"""What a supplier is told, in a folder per submission: a page, a workbook, Markdown and JSON, none of them with values.

For engineers, Great Expectations' own pages lie beside them in `great_expectations/`.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines import durable
from pipelines.errors import DataFault
from pipelines.registry import Registry
from pipelines.validate.outcomes import Judgement
from pipelines.validate.report import document, engineers, page, text, workbook

as_json, refused = document.as_json, document.refused
ENGINEERS = "great_expectations"


def folder_of(reports: Path, submission: str) -> Path:
    """Where the report of a submission lies: `<agency>/<dataset>__<period>__<sequence>`; each agency's lie apart."""
    agency, rest = submission.split("/", 1)
    return reports / agency / rest.replace("/", "__")


def rows_of(manifest: dict[str, Any], judgement: Judgement) -> workbook.Rows:
    """(table, rule) -> numbers of the rows at fault, those that the door could not read among them."""
    found = {(f.rule.table, f.rule.rule): f.rows for f in judgement.findings if len(f.rows)}
    for table, told in manifest["tables"].items():
        if told["rejected_rows"]:
            found[table, document.UNREAD] = pa.array(told["rejected_rows"], pa.int32())
    return found


def write(folder: Path, told: dict[str, Any], rows: workbook.Rows, results: dict[str, Any]) -> None:
    """Write a report into a folder, in place of an earlier one.

    told: a document of `as_json` or `refused`. results: what Great Expectations said, by table.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    texts = {
        "report.json": json.dumps(told, indent=2) + "\n",
        "report.md": text.as_markdown(told),
        "report.html": page.render(told),
    }
    for name, content in texts.items():
        _put(folder / name, content)

    def book(path: Path) -> None:
        workbook.write(path, told, rows)
        path.chmod(0o600)

    durable.replace(folder / "report.xlsx", book)
    shutil.rmtree(folder / ENGINEERS, ignore_errors=True)
    for table, html in engineers.pages(results).items():
        (folder / ENGINEERS).mkdir(exist_ok=True, mode=0o700)
        _put(folder / ENGINEERS / f"{table}.html", html)


def write_refusal(reports: Path, registry: Registry, delivery: str, fault: DataFault) -> None:
    """Write why a delivery never became a submission, beside its sender's other reports.

    delivery: `<agency>/<folder>` as it lay in the landing place; the folder is named by the door, or by a hash.
    """
    agency, name = delivery.split("/", 1)
    parts = name.split("__")
    dataset, period = parts[:2] if len(parts) == 3 else (None, "")
    write(reports / agency / f"refused__{name}", refused(registry, agency, dataset, period, fault), {}, {})


def packed(reports: Path, agency: str) -> Iterator[tuple[str, bytes]]:
    """The reports on an agency's deliveries as archives that bear the same name only where they are the same.

    The engineers' pages stay at the hub.
    """
    for folder in sorted(path for path in (reports / agency).glob("*") if path.is_dir()):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as into:
            for file in sorted(folder.glob("report.*")):
                # A fixed time, so that the same report packs to the same bytes.
                into.writestr(zipfile.ZipInfo(f"{folder.name}/{file.name}"), file.read_bytes(), zipfile.ZIP_DEFLATED)
        content = archive.getvalue()
        yield f"report__{folder.name}__{hashlib.sha256(content).hexdigest()[:12]}.zip", content


def _put(path: Path, content: str) -> None:
    durable.write(path, content.encode())
