"""Postcodes leave areas and distances behind, whatever the partner's file of postcodes has and lacks."""

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.errors import DataFault
from pipelines.seal.geography import Geography
from tests.seal.parts import Area, payload, write_csv
from tests.seal.test_protection import EPISODE

PLACES = """postcode,lsoa21,easting,northing
MK99 1AB,E01990001,480000,230000
MK98 2CD,E01990002,483000,234000
MK97 3EF,E01990003,,
"""


def geography(folder: Path, text: str) -> Geography:
    (folder / "postcodes.csv").write_text(text)
    return Geography.load(folder / "postcodes.csv")


@pytest.mark.parametrize(
    ("home", "place", "km"),
    [
        ("MK991AB", "MK982CD", "5"),
        ("MK991AB", "MK991AB", "0"),
        ("MK991AB", "MK973EF", None),
        ("MK991AB", "ZZ99 3VZ", None),
        (None, "MK982CD", None),
    ],
)
def test_the_way_between_two_postcodes(tmp_path, home, place, km):
    ends = (pa.array([end], pa.string()) for end in (home, place))
    assert geography(tmp_path, PLACES).km_between(*ends).to_pylist() == [km]


def test_without_places_there_are_areas_and_no_distance(tmp_path):
    found = geography(tmp_path, "Postcode,LSOA21\nmk99 1ab,E01990001\n")
    postcode = pa.array(["MK991AB"])
    assert found.area_of(postcode).to_pylist() == ["E01990001"]
    assert found.km_between(postcode, postcode).to_pylist() == [None]


@pytest.mark.parametrize("text", ["postcode,lsoa21\n", "postcode,area\nMK99 1AB,E01990001\n", PLACES + "X,Y,far,off\n"])
def test_a_file_that_cannot_be_used_is_told_without_a_value(tmp_path, text):
    with pytest.raises(DataFault, match="FILE-017") as told:
        geography(tmp_path, text)
    assert "MK99" not in str(told.value) + told.value.tell_supplier


def test_a_placement_leaves_the_way_to_it_and_no_postcode(tmp_path):
    (tmp_path / "postcodes.csv").write_text(PLACES)
    spells = [("MK99 1AB", "mk982cd"), ("MK99 1AB", "MK97 3EF"), ("", "MK98 2CD")]
    episodes = [
        {"CHILD": "c1", "DECOM": f"0{at}/04/2025", "LS": "C2", "PLACE": "U6", "HOME_POST": home, "PL_POST": place}
        for at, (home, place) in enumerate(spells, 1)
    ]
    files = [
        write_csv(
            tmp_path / "header.csv", ["CHILD", "SEX", "DOB", "ETHNIC", "UPN", "MOTHER", "MC_DOB"], [{"CHILD": "c1"}]
        ),
        write_csv(tmp_path / "episodes.csv", EPISODE, episodes),
    ]
    area = Area(tmp_path)
    sealed = area.seal(
        *files, agency="social_care", dataset="ssda903", period="2026", geography=tmp_path / "postcodes.csv"
    )
    rows = payload(sealed, "episodes")
    assert [row["pl_post_km"] for row in rows] == ["5", None, None]
    assert not {"pl_post", "home_post"} & set(rows[0])
