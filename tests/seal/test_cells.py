"""Cells that stay: made uniform, or replaced by the word that says why not."""

import pytest

from pipelines.seal.cells import BLANKED, UNLISTED, UNREADABLE, cells_of, holds_identifier
from tests.seal.parts import NHS, REGISTRY, UPN


def uniform(dataset, table, column, text):
    view = next(view for view in REGISTRY.columns(dataset, table) if view.name == column)
    return cells_of(view, REGISTRY.code_lists.get(view.codes or "")).uniform(text)


@pytest.mark.parametrize(
    ("column", "text", "passes"),
    [
        ("startdate", "2022-Sep-28 00:00:00", "2022-09-28"),
        ("startdate", "28/09/2022", "2022-09-28"),
        ("startdate", "soon", UNREADABLE),
        ("startdate", "31/02/2022", UNREADABLE),
        ("pb", "True", "true"),
        ("pb", "0", "false"),
        ("pb", "maybe", UNREADABLE),
        ("planwbp", "AB", "AB"),
        ("planwbp", "an essay", UNLISTED),
        ("ceasereason", "1.0", "1"),
        ("ceasereason", "nonsense", UNLISTED),
        ("startdate", NHS, BLANKED),
        ("planwbp", UPN, BLANKED),
        ("pb", "MK99 1AB", BLANKED),
    ],
)
def test_a_plans_cells(column, text, passes):
    assert uniform("sen2", "namedplan", column, text) == passes


@pytest.mark.parametrize(
    ("text", "passes"), [("7", "7"), ("7.0", "7"), ("007", "7"), ("seven", UNREADABLE), (NHS, BLANKED)]
)
def test_whole_numbers(text, passes):
    assert uniform("school_census", "termlysessiondetailsonroll", "sessions", text) == passes


def test_a_list_in_mixed_case_keeps_its_own_spelling():
    column = ("identifier_bridge", "ssd_linked_identifiers", "link_identifier_type")
    assert uniform(*column, "nhs number") == "NHS Number"
    assert uniform(*column, "Shoe size") == UNLISTED


def test_codes_are_upper_case_where_their_list_is():
    assert uniform("school_census", "senneeds", "sentype", "asd") == "ASD"


@pytest.mark.parametrize("text", [f"see {NHS}", "943 476 5919", f"({UPN})", "flat 2, mk99 1ab", "MK991AB"])
def test_identifiers_within_a_cell(text):
    assert holds_identifier(text)


@pytest.mark.parametrize(
    "text", ["2022-09-28 00:00:00", "E01990001", "143210", "10012345", "R9X", "Merebrook 001A", "12345678901"]
)
def test_what_only_looks_like_one(text):
    assert not holds_identifier(text)


def test_every_kept_column_of_every_contract_can_pass():
    for dataset, contract in REGISTRY.contracts.items():
        for table in contract.tables:
            for view in REGISTRY.columns(dataset, table):
                if view.passes == "text":
                    cells_of(view, REGISTRY.code_lists.get(view.codes or "")).uniform("x")
