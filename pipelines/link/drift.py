"""What has moved in the matching since the run before, and whether further than it does by itself.

A source that is new or gone is no drift. A share moves when it changes by more than its bound and by more than chance:
small sources swing.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

Summary = dict[str, Any]

# Share of a source's records that meet another source; share of all records that wait for a person; the estimates.
MET, WAITING, PRECISION, RECALL = 0.03, 0.01, 0.002, 0.01
# Standard errors within which a share may swing.
SWING = 3.0


def compare(now: Summary, before: Summary | None, number: int | None) -> Summary:
    """`{"against": run number, "moved": [{"what", "before", "now", "bound"}], "warnings": [sentence]}`.

    now, before: summaries of two runs (`sources`, `queued`, `estimate` of them). Everything compared is in
    `moved`; what passed its bound is a warning as well.
    """
    if before is None:
        return {"against": None, "moved": [], "warnings": []}
    moved = [*_met(now, before), *_estimates(now, before)]
    if "queued" in before:
        here, there = (sum(row["records"] for row in of["sources"]) for of in (now, before))
        waiting = _share(now["queued"], here), _share(before["queued"], there)
        moved.append(_moved("records that wait for a person", *waiting, WAITING, there))
    warnings = [
        f"{row['what']}: {row['now']:.1%}, in the run before {row['before']:.1%}" for row in moved if row["is_far"]
    ]
    return {"against": number, "moved": moved, "warnings": warnings}


def _met(now: Summary, before: Summary) -> list[Summary]:
    known = {(row["agency"], row["dataset"]): row for row in before["sources"]}
    found = []
    for row in now["sources"]:
        old = known.get((row["agency"], row["dataset"]))
        if old is None:
            continue
        here, there = (_share(of["in_other_sources"], of["records"]) for of in (row, old))
        what = f"records of {row['agency']}/{row['dataset']} that meet another source"
        found.append(_moved(what, here, there, MET, min(row["records"], old["records"])))
    return found


def _estimates(now: Summary, before: Summary) -> list[Summary]:
    """Estimates are compared by their middles: their intervals hold what both runs do not know."""
    found = []
    for name, bound in (("precision", PRECISION), ("recall", RECALL)):
        new, old = (of.get("estimate", {}).get(name) for of in (now, before))
        if new and old:
            found.append(_moved(f"estimated {name}", new["value"], old["value"], bound, None))
    return found


def _moved(what: str, now: float, before: float, bound: float, records: int | None) -> Summary:
    chance = SWING * sqrt(2 * before * (1 - before) / records) if records else 0.0
    is_far = abs(now - before) > max(bound, chance)
    return {"what": what, "before": round(before, 5), "now": round(now, 5), "bound": bound, "is_far": is_far}


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
