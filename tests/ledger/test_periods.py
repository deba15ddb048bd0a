"""The period parser: four forms, both ends included, everything else refused."""

from datetime import date

import pytest

from pipelines.errors import DataFault
from pipelines.ledger.periods import bounds


@pytest.mark.parametrize(
    ("period", "start", "end"),
    [
        ("2025", date(2025, 1, 1), date(2025, 12, 31)),
        ("2025-spring", date(2025, 1, 1), date(2025, 4, 30)),
        ("2025-summer", date(2025, 5, 1), date(2025, 7, 31)),
        ("2025-autumn", date(2025, 9, 1), date(2025, 12, 31)),
        ("2026-03", date(2026, 3, 1), date(2026, 3, 31)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-03-15", date(2026, 3, 15), date(2026, 3, 15)),
    ],
)
def test_the_four_forms(period: str, start: date, end: date) -> None:
    assert bounds(period) == (start, end)


@pytest.mark.parametrize(
    ("ends", "start", "end"),
    [
        ("03-31", date(2025, 4, 1), date(2026, 3, 31)),
        ("01-31", date(2025, 2, 1), date(2026, 1, 31)),
        ("06-30", date(2025, 7, 1), date(2026, 6, 30)),
    ],
)
def test_a_dataset_may_have_a_year_of_its_own(ends: str, start: date, end: date) -> None:
    assert bounds("2026", ends) == (start, end)
    assert bounds("2026-03", ends) == (date(2026, 3, 1), date(2026, 3, 31))


@pytest.mark.parametrize(
    "period", ["", "25", "1999", "2025-winter", "2025-13", "2025-00", "2026-02-30", "2026-3", "2025 ", "2025/26"]
)
def test_anything_else_is_refused(period: str) -> None:
    with pytest.raises(DataFault) as caught:
        bounds(period)
    assert caught.value.rule == "FILE-008"
