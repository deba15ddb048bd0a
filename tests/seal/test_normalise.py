"""Identifiers as people write them."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.gb import nhs, upn

from pipelines.seal import normalise
from pipelines.seal.normalise import Reading
from tests.seal.parts import NHS, UPN

STYLES = (
    "%Y-%m-%d",
    "%d/%m/%Y",
    "%d-%b-%Y",
    "%Y-%b-%d 00:00:00",
    "%d %B %Y",
    "%Y%m%d",
    "%Y-%m-%dT%H:%M:%S",
    "%d.%m.%Y",
)


@given(st.dates(date(1990, 1, 1), date(2030, 12, 31)), st.sampled_from(STYLES))
def test_every_style_of_date_is_the_same_date(day, style):
    assert normalise.calendar_date(day.strftime(style)) == day


@pytest.mark.parametrize(
    "text",
    ["44629", "44629.0", "44629.75", "2022-03-09T00:00:00.000Z", "9-Mar-22", "9th March 2022",
     "09/03/2022 12:00:00 AM", "2022-Mar-09 00:00:00", "20220309"],
)  # fmt: skip
def test_what_programs_make_of_a_date(text):
    assert normalise.calendar_date(text) == date(2022, 3, 9)


def test_a_year_of_two_digits_is_of_this_century_or_the_last():
    years = [normalise.calendar_date(f"9-Mar-{year}").year for year in ("00", "49", "50", "99")]
    assert years == [2000, 2049, 1950, 1999]


@pytest.mark.parametrize("text", ["2010-02-30", "31/04/2012", "06/05/12", "May 2012", "n/a", "2012", "2012-13-01",
                                  "28092022", "9-Mar", "9-Foo-22", "31-Apr-12"])  # fmt: skip
def test_what_is_no_date(text):
    assert normalise.calendar_date(text) is None


@pytest.mark.parametrize(
    ("text", "plain"),
    [("Zoë", "ZOE"), ("O’Neill", "ONEILL"), ("Anne-Marie", "ANNEMARIE"), ("anne marie", "ANNEMARIE"),
     ("Łukasz", "LUKASZ"), ("Weiß", "WEISS"), ("SØREN", "SOREN"), (" D'Arcy ", "DARCY"), ("李", "李"),
     ("SUR6864", "SUR6864")],
)  # fmt: skip
def test_names(text, plain):
    assert normalise.name(text) == Reading(plain, "valid")


@pytest.mark.parametrize(("text", "plain"), [("12.0", "12"), ("12", "12"), ("AB-12.0", "AB120"), ("1.05", "105")])
def test_a_local_number_may_have_become_a_decimal(text, plain):
    assert normalise.local_id(text) == Reading(plain, "valid")


def test_a_name_without_a_letter_is_invalid():
    assert normalise.name("?? 1") == Reading(None, "invalid")


@pytest.mark.parametrize(
    ("text", "value", "state"),
    [("MK99 1AB", "MK991AB", "valid"), ("mk991ab", "MK991AB", "valid"), ("ZZ99 3VZ", None, "missing"),
     ("zz993wz", None, "missing"), ("MK99", "MK99", "invalid"), ("12 High Street", "12HIGHSTREET", "invalid")],
)  # fmt: skip
def test_postcodes(text, value, state):
    assert normalise.postcode(text) == Reading(value, state)


@pytest.mark.parametrize(
    ("text", "state"),
    [(NHS, "valid"), ("943 476 5919", "valid"), ("943-476-5919", "valid"), ("9434765919.0", "valid"),
     ("9434765918", "invalid"), ("943476591", "invalid"), ("9990000001", "test"), ("1111111111", "test"),
     ("unknown", "invalid")],
)  # fmt: skip
def test_nhs_numbers(text, state):
    found = normalise.nhs_number(text)
    assert found.state == state
    assert state != "valid" or found.value == NHS


@given(st.integers(0, 8), st.integers(1, 9))
def test_one_mistyped_digit_makes_an_nhs_number_invalid(place, shift):
    digits = list(NHS)
    digits[place] = str((int(digits[place]) + shift) % 10)
    assert normalise.nhs_number("".join(digits)).state in ("invalid", "test")


@pytest.mark.parametrize(
    ("text", "state"),
    [(UPN, "valid"), (UPN.lower(), "valid"), ("A801200005001", "invalid"), ("B80120000500", "invalid"),
     ("cbd0f54b-6c4", "invalid"), ("X80120000A001", "invalid"), ("M80120000500A", "temporary"),
     ("UN1", "explained"), ("UN10", "explained"), ("UNKNOWN", "invalid")],
)  # fmt: skip
def test_upns(text, state):
    assert normalise.upn(text).state == state


@pytest.mark.parametrize(
    ("text", "state"),
    [("9276308686", "valid"), ("9276308687", "invalid"), ("0276308686", "invalid"), (NHS, "invalid"), ("x", "invalid")],
)
def test_ulns(text, state):
    assert normalise.uln(text).state == state


@given(st.integers(0, 9_999_999_999), st.from_regex("[A-HJ-NP-RT-Z]8[0-9]{10}[0-9A-HJ-NP-RT-Z]", fullmatch=True))
def test_check_digits_are_those_of_the_published_rules(number, plain):
    """A library that is nothing but such rules says the same, of any number and of the one with the right check."""
    tens = [f"{number:010d}"[:9] + last for last in "0123456789"]
    assert [normalise.nhs_number(text).state == "valid" for text in tens] == [
        nhs.is_valid(text) and not text.startswith("999") and len(set(text)) > 1 for text in tens
    ]
    right = upn.calc_check_digit(plain[1:])
    for letter in "ABCDEFGHJKLMNPQRTUVWXYZ":
        assert (normalise.upn(letter + plain[1:]).state != "invalid") == (letter == right)


@pytest.mark.parametrize(
    ("texts", "sex"),
    [(("M", "m", "1", "1.0", "Male"), "M"), (("F", "2", "female"), "F"), (("U", "0", "9", "X", "not known"), "U"),
     (("a) Male", "A) male"), "M"), (("b) Female",), "F"), (("c) Not stated/recorded", "d) Neither"), "U"),
     (("W", "Smith"), None)],
)  # fmt: skip
def test_sex_codes(texts, sex):
    assert {normalise.sex(text) for text in texts} == {sex}


def test_birth_dates_after_the_period_are_in_the_future():
    latest = date(2026, 3, 31)
    assert normalise.birth_date("31/03/2026", latest) == Reading("2026-03-31", "valid")
    assert normalise.birth_date("01/04/2026", latest) == Reading("2026-04-01", "future")
    assert normalise.birth_date("01/04/1826", latest).state == "invalid"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("09/2014", ("2014-09-??", "valid")),
        ("2014-09", ("2014-09-??", "valid")),
        ("9/2014", ("2014-09-??", "valid")),
        ("13/2014", (None, "invalid")),
        ("2014", (None, "invalid")),
        ("11/2027", ("2027-11-??", "future")),
    ],
)
def test_a_month_of_birth(text, expected):
    assert normalise.birth_month(text, date(2026, 3, 31)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1949-05-??", "1949-05-??"),
        ("1949-??-17", "1949-??-17"),
        ("2014-02-31", "2014-02-??"),
        ("31/02/2014", "2014-02-??"),
        ("2014-13-05", "2014-??-05"),
        ("????-05-06", "????-05-06"),
        ("0000-05-06", "????-05-06"),
        ("2014-??-??", None),
        ("soon", None),
    ],
)
def test_the_good_parts_of_a_birth_date(text, expected):
    assert normalise.partial_birth_date(text) == expected
