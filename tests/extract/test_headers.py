"""Headers as people export them."""

import pytest

from pipelines import registry as declared
from pipelines.extract.headers import match, squash

REGISTRY = declared.load()
REGISTER = REGISTRY.contract("ehc_register").tables["register"]
NAMES = ["la_id", "upn", "surname", "forename", "birth_date", "status"]


@pytest.mark.parametrize(
    "written",
    ["birth_date", "Birth_Date", "\ufeffbirth_date", "Birth\u00a0Date", " birth  date ", "Birth-Date", "BIRTHDATE"],
)
def test_spellings_of_one_column(written):
    assert squash(written) == "birthdate"


def test_curly_and_straight_apostrophes_agree():
    assert squash("Child\u2019s name") == squash("Child's name") == "childsname"


def test_aliases_stand_in_for_a_column():
    found = match(["la_id", "upn", "family_name", "first_name", "DoB", "status"], REGISTER)
    assert found.is_the_table
    assert found.positions["surname"] == (2,)
    assert found.positions["birth_date"] == (4,)


def test_the_columns_own_name_wins_over_an_alias():
    assert match([*NAMES, "dob"], REGISTER).positions["birth_date"] == (4,)


def test_an_alias_with_an_asterisk_is_every_name_that_begins_so():
    """Headers that tell how the column is filled in; another column that begins alike keeps its own name."""
    table = REGISTRY.contract("pnw_census").tables["placement"]
    header = [
        "Identifier \nThis is the unique reference for the child.",
        "Looked after child? All placements on this sheet should be",
        "Type of provision\n(Please select)",
        "Total weekly cost (actual fee)",
        "Placement start date (DD/MM/YYYY)\nThis should be the start",
        "Establishment\nThis should be the name of the home",
        "Establishment registration URN \nThis should be the code",
        "SEND\n(Please select from the list)",
    ]
    found = match(header, table)
    assert found.is_the_table
    assert found.positions["establishment"] == (5,) and found.positions["establishment_urn"] == (6,)
    assert found.named == len(header) - 1


def test_blank_surplus_headers_do_not_count():
    found = match([*NAMES, "", " ", "\u00a0"], REGISTER)
    assert found.is_the_table
    assert found.named == len(NAMES)


def test_a_name_of_signs_alone_is_a_name():
    assert squash(" / ") == "/"
    assert squash("\\") == "\\"


def test_columns_that_the_contract_ignores_do_not_make_a_file_a_stranger():
    many = [f"measure_{number}" for number in range(20)]
    assert not match([*NAMES, *many], REGISTER).is_the_table
    known = REGISTER.model_copy(update={"ignored": tuple(name.upper() for name in many)})
    found = match([*NAMES, *many], known)
    assert found.is_the_table
    assert found.named == len(NAMES)


def test_a_missing_required_column_is_named():
    found = match([name for name in NAMES if name != "status"], REGISTER)
    assert found.missing == ("status",)
    assert not found.is_the_table


def test_no_two_columns_of_a_table_are_spelt_alike():
    """But for keys: where a parent has at most one row, its number may stand for the row's own."""
    for dataset, contract in REGISTRY.contracts.items():
        for name, table in contract.tables.items():
            keys, rest, begins = set(), [], []
            for column, about in table.columns.items():
                found = {squash(s) for s in (column, *about.aliases) if not s.endswith("*")}
                begins += [(column, squash(s)) for s in about.aliases if s.endswith("*")]
                if about.type in ("key", "parent_key"):
                    keys |= found
                else:
                    rest += [(column, one) for one in found]
            names = [one for _, one in rest]
            assert len(names) == len(set(names)) and keys.isdisjoint(names), f"{dataset}.{name}"
            for column, start in begins:
                others = [one for of, one in (*rest, *begins) if of != column]
                assert not any(one.startswith(start) for one in others), f"{dataset}.{name}.{column}"
