"""Every code of core is explained by a list that is in core.code, or said to be free."""

import re

from pipelines import lineage
from pipelines import registry as declared
from pipelines.conform.making import queries
from pipelines.ledger import comments

# Columns whose codes a query makes of codes that mean something else, and the list of those it makes.
MADE = {
    ("attainment", "measure_code"), ("destination", "activity_group_code"), ("ehc_placement", "provision_code"),
    ("ehc_placement_spell", "provision_code"),
}  # fmt: skip
# Query, what precedes or follows a code in it, and the list of all that it gives.
OWN = [
    ("attainment", r"'(\w+)':", "attainment_measure"), ("attainment", r"source_row, '(\w+)'", "attainment_stage"),
    ("destination", r"(?:THEN|ELSE) '(\w+)'", "activity_group"),
    ("diagnosis", r"period_end, '(\w+)'", "diagnosis_rank"),
    ("area_send_list", r"period_end, '(\w+)'", "send_list"),
    ("attendance", r"'(\w+)'(?= AS part_code|, attendancereason)", "attendance_part"),
]  # fmt: skip


def test_every_code_of_core_has_a_list_or_is_said_to_be_free():
    registry, words = declared.load(), comments.read()
    used: set[str] = set()
    for table, columns in lineage.tables().items():
        for column in columns:
            if not (table.startswith("core.") and column.endswith("_code")):
                continue
            lists = words.code_lists(table, column)
            free = {column, f"{table}.{column}"} & set(words.free_codes)
            assert bool(lists) != bool(free), f"{table}.{column}: name its code list, or that it is free"
            assert set(lists) <= set(registry.code_lists), f"{table}.{column}"
            assert not lists or lists[0] in (words.column(table, column) or ""), f"{table}.{column}"
            used |= {column, f"{table}.{column}"}
    assert set(words.codes) | set(words.free_codes) <= used, "a column that is not there"


def test_a_code_is_explained_by_the_lists_that_it_was_checked_by():
    registry, words = declared.load(), comments.read()
    list_of = {
        (dataset, table, view.name): view.codes
        for dataset, contract in registry.contracts.items()
        for table in contract.tables
        for view in registry.columns(dataset, table)
    }
    checked = 0
    for table, columns in lineage.conformed(registry).items():
        for column, trace in columns.items():
            lists = {list_of.get((of.dataset, of.table, of.column)) for of in trace.origins} - {None}
            if column.endswith("_code") and lists and (table, column) not in MADE:
                assert lists == set(words.code_lists(f"core.{table}", column)), (table, column)
                checked += 1
    assert checked > 50


def test_lists_of_our_own_have_every_code_that_a_query_makes():
    registry, written = declared.load(), queries()
    for query, pattern, name in OWN:
        text = re.sub(r"--.*", "", written[query])
        assert set(re.findall(pattern, text)) == set(registry.code_lists[name].codes), name
