"""Placements and reviews over time, as the returns of plans together tell them: made-up histories, by real DuckDB."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg

from pipelines import conform
from pipelines.settings import Settings
from tests.conform.area import REGISTRY, conformed, deliver

Connection = psycopg.Connection[Any]
START, CEASED = date(2022, 9, 1), date(2024, 5, 1)
DAYS = {
    "2022": date(2022, 12, 31),
    "2023": date(2023, 12, 31),
    "2024": date(2024, 12, 31),
    "2026-01": date(2026, 1, 15),
}
ROW = {"urn": "100001", "placementrank": 1, "entrydate": date(2019, 9, 1)}
BASE = ROW | {"senunitindicator": True}
SPECIAL = {"urn": "100002", "placementrank": 1, "entrydate": date(2023, 9, 1)}
COLLEGE = {"ukprn": "10000001", "placementrank": 2, "entrydate": date(2023, 1, 1)}
AWAY = {"sensetting": "OLA", "placementrank": 1, "entrydate": date(2024, 9, 1)}
# Child -> what each return tells of its plan in force: the last review, and the placements.
TOLD: dict[str, dict[str, tuple[date | None, list[dict[str, Any]]]]] = {
    # Mainstream, then special since before the return that first says so, then away: no return told when it left.
    "a": {
        "2022": (None, [ROW]), "2023": (date(2023, 7, 1), [SPECIAL]), "2024": (date(2024, 7, 1), [AWAY]),
        "2026-01": (date(2025, 7, 1), [AWAY]),
    },
    # Left out once; then gone, and nobody says whereto. The review of 2024 was taken back.
    "b": {
        "2022": (date(2022, 12, 1), [ROW]), "2023": (date(2022, 12, 1), []), "2024": (date(2024, 12, 1), [ROW]),
        "2026-01": (date(2024, 2, 1), []),
    },
    # Moved into the unit of the same school; the plan ceased, with a second placement.
    "c": {"2022": (None, [ROW]), "2023": (None, [BASE, COLLEGE])},
    # The provider was mended; then the day of leaving is told.
    "d": {
        "2022": (None, [SPECIAL | {"entrydate": START}]), "2023": (None, [ROW | {"entrydate": START}]),
        "2024": (None, [ROW | {"entrydate": START, "leavingdate": date(2024, 7, 19)}]), "2026-01": (None, []),
    },
    # The second placement became the main one; told of no more since 2024.
    "e": {"2023": (None, [SPECIAL, COLLEGE]), "2024": (None, [COLLEGE | {"placementrank": 1}])},
}  # fmt: skip


def returned(period: str) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = {"sen2": [{"sen2tableid": "h", "referencedate": DAYS[period]}]}
    for number, (child, history) in enumerate(TOLD.items()):
        ceased = child == "c" and period == "2024"
        if period not in history and not ceased:
            continue
        review, places = history.get(period, (None, []))
        key, of = {"record_pseudonym": child * 32}, f"{number}-{period}"
        received = {"receiveddate": date(2022, 3, 1), "requestoutcome": "Y"}
        rows = {
            "person": [{"persontableid": of}],
            "requests": [{"requeststableid": of} | received],
            "assessment": [{"assessmenttableid": of, "requeststableid": of, "assessmentoutcome": "Y"}],
            "namedplan": [
                {
                    "namedplantableid": of,
                    "assessmenttableid": of,
                    "startdate": START,
                    "ceasedate": CEASED if ceased else None,
                }
            ],
            "activeplans": [] if ceased else [{"activeplanstableid": of, "requeststableid": of, "lastreview": review}],
            "placementdetail": [place | {"activeplanstableid": of} for place in places],
        }
        for table, found in rows.items():
            made.setdefault(table, []).extend(key | row for row in found)
    return made


def test_placements_and_reviews_have_a_past(database: Settings, connection: Connection):
    capacity = [{"provider_urn": "100002", "provision_type": "special"}]
    deliver(database, connection, "planning", "provision_capacity", "2025", {"capacity": capacity})
    for period in DAYS:
        deliver(database, connection, "education", "sen2", period, returned(period))
    conform.run(database, REGISTRY, connection, None)
    found = {
        (row["record_pseudonym"][0], row["placement_rank"], row["provision_code"], row["valid_from"], row["valid_to"])
        for row in conformed(database, "ehc_placement_spell")
    }
    first, second, third, newest = DAYS.values()
    assert found == {
        ("a", 1, "mainstream", START, date(2023, 9, 1)), ("a", 1, "special", date(2023, 9, 1), date(2024, 9, 1)),
        ("a", 1, "eotas", date(2024, 9, 1), None),
        ("b", 1, "mainstream", START, newest),
        ("c", 1, "mainstream", START, second), ("c", 1, "specialist_base", second, CEASED),
        ("c", 2, "post_16", date(2023, 1, 1), CEASED),
        ("d", 1, "mainstream", START, date(2024, 7, 19)),
        ("e", 1, "special", date(2023, 9, 1), third), ("e", 2, "post_16", date(2023, 1, 1), third),
        ("e", 1, "post_16", third, date(2025, 1, 1)),
    }  # fmt: skip
    seen = {
        (row["record_pseudonym"][0], row["provision_code"]): (row["first_seen_on"], row["last_seen_on"])
        for row in conformed(database, "ehc_placement_spell")
    }
    assert (seen["a", "mainstream"], seen["a", "eotas"], seen["b", "mainstream"]) == (
        (first, first), (third, newest), (first, third),
    )  # fmt: skip
    # What stands today is of the newest return alone, and is the last of the spells under the same name.
    (today,) = conformed(database, "ehc_placement")
    (last,) = [row for row in conformed(database, "ehc_placement_spell") if row["valid_to"] is None]
    assert all(last[name] == value for name, value in today.items() if name != "submission_key")
    reviews = {
        (row["record_pseudonym"][0], row["review_date"], row["first_seen_on"])
        for row in conformed(database, "ehc_review")
    }
    assert reviews == {
        ("a", date(2023, 7, 1), second), ("a", date(2024, 7, 1), third), ("a", date(2025, 7, 1), newest),
        ("b", date(2022, 12, 1), first), ("b", date(2024, 2, 1), newest),
    }  # fmt: skip
