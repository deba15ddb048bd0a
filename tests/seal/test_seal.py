"""The door as a whole: the shape of what comes out, the same every time, and nothing where it goes wrong."""

import json

import pyarrow.parquet as pq
import pytest

from pipelines.errors import DataFault, SystemFault, UsageFault
from pipelines.seal import seal_area, throwaway
from tests.seal.parts import CHILD, OTHER_UPN, PUPIL, REGISTER, REGISTRY, Area, census, payload, register, write_csv


def test_the_folder_and_the_manifest(area, tmp_path):
    geography = tmp_path / "postcodes.csv"
    geography.write_text("Postcode,LSOA21\nMK99 1AB,E01990001\n")
    result = area.seal(register(tmp_path, {}, {"la_id": "2"}), geography=geography)
    assert result.folder.name == "ehc_register__2026-03-15__1"
    assert {path.relative_to(result.folder).as_posix() for path in result.folder.rglob("*") if path.is_file()} == {
        "manifest.json", "manifest.sig", "linkage.2026a.age", "payload/register.parquet",
    }  # fmt: skip
    manifest = json.loads((result.folder / "manifest.json").read_text())
    assert manifest == result.manifest
    assert (manifest["key_epochs"], manifest["sequence"]) == (["2026a"], 1)
    assert manifest["contract_hash"] == REGISTRY.contract_hash("ehc_register")
    table = manifest["tables"]["register"]
    assert (table["rows_in"], table["rows"], table["rejected_rows"]) == (2, 2, [])
    assert table["identifiers"]["upn"]["shared"] == sum(table["identifiers"]["upn"].values()) == 2
    assert manifest["linkage"]["2026a"]["rows"] == 2
    assert list((result.folder.parent).iterdir()) == [result.folder]


def test_what_the_payload_holds(area, tmp_path):
    geography = tmp_path / "postcodes.csv"
    geography.write_text("postcode,lsoa21\nMK99 1AB,E01990001\n")
    (row,) = payload(area.seal(register(tmp_path, {}), geography=geography))
    assert len(row.pop("record_pseudonym")) == len(row.pop("la_id")) == 32
    assert row == {
        "source_row": 1, "sex": "F", "nhs_number_traced": "true", "status": "PLAN", "is_protected": "false",
        "birth_month": "2012-05-01", "age_31_aug": "13", "school_year": "2011", "is_birth_day_unknown": "false",
        "lsoa21_code": "E01990001", "la_id_state": "valid", "upn_state": "valid", "former_upn_state": "missing",
        "uln_state": "valid", "surname_state": "valid", "forename_state": "valid", "former_surname_state": "missing",
        "birth_date_state": "valid", "postcode_state": "valid", "nhs_number_state": "valid",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("born", "month", "age", "year"),
    [("2015-08-31", "2015-08-01", "10", "2014"), ("2015-09-01", "2015-09-01", "9", "2015"),
     ("2016-08-31", "2016-08-01", "9", "2015"), ("2025-12-01", "2025-12-01", "0", "2025")],
)  # fmt: skip
def test_what_is_left_of_a_birth_date(area, tmp_path, born, month, age, year):
    (row,) = payload(area.seal(register(tmp_path, {"birth_date": born})))
    assert (row["birth_month"], row["age_31_aug"], row["school_year"]) == (month, age, year)


def test_states_of_identifiers(area, tmp_path):
    rows = payload(
        area.seal(
            register(
                tmp_path,
                {"nhs_number": "9990000001", "upn": "M80120000500A", "birth_date": "2036-01-01"},
                {"nhs_number": "9434765918", "upn": "A801200005001", "birth_date": "n/a", "postcode": "ZZ99 3VZ"},
                {"nhs_number": "", "upn": "", "birth_date": "", "postcode": "none"},
            )
        )
    )
    assert [row["nhs_number_state"] for row in rows] == ["test", "invalid", "missing"]
    assert [row["upn_state"] for row in rows] == ["temporary", "invalid", "missing"]
    assert [row["birth_date_state"] for row in rows] == ["future", "invalid", "missing"]
    assert [row["postcode_state"] for row in rows] == ["valid", "missing", "invalid"]
    assert [row["birth_month"] for row in rows] == [None, None, None]


def test_keys_of_child_rows_equal_their_parents(area, tmp_path):
    files = census(
        tmp_path,
        pupils=[PUPIL, PUPIL | {"pupilonrolltableid": "p2", "upn": OTHER_UPN}],
        needs=[
            {"senneedstableid": "n1", "pupilonrolltableid": "p2", "sentyperank": "1", "sentype": "ASD"},
            {"senneedstableid": "n2", "pupilonrolltableid": "nobody", "sentyperank": "1", "sentype": "ASD"},
        ],
    )
    result = area.seal(*files, dataset="school_census", period="2026-spring")
    first, second = payload(result, "pupilonroll")
    need, orphan = payload(result, "senneeds")
    assert need["pupilonrolltableid"] == second["pupilonrolltableid"] != first["pupilonrolltableid"]
    assert need["record_pseudonym"] == second["record_pseudonym"]
    assert orphan["record_pseudonym"] is None
    assert len(orphan["pupilonrolltableid"]) == 32
    absent = set(result.manifest["missing_optional"])
    assert absent >= {"addresses", "termlyexclusionsonroll", "termlysessiondetailsonroll"}
    assert not absent & {"pupilonroll", "senneeds"}


def test_blocks_and_lookups_of_any_size_give_the_same_rows(area, tmp_path, monkeypatch):
    """Keys of rows below are their parents', found together or block by block; of no parent, still a pseudonym."""
    numbers = range(40)
    pupils = [
        PUPIL | {"pupilonrolltableid": f"p{n}", "upn": "", "surname": f"Smith{chr(65 + n % 26)}"} for n in numbers
    ]
    needs = [
        {"senneedstableid": f"n{n}", "pupilonrolltableid": f"p{n * 3 % 50}", "sentyperank": "1", "sentype": "ASD"}
        for n in range(90)
    ]
    files = census(tmp_path, pupils=pupils, needs=needs)
    given = {"dataset": "school_census", "period": "2026-spring"}
    together = area.seal(*files, **given)
    monkeypatch.setattr("pipelines.seal.payload.LOOKED_UP_TOGETHER", 30)
    monkeypatch.setattr("pipelines.extract.csv_form.BLOCK_BYTES", 400)
    apart = area.seal(*files, **given, sequence=2)
    for name in ("pupilonroll", "senneeds"):
        assert payload(together, name) == payload(apart, name)
    parents = [row["pupilonrolltableid"] for row in payload(apart, "pupilonroll")]
    below = payload(apart, "senneeds")
    assert len(set(parents)) == 40 and len(below) == 90
    for n, row in enumerate(below):
        place, key = n * 3 % 50, row["pupilonrolltableid"]
        assert (row["record_pseudonym"] is not None) == (place < 40)
        assert len(key) == 32 and (key == parents[place] if place < 40 else key not in parents)


def test_events_are_compared_with_the_birth_date_before_that_is_dropped(area, tmp_path):
    exclusion = {"pupilonrolltableid": "p1", "category": "SUSP", "reason1": "PP"}
    dates = ["2012-May-05 00:00:00", "2012-May-07 00:00:00", "2012-May-06 00:00:00", ""]
    result = area.seal(
        *census(
            tmp_path,
            pupils=[PUPIL],
            exclusions=[
                exclusion | {"termlyexclusionsonrolltableid": str(i), "startdate": day} for i, day in enumerate(dates)
            ],
        ),
        dataset="school_census",
        period="2026-spring",
    )
    rows = payload(result, "termlyexclusionsonroll")
    assert [row["startdate_before_birth"] for row in rows] == ["true", "false", "false", None]
    assert [row["startdate"] for row in rows] == ["2012-05-05", "2012-05-07", "#blanked", None]
    assert result.manifest["tables"]["termlyexclusionsonroll"]["blanked"] == {"startdate": 1}


def test_an_aggregate_dataset_has_no_records(area, tmp_path):
    areas = tmp_path / "areas.csv"
    areas.write_text("lsoa21,ward,ward_name,health_place,imd_decile\nE01990001,E05990001,Ash & Elm,MS,1\n")
    result = area.seal(areas, agency="planning", dataset="geography", period="2026")
    assert result.manifest["linkage"] == {}
    assert not list(result.folder.glob("*.age"))
    (row,) = payload(result, "area")
    assert row["record_pseudonym"] is None
    assert (row["lsoa21"], row["ward_name"], row["lsoa21_name"]) == ("E01990001", "Ash & Elm", None)


def test_the_same_files_and_keys_give_the_same_rows(area, tmp_path):
    rows = [{"la_id": str(n), "former_surname": f"Name{chr(65 + n)}"} for n in range(9)]
    first = area.seal(register(tmp_path, *rows))
    second = area.seal(register(tmp_path, *reversed(rows)), sequence=2)
    by_pseudonym = {row["record_pseudonym"]: row | {"source_row": 0} for row in payload(first)}
    assert {row["record_pseudonym"]: row | {"source_row": 0} for row in payload(second)} == by_pseudonym
    tokens = {row["record_pseudonym"]: row | {"source_row": 0} for row in area.linkage(first)}
    assert {row["record_pseudonym"]: row | {"source_row": 0} for row in area.linkage(second)} == tokens


def test_other_keys_give_other_pseudonyms_and_tokens(area, tmp_path):
    (tmp_path / "other").mkdir()
    other = Area(tmp_path / "other")
    path = register(tmp_path, {})
    mine, theirs = area.seal(path), other.seal(path)
    for name in ("record_pseudonym", "la_id"):
        assert payload(mine)[0][name] != payload(theirs)[0][name]
    (a,), (b,) = area.linkage(mine), other.linkage(theirs)
    assert all(a[name] != b[name] for name in a if isinstance(a[name], str) and name != "sex")


def test_a_record_without_a_good_identifier_is_named_by_name_and_birth_date_and_counted(area, tmp_path):
    weak = PUPIL | {"upn": "not known"}
    strong = PUPIL | {"pupilonrolltableid": "p2"}
    nameless = {"pupilonrolltableid": "p3", "senprovision": "N"}
    result = area.seal(
        *census(tmp_path, pupils=[weak, strong, nameless]), dataset="school_census", period="2026-spring"
    )
    assert result.manifest["linkage"]["2026a"]["weak"] == 2
    again = area.seal(*census(tmp_path, pupils=[weak]), dataset="school_census", period="2026-summer")
    pseudonyms = [row["record_pseudonym"] for row in payload(result, "pupilonroll")]
    assert len(set(pseudonyms)) == 3
    assert payload(again, "pupilonroll")[0]["record_pseudonym"] == pseudonyms[0]


def test_a_refused_file_leaves_nothing_behind(area, tmp_path):
    with pytest.raises(DataFault, match="FILE-009"):
        area.seal(write_bad(tmp_path))
    assert list((tmp_path / "out" / "education").iterdir()) == []


def write_bad(folder):
    path = register(folder, {"la_id": "1"})
    path.write_text(path.read_text().replace("PLAN", "PLAN,Quillfeather"))
    return path


def test_a_sealed_folder_is_never_written_over(area, tmp_path):
    path = register(tmp_path, {})
    area.seal(path)
    with pytest.raises(UsageFault, match="sequence"):
        area.seal(path)


def test_a_declaration_with_an_unknown_field_is_refused(area, tmp_path):
    with pytest.raises(UsageFault, match="opt_out"):
        area.seal(register(tmp_path, {}), declaration={"opt_out": True})


def test_a_broken_machine_says_where_and_never_what(area, tmp_path, monkeypatch):
    def fail(*_):
        raise ValueError("cannot convert Quillfeather")

    monkeypatch.setattr("pipelines.seal.payload.TableSealer.write", fail)
    with pytest.raises(SystemFault) as caught:
        area.seal(register(tmp_path, {}))
    assert "Quillfeather" not in str(caught.value)
    assert "ValueError" in str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_a_geography_that_is_none(area, tmp_path):
    wrong = tmp_path / "postcodes.csv"
    wrong.write_text("code,area\nMK99 1AB,E01990001\n")
    with pytest.raises(DataFault, match="FILE-017"):
        area.seal(register(tmp_path, {}), geography=wrong)


def test_a_throwaway_sealing_is_gone_afterwards(tmp_path):
    with throwaway([register(tmp_path, {})], registry=REGISTRY, period="2026-03-15") as result:
        assert result.manifest["agency"] == "nobody"
        assert pq.read_table(result.folder / "payload" / "register.parquet").num_rows == 1
    assert not result.folder.exists()


@pytest.mark.shared
def test_the_real_census_sample_passes_the_door_whole(shared):
    files = sorted((shared / "samples" / "school_census").glob("2025_spring_*.csv"))
    with throwaway(files, registry=REGISTRY, period="2025-spring") as result:
        tables = result.manifest["tables"]
        rows = {
            "pupilonroll": 9498, "senneeds": 16954, "termlyexclusionsonroll": 10064,
            "termlysessiondetailsonroll": 41251,
        }  # fmt: skip
        assert {name: tables[name]["rows"] for name in rows} == rows
        assert all(table["rows_in"] == table["rows"] for table in tables.values())
        # What is true of the sample: its UPNs are random strings and its needs random hashes.
        assert tables["pupilonroll"]["identifiers"]["upn"]["invalid"] == 9498
        assert tables["senneeds"]["unlisted"] == {"sentype": 16954}
        (linkage,) = result.manifest["linkage"].values()
        assert linkage["rows"] == linkage["weak"] >= 9498
        assert "addresses" in result.manifest["missing_optional"]


def test_the_manifest_always_says_on_what_basis_data_flow(area, tmp_path):
    manifest = area.seal(register(tmp_path, {})).manifest
    assert manifest["declaration"]["basis"] == "legal_requirement" and manifest["declaration"]["cag_ref"] is None
    stated = area.seal(register(tmp_path, {}), sequence=2, declaration={"basis": "consent", "opted_out_count": 3})
    assert (stated.manifest["declaration"]["basis"], stated.manifest["declaration"]["opted_out_count"]) == (
        "consent",
        3,
    )


def test_several_processes_seal_as_one_does(area, tmp_path, monkeypatch):
    """In the order of the list, under numbers in that order; a fault of one comes back with its rule."""
    monkeypatch.setattr("pipelines.seal.WORTH_PROCESSES", 0)
    (tmp_path / "postcodes.csv").write_text("postcode,lsoa21\nMK99 1AB,E01990001\n")
    write_csv(tmp_path / "small.csv", REGISTER, [CHILD])
    write_csv(tmp_path / "large.csv", REGISTER, [CHILD | {"la_id": str(number)} for number in range(50)])
    register_of = {"agency": "education", "dataset": "ehc_register", "period": "2026-03-15"}

    def sealed(*names):
        (tmp_path / "deliveries.json").write_text(json.dumps([register_of | {"files": [name]} for name in names]))
        return seal_area(tmp_path, keys_dir=tmp_path / "keys", out=tmp_path / "out")

    first, second = sealed("small.csv", "large.csv")
    assert (first.counts["rows"], first.subject[-1], second.counts["rows"], second.subject[-1]) == (1, "1", 50, "2")
    assert len(list((tmp_path / "out" / "education").iterdir())) == 2
    (tmp_path / "none.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataFault) as fault:
        sealed("none.csv")
    assert fault.value.rule.startswith("FILE-") and fault.value.tell_supplier
