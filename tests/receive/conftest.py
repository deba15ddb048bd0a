"""A hub and its partners: small raw files, sealed by the real door into the hub's landing place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from pipelines import receive, registry
from pipelines.ledger import Outcome
from pipelines.registry import Registry
from pipelines.seal import keys, manifest, seal
from pipelines.settings import Settings

TODAY = date(2026, 4, 20)
SEALED_AT = datetime(2026, 4, 15, 9, 30, tzinfo=UTC)
DECLARATION = {"basis": "section_251", "ndoo_applied": True, "ndoo_checked_at": "2026-04-10", "opted_out_count": 2}
CAPACITY = """provider_urn,provision_type,phase,need,year,places_commissioned,health_place
100001,special_school,primary,ASD,2026,{places},MS
"""
REGISTER = """la_id,upn,surname,forename,birth_date,sex,postcode,nhs_number,status
LA1,{upn},Quillfeather,Ottoline,2015-03-09,F,ZZ1 1AA,9990000018,plan
LA2,,Quillfeather,Barnaby,2012-10-30,M,ZZ1 1AB,,assessed
"""
PATIENTS = (
    """LocalPatientID,OrgID_LocalPatientID,NHSNumber,DateOfBirth,Postcode,Gender
P1,{ods},9990000018,2015-03-09,ZZ1 1AA,2
P2,{ods},,2012-10-30,ZZ1 1AB,1
""",
    "ServiceRequestID,LocalPatientID,ReferralRequest_ReceivedDate\nR1,P1,2025-11-03\n",
    "ServiceRequestID,TeamID_Local,TeamType\nR1,T1,15\n",
    "CareContactID,ServiceRequestID,Contact_Date\nC1,R1,2026-01-12\n",
)


@dataclass
class Area:
    """A hub with an empty ledger, and partners who hold their keys."""

    settings: Settings
    registry: Registry
    connection: psycopg.Connection[Any]
    desk: Path

    def send(
        self, agency: str, dataset: str, *texts: str, period: str = "2026-03", sequence: int = 1, **changes: Any
    ) -> Path:
        """Seal files of one dataset at the partner and put the folder into its landing place."""
        raw = [self.desk / f"{number}.csv" for number, _ in enumerate(texts)]
        for path, text in zip(raw, texts, strict=True):
            path.write_text(text)
        given = {
            "keys": keys.PartnerKeys.load(self.settings.hub_keys.parent / agency),
            "registry": self.registry,
            "geography": self.geography if self.registry.contract(dataset).people else None,
            "declaration": {},
            "out": self.settings.landing / agency,
            "sealed_at": SEALED_AT,
        } | changes
        return seal(raw, agency=agency, dataset=dataset, period=period, sequence=sequence, **given).folder

    def capacity(self, places: int = 40, **changes: Any) -> Path:
        return self.send(
            "planning", "provision_capacity", CAPACITY.format(places=places), **{"period": "2026", **changes}
        )

    def register(self, upn: str = "", **changes: Any) -> Path:
        return self.send("education", "ehc_register", REGISTER.format(upn=upn), **{"period": "2026-03-15", **changes})

    def patients(self, agency: str = "north_trust", **changes: Any) -> Path:
        texts = [text.replace("{ods}", str(self.registry.agency(agency).ods_code)) for text in PATIENTS]
        return self.send(agency, "csds", *texts, **{"declaration": DECLARATION, **changes})

    def receive(self, folder: Path, today: date = TODAY) -> Outcome:
        return receive.receive(self.settings, self.registry, self.connection, folder, today=today)

    def find(self, *agencies: str) -> list[Path]:
        return receive.find(self.settings, self.registry, agencies or sorted(self.registry.agencies))

    @property
    def geography(self) -> Path:
        path = self.desk / "postcodes.csv"
        path.write_text("postcode,lsoa21\nZZ1 1AA,E01990001\nZZ1 1AB,E01990002\n")
        return path

    def resign(self, folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
        """Change the manifest as the partner itself could: signed again with its own key."""
        content = json.loads((folder / manifest.NAME).read_text())
        change(content)
        agency = folder.parent.name
        signer = keys.PartnerKeys.load(self.settings.hub_keys.parent / agency).signing_key
        text = json.dumps(content).encode()
        (folder / manifest.NAME).write_bytes(text)
        (folder / manifest.SIGNATURE).write_bytes(signer.sign(text))
        return folder

    def submissions(self) -> list[tuple[str, str]]:
        return self.connection.execute(
            "SELECT submission, state FROM ops.submission ORDER BY submission_key"
        ).fetchall()

    def refusals(self) -> list[str]:
        query = "SELECT note FROM ops.submission_event WHERE to_state = 'refused' ORDER BY event_key"
        return [note for (note,) in self.connection.execute(query)]

    def refused(self) -> list[Path]:
        return sorted((self.settings.landing / ".refused").glob("*"))


@pytest.fixture(scope="module")
def everything() -> Registry:
    return registry.load()


@pytest.fixture
def area(
    database: Settings, connection: psycopg.Connection[Any], tmp_path: Path, everything: Registry
) -> Iterator[Area]:
    found = replace(everything, agencies=dict(everything.agencies))
    keys.new_area(database.hub_keys.parent, sorted(found.agencies), "2026a")
    desk = tmp_path / "desk"
    desk.mkdir()
    yield Area(database, found, connection, desk)
    shutil.rmtree(desk)
