"""The reasons why a whole file is refused, kept as data in `faults.yaml`: code, title, what the supplier is told."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from pipelines.errors import DataFault


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """All `FILE-` codes: `{code: {title, supplier}}`."""
    return yaml.safe_load((Path(__file__).parent / "faults.yaml").read_text())


def fault(code: str, **facts: object) -> DataFault:
    """A DataFault of the catalogue, its sentence filled in.

    facts: names of tables, columns and datasets, and counts; never a value from a file.
    """
    return DataFault(code, catalogue()[code]["supplier"].format(**facts))
