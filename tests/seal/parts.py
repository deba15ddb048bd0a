"""A small register and a census to seal, keys to seal them with, and a way to open what came out."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pyrage

from pipelines import registry as declared
from pipelines.seal import HubKeys, PartnerKeys, keys, seal

REGISTRY = declared.load()
AT = datetime(2026, 3, 16, 2, 0, tzinfo=UTC)
REGISTER = [
    "la_id", "upn", "former_upn", "uln", "surname", "forename", "former_surname", "birth_date", "sex", "postcode",
    "nhs_number", "nhs_number_traced", "status", "is_protected",
]  # fmt: skip
# Synthetic numbers whose check digits hold.
UPN, OTHER_UPN, ULN, NHS = "B801200005001", "Q801200005002", "9276308686", "9434765919"
CHILD = {
    "la_id": "EHC-000123", "upn": UPN, "uln": ULN, "surname": "O'Neill", "forename": "Zoë", "birth_date": "2012-05-06",
    "sex": "F", "postcode": "MK99 1AB", "nhs_number": NHS, "nhs_number_traced": "true", "status": "PLAN",
    "is_protected": "false",
}  # fmt: skip


def write_csv(path: Path, columns: list[str], rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def register(folder: Path, *rows: dict[str, str], name: str = "ehc_register.csv") -> Path:
    """A register of children, each given as what differs from CHILD."""
    return write_csv(folder / name, REGISTER, [CHILD | row for row in rows])


def census(folder, *, pupils, needs=(), addresses=(), exclusions=()):
    """The files of a spring census."""
    pupil = ["pupilonrolltableid", "NativeId", "upn", "surname", "forename", "middlenames", "dob", "sex", "entrydate",
             "senprovision", "ncyearactual", "uniquelearnernumber"]  # fmt: skip
    paths = [
        write_csv(folder / "pupils.csv", pupil, pupils),
        write_csv(folder / "n.csv", ["senneedstableid", "pupilonrolltableid", "sentyperank", "sentype"], needs),
    ]
    if addresses:
        paths.append(write_csv(folder / "a.csv", ["addressestableid", "pupilonrolltableid", "postcode"], addresses))
    if exclusions:
        columns = ["termlyexclusionsonrolltableid", "pupilonrolltableid", "startdate", "category", "reason1"]
        paths.append(write_csv(folder / "e.csv", columns, exclusions))
    return paths


PUPIL = {
    "pupilonrolltableid": "p1", "NativeId": "SCH7", "upn": UPN, "surname": "Smith", "forename": "Ann",
    "dob": "2012-May-06 00:00:00", "sex": "F", "entrydate": "2017-Sep-04 00:00:00", "senprovision": "K",
    "ncyearactual": "9",
}  # fmt: skip


class Area:
    """Keys of an area in a folder, and the door with them."""

    def __init__(self, folder: Path, epoch: str = "2026a") -> None:
        self.folder = folder
        keys.new_area(folder / "keys", sorted(REGISTRY.agencies), epoch)
        self.hub = HubKeys.load(folder / "keys" / "hub")

    def seal(self, *files: Path, agency: str = "education", dataset: str = "ehc_register", **options):
        given = {"period": "2026-03-15", "sequence": 1, "geography": None, "declaration": {}} | options
        return seal(
            list(files),
            registry=REGISTRY,
            agency=agency,
            dataset=dataset,
            keys=PartnerKeys.load(self.folder / "keys" / agency),
            out=self.folder / "out" / agency,
            sealed_at=AT,
            **given,
        )

    def linkage(self, result, epoch: str = "2026a") -> list[dict]:
        """The linkage file of an epoch as the linker reads it."""
        plain = pyrage.decrypt((result.folder / f"linkage.{epoch}.age").read_bytes(), [self.hub.linker])
        return pq.read_table(io.BytesIO(plain)).to_pylist()


def payload(result, table: str = "register") -> list[dict]:
    return pq.read_table(result.folder / "payload" / f"{table}.parquet").to_pylist()
