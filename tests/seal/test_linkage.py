"""The linkage file: which identifiers become tokens, where they come from, and whom they compare with."""

from tests.seal.parts import OTHER_UPN, PUPIL, UPN, census, payload, register, write_csv


def test_only_valid_identifiers_become_tokens(area, tmp_path):
    good, bad = area.linkage(
        area.seal(
            register(
                tmp_path,
                {},
                {"la_id": "2", "nhs_number": "9990000001", "upn": "M80120000500A", "uln": "1", "postcode": "ZZ99 3VZ",
                 "birth_date": "2036-01-01", "sex": "?"},
            )
        )
    )  # fmt: skip
    names = ("nhs_number", "upn", "uln", "postcode", "postcode_sector", "birth_date", "birth_parts", "sex")
    assert all(good[name] for name in names)
    assert {name: bad[name] for name in names} == dict.fromkeys(names)
    assert len(good["nhs_number"]) == 16
    assert (good["sex"], good["is_birth_day_unknown"], good["is_protected"]) == ("F", False, False)


def test_a_swapped_date_compares_with_the_date_itself(area, tmp_path):
    first, second, third = area.linkage(
        area.seal(
            register(
                tmp_path,
                {"birth_date": "2012-05-06"},
                {"la_id": "2", "birth_date": "2012-06-05"},
                {"la_id": "3", "birth_date": "2012-05-26"},
            )
        )
    )
    assert first["birth_date_swapped"] == second["birth_date"]
    assert second["birth_date_swapped"] == first["birth_date"]
    assert third["birth_date_swapped"] is None
    assert set(first["birth_pairs"]) & set(third["birth_pairs"])
    assert not set(first["birth_pairs"]) & set(second["birth_pairs"])


def test_earlier_names_and_numbers_compare_with_present_ones(area, tmp_path):
    now, before = area.linkage(
        area.seal(
            register(
                tmp_path,
                {"former_surname": "Smith-Jones", "former_upn": OTHER_UPN},
                {"la_id": "2", "surname": "SMITH JONES", "upn": OTHER_UPN, "former_surname": "Smith Jones"},
            )
        )
    )
    assert before["surname"] in now["other_surnames"]
    assert now["other_upns"] == [before["upn"]]
    assert before["surname"] not in before["other_surnames"] and before["other_upns"] == []


def test_a_protected_child_carries_nothing_earlier(area, tmp_path):
    (row,) = area.linkage(
        area.seal(register(tmp_path, {"former_surname": "Smith", "former_upn": OTHER_UPN, "is_protected": "yes"}))
    )
    assert (row["is_protected"], row["other_surnames"], row["other_upns"]) == (True, [], [])
    assert row["surname"] is not None


def test_a_flag_of_protection_that_cannot_be_read_protects(area, tmp_path):
    (row,) = area.linkage(area.seal(register(tmp_path, {"former_surname": "Smith", "is_protected": "perhaps"})))
    assert (row["is_protected"], row["other_surnames"]) == (True, [])


def test_addresses_feed_their_pupils_row(area, tmp_path):
    files = census(
        tmp_path,
        pupils=[PUPIL, PUPIL | {"pupilonrolltableid": "p2", "upn": OTHER_UPN}],
        addresses=[
            {"addressestableid": "1", "pupilonrolltableid": "p2", "postcode": "zz99 3vz"},
            {"addressestableid": "2", "pupilonrolltableid": "p2", "postcode": "MK99 1AB"},
            {"addressestableid": "3", "pupilonrolltableid": "gone", "postcode": "MK99 1AB"},
        ],
    )
    result = area.seal(*files, dataset="school_census", period="2026-spring")
    pupil_row = area.linkage(area.seal(register(tmp_path, {})))[0]
    first, second = area.linkage(result)
    assert first["postcode"] is None
    assert second["postcode"] == pupil_row["postcode"]
    assert [row["postcode_state"] for row in payload(result, "addresses")] == ["missing", "valid", "valid"]


def test_a_long_identifier_table_feeds_its_childs_row(area, tmp_path):
    person = {"pers_person_id": "c1", "pers_forename": "Zoe", "pers_surname": "O Neill", "pers_dob": "06/05/2012"}
    kinds = [("Unique Pupil Number", UPN), ("nhs number", "943 476 5919"), ("Former Unique Pupil Number", OTHER_UPN),
             ("Shoe size", "38")]  # fmt: skip
    people = write_csv(tmp_path / "p.csv", [*person, "pers_common_child_id"], [person])
    rows = [
        {"link_table_id": str(n), "link_person_id": "c1", "link_identifier_type": k, "link_identifier_value": v}
        for n, (k, v) in enumerate(kinds)
    ]
    result = area.seal(
        people, write_csv(tmp_path / "l.csv", list(rows[0]), rows), agency="social_care", dataset="identifier_bridge"
    )
    (bridge,) = area.linkage(result)
    (child,) = area.linkage(area.seal(register(tmp_path, {})))
    for name in ("upn", "nhs_number", "forename", "surname", "birth_date"):
        assert bridge[name] == child[name], name
    assert len(bridge["other_upns"]) == 1
    linked = payload(result, "ssd_linked_identifiers")
    assert [row["link_identifier_value_state"] for row in linked] == ["valid", "valid", "valid", "invalid"]
    assert "link_identifier_value" not in linked[0]


def test_local_identifiers_compare_within_one_sender_only(area, tmp_path):
    child = {
        "pers_person_id": "77",
        "pers_forename": "A",
        "pers_surname": "B",
        "pers_dob": "",
        "pers_common_child_id": "",
    }
    links = ["link_table_id", "link_person_id", "link_identifier_type", "link_identifier_value"]
    bridge = [write_csv(tmp_path / "p.csv", list(child), [child]), write_csv(tmp_path / "l.csv", links, [])]
    document = tmp_path / "c.xml"
    document.write_text(
        "<Message><Header><CollectionDetails><Collection>CIN</Collection></CollectionDetails>"
        "<Source><LEA>990</LEA></Source></Header><Children><Child><ChildIdentifiers><LAchildID>77</LAchildID>"
        "</ChildIdentifiers></Child></Children></Message>"
    )
    (known,) = area.linkage(area.seal(*bridge, agency="social_care", dataset="identifier_bridge"))
    (same,) = area.linkage(area.seal(document, agency="social_care", dataset="cin_census", period="2026"))
    (other,) = area.linkage(area.seal(register(tmp_path, {"la_id": "77"})))
    assert known["local_id"] == same["local_id"] != other["local_id"]
