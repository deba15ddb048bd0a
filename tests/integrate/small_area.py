"""A small whole area: one child known to all three agencies, one to education alone, and the planning tables."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from pipelines import conform, integrate
from pipelines.ledger import Outcome
from pipelines.settings import Settings
from tests.conform.area import REGISTRY, deliver, link

Connection = psycopg.Connection[Any]
ADA, BEN = "a" * 32, "b" * 32
NIGHT = date(2026, 3, 20)
ONE = "SELECT :as_of AS time_period, 'a' AS name, 1 AS persons_count"


def nothing(connection: Connection, as_of: date) -> int:
    """In place of a mart that a later room fills."""
    return 0


def census(sequence: int = 1, status: str = "K") -> dict[str, Any]:
    """Ada and Ben at school; `status` is Ada's SEN status."""
    return {
        "pupilonroll": [
            {"record_pseudonym": ADA, "pupilonrolltableid": f"{sequence}-1", "nativeid": "9901", "senprovision": status,
             "birth_month": date(2014, 3, 1), "sex": "F", "ethnicity": "WBRI", "enrolstatus": "C"},
            {"record_pseudonym": BEN, "pupilonrolltableid": f"{sequence}-2", "nativeid": "9901", "senprovision": "N",
             "birth_month": date(2016, 3, 1), "sex": "M", "ethnicity": "AIND", "enrolstatus": "C"},
        ],
        "addresses": [
            {"record_pseudonym": ADA, "pupilonrolltableid": f"{sequence}-1", "addressestableid": "1",
             "lsoa21_code": "E01990001"},
            {"record_pseudonym": BEN, "pupilonrolltableid": f"{sequence}-2", "addressestableid": "2",
             "lsoa21_code": "E01990002"},
        ],
        "senneeds": [
            {"record_pseudonym": ADA, "senneedstableid": "1", "pupilonrolltableid": f"{sequence}-1", "sentyperank": 1,
             "sentype": "SLCN"},
        ],
    }  # fmt: skip


def deliver_all(settings: Settings, connection: Connection) -> None:
    """Accept one submission of every agency, and link Ada's records to one person."""
    geography = [
        {"lsoa21": f"E0199000{n}", "lsoa21_name": f"Merebrook 00{n}A", "ward": f"E0599000{n}", "ward_name": f"Ward {n}",
         "health_place": place, "health_place_name": place, "imd_decile": decile}
        for n, place, decile in ((1, "MS", 1), (2, "NP", 9))
    ]  # fmt: skip
    population = [
        {"lsoa21": area["lsoa21"], "year": 2025, "age": age, "sex": sex, "persons": 3}
        for area in geography for age in range(30) for sex in "MF"
    ]  # fmt: skip
    deliver(settings, connection, "planning", "geography", "2025", {"area": geography})
    deliver(settings, connection, "planning", "population_projection", "2025", {"population": population})
    deliver(settings, connection, "education", "school_census", "2025-spring", census())
    cin = {
        "child": [{"record_pseudonym": ADA, "row_id": "1", "sex": "F", "birth_month": date(2014, 3, 1)}],
        "cin_details": [{"record_pseudonym": ADA, "row_id": "1", "cinreferraldate": date(2025, 6, 1)}],
    }
    deliver(settings, connection, "social_care", "cin_census", "2025", cin)
    csds = {
        "mpi": [{"record_pseudonym": ADA, "localpatientid": "1", "gender": "F", "birth_month": date(2014, 3, 1)}],
        "referral": [{"record_pseudonym": ADA, "localpatientid": "1", "servicerequestid": "r",
                      "referralrequest_receiveddate": date(2025, 9, 1)}],
        "service_type": [{"record_pseudonym": ADA, "servicerequestid": "r", "teamid_local": "t", "teamtype": "33"}],
    }  # fmt: skip
    deliver(settings, connection, "north_trust", "csds", "2026-02", csds)
    link_all(connection)


def link_all(connection: Connection) -> dict[str, str]:
    """Ada's three records are one person, Ben's is another; person keys by name."""
    ada = [("education", "school_census", ADA), ("social_care", "cin_census", ADA), ("north_trust", "csds", ADA)]
    return link(connection, ada=ada, ben=[("education", "school_census", BEN)])


def refresh(
    settings: Settings, connection: Connection, as_of: date | None = None, mart_folder: Path | None = None
) -> Outcome:
    """Conform and integrate with one small mart, or with those of a folder."""
    conform.run(settings, REGISTRY, connection, as_of)
    marts = mart_folder or make_mart(settings.home / "small_marts", ONE)
    return integrate.run(settings, REGISTRY, connection, as_of, mart_folder=marts)


def refresh_all(settings: Settings, connection: Connection, as_of: date | None = None) -> Outcome:
    """Conform and integrate with the marts that are shipped."""
    conform.run(settings, REGISTRY, connection, as_of)
    return integrate.run(settings, REGISTRY, connection, as_of, {"sufficiency_gap": nothing})


def make_mart(folder: Path, query: str, more: str = "") -> Path:
    """One small mart with one check in a folder of its own; the folder."""
    place = folder / "small"
    place.mkdir(parents=True, exist_ok=True)
    (place / "mart.yaml").write_text(
        "title: Small\ncomment: For a test\ngrain: one row\nkey: [time_period]\nowner: nobody\nbase: none\n"
        "disclosure: none\ncolumns:\n  time_period: {type: date, comment: Day}\n  name: {type: text, comment: Name}\n"
        "  persons_count: {type: integer, comment: Persons}\n" + more
    )
    (place / "model.sql").write_text(query)
    (place / "checks.sql").write_text("-- check: there is one\nSELECT * FROM mart.small WHERE persons_count <> 1;\n")
    return folder


def content(connection: Connection, *schemas: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of these schemas, sorted; without the moment it was recorded."""
    tables = connection.execute(
        """SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = ANY(%s) ORDER BY 1""",
        (list(schemas),),
    ).fetchall()
    found = {}
    for (name,) in tables:
        query = f"SELECT (to_jsonb(t) - 'recorded_from')::text FROM {name} AS t ORDER BY 1"
        rows = connection.execute(query).fetchall()  # type: ignore[call-overload]
        found[name] = rows
    connection.rollback()
    return found
