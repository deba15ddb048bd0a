"""What files are, and what is said when they are not."""

import pytest

from pipelines import registry as declared
from pipelines.errors import DataFault
from pipelines.extract import catalogue, open_tables, recognise, recognise_all
from pipelines.extract.headers import match
from pipelines.ledger.periods import bounds

REGISTRY = declared.load()
REGISTER = "la_id,upn,surname,forename,birth_date,status\n1,,Smith,Ann,2012-05-06,PLAN\n"
PERSON = "pers_person_id,pers_forename,pers_surname,pers_dob,pers_common_child_id\n1,Ann,Smith,2012-05-06,\n"
LINKED = "link_table_id,link_person_id,link_identifier_type,link_identifier_value\n1,1,NHS Number,\n"
SEN2 = "sen2tableid,collection,year,referencedate,lea\n1,SEN2,2026,2026-01-15,990\n"


def files(folder, **contents):
    for name, content in contents.items():
        (folder / f"{name}.csv").write_text(content)
    return sorted(folder.glob("*.csv"))


def fault_of(work):
    with pytest.raises(DataFault) as caught:
        work()
    return caught.value


def test_files_are_known_by_their_header_whatever_they_are_called(tmp_path):
    found = recognise(files(tmp_path, export1=LINKED, export2=PERSON, notes="a,b\n1,2\n"), REGISTRY)
    assert found.dataset == "identifier_bridge"
    assert {name: path.name for name, path in found.tables.items()} == {
        "ssd_person": "export2.csv",
        "ssd_linked_identifiers": "export1.csv",
    }
    assert [path.name for path in found.unknown_files] == ["notes.csv"]


def test_an_absent_optional_table_is_named(tmp_path):
    pupils = "pupilonrolltableid,upn,surname,forename,dob,senprovision\n1,,a,b,2012-01-01,K\n"
    needs = "senneedstableid,pupilonrolltableid,sentyperank,sentype\n1,1,1,ASD\n"
    found = recognise(files(tmp_path, a=pupils, b=needs), REGISTRY)
    assert set(found.tables) == {"pupilonroll", "senneeds"}
    assert {"addresses", "termlyexclusionsonroll", "termlysessiondetailsonroll"} <= set(found.missing_optional)


def test_files_of_several_datasets_are_taken_apart(tmp_path):
    paths = files(tmp_path, a=REGISTER, b=PERSON, c=LINKED, d="x,y\n1,2\n")
    groups, unknown = recognise_all(paths, REGISTRY)
    assert {group.dataset for group in groups} == {"identifier_bridge", "ehc_register"}
    assert [path.name for path in unknown] == ["d.csv"]


def test_an_empty_file(tmp_path):
    assert fault_of(lambda: recognise(files(tmp_path, a=""), REGISTRY)).rule == "FILE-001"
    named = files(tmp_path, a=PERSON, ssd_linked_identifiers="\n")
    assert fault_of(lambda: recognise(named, REGISTRY, "identifier_bridge")).rule == "FILE-001"


@pytest.mark.parametrize(
    ("begins", "rule"), [(b"\xd0\xcf\x11\xe0\0\0", "FILE-002"), (b"PK\x03\x04\0\0\0\0", "FILE-033")]
)
def test_an_old_or_a_broken_workbook(tmp_path, begins, rule):
    path = tmp_path / "a.csv"
    path.write_bytes(begins)
    assert fault_of(lambda: recognise([path], REGISTRY)).rule == rule


@pytest.mark.parametrize("dataset", ["ehc_register", None])
def test_a_missing_mandatory_column_is_named(tmp_path, dataset):
    content = REGISTER.replace("status", "state")
    fault = fault_of(lambda: recognise(files(tmp_path, ehc_register=content), REGISTRY, dataset))
    assert fault.rule == "FILE-004"
    assert "status" in fault.tell_supplier


def test_an_unknown_file(tmp_path):
    assert fault_of(lambda: recognise(files(tmp_path, a="x,y\n1,2\n"), REGISTRY)).rule == "FILE-005"
    assert fault_of(lambda: recognise(files(tmp_path, a="x,y\n1,2\n"), REGISTRY, "ehc_register")).rule == "FILE-005"


def test_a_missing_mandatory_table(tmp_path):
    fault = fault_of(lambda: recognise(files(tmp_path, a=PERSON), REGISTRY))
    assert (fault.rule, "ssd_linked_identifiers" in fault.tell_supplier) == ("FILE-006", True)


def test_two_files_for_one_table(tmp_path):
    fault = fault_of(lambda: recognise(files(tmp_path, a=REGISTER, b=REGISTER), REGISTRY))
    assert fault.rule == "FILE-012"


def test_another_councils_file_is_refused(tmp_path):
    paths = files(tmp_path, sen2=SEN2.replace("990", "343"))
    found = recognise_header(paths)
    fault = fault_of(lambda: list(open_tables(found, REGISTRY, REGISTRY.agency("education"))["sen2"].batches()))
    assert fault.rule == "FILE-007"
    assert "343" not in str(fault)


def test_the_sender_is_not_checked_where_none_is_given(tmp_path):
    found = recognise_header(files(tmp_path, sen2=SEN2.replace("990", "343")))
    assert sum(batch.num_rows for batch in open_tables(found, REGISTRY)["sen2"].batches()) == 1


def recognise_header(paths):
    """The header table alone, without asking for the others."""
    from pipelines.extract.headers import match
    from pipelines.extract.recognition import Found, Recognised
    from pipelines.extract.sheet_form import Place
    from pipelines.extract.sniff import sniff

    [sniffed] = sniff(paths[0])
    start = sniffed.starts[0]
    table = REGISTRY.contract("sen2").tables["sen2"]
    return Recognised(
        "sen2", {"sen2": paths[0]}, [], [], "csv", {"sen2": Found(sniffed, Place(start, match(start.header, table)))}
    )


def test_the_catalogue_and_the_period_parser_say_the_same():
    fault = fault_of(lambda: bounds("yesterday"))
    assert catalogue()[fault.rule]["supplier"] == fault.tell_supplier


def test_every_code_is_in_the_catalogue_and_is_used():
    import re
    from pathlib import Path

    import pipelines

    rooms = Path(pipelines.__file__).parent
    used = {code for path in rooms.rglob("*.py") for code in re.findall(r'"(FILE-\d{3})"', path.read_text())}
    assert used == {code for code in catalogue() if code.startswith("FILE-")}


@pytest.mark.shared
def test_the_real_census_sample_is_read_whole(shared):
    paths = sorted((shared / "samples" / "school_census").glob("2025_spring_*.csv"))
    found = recognise(paths, REGISTRY)
    assert found.dataset == "school_census"
    assert "addresses" in found.missing_optional
    assert found.unknown_files == []
    rows = {}
    for name, table in open_tables(found, REGISTRY).items():
        rows[name] = sum(batch.num_rows for batch in table.batches())
        assert table.rejected == []
    assert (
        rows.items()
        >= {
            "pupilonroll": 9498,
            "senneeds": 16954,
            "termlyexclusionsonroll": 10064,
            "termlysessiondetailsonroll": 41251,
        }.items()
    )


@pytest.mark.shared
def test_the_community_services_sample_is_known_to_the_last_file(shared):
    found = recognise(sorted((shared / "samples" / "csds").glob("*.csv")), REGISTRY)
    assert {name: path.stem[:6] for name, path in found.tables.items()}.items() >= {
        "mpi": "CYP001",
        "referral": "CYP101",
        "service_type": "CYP102",
        "rtt": "CYP104",
        "care_contact": "CYP201",
        "care_activity": "CYP202",
        "primary_diagnosis": "CYP607",
        "staff": "CYP901",
    }.items()
    assert found.unknown_files == []
    tables = REGISTRY.contract(found.dataset).tables
    assert all(path.stem in tables[name].files for name, path in found.tables.items())


def test_what_a_national_copy_adds_to_a_small_table_makes_it_no_stranger():
    """Two columns of its own in the long names, five of the copy's."""
    header = [
        "LOCAL PATIENT IDENTIFIER (EXTENDED)", "SPECIAL EDUCATIONAL NEED TYPE",
        "PERSON ID", "UNIQUE SUBMISSION ID", "RECORD NUMBER", "RECORD START DATE", "RECORD END DATE",
    ]  # fmt: skip
    tables = REGISTRY.contract("csds").tables
    assert [name for name, table in tables.items() if match(header, table).is_the_table] == ["educational_need"]
