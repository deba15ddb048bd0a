"""A small hub with everything that a record can be in: two partners, a correction, held rows, a refused delivery."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pyarrow.parquet as pq
import pytest

from pipelines import conform, integrate, validate
from pipelines import registry as declared
from pipelines.errors import DataFault
from pipelines.ledger import Outcome
from pipelines.ledger.database import connect
from pipelines.local import postgres
from pipelines.seal import keys
from pipelines.settings import Settings
from tests.conform.area import link
from tests.integrate.small_area import ONE, make_mart
from tests.receive.conftest import DECLARATION, REGISTER, Area

BUILT = "built_hub"
CSDS = "north_trust/csds/2026-03/1"
# P2's referral R2 is dated before the birth: held, and its contact with it.
TEXTS = (
    "LocalPatientID,OrgID_LocalPatientID,NHSNumber,DateOfBirth,Postcode,Gender\n"
    "P1,RQN,9990000018,2015-03-09,ZZ1 1AA,2\nP2,RQN,,2012-10-30,ZZ1 1AB,1\n",
    "ServiceRequestID,LocalPatientID,ReferralRequest_ReceivedDate\nR1,P1,2025-11-03\nR2,P2,2010-02-01\n"
    "R3,P2,2025-11-04\n",
    "ServiceRequestID,TeamID_Local,TeamType\nR1,T1,15\nR2,T1,15\nR3,T1,15\n",
    "CareContactID,ServiceRequestID,Contact_Date,CareContact_Duration\nC1,R1,2026-01-12,30\nC2,R2,2026-01-13,20\n"
    "C3,R3,2026-01-14,20\n",
)


@dataclass
class Hub:
    """The hub, and the child it will lose: records by agency, person key; the other child's record."""

    area: Area
    record: str
    register: str
    other: str
    person: UUID

    def take(self, agency: str, dataset: str, *texts: str, **changes: Any) -> str:
        """Send, receive, validate, accept; the submission's name."""
        outcome = self.area.receive(self.area.send(agency, dataset, *texts, **changes))
        name = outcome.subject
        for step in (validate.validate, validate.accept):
            assert step(self.area.settings, self.area.registry, self.area.connection, name).state == "success"
        return name

    def csds(self, sequence: int, **changes: Any) -> str:
        texts = (*TEXTS[:3], TEXTS[3].replace(",30", f",{30 + sequence}"))
        given = {"declaration": DECLARATION, "sequence": sequence, **changes}
        return self.take("north_trust", "csds", *texts, **given)

    def refresh(self) -> Outcome:
        settings, connection = self.area.settings, self.area.connection
        conform.run(settings, self.area.registry, connection)
        marts = make_mart(settings.home / "small_marts", ONE)
        return integrate.run(settings, self.area.registry, connection, mart_folder=marts)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        found = self.area.connection.execute(query, values).fetchall()  # type: ignore[call-overload]
        self.area.connection.commit()
        return found

    def counts(self) -> dict[tuple[str, str], tuple[int, ...]]:
        return {
            (row[0], row[1]): row[2:]
            for row in self.rows(
                """SELECT submission, table_name, rows_in, accepted, quarantined, parent_held, rejected, suppressed
                   FROM ops.outcome JOIN ops.submission USING (submission_key)"""
            )
        }


@pytest.fixture(scope="session")
def built(server: postgres.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """P2, whom the trust knows and the case register too, as one person; P1 is another. To be copied, not used."""
    home, everything = tmp_path_factory.mktemp("built"), declared.load()
    create(server, BUILT, "migrated_template")
    settings = Settings(home=home / "hub", database_url=server.url("joint_needs", BUILT), environment="test")
    keys.new_area(settings.hub_keys.parent, sorted(everything.agencies), "2026a")
    (home / "desk").mkdir()
    with connect(settings) as connection:
        found = Hub(Area(settings, everything, connection, home / "desk"), "", "", "", UUID(int=0))
        _build(found)
    yield found
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {BUILT} WITH (FORCE)")


@pytest.fixture
def hub(built: Hub, server: postgres.Server, tmp_path: Path) -> Iterator[Hub]:
    """A copy of `built`: folders and database."""
    with copied(built, server, tmp_path) as copy:
        yield copy


@contextmanager
def copied(built: Hub, server: postgres.Server, folder: Path) -> Iterator[Hub]:
    """A hub like another in a folder and a database of its own, which is gone afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    create(server, name, BUILT)
    shutil.copytree(built.area.settings.home, folder / "hub")
    settings = replace(built.area.settings, home=folder / "hub", database_url=server.url("joint_needs", name))
    (folder / "desk").mkdir()
    with connect(settings) as connection:
        area = Area(settings, built.area.registry, connection, folder / "desk")
        yield replace(built, area=area)
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def create(server: postgres.Server, name: str, template: str) -> None:
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER joint_needs STRATEGY FILE_COPY")


def _build(found: Hub) -> None:
    area = found.area
    found.csds(1)
    found.csds(2)
    found.take("education", "ehc_register", REGISTER.format(upn=""), period="2026-03-15")
    received = area.settings.received
    people = pq.read_table(received / CSDS.replace("/", "__") / "payload" / "mpi.parquet").to_pylist()
    found.other, found.record = (row["record_pseudonym"] for row in people)
    register = next(received.glob("education__ehc_register__*/payload/*.parquet"))
    found.register = pq.read_table(register).to_pylist()[1]["record_pseudonym"]
    keys = link(
        area.connection,
        mine=[("north_trust", "csds", found.record), ("education", "ehc_register", found.register)],
        theirs=[("north_trust", "csds", found.other)],
    )
    found.person = UUID(keys["mine"])
    pair = ("education", "ehc_register", found.register, "north_trust", "csds", found.record)
    for table in ("link", "review"):
        area.connection.execute(
            f"""INSERT INTO link.{table} (agency_l, dataset_l, record_l, agency_r, dataset_r, record_r, reason)
                VALUES (%s, %s, %s, %s, %s, %s, 'test')""",  # type: ignore[call-overload]
            pair,
        )
    # A history as the warehouse may have: whatever leaves a table is written beside it.
    area.connection.execute(
        """CREATE TABLE core.referral_history (LIKE core.referral);
           CREATE FUNCTION core.keep_referral() RETURNS trigger LANGUAGE plpgsql AS
               'BEGIN INSERT INTO core.referral_history VALUES (OLD.*); RETURN OLD; END';
           CREATE TRIGGER keep AFTER DELETE ON core.referral FOR EACH ROW EXECUTE FUNCTION core.keep_referral()"""
    )
    area.connection.execute(
        "CREATE SCHEMA IF NOT EXISTS core_history; CREATE TABLE core_history.seen (LIKE core.person)"
    )
    area.connection.commit()
    found.refresh()
    area.connection.execute("INSERT INTO core_history.seen SELECT * FROM core.person")
    area.connection.commit()
    spoilt = area.patients(sequence=3)
    with (spoilt / "payload" / "referral.parquet").open("ab") as file:
        file.write(b"spoilt")
    with pytest.raises(DataFault):
        area.receive(spoilt)
    draft = area.settings.snapshots / "2026-04-01"
    draft.mkdir(parents=True)
    (draft / "manifest.json").write_text('{"status": "draft: not signed off"}')
