"""A dataset with several tables of children: leavers beside those on roll."""

from psycopg import Connection

from pipelines.ledger import Ledger
from pipelines.link.tokens import held_rows
from tests.seal.parts import PUPIL, REGISTRY, Area, census, payload, write_csv

LEAVER = ["pupilnolongeronrolltableid", "NativeId", "upn", "surname", "forename", "dob", "sex", "leavingdate"]
HOME = ["addressesoffrolltableid", "pupilnolongeronrolltableid", "postcode"]
SESSIONS = ["termlysessiondetailsoffrolltableid", "pupilnolongeronrolltableid", "sessions", "attendancereason"]


def leaver(key: str, **more: str) -> dict[str, str]:
    row = {name: PUPIL[name] for name in ("NativeId", "upn", "surname", "forename", "dob", "sex")}
    return row | {"pupilnolongeronrolltableid": key, "leavingdate": "2026-Jan-09 00:00:00"} | more


def sealed(area: Area):
    """Two on roll; the first left another school too, and so did a child whose surname stands where a code should."""
    folder = area.folder
    other = {"upn": "", "surname": "Winterbourne", "forename": "Cyd", "dob": "2011-Aug-01 00:00:00"}
    files = census(folder, pupils=[PUPIL, PUPIL | {"pupilonrolltableid": "p2", "upn": "", "surname": "Jones"}])
    rows = [leaver("l1"), leaver("l2", **other, ncyearleaving="Winterbourne")]
    files.append(write_csv(folder / "left.csv", [*LEAVER, "ncyearleaving"], rows))
    home = {"addressesoffrolltableid": "a", "pupilnolongeronrolltableid": "l2", "postcode": "MK99 1AB"}
    files.append(write_csv(folder / "homes.csv", HOME, [home]))
    spent = {"termlysessiondetailsoffrolltableid": "t", "pupilnolongeronrolltableid": "l2", "sessions": "3"}
    files.append(write_csv(folder / "spent.csv", SESSIONS, [spent | {"attendancereason": "I"}]))
    return area.seal(*files, dataset="school_census", period="2026-spring")


def test_a_child_is_one_record_in_both_tables_and_each_row_of_them_is_in_the_linkage_file(area: Area):
    result = sealed(area)
    on_roll = [row["record_pseudonym"] for row in payload(result, "pupilonroll")]
    left = [row["record_pseudonym"] for row in payload(result, "pupilnolongeronroll")]
    assert left[0] == on_roll[0] and len({*on_roll, *left}) == 3
    linkage = area.linkage(result)
    assert [row["record_pseudonym"] for row in linkage] == [*on_roll, *left]
    assert [row["source_row"] for row in linkage] == [1, 2, 3, 4]
    assert linkage[0]["upn"] == linkage[2]["upn"] != linkage[3]["upn"]


def test_what_hangs_on_a_leaver_is_the_leavers(area: Area):
    result = sealed(area)
    left = [row["record_pseudonym"] for row in payload(result, "pupilnolongeronroll")]
    assert [row["record_pseudonym"] for row in payload(result, "termlysessiondetailsoffroll")] == [left[1]]
    linkage = area.linkage(result)
    assert [row["postcode"] is not None for row in linkage] == [False, False, False, True]
    # The leaver's own surname is found in a cell of the leaver, and no other child's.
    assert [row["ncyearleaving"] for row in payload(result, "pupilnolongeronroll")] == [None, "#blanked"]


def test_held_rows_are_numbered_as_in_the_linkage_file(connection: Connection):
    ledger = Ledger(connection)
    key = ledger.add_submission(
        submission="education/school_census/2026-spring/1", agency_code="education", dataset_code="school_census",
        period="2026-spring", period_start="2026-01-01", period_end="2026-04-30", sequence=1, manifest_sha256="0" * 64,
        content_sha256="0" * 64, contract_hash="", manifest={"tables": {"pupilonroll": {"rows_in": 40}}},
    )  # fmt: skip
    held = [("pupilonroll", 7), ("pupilnolongeronroll", 2), ("addresses", 5)]
    for table, row in held:
        connection.execute(
            "INSERT INTO ops.held_row (submission_key, table_name, source_row, rule) VALUES (%s, %s, %s, 'SC-101')",
            (key, table, row),
        )
    submission = ledger.submission("education/school_census/2026-spring/1")
    assert held_rows(connection, REGISTRY, submission) == [7, 42]
