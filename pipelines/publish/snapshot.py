"""A snapshot's folder: written whole beside its place, then moved there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines import durable
from pipelines.errors import UsageFault
from pipelines.publish.release import Release

STATUS = "draft: not signed off"
RULE = (
    "counts 1 to 7 suppressed, others and totals rounded to the nearest 5; what follows from them, from rounded counts"
)
STYLE = Path(__file__).parent / "templates" / "page.css"


def require_free(out: Path) -> None:
    """UsageFault unless `out` is absent, an empty folder, or a draft snapshot, which is replaced."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    manifest = out / "manifest.json"
    try:
        if json.loads(manifest.read_text())["status"] == STATUS:
            return
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise UsageFault(f"{out} is there already and is no draft snapshot; name another folder with --out")


def write(out: Path, made: Release, html: str, sheet: Path, as_of: date, mark: dict[str, Any]) -> int:
    """Write every file and move the folder into place; returns the number of files.

    The same marts give the same bytes: no clock goes into any file.
    """
    part = out.parent / f".{out.name}.{os.getpid()}.part"
    shutil.rmtree(part, ignore_errors=True)
    (part / "data").mkdir(parents=True)
    try:
        for name in ("needs", "sufficiency", "sources", "matches"):
            _table(getattr(made, name), part / "data" / name)
        (part / "index.html").write_text(html, encoding="utf-8")
        (part / "style.css").write_text(sheet.read_text("utf-8") + "\n" + STYLE.read_text("utf-8"), encoding="utf-8")
        files = sorted(path for path in part.rglob("*") if path.is_file())
        manifest = {
            "format": 1,
            "status": STATUS,
            "as_of": str(as_of),
            "refresh": {key: str(value) for key, value in mark.items()},
            "rule": RULE,
            "audit": made.audit,
            "files": {str(path.relative_to(part)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
        }
        (part / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
        for path in [*files, part / "manifest.json"]:
            durable.sync(path)
        _move(part, out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return len(files) + 1


def _table(frame: pd.DataFrame, path: Path) -> None:
    frame.to_csv(path.with_suffix(".csv"), index=False)
    frame.to_parquet(path.with_suffix(".parquet"), index=False)


def _move(part: Path, out: Path) -> None:
    old = out.parent / f".{out.name}.{os.getpid()}.old"
    if out.exists():
        out.rename(old)
    part.rename(out)
    shutil.rmtree(old, ignore_errors=True)
