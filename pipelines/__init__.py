"""Joint Needs: the combined needs of children and young people with SEND, every night. `flow.py` is the map."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _installed


@cache
def version() -> str:
    """The version of the installed package, which every run and manifest carries."""
    try:
        return _installed("joint-needs")
    except PackageNotFoundError:
        return "0+unknown"
