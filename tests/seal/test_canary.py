"""What may not come out: a planted child is looked for in every byte, however its files were broken."""

import csv
from datetime import date

import pytest

from tests.canary import in_files
from tests.seal.parts import CHILD, NHS, OTHER_UPN, PUPIL, UPN, census, payload, register, write_csv

CANARY = {
    "forename": "Xanthippe", "surname": "Quillfeather", "birth_date": "2013-07-29", "postcode": "MK99 7QZ",
    "upn": UPN, "nhs_number": NHS, "uln": "9276308686", "la_id": "EHC-777123",
}  # fmt: skip


@pytest.mark.parametrize("style", ["%Y-%m-%d", "%d/%m/%Y", "%Y-%b-%d 00:00:00", "%d %B %Y", "%Y%m%d"])
def test_a_planted_child_is_found_in_no_byte_that_leaves(area, tmp_path, style):
    written = CANARY | {"birth_date": date.fromisoformat(CANARY["birth_date"]).strftime(style)}
    others = [{"la_id": f"EHC-{n}", "forename": "Ann", "surname": "Smith"} for n in range(20)]
    result = area.seal(register(tmp_path, *others, written, name="Xanthippe Quillfeather.csv"))
    assert in_files([result.folder], CANARY) == []
    token = [row["forename"] for row in area.linkage(result)]
    assert len(set(token[:-1])) == 1
    assert token[-1] not in token[:-1]


@pytest.mark.parametrize("column", ["sex", "status", "nhs_number_traced", "is_protected"])
@pytest.mark.parametrize("name", sorted(CANARY))
def test_an_identifier_in_the_wrong_column_does_not_pass(area, tmp_path, column, name):
    result = area.seal(register(tmp_path, CANARY | {column: CANARY[name]}))
    assert in_files([result.folder], CANARY) == []
    assert payload(result)[0][column] == "#blanked"


@pytest.mark.parametrize(
    "text",
    ["Xanthippe", "XANTHIPPE", "quillfeather", NHS, "9276308686", "MK997QZ", "20130729", "29/07/2013", "29072013"],
)
def test_an_identifier_in_a_shape_that_would_take_it_does_not_pass(area, tmp_path, text):
    pupil = PUPIL | {
        "forename": CANARY["forename"], "surname": CANARY["surname"], "dob": CANARY["birth_date"],
        "uniquelearnernumber": CANARY["uln"], "NativeId": text,
    }  # fmt: skip
    result = area.seal(*census(tmp_path, pupils=[pupil]), dataset="school_census", period="2026-spring")
    assert payload(result, "pupilonroll")[0]["nativeid"] == "#blanked"


def test_a_middle_name_that_is_dropped_is_looked_for_too(area, tmp_path):
    pupil = PUPIL | {"middlenames": "Wilhelmina Jo", "NativeId": "wilhelmina"}
    result = area.seal(*census(tmp_path, pupils=[pupil]), dataset="school_census", period="2026-spring")
    assert payload(result, "pupilonroll")[0]["nativeid"] == "#blanked"


def test_a_code_equal_to_the_childs_own_name_is_blanked_and_to_anothers_is_not(area, tmp_path):
    needs = [
        {"senneedstableid": n, "pupilonrolltableid": n, "sentyperank": "1", "sentype": "ASD"} for n in ("p1", "p2")
    ]
    pupils = [PUPIL | {"surname": "Asd"}, PUPIL | {"pupilonrolltableid": "p2", "upn": OTHER_UPN}]
    result = area.seal(*census(tmp_path, pupils=pupils, needs=needs), dataset="school_census", period="2026-spring")
    assert [row["sentype"] for row in payload(result, "senneeds")] == ["#blanked", "ASD"]


def test_a_comma_in_an_unquoted_surname_rejects_the_row_by_number(area, tmp_path):
    path = register(tmp_path, {"la_id": "1"}, {"la_id": "2", "surname": "Quill,Feather"}, {"la_id": "3"})
    path.write_text(path.read_text().replace('"Quill,Feather"', "Quill,Feather"))
    result = area.seal(path)
    assert result.manifest["tables"]["register"]["rejected_rows"] == [2]
    assert result.manifest["tables"]["register"]["rows_in"] == 3
    assert [row["source_row"] for row in payload(result)] == [1, 3]
    assert in_files([result.folder], {"surname": "Feather"}) == []


def test_shifted_columns_that_keep_their_number_leave_no_name(area, tmp_path):
    """A missing cell and a comma in a surname: as many fields as the header, every one in the wrong place."""
    path = register(tmp_path)
    cells = dict(CHILD)
    line = [cells["la_id"], cells["upn"], "", "Quillfeather", "Jones", "Xanthippe", "", "2012-05-06", "F", "MK99 1AB",
            NHS, "true", "PLAN", "false"]  # fmt: skip
    with path.open("a", newline="") as file:
        csv.writer(file).writerow([line[0], line[1], *line[3:], ""])
    result = area.seal(path)
    found = {"surname": "Quillfeather", "forename": "Xanthippe", "postcode": "MK99 1AB", "nhs_number": NHS}
    assert in_files([result.folder], found) == []


def test_columns_the_contract_does_not_know_stay_outside(area, tmp_path):
    path = write_csv(tmp_path / "r.csv", [*CHILD, "social_worker"], [CHILD | {"social_worker": "Wilhelmina"}])
    result = area.seal(path)
    assert "social_worker" not in payload(result)[0]
    assert in_files([result.folder], {"forename": "Wilhelmina"}) == []
