"""Adopted children whose protection another table than the child's own tells: nothing of before may be tied to them."""

from pathlib import Path

from tests.seal.parts import OTHER_UPN, UPN, Area, payload, write_csv

HEADER = ["CHILD", "SEX", "DOB", "ETHNIC", "UPN", "MOTHER", "MC_DOB"]
EPISODE = ["CHILD", "DECOM", "RNE", "LS", "CIN", "PLACE", "PLACE_PROVIDER", "DEC", "REC", "HOME_POST", "PL_POST"]


def sealed(folder: Path, area: Area) -> dict[str, dict]:
    """The linkage rows of five children by their number: plain, placed, adopted by reason, decision, adoption file."""
    upns = [UPN, OTHER_UPN, "", "UN1", "UN4"]
    children = [
        {"CHILD": f"c{at}", "SEX": "F", "DOB": f"0{at}/03/2015", "ETHNIC": "WBRI", "UPN": upn}
        for at, upn in enumerate(upns, 1)
    ]
    spells = [("c1", "U6", "E4A"), ("c2", "a6", ""), ("c3", "U6", "E12"), ("c4", "U6", ""), ("c5", "U6", "")]
    episodes = [
        {"CHILD": child, "DECOM": f"0{at}/04/2025", "RNE": "S", "LS": "C2", "PLACE": place, "REC": reason}
        | {"HOME_POST": post}
        for child, place, reason in spells
        for at, post in enumerate(("MK99 1AB", "MK98 2CD"), 1)
    ]
    files = [
        write_csv(folder / "header.csv", HEADER, children),
        write_csv(folder / "episodes.csv", EPISODE, episodes),
        write_csv(
            folder / "placed.csv",
            ["CHILD", "DOB", "DATE_PLACED", "DATE_PLACED_CEASED", "REASON_PLACED_CEASED"],
            [{"CHILD": "c4", "DATE_PLACED": "no date"}],
        ),
        write_csv(
            folder / "ad1.csv", ["CHILD", "DOB", "DATE_INT", "DATE_MATCH"], [{"CHILD": "c5"}, {"CHILD": "nobody"}]
        ),
    ]
    result = area.seal(*files, agency="social_care", dataset="ssda903", period="2026")
    rows = area.linkage(result)
    return {child["CHILD"]: row for child, row in zip(children, rows, strict=True)}


def test_a_placement_a_reason_a_decision_and_an_adoption_each_protect_the_child(tmp_path: Path) -> None:
    rows = sealed(tmp_path, Area(tmp_path))
    assert {child: row["is_protected"] for child, row in rows.items()} == {
        "c1": False, "c2": True, "c3": True, "c4": True, "c5": True,
    }  # fmt: skip


def test_of_several_homes_a_protected_child_keeps_none(tmp_path: Path) -> None:
    rows = sealed(tmp_path, Area(tmp_path))
    assert rows["c1"]["postcode"] and rows["c1"]["other_postcodes"]
    assert [(rows[child]["postcode"], rows[child]["other_postcodes"]) for child in ("c2", "c5")] == [(None, [])] * 2
    assert rows["c2"]["upn"] and rows["c2"]["birth_date"]


def test_a_upn_that_two_children_of_a_return_have_is_told(tmp_path: Path) -> None:
    area = Area(tmp_path)
    rows = [("c1", UPN), ("c2", UPN.lower()), ("c1", UPN), ("c3", OTHER_UPN), ("c4", "UN2")]
    children = [{"CHILD": child, "SEX": "F", "DOB": "01/03/2015", "ETHNIC": "WBRI", "UPN": upn} for child, upn in rows]
    files = [
        write_csv(tmp_path / "header.csv", HEADER, children),
        write_csv(tmp_path / "episodes.csv", EPISODE, [{"CHILD": "c1", "DECOM": "01/04/2025", "RNE": "S", "LS": "C2"}]),
    ]
    result = area.seal(*files, agency="social_care", dataset="ssda903", period="2026")
    states = [row["upn_state"] for row in payload(result, "header")]
    assert states == ["shared", "shared", "shared", "valid", "explained"]
