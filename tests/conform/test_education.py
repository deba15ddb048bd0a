"""School censuses side by side, and the lists of an inspection."""

from datetime import date

from psycopg import Connection

from pipelines import conform
from pipelines.settings import Settings
from tests.conform.area import REGISTRY, conformed, deliver
from tests.conform.test_conform import pick

A, B = "a" * 32, "b" * 32
ENTERED = date(2020, 9, 2)


def pupil(record: str, key: str, **more: object) -> dict[str, object]:
    row = {"record_pseudonym": record, "pupilonrolltableid": key, "nativeid": "990/2001", "entrydate": ENTERED}
    return row | {"senprovision": "N", "enrolstatus": "C"} | more


def of_pupil(record: str, key: str, **more: object) -> dict[str, object]:
    return {"record_pseudonym": record, "pupilonrolltableid": key, **more}


def three_terms(settings: Settings, connection: Connection) -> None:
    """A is on SEN support all year; B left in March, with a plan since the spring. Keys are used again each term."""
    spent = [
        of_pupil(A, "1", attendancereason=code, sessions=n) for code, n in (("/", 90), ("I", 6), ("N", 4), ("Y1", 2))
    ]
    autumn = {
        "pupilonroll": [pupil(A, "1", senprovision="K", ethnicity=None), pupil(B, "2")],
        "summerhalfterm2sessiondetailsonroll": spent,
        "fsmperiod": [of_pupil(A, "1", fsmperiodtableid="f", fsmstartdate=date(2024, 9, 2))],
    }
    spring = {
        "pupilonroll": [pupil(A, "2", senprovision="K", ethnicity="WBRI"), pupil(B, "1", senprovision="E")],
        "addresses": [of_pupil(A, "2", addressestableid="a", lsoa21_code="E01990002")],
        "senneeds": [
            of_pupil(A, "2", senneedstableid="n1", sentype="SLCN", sentyperank=1),
            of_pupil(B, "1", senneedstableid="n2", sentype="ASD", sentyperank=1),
        ],
        "termlysessiondetailsonroll": [row | {"pupilonrolltableid": "2"} for row in spent],
        "termlyexclusionsonroll": [of_pupil(A, "2", startdate=date(2025, 10, 6), category="SUSP", sessions=2)],
    }
    left = {"record_pseudonym": B, "pupilnolongeronrolltableid": "1", "nativeid": "990/2001", "entrydate": ENTERED}
    gone = {"record_pseudonym": B, "pupilnolongeronrolltableid": "1"}
    summer = {
        "pupilonroll": [pupil(A, "1", senprovision="N")],
        "pupilnolongeronroll": [left | {"leavingdate": date(2026, 3, 13), "ncyearleaving": "9"}],
        "termlyexclusionsoffroll": [gone | {"startdate": date(2026, 2, 2), "category": "SUSP", "sessions": 4}],
        "termlysessiondetailsoffroll": [gone | {"attendancereason": "O", "sessions": 9}],
        "fsmperiod": [
            of_pupil(A, "1", fsmperiodtableid="f", fsmstartdate=date(2024, 9, 2), fsmenddate=date(2026, 3, 31)),
        ],
        "schoolcensus": [
            {"schoolcensustableid": "s", "nativeid": "990/2001", "urn": "100001", "referencedate": date(2026, 5, 20)}
        ],
    }  # fmt: skip
    for period, tables in (("2025-autumn", autumn), ("2026-summer", summer), ("2026-spring", spring)):
        deliver(settings, connection, "education", "school_census", period, tables)
    conform.run(settings, REGISTRY, connection, None)


def test_a_registration_is_there_once_for_each_census_and_current_in_the_newest(
    database: Settings, connection: Connection
):
    three_terms(database, connection)
    rows = conformed(database, "enrolment")
    assert pick(rows, "record_pseudonym", "census_date", "is_current") == [
        (A, date(2025, 10, 2), False), (A, date(2026, 1, 15), False), (A, date(2026, 5, 20), True),
        (B, date(2025, 10, 2), False), (B, date(2026, 1, 15), False), (B, date(2026, 5, 20), False),
    ]  # fmt: skip
    assert len({row["enrolment_ref"] for row in rows}) == 2
    summer = {row["record_pseudonym"]: row for row in rows if row["census_date"] == date(2026, 5, 20)}
    assert (summer[B]["leaving_date"], summer[B]["nc_year_code"], summer[B]["sessions_missed"]) == (
        date(2026, 3, 13),
        "9",
        9,
    )
    assert (summer[A]["leaving_date"], summer[A]["provider_urn"]) == (None, "100001")


def test_the_newest_census_says_the_status_and_the_newest_spring_the_needs(database: Settings, connection: Connection):
    three_terms(database, connection)
    assert pick(conformed(database, "sen_status"), "record_pseudonym", "status_code") == [(A, "N")]
    assert pick(conformed(database, "sen_need"), "record_pseudonym", "need_code") == [(A, "SLCN"), (B, "ASD")]


def test_what_only_one_term_collects_stands_beside_what_is_newer(database: Settings, connection: Connection):
    three_terms(database, connection)
    records = {row["record_pseudonym"]: row for row in conformed(database, "person_record")}
    assert (records[A]["ethnicity_code"], records[A]["lsoa21_code"]) == ("WBRI", "E01990002")
    assert records[A]["observed_on"] == date(2026, 5, 20)
    assert pick(conformed(database, "suspension"), "record_pseudonym", "start_date") == [
        (A, date(2025, 10, 6)), (B, date(2026, 2, 2)),
    ]  # fmt: skip


def test_attendance_by_group_and_part_of_the_year(database: Settings, connection: Connection):
    three_terms(database, connection)
    rows = [row for row in conformed(database, "attendance") if row["record_pseudonym"] == A]
    groups = [("authorised", 6), ("present", 90), ("unable", 2), ("unauthorised", 4)]
    for part, day in (("summer_2", date(2025, 10, 2)), ("term", date(2026, 1, 15))):
        assert pick([r for r in rows if r["census_date"] == day], "part_code", "group_code", "sessions") == [
            (part, group, sessions) for group, sessions in groups
        ]


def test_free_school_meals_end_when_a_newer_census_says_so(database: Settings, connection: Connection):
    three_terms(database, connection)
    (period,) = conformed(database, "free_school_meals")
    assert (period["start_date"], period["end_date"]) == (date(2024, 9, 2), date(2026, 3, 31))
    assert period["observed_on"] == date(2026, 5, 20)


def test_a_child_in_both_lists_is_with_the_plans(database: Settings, connection: Connection):
    said = {"known_to_childrens_social_care": "yes", "pupil_premium": "no", "absence": 7.5, "suspensions": 1}
    lists = {
        "list_1": [
            {"record_pseudonym": A, "sen_primary_need": "ASD", **said, "elective_home_education": "yes"},
        ],
        "list_2": [
            {"record_pseudonym": A, "unique_id": "1", "sen_primary_need": "SLCN", **said},
            {"record_pseudonym": B, "unique_id": "2", "sen_primary_need": "SEMH", "gender": "M", **said},
        ],
    }  # fmt: skip
    deliver(database, connection, "education", "area_send", "2026-03", lists)
    conform.run(database, REGISTRY, connection, None)
    rows = conformed(database, "area_send_list")
    assert pick(rows, "record_pseudonym", "list_code", "primary_need_code") == [
        (A, "plan", "ASD"),
        (B, "support", "SEMH"),
    ]
    first = next(row for row in rows if row["record_pseudonym"] == A)
    assert (first["is_home_educated"], first["is_pupil_premium"], first["is_known_to_social_care"]) == (
        True,
        False,
        True,
    )
    assert next(row for row in rows if row["record_pseudonym"] == B)["is_home_educated"] is None
    assert {row["sex_code"] for row in conformed(database, "person_record")} == {None, "M"}


def test_spells_run_from_census_day_to_census_day(database: Settings, connection: Connection):
    """A status ends at the first census that does not show it; one that the newest shows is open. Needs, which only the
    spring asks for, outlive the summer; a home outlives the census that leaves it out."""
    three_terms(database, connection)
    autumn, spring, summer = date(2025, 10, 2), date(2026, 1, 15), date(2026, 5, 20)
    status = conformed(database, "sen_status_spell")
    assert pick(status, "record_pseudonym", "valid_from", "valid_to", "status_code", "last_seen_on", "is_dated") == [
        (A, autumn, summer, "K", spring, False), (A, summer, None, "N", summer, False),
        (B, autumn, spring, "N", autumn, False), (B, spring, summer, "E", spring, False),
    ]  # fmt: skip
    needs = conformed(database, "sen_need_spell")
    assert pick(needs, "record_pseudonym", "valid_from", "valid_to", "need_code") == [
        (A, spring, None, "SLCN"), (B, spring, None, "ASD"),
    ]  # fmt: skip
    homes = conformed(database, "home_spell")
    assert pick(homes, "record_pseudonym", "valid_from", "valid_to", "lsoa21_code") == [(A, spring, None, "E01990002")]


def test_a_missed_census_breaks_a_spell_a_move_between_schools_does_not(database: Settings, connection: Connection):
    """A is on support in four censuses and missing in the third; B moves school and home, and is said twice in one."""
    terms = {
        "2024-autumn": [pupil(A, "1", senprovision="K"), pupil(B, "2", senprovision="A")],
        "2025-spring": [pupil(A, "1", senprovision="K"), pupil(B, "2", senprovision="K", nativeid="990/2002")],
        "2025-summer": [
            pupil(B, "2", senprovision="P", nativeid="990/2002"), pupil(B, "3", senprovision="N", nativeid="990/2003"),
        ],
        "2025-autumn": [pupil(A, "1", senprovision="K"), pupil(B, "2", senprovision="N", nativeid="990/2003")],
    }  # fmt: skip
    homes = dict(zip(terms, ("E01990001", None, "E01990001", "E01990002"), strict=True))
    for period, rows in terms.items():
        of_b = (
            {"addresses": [of_pupil(B, "2", addressestableid="a", lsoa21_code=homes[period])]} if homes[period] else {}
        )
        deliver(database, connection, "education", "school_census", period, {"pupilonroll": rows} | of_b)
    conform.run(database, REGISTRY, connection, None)
    days = [date(2024, 10, 3), date(2025, 1, 16), date(2025, 5, 15), date(2025, 10, 2)]
    assert pick(conformed(database, "sen_status_spell"), "record_pseudonym", "status_code", "valid_from") == [
        (A, "K", days[0]), (A, "K", days[3]), (B, "K", days[0]), (B, "N", days[3]),
    ]  # fmt: skip
    ends = [row["valid_to"] for row in conformed(database, "sen_status_spell") if row["valid_to"]]
    assert sorted(ends) == [days[2], days[3]]
    assert pick(conformed(database, "home_spell"), "lsoa21_code", "valid_from", "last_seen_on") == [
        ("E01990001", days[0], days[2]), ("E01990002", days[3], days[3]),
    ]  # fmt: skip
