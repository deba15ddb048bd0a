"""Periods: the part of the calendar that a delivery speaks of, as people write it on an envelope.

Four forms: `2025` (the calendar year of a return), `2025-spring` (a school term in that calendar year), `2026-03`
(a month), `2026-03-15` (the day of a weekly or dated extract).
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date

from pipelines.errors import DataFault

# Months in which a term begins and ends. The summer term ends before 31 August, so that ages in it are counted on the
# 31 August before the school year, as the school census does.
TERMS = {"spring": (1, 4), "summer": (5, 7), "autumn": (9, 12)}
_FORM = re.compile(r"(20[0-9]{2})(?:-(spring|summer|autumn)|-([0-9]{2})(?:-([0-9]{2}))?)?")


def bounds(period: str) -> tuple[date, date]:
    """First and last day of a period, both included.

    Raises DataFault `FILE-008` where the text is none of the four forms or no real date.
    """
    found = _FORM.fullmatch(period)
    if found:
        year, term, month, day = found.groups()
        first, last = TERMS[term] if term else (int(month), int(month)) if month else (1, 12)
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
