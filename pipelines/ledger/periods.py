"""Periods: the part of the calendar that a delivery speaks of, as people write it on an envelope.

Four forms: `2025` (a return's year: the calendar year, or the twelve months of the dataset's own year that end in it),
`2025-spring` (a school term in that calendar year), `2026-03` (a month), `2026-03-15` (the day of a weekly or dated
extract).
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

from pipelines.errors import DataFault

# Months in which a term begins and ends. The summer term ends before 31 August, so that ages in it are counted on the
# 31 August before the school year, as the school census does.
TERMS = {"spring": (1, 4), "summer": (5, 7), "autumn": (9, 12)}
_FORM = re.compile(r"(20[0-9]{2})(?:-(spring|summer|autumn)|-([0-9]{2})(?:-([0-9]{2}))?)?")


def bounds(period: str, year_ends: str = "12-31") -> tuple[date, date]:
    """First and last day of a period, both included.

    year_ends: month and day on which a yearly collection of this dataset ends (`expected.year_ends` of its contract).

    Raises DataFault `FILE-008` where the text is none of the four forms or no real date.
    """
    found = _FORM.fullmatch(period)
    if found:
        year, term, month, day = found.groups()
        if not (term or month):
            return _year(int(year), year_ends)
        first, last = TERMS[term] if term else (int(month), int(month))
        try:
            if day:
                start = end = date(int(year), first, int(day))
            else:
                start, end = date(int(year), first, 1), date(int(year), last, monthrange(int(year), last)[1])
        except (ValueError, IndexError):
            pass
        else:
            return start, end
    raise DataFault(
        "FILE-008", "The period is not one we know. Write 2025, 2025-spring, 2026-03 or 2026-03-15 and send it again."
    )


def _year(year: int, ends: str) -> tuple[date, date]:
    """The twelve months that end on a month and day of a year."""
    month, day = map(int, ends.split("-"))
    return date(year - 1, month, day) + timedelta(days=1), date(year, month, day)
