"""The days on which the sources made their extracts, all from one day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

# Collections close some weeks after the day they count on.
CENSUS_CLOSES = timedelta(days=45)
CIN_CLOSES = timedelta(days=60)
RESULTS_COME = timedelta(days=100)


@dataclass(frozen=True)
class Clock:
    """Reference dates of the extracts that exist on `as_of`."""

    as_of: date
    age_day: date  # last 31 August: residents are those aged 0 to 25 on it
    month_start: date
    month_end: date  # last day of the last full month
    previous_month_start: date
    previous_month_end: date
    month_before_that_end: date
    two_years_ago: date  # first day of the rolling two years that end with it
    week_day: date  # last Sunday
    census_day: date  # the January census of schools and of plans
    autumn_day: date  # the school census of the October before it
    summer_day: date  # the school census of the May after it, which may be to come
    activity_start: date  # first day of the calendar year that the return of that January covers
    activity_end: date
    case_year_end: date  # 31 March
    before_month_end: date  # last day of the month before the last full one
    before_census_day: date  # the January census a year earlier, with the year that its return covers
    before_activity_start: date
    before_activity_end: date
    results_day: date  # the 31 August whose school year's results are out
    placement_day: date  # the census of bought placements: end of June or December
    case_year_before: date

    def labels(self) -> dict[str, str]:
        """Parts of period names."""
        return {
            "census_year": str(self.census_day.year),
            "activity_year": str(self.activity_end.year),
            "before_activity_year": str(self.before_activity_end.year),
            "before_month": self.before_month_end.strftime("%Y-%m"),
            "month": self.month_end.strftime("%Y-%m"),
            "previous_month": self.previous_month_end.strftime("%Y-%m"),
            "month_before_that": self.month_before_that_end.strftime("%Y-%m"),
            "week": self.week_day.isoformat(),
            "case_year": str(self.case_year_end.year),
            "case_year_before": str(self.case_year_before.year),
            "year": str(self.as_of.year),
            "results_year": str(self.results_day.year),
            "results_before": str(self.results_day.year - 1),
            "placement_month": self.placement_day.strftime("%Y-%m"),
        }


def clock(as_of: date) -> Clock:
    """Reference dates for a day."""
    month_end = as_of.replace(day=1) - timedelta(days=1)
    previous = month_end.replace(day=1) - timedelta(days=1)
    census = _thursday(as_of.year, 1, 3)
    if census + CENSUS_CLOSES > as_of:
        census = _thursday(as_of.year - 1, 1, 3)
    cin = date(as_of.year, 3, 31)
    if cin + CIN_CLOSES > as_of:
        cin = date(as_of.year - 1, 3, 31)
    age_day = date(as_of.year, 8, 31)
    if age_day > month_end:
        age_day = date(as_of.year - 1, 8, 31)
    return Clock(
        as_of=as_of,
        age_day=age_day,
        month_start=month_end.replace(day=1),
        month_end=month_end,
        previous_month_start=previous.replace(day=1),
        previous_month_end=previous,
        month_before_that_end=previous.replace(day=1) - timedelta(days=1),
        two_years_ago=(month_end + timedelta(days=1)).replace(year=month_end.year - 2 + (month_end.month == 12)),
        week_day=as_of - timedelta(days=(as_of.weekday() + 1) % 7),
        census_day=census,
        autumn_day=_thursday(census.year - 1, 10, 1),
        summer_day=_thursday(census.year, 5, 3),
        activity_start=date(census.year - 1, 1, 1),
        activity_end=date(census.year - 1, 12, 31),
        case_year_end=cin,
        before_month_end=month_end.replace(day=1) - timedelta(days=1),
        before_census_day=_thursday(census.year - 1, 1, 3),
        before_activity_start=date(census.year - 2, 1, 1),
        before_activity_end=date(census.year - 2, 12, 31),
        results_day=_last(as_of - RESULTS_COME, (8, 31)),
        placement_day=_last(as_of - CENSUS_CLOSES, (6, 30), (12, 31)),
        case_year_before=cin.replace(year=cin.year - 1),
    )


def _last(on: date, *days: tuple[int, int]) -> date:
    """The latest day at or before another that falls on one of some (month, day)."""
    candidates = [date(year, *day) for year in (on.year - 1, on.year) for day in days]
    return max(day for day in candidates if day <= on)


def _thursday(year: int, month: int, number: int) -> date:
    """The first, second, ... Thursday of a month: school census days are such."""
    first = date(year, month, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 7 * (number - 1))
