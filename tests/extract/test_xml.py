"""XML returns: rows and parents, and documents that mean harm or end early."""

import pytest
from lxml import etree

from pipelines import registry as declared
from pipelines.errors import DataFault
from pipelines.extract import open_tables, recognise, spill, xml_form
from pipelines.extract.source import Source
from tests.extract import toy

REGISTRY = declared.load()
CONTRACT = REGISTRY.contract("cin_census")
RETURN = """<?xml version="1.0" encoding="UTF-8"?>
<Message>
  <Header>
    <CollectionDetails><Collection>CIN</Collection><Year>2026</Year>
      <ReferenceDate>2026-03-31</ReferenceDate></CollectionDetails>
    <Source><SourceLevel>L</SourceLevel><LEA>990</LEA></Source>
  </Header>
  <Children>
    <Child>
      <ChildIdentifiers><LAchildID>C1</LAchildID><UPN/><PersonBirthDate>2015-01-02</PersonBirthDate>
        <GenderCurrent>1</GenderCurrent></ChildIdentifiers>
      <ChildCharacteristics><Ethnicity>WBRI</Ethnicity>
        <Disabilities><Disability>AUT</Disability><Disability>BEH</Disability></Disabilities></ChildCharacteristics>
      <CINdetails><CINreferralDate>2025-05-01</CINreferralDate>
        <Assessments><AssessmentActualStartDate>2025-05-02</AssessmentActualStartDate>
          <FactorsIdentifiedAtAssessment><AssessmentFactors>1A</AssessmentFactors>
            <AssessmentFactors>2B</AssessmentFactors></FactorsIdentifiedAtAssessment></Assessments></CINdetails>
      <CINdetails><CINreferralDate>2025-09-01</CINreferralDate><ReferralSource>1A</ReferralSource></CINdetails>
    </Child>
    <Child>
      <ChildIdentifiers><LAchildID> C2 </LAchildID><Sex>F</Sex><GenderCurrent>1</GenderCurrent></ChildIdentifiers>
      <ChildCharacteristics><Disabilities><Disability>NONE</Disability></Disabilities></ChildCharacteristics>
      <CINdetails><CINreferralDate>2025-10-01</CINreferralDate></CINdetails>
    </Child>
  </Children>
</Message>
"""


def rows_of(tables, name):
    return [row for batch in tables[name].batches() for row in batch.to_pylist()]


def read(path, agency="social_care"):
    found = recognise([path], REGISTRY)
    assert (found.dataset, found.form) == ("cin_census", "xml")
    return open_tables(found, REGISTRY, REGISTRY.agency(agency))


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "990_cin.xml"
    path.write_text(RETURN)
    return path


def test_rows_and_their_parents(document):
    tables = read(document)
    assert [row["lachildid"] for row in rows_of(tables, "child")] == ["C1", "C2"]
    assert [(r["disability"], r["child_row_id"]) for r in rows_of(tables, "disability")] == [
        ("AUT", "1"),
        ("BEH", "1"),
        ("NONE", "2"),
    ]
    assert [(r["row_id"], r["child_row_id"]) for r in rows_of(tables, "cin_details")] == [
        ("1", "1"),
        ("2", "1"),
        ("3", "2"),
    ]
    assert [(r["factor"], r["cin_assessment_row_id"]) for r in rows_of(tables, "assessment_factor")] == [
        ("1A", "1"),
        ("2B", "1"),
    ]
    assert rows_of(tables, "header")[0]["lea"] == "990"
    assert rows_of(tables, "section47") == []


def test_last_years_element_counts_where_this_years_is_absent(document):
    assert [row["sex"] for row in rows_of(read(document), "child")] == ["1", "F"]


def test_every_cell_is_where_a_tree_finds_it(document):
    tables = read(document)
    tree = etree.parse(document)
    for name, table in CONTRACT.tables.items():
        elements = tree.xpath("/" + table.element)
        found = rows_of(tables, name)
        assert len(found) == len(elements)
        for row, element in zip(found, elements, strict=True):
            for column, meaning in table.columns.items():
                if meaning.drop or meaning.path.startswith("@") or column == "sex":
                    continue
                text = element.findtext(meaning.path) if meaning.path != "." else element.text
                assert row[column] == ((text or "").strip() or None), (name, column)


def test_a_cell_given_twice_spoils_its_row_alone(document):
    document.write_text(
        RETURN.replace("<LAchildID>C1</LAchildID>", "<LAchildID>C1</LAchildID><LAchildID>C9</LAchildID>")
    )
    tables = read(document)
    assert [(r["lachildid"], r["source_row"]) for r in rows_of(tables, "child")] == [("C2", 2)]
    assert tables["child"].rejected == [1]


def test_a_namespace_does_not_matter(document):
    document.write_text(RETURN.replace("<Message>", '<Message xmlns="urn:example">'))
    assert len(rows_of(read(document), "child")) == 2


def refused(path, dataset=None):
    with pytest.raises(DataFault) as caught:
        open_tables(recognise([path], REGISTRY, dataset), REGISTRY, REGISTRY.agency("social_care"))
    return caught.value.rule


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.99])
def test_a_truncated_document(document, cut):
    document.write_text(RETURN[: int(len(RETURN) * cut)])
    assert refused(document, "cin_census") == "FILE-013"


def test_a_document_cut_between_elements(document):
    document.write_text(RETURN[: RETURN.rindex("</Children>")])
    assert refused(document) == "FILE-013"


BOMB = """<!DOCTYPE Message [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>"""
OUTSIDE = """<!DOCTYPE Message [<!ENTITY x SYSTEM "file:///etc/hostname">]>"""


@pytest.mark.parametrize(("doctype", "entity"), [(BOMB, "&c;"), (OUTSIDE, "&x;"), ("<!DOCTYPE Message>", "C1")])
def test_entities_and_document_types(document, doctype, entity):
    document.write_text(RETURN.replace("<Message>", doctype + "<Message>").replace("C1", entity))
    assert refused(document) == "FILE-014"


def test_a_document_type_after_the_part_that_is_looked_at_first(document):
    padding = "<!--" + "x" * 70_000 + "-->"
    document.write_text(RETURN.replace("<Message>", padding + BOMB + "<Message>"))
    assert refused(document, "cin_census") in ("FILE-013", "FILE-014")


def test_a_document_nested_without_end(document):
    deep = "<a>" * 200_000
    document.write_text(RETURN.replace("<LAchildID>", deep + "<LAchildID>"))
    assert refused(document) == "FILE-015"


def test_another_collection_is_not_this_one(document):
    document.write_text(RETURN.replace("<Collection>CIN</Collection>", "<Collection>CLA</Collection>"))
    assert refused(document) == "FILE-005"


def test_another_councils_return(document):
    document.write_text(RETURN.replace("<LEA>990</LEA>", "<LEA>343</LEA>"))
    with pytest.raises(DataFault, match="FILE-007"):
        list(read(document)["header"].batches())


def test_a_mandatory_element_that_is_nowhere(document):
    document.write_text(RETURN.replace("LAchildID", "LocalID"))
    assert refused(document) == "FILE-004"


def test_blocks_do_not_change_what_is_read(document, monkeypatch):
    whole = rows_of(read(document), "cin_details")
    monkeypatch.setattr(spill, "ROWS_PER_BATCH", 1)
    assert rows_of(read(document), "cin_details") == whole


def test_a_row_hangs_on_the_key_of_its_parent_and_shared_elements_have_rows_where_they_say_something(tmp_path):
    """One element may hold the cells of several tables: those of a part that says nothing make no row."""
    both = "<IN_TOUCH>YES</IN_TOUCH><ACTIV>F2</ACTIV><ACCOM>U1</ACCOM><DATE_INT>01/02/2026</DATE_INT>"
    path = tmp_path / "903.xml"
    path.write_text(
        f"""<EXPSSDA903>
        <CHILD><HEADER><CHILDID>7</CHILDID><DOB>01/02/2008</DOB><ETHNIC>WBRI</ETHNIC><UPN>UN1</UPN><SEX>M</SEX>{both}
          <AREVIEW><REVIEW>01/01/2026</REVIEW><REVIEW_CODE>PN1</REVIEW_CODE></AREVIEW></HEADER>
          <EPISODE><DECOM>01/03/2025</DECOM><RNE>S</RNE><LS>C2</LS><CIN>N1</CIN><PL>U6</PL></EPISODE></CHILD>
        <CHILD><HEADER><CHILDID>9</CHILDID><DOB>01/02/2009</DOB><UASC/><DUC/>
          <AREVIEW><REVIEW>02/01/2026</REVIEW></AREVIEW></HEADER>
          <EPISODE><DECOM>01/04/2025</DECOM><PL>K2</PL></EPISODE><EPISODE><DECOM>01/05/2025</DECOM></EPISODE></CHILD>
        </EXPSSDA903>"""
    )
    tables = open_tables(recognise([path], REGISTRY, "ssda903"), REGISTRY)
    cells = {name: [(row["child"], row["source_row"]) for row in rows_of(tables, name)] for name in tables}
    assert cells["header"] == [("7", 1), ("9", 2)]
    assert cells["episodes"] == [("7", 1), ("9", 2), ("9", 3)]
    assert cells["reviews"] == [("7", 1), ("9", 2)]
    assert (cells["oc3"], cells["ad1"], cells["uasc"]) == ([("7", 1)], [("7", 1)], [])
    assert [row["place"] for row in rows_of(tables, "episodes")] == ["U6", "K2", None]


@pytest.mark.parametrize("grown", [1, 8])
@pytest.mark.parametrize(
    "harm", ["<LAchildID>{}</LAchildID>", "<LAchildID a='{}'/>", "<!--{}-->", "<LAchildID><![CDATA[{}]]></LAchildID>"]
)
def test_a_text_or_a_tag_without_end(document, harm, grown):
    longest = 1 << 18 if "a='" not in harm and "!--" not in harm else 1 << 20
    document.write_text(RETURN.replace("<LAchildID>C1</LAchildID>", harm.format("x" * (longest * grown + (1 << 19)))))
    assert refused(document, "cin_census") == "FILE-034"


def test_a_header_beside_its_rows_is_their_parent(tmp_path):
    """The rows of a table may stand beside the one they belong to: the last one before them counts."""
    tables = toy.CONTRACT.tables
    beside = tables["plan"].model_copy(update={"element": "Toy/Plan"})
    contract = toy.CONTRACT.model_copy(update={"tables": {"child": tables["child"], "plan": beside}})
    path = tmp_path / "beside.xml"
    path.write_text(
        "<Toy><Child><Surname>A</Surname></Child><Plan><Code>1</Code></Plan><Plan><Code>2</Code></Plan>"
        "<Child><Surname>B</Surname></Child><Plan><Code>3</Code></Plan></Toy>"
    )
    found = xml_form.read(Source(path), contract)
    assert [row["childid"] for row in rows_of(found, "plan")] == ["1", "1", "2"]
