"""The area looks like the one it is calibrated to, its files like those of the real systems, twice like once."""

import csv
import hashlib
import json
import re
from pathlib import Path

import pytest
from lxml import etree
from stdnum.gb import nhs, upn

from pipelines import registry as declared
from pipelines import synth
from pipelines.errors import UsageFault
from pipelines.extract.headers import match, squash
from tests.synth.conftest import AS_OF, Area, make

MONTHLY = "education/sen2/2026-10/Blade-Export_"


def day(text: str) -> str:
    return f"try_strptime({text}, '%Y-%b-%d 00:00:00')::DATE"


# ---- the same seed, the same bytes -------------------------------------------------------------------------------
def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    first, second, other = (make(tmp_path / name, 400, seed=seed) for name, seed in (("a", 3), ("b", 3), ("c", 4)))
    assert hashes(first.folder) == hashes(second.folder)
    differ = [name for name, value in hashes(first.folder).items() if hashes(other.folder).get(name) != value]
    assert len(differ) > 30


def test_it_writes_into_empty_folders_only(small):
    with pytest.raises(UsageFault, match="not empty"):
        make(small.folder, 300)
    with pytest.raises(UsageFault, match="no scenario"):
        synth.generate(small.folder / "new", children=300, seed=1, as_of=AS_OF, scenario="storm")


def test_speed_of_8000_children(area):
    print(f"\n8,000 children in {area.summary.seconds:.1f} s, {sum(area.summary.rows.values()):,} rows")
    assert area.summary.seconds < 60


# ---- rates -------------------------------------------------------------------------------------------------------
def share(area: Area, query: str) -> float:
    return float(area.rows(query)[0][0])


def test_plans_grow_as_published(area):
    case = area.csv(MONTHLY + "namedplan.csv")
    scale = area.children / 76_000
    for january, published in ((2024, 2563), (2025, 3116), (2026, 3736)):
        day_ = f"DATE '{january}-01-15'"
        stock = share(
            area,
            f"""SELECT count(*) FROM {case} WHERE {day("startdate")} <= {day_}
                AND (ceasedate IS NULL OR {day("ceasedate")} > {day_})""",
        )
        # Plans that ceased before the window of the export are not in it.
        assert published * scale * 0.85 < stock < published * scale * 1.06, january


def test_requests_and_their_outcomes(area):
    requests, assessment = area.csv(MONTHLY + "requests.csv"), area.csv(MONTHLY + "assessment.csv")
    in_2025 = f"year({day('receiveddate')}) = 2025"
    received = share(area, f"SELECT count(*) FROM {requests} WHERE {in_2025}")
    assert received == pytest.approx(951 * area.children / 76_000, rel=0.25)
    refused = share(area, f"SELECT avg((requestoutcome = 'N')::INT) FROM {requests} WHERE {in_2025}")
    assert 0.06 < refused < 0.25
    in_time = share(
        area,
        f"""SELECT avg(({day("assessmentoutcomedate")} - {day("receiveddate")} <= 140)::INT)
            FROM {requests} JOIN {assessment} USING (requeststableid) WHERE assessmentoutcome = 'Y'""",
    )
    assert in_time == pytest.approx(0.531, abs=0.12)


def test_needs_of_plans_and_status_of_pupils(area):
    needs = dict(
        area.rows(
            f"SELECT sentype, count(*) FROM {area.csv(MONTHLY + 'senneed.csv')} WHERE sentyperank = '1.0' GROUP BY 1"
        )
    )
    whole = sum(needs.values())
    for need, published in {"ASD": 0.315, "SLCN": 0.213, "SEMH": 0.207, "MLD": 0.106}.items():
        assert needs[need] / whole == pytest.approx(published, abs=0.05), need
    status = dict(area.rows(f"SELECT senprovision, count(*) FROM {area.csv('spring_pupilonroll.csv')} GROUP BY 1"))
    pupils = sum(status.values())
    assert status["K"] / pupils == pytest.approx(0.16, abs=0.01)
    assert status["E"] / pupils == pytest.approx(0.062, abs=0.012)


def test_children_in_need(area):
    tree = etree.parse(next(area.folder.rglob("990_cin_2026.xml")))
    episodes = tree.findall(".//CINdetails")
    still_open = [e for e in episodes if e.find("CINclosureDate") is None]
    minors = share(
        area, f"SELECT count(*) FROM '{area.folder}/truth/persons.parquet' WHERE birth_date > DATE '2008-03-31'"
    )
    assert len(still_open) / minors * 10_000 == pytest.approx(471, rel=0.12)
    assert len(tree.findall(".//ChildProtectionPlans")) / minors * 10_000 == pytest.approx(71.6, rel=0.25)


def test_waits_are_long_and_longer_in_one_place(area):
    """Of the trust that writes short names: the newest month has all who wait, contacts are of every month."""
    long, by_place = {}, {}
    months = f"{area.folder}/south_trust/csds/*/CYP201CareContact.csv"
    newest = "south_trust/csds/2026-10/"
    rows = area.rows(
        f"""WITH seen AS (
            SELECT ServiceRequestID, min(try_strptime(Contact_Date, '%d/%m/%Y')) AS day
            FROM read_csv('{months}', all_varchar=true) WHERE AttendanceStatus IN ('5', '6') GROUP BY 1)
        SELECT TeamType, OrgID_Commissioner,
            DATE '2026-10-31' - try_strptime(ReferralRequest_ReceivedDate, '%d/%m/%Y')::DATE
        FROM {area.csv(newest + "CYP101Referral.csv")}
        JOIN {area.csv(newest + "CYP102ServiceTypeReferredTo.csv")} team USING (ServiceRequestID)
        LEFT JOIN seen USING (ServiceRequestID)
        WHERE seen.day IS NULL AND Discharge_Date IS NULL"""
    )
    for team, place, waited in rows:
        long.setdefault(team, []).append((waited or 0) > 126)
        if team in ("06", "33", "23"):
            by_place.setdefault(place, []).append(waited or 0)
    assert sum(long["06"]) / len(long["06"]) == pytest.approx(0.60, abs=0.12)
    assert sum(long["33"]) / len(long["33"]) == pytest.approx(0.40, abs=0.15)
    mean = {place: sum(waits) / len(waits) for place, waits in by_place.items()}
    assert mean["Y9M"] > 1.15 * mean["Y9N"]


def test_open_referrals_come_again_every_month(area):
    files = sorted(area.folder.glob("south_trust/csds/*/CYP101Referral.csv"))
    first, second, third = (
        dict(area.rows(f"SELECT ServiceRequestID, Discharge_Date FROM read_csv('{f}', all_varchar=true)"))
        for f in files
    )
    still_open = {ref for ref, discharged in second.items() if ref and discharged is None}
    assert len(still_open) > 100
    assert len(still_open - set(third)) < 0.1 * len(still_open)
    assert {ref for ref, discharged in first.items() if discharged} - set(third)


def test_places_are_short_in_one_health_place(area):
    found = dict(
        area.rows(
            f"""SELECT health_place, sum(places_commissioned::INT) FROM {area.csv("provision_capacity_2026.csv")}
                WHERE provision_type = 'special' AND is_planned = 'false' AND places_commissioned::INT > 0 GROUP BY 1"""
        )
    )
    assert set(found) >= {"MS", "NP"}
    lsoas = dict(
        area.rows(
            f"""SELECT health_place, avg((imd_decile::INT <= 2)::INT) FROM {area.csv("geography_2026.csv")}
                WHERE lsoa21 LIKE 'E0199000%' OR lsoa21 LIKE 'E019901%' OR lsoa21 LIKE 'E019900%' GROUP BY 1"""
        )
    )
    assert lsoas["MS"] == pytest.approx(0.39, abs=0.03)
    assert lsoas["NP"] == pytest.approx(0.10, abs=0.03)


def test_nhs_number_coverage_is_a_parameter(tmp_path, area):
    register = "ehc_register_2026-11-22.csv"
    query = "SELECT avg((nhs_number IS NOT NULL)::INT) FROM {}"
    assert share(area, query.format(area.csv(register))) == pytest.approx(0.90, abs=0.03)
    half = make(tmp_path / "half", 900, nhs_coverage={"ehc_register": 0.5})
    assert share(half, query.format(half.csv(register))) == pytest.approx(0.5, abs=0.12)


# ---- people ------------------------------------------------------------------------------------------------------
def test_people_are_families_with_uneven_names_and_twins(area):
    persons = f"'{area.folder}/truth/persons.parquet'"
    assert share(area, f"SELECT count(*) FROM {persons}") == area.children
    twins = area.rows(
        f"""SELECT list(sex), count(DISTINCT postcode), count(DISTINCT forename) FROM {persons}
            GROUP BY family, birth_date HAVING count(*) = 2"""
    )
    kinds = {tuple(sorted(sexes)) for sexes, _, _ in twins}
    assert kinds == {("F", "F"), ("F", "M"), ("M", "M")}
    assert all(homes == 1 and names == 2 for _, homes, names in twins)
    first = share(area, f"SELECT max(n) / sum(n) FROM (SELECT count(*) AS n FROM {persons} GROUP BY forename)")
    assert 0.005 < first < 0.04
    homes = area.rows(f"SELECT count(DISTINCT family) FROM {persons} GROUP BY postcode")
    assert 10 < sum(n for (n,) in homes) / len(homes) < 25


def test_identifiers_have_true_check_digits_unless_a_fault_is_planted(area):
    persons = area.rows(f"SELECT nhs_number, upn, uln FROM '{area.folder}/truth/persons.parquet'")
    assert all(nhs.is_valid(number) and number.startswith("5") for number, _, _ in persons)
    upns = [text for _, text, _ in persons if text]
    # The checker also knows the numbers of authorities, of which 990 is none: only its letter is asked for.
    assert all(upn.calc_check_digit(text[1:]) == text[0] and re.fullmatch("[A-Z]990[0-9]{9}", text) for text in upns)
    ulns = [text for _, _, text in persons if text]
    assert all(sum(int(d) * (10 - i) for i, d in enumerate(text)) % 11 == 10 for text in ulns)
    assert len(set(upns)) == len(upns)
    assert len({number for number, _, _ in persons}) == len(persons)
    written = area.rows(f"SELECT upn FROM {area.csv('spring_pupilonroll.csv')} WHERE upn IS NOT NULL")
    wrong = sum(upn.calc_check_digit(text[1:]) != text[0] for (text,) in written)
    assert 0 < wrong < len(written) * 0.01


# ---- layouts -----------------------------------------------------------------------------------------------------
def header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file))


def test_every_file_has_the_columns_of_its_contract(small):
    registry = declared.load()
    for delivery in small.deliveries:
        for file in (file for file in delivery["files"] if file.endswith(".csv")):
            tables = registry.contract(delivery["dataset"]).tables.values()
            best = max((match(header(small.folder / file), table) for table in tables), key=lambda m: len(m.positions))
            assert best.is_the_table, file
            assert best.named == sum(map(len, best.positions.values())), file


def test_headers_are_those_of_the_specifications(small, shared):
    specs = shared / "domain" / "specs"
    if not specs.is_dir():
        pytest.skip(f"no specifications at {specs}")
    wanted: dict[str, set[str]] = {}
    for row in csv.DictReader((specs / "school_census_2026_blade_csv.csv").open()):
        if row["term"] == "spring":
            wanted.setdefault(f"2026_spring_{row['blade_table']}.csv", set()).add(row["column"])
    for row in csv.DictReader((specs / "sen2_v1_3.csv").open()):
        legacy = row["column"] in ("gendercurrent", "attendancepattern")
        if not legacy:
            wanted.setdefault(f"Blade-Export_{row['blade_table']}.csv", set()).add(row["column"])
    # Two names of the dictionary that the list does not give.
    long = {
        "CYP201CareContactconsultationmechanism": "ConsMechanism",
        "CYP201CareContactattendancestatus": "AttendanceStatus",
    }
    for file in ("csds_v1_6_tables.csv", "mhsds_v6_tables.csv"):
        for row in csv.DictReader((specs / file).open()):
            wanted.setdefault(f"{row['table']}.csv", set()).add(row["field"])
            long[row["table"] + squash(row["nhs_data_dictionary_name"])] = row["field"]
    for row in csv.DictReader((specs / "ssd_data_model.csv").open()):
        wanted.setdefault(f"{row['object']}.csv", set()).add(row["field"])
    checked = 0
    for path in small.folder.rglob("*.csv"):
        if path.name in wanted:
            names = {long.get(path.stem + squash(name), name) for name in header(path) if name}
            assert names <= wanted[path.name], path.name
            # Lines of a postal address may be left out; nothing else may.
            assert all(name.startswith("addressline") for name in wanted[path.name] - names), path.name
            checked += 1
    assert checked > 150


def test_the_return_in_xml_is_valid_by_the_schema(clean, shared):
    schema = shared / "samples" / "cin_census" / "CIN_schema_2026.xsd"
    if not schema.is_file():
        pytest.skip(f"no schema at {schema}")
    etree.XMLSchema(etree.parse(schema)).assertValid(etree.parse(next(clean.folder.rglob("990_cin_2026.xml"))))
    older = etree.parse(next(clean.folder.rglob("990_cin_2025.xml")))
    assert older.find(".//GenderCurrent") is not None and older.find(".//Sex") is None


def test_children_looked_after(area):
    """As many as published, in need before, some with plans, brothers and sisters together, each time without a gap."""
    episodes, truth = area.csv("ssda903/2026/episodes.csv"), f"'{area.folder}/truth"
    minors = share(area, f"SELECT count(*) FROM {truth}/persons.parquet' WHERE birth_date > DATE '2008-03-31'")
    now = f"SELECT count(DISTINCT CHILD) FROM {episodes} WHERE DEC IS NULL AND LS NOT IN ('V3', 'V4')"
    assert share(area, now) / minors * 10_000 == pytest.approx(92, rel=0.15)
    families = share(
        area,
        f"""SELECT count(*) / count(DISTINCT family)
            FROM {truth}/records.parquet' JOIN {truth}/persons.parquet' USING (person_id) WHERE dataset = 'ssda903'""",
    )
    assert families > 1.04
    kinds = dict(area.rows(f"SELECT RNE, count(*) FROM {episodes} GROUP BY 1"))
    assert set(kinds) >= {"S", "P", "L"} and kinds["S"] == max(kinds.values())
    adopted = area.rows(f"SELECT PLACE FROM {episodes} WHERE REC = 'E12'")
    assert adopted and share(area, f"SELECT count(*) FROM {area.csv('ssda903/2026/ad1.csv')}") >= len(adopted)


def test_files_have_the_habits_of_their_senders(area):
    marked = [path.name for path in area.folder.rglob("*.csv") if path.read_bytes().startswith(b"\xef\xbb\xbf")]
    assert set(marked) >= {"2026_spring_pupilonroll.csv", "Blade-Export_person.csv", "CYP001MPI.csv"}
    assert header(next(area.folder.rglob("*_senneeds.csv")))[-1] == ""
    birthdays = area.rows(
        f"SELECT birth_date FROM {area.csv('ehc_register_2026-11-22.csv')} WHERE birth_date IS NOT NULL"
    )
    iso = sum("-" in text for (text,) in birthdays)
    assert 0 < iso < len(birthdays) * 0.1
    sample = area.rows(
        f"SELECT dob, topupfunding, termlysessionspossible FROM {area.csv('spring_pupilonroll.csv')} LIMIT 1"
    )[0]
    assert re.fullmatch(r"20[0-9]{2}-[A-Z][a-z]{2}-[0-9]{2} 00:00:00", sample[0])
    assert sample[1] in ("True", "False")
    assert sample[2].endswith(".0")


def test_health_partners_declare_what_they_left_out(area):
    opted_out = {
        row[0] for row in area.rows(f"SELECT person_id FROM '{area.folder}/truth/persons.parquet' WHERE is_opted_out")
    }
    declared_ = [d["declaration"] for d in area.deliveries if d["declaration"]]
    assert len(declared_) == sum(d["agency"].endswith("trust") for d in area.deliveries) - 2  # but staff, of nobody
    for declaration in declared_:
        assert declaration["basis"] == "section_251"
        assert declaration["ndoo_applied"] is True
        assert declaration["opted_out_count"] > 0
    patients = area.rows(f"SELECT person_id FROM '{area.folder}/truth/records.parquet' WHERE agency LIKE '%trust'")
    assert not opted_out & {row[0] for row in patients}


def test_nobody_but_the_canary_has_its_values(small):
    values = json.loads((small.folder / "truth" / "canary.json").read_text())
    person, persons = values.pop("person_id"), f"'{small.folder}/truth/persons.parquet'"
    for name, value in values.items():
        held = small.rows(f"SELECT person_id FROM {persons} WHERE {name}::VARCHAR = '{value}'")
        assert held == [(person,)], name
    rows = small.rows(
        f"""SELECT agency, dataset, period, count(*) FROM '{small.folder}/truth/records.parquet'
            WHERE person_id = '{person}' GROUP BY ALL"""
    )
    known = {f"{agency}/{dataset}/{period}": count for agency, dataset, period, count in rows}
    about_people = {name for name, contract in declared.load().contracts.items() if contract.people}
    assert about_people - {dataset for _, dataset, _, _ in rows} <= {"ehc_advice"}
    for file in (path for path in small.folder.rglob("*") if path.suffix in (".csv", ".txt")):
        folder = str(file.parent.relative_to(small.folder))
        lines = [line for line in file.read_bytes().splitlines() if values["surname"].encode() in line]
        assert len(lines) <= known.get(folder, 0), file
        assert all(values["forename"].encode() in line for line in lines), file
