"""An area with keys for each test."""

from pathlib import Path

import pytest

from tests.seal.parts import Area


@pytest.fixture
def area(tmp_path: Path) -> Area:
    return Area(tmp_path)
