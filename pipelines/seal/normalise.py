"""Identifiers as people write them, made uniform and judged, one pure function per kind.

Each takes a cell's text (never blank) and gives a `Reading`. Whether an identifier is valid must be said here: once it
is a token nobody can tell.
"""

from __future__ import annotations

import re
import string
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import partial
from operator import mul
from typing import NamedTuple

VALID, INVALID, MISSING, TEMPORARY, TEST, FUTURE = "valid", "invalid", "missing", "temporary", "test", "future"
# The sender says in the field itself why there is no identifier.
EXPLAINED = "explained"
# The identifier is a good one, and another child of the same delivery has it too.
SHARED = "shared"


class Reading(NamedTuple):
    """value: the uniform text, None where there is none; state: whether it may serve as an identifier."""

    value: str | None
    state: str


# Letters that Unicode does not take apart into a plain letter and an accent.
_LETTERS = str.maketrans(
    {"Ø": "O", "Ł": "L", "Æ": "AE", "Œ": "OE", "Đ": "D", "Ð": "D", "Þ": "TH", "Ħ": "H", "ı": "I", "ẞ": "SS"}
)
# ASCII characters that part words; an apostrophe does not, it goes.
_APART = {n: None if chr(n) == "'" else " " for n in range(128) if not chr(n).isalnum()}
_MONTH_NAMES = (
    ("jan", "january"),
    ("feb", "february"),
    ("mar", "march"),
    ("apr", "april"),
    ("may",),
    ("jun", "june"),
    ("jul", "july"),
    ("aug", "august"),
    ("sep", "sept", "september"),
    ("oct", "october"),
    ("nov", "november"),
    ("dec", "december"),
)
_MONTHS = {name: number for number, names in enumerate(_MONTH_NAMES, start=1) for name in names}
_TIME = r"(?:[T ]\s*[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?: ?[AaPp][Mm])?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
_YEAR_FIRST = re.compile(r"([0-9]{4})[-/. ]([0-9]{1,2}|[A-Za-z]{3,9})[-/. ]([0-9]{1,2})" + _TIME)
_DAY_FIRST = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[-/. ]([0-9]{1,2}|[A-Za-z]{3,9})[-/. ,]+([0-9]{4})" + _TIME)
# A year of two digits is told from a day only where the month between them is a word, as Excel shows dates.
_SHORT_YEAR = re.compile(r"([0-9]{1,2})[-/. ]([A-Za-z]{3,9})[-/. ]([0-9]{2})" + _TIME)
_PACKED = re.compile(r"((?:19|20)[0-9]{2})([0-9]{2})([0-9]{2})")
_MONTH_LAST = re.compile(r"(?P<year>[0-9]{4})[-/. ]?(?P<month>[0-9]{1,2})")
_MONTH_FIRST = re.compile(r"(?P<month>[0-9]{1,2})[-/. ](?P<year>[0-9]{4})")
_LOOSE_YEAR_FIRST = re.compile(r"(?P<year>[0-9?]{4})[-/. ]?(?P<month>[0-9?]{1,2})[-/. ]?(?P<day>[0-9?]{1,2})")
_LOOSE_DAY_FIRST = re.compile(r"(?P<day>[0-9?]{1,2})[-/. ](?P<month>[0-9?]{1,2})[-/. ](?P<year>[0-9?]{4})")
_LAST_YEAR = 2099
_SERIAL = re.compile(r"([1-9][0-9]{4})(?:\.[0-9]+)?")
_WHOLE = re.compile(r"^([0-9]+)\.0+$")
_POSTCODE = re.compile(r"([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})")
_UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_UPN = re.compile(f"[{_UPN_LETTERS}][0-9]{{11}}[0-9{_UPN_LETTERS}]")
_TEN_DIGITS = re.compile(r"[0-9]{10}")
# What a character counts in a check: a digit itself, a letter its place among those of UPNs.
_WORTH = bytes.maketrans(f"{string.digits}{_UPN_LETTERS}".encode(), bytes([*range(10), *range(len(_UPN_LETTERS))]))
_UPN_UNKNOWN = re.compile(r"UN[0-9]{1,2}")
_LETTERED = re.compile(r"[a-z]\)\s*", re.IGNORECASE)
_SEX = {"M": "M", "1": "M", "MALE": "M", "F": "F", "2": "F", "FEMALE": "F"} | dict.fromkeys(
    (
        *"U09XI34Z",
        "UNKNOWN",
        "NOT KNOWN",
        "NOT SPECIFIED",
        "NOT STATED",
        "NOT STATED RECORDED",
        "NEITHER",
        "INDETERMINATE",
    ),
    "U",
)
EARLIEST_BIRTH = date(1900, 1, 1)


def packed(text: str) -> str:
    """Letters and digits alone, upper case: how numbers, codes and postcodes are compared."""
    if text.isascii() and text.isalnum():
        return text.upper()
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).upper()))


def letters(text: str) -> str:
    """Letters and digits, upper case, without accents: `Zoë O’Neill-Łuk` is `ZOEONEILLLUK`."""
    if text.isascii() and text.isalnum():
        return text.upper()
    plain = unicodedata.normalize("NFKD", text.upper().translate(_LETTERS))
    return "".join(filter(str.isalnum, plain))


def words(text: str) -> list[str]:
    """The words of a text, each upper case and without accents, digits kept."""
    if text.isascii():
        return text.upper().translate(_APART).split()
    plain = unicodedata.normalize("NFKD", text.upper().translate(_LETTERS))
    kept = "".join(c if c.isalnum() else "" if unicodedata.combining(c) or c in "'’" else " " for c in plain)
    return kept.split()


def calendar_date(text: str) -> date | None:
    """A date in any style that extracts use, or None.

    `2026-03-15`, `2022-Sep-28 00:00:00`, `15/03/2026`, `15-Mar-2026`, `20260315`, an Excel serial (`44629`), each with
    or without a time. Day before month, as in Britain. `15-Mar-12` is of this century up to 49, but `06/05/12` is no
    date: nobody can tell its year from its day.
    """
    if found := _YEAR_FIRST.fullmatch(text):
        year, month, day = found.groups()
    elif found := _DAY_FIRST.fullmatch(text):
        day, month, year = found.groups()
    elif found := _SHORT_YEAR.fullmatch(text):
        day, month, year = found.groups()
        year = ("20" if year < "50" else "19") + year
    elif found := _PACKED.fullmatch(text):
        year, month, day = found.groups()
    elif found := _SERIAL.fullmatch(text):
        return date(1899, 12, 30) + timedelta(days=int(found[1]))
    else:
        return None
    try:
        return date(int(year), _MONTHS[month.casefold()] if month.isalpha() else int(month), int(day))
    except (KeyError, ValueError):
        return None


def name(text: str) -> Reading:
    """A forename or surname, in which case, accents, hyphens and spaces do not count; it has at least one letter."""
    plain = letters(text)
    return Reading(plain, VALID) if any(map(str.isalpha, plain)) else Reading(None, INVALID)


def birth_date(text: str, latest: date) -> Reading:
    """A birth date as ISO text; `future` after `latest`, the last day of the period."""
    found = calendar_date(text)
    if found is None or found < EARLIEST_BIRTH:
        return Reading(None, INVALID)
    return Reading(found.isoformat(), FUTURE if found > latest else VALID)


def birth_month(text: str, latest: date) -> Reading:
    """A month of birth, `09/2014` or `2014-09`, as a birth date whose day is not known: `2014-09-??`."""
    found = _MONTH_LAST.fullmatch(text) or _MONTH_FIRST.fullmatch(text)
    if found is None:
        return Reading(None, INVALID)
    year, month = int(found["year"]), int(found["month"])
    if not (1 <= month <= 12 and year >= EARLIEST_BIRTH.year):
        return Reading(None, INVALID)
    return Reading(f"{year}-{month:02d}-??", FUTURE if (year, month) > (latest.year, latest.month) else VALID)


def partial_birth_date(text: str) -> str | None:
    """The good parts of a date that is no date, as `1949-05-??`: parts that are unknown or impossible become `?`.

    None where no part but the year is good, or none at all: a year alone tells nothing about a child.
    """
    found = _LOOSE_YEAR_FIRST.fullmatch(text) or _LOOSE_DAY_FIRST.fullmatch(text)
    if found is None:
        return None
    year, month, day = (int(part) if (part := found[name]).isdigit() else 0 for name in ("year", "month", "day"))
    good_year = EARLIEST_BIRTH.year <= year <= _LAST_YEAR
    good_month = 1 <= month <= 12
    good_day = 1 <= day <= (monthrange(year if good_year else 2000, month)[1] if good_month else 31)
    if good_year + good_month + good_day < 2:
        return None
    good = zip((year, month, day), (good_year, good_month, good_day), (4, 2, 2), strict=True)
    return "-".join(f"{part:0{size}d}" if is_good else "?" * size for part, is_good, size in good)


def postcode(text: str) -> Reading:
    """A postcode without its space; the placeholders ZZ99 (no fixed abode, not known, abroad) are no postcode."""
    plain = packed(text)
    if plain.startswith("ZZ99"):
        return Reading(None, MISSING)
    return Reading(plain, VALID if _POSTCODE.fullmatch(plain) else INVALID)


def address(text: str) -> Reading:
    """An address as it is written; of its words the house and the street are compared (`names.dwelling`)."""
    return Reading(text, VALID)


def nhs_number(text: str) -> Reading:
    """Ten digits with a modulus 11 check; numbers from 999, and one digit ten times, are for tests."""
    digits = text if _TEN_DIGITS.fullmatch(text) else re.sub(r"[\s-]|\.0+$", "", text)
    if _TEN_DIGITS.fullmatch(digits) is None:
        return Reading(packed(text), INVALID)
    if digits.startswith("999") or len(set(digits)) == 1:
        return Reading(digits, TEST)
    return Reading(digits, INVALID if _weighed(digits, range(10, 0, -1)) % 11 else VALID)


def upn(text: str) -> Reading:
    """A check letter and twelve characters; a letter at the end makes it temporary, good for one school alone.

    The check letter stands at the place that the twelve give, weighted 2 to 13, divided by 23.
    UN1 to UN10 say why there is none. The authority's number is not looked up: lists of authorities age, and it says
    nothing about the child.
    """
    plain = packed(text)
    if _UPN_UNKNOWN.fullmatch(plain):
        return Reading(None, EXPLAINED)
    if _UPN.fullmatch(plain) is None or _UPN_LETTERS[_weighed(plain[1:], range(2, 14)) % 23] != plain[0]:
        return Reading(plain, INVALID)
    return Reading(plain, TEMPORARY if plain[-1].isalpha() else VALID)


def uln(text: str) -> Reading:
    """Ten digits, the first not zero, whose sum weighted 10 to 1 leaves 10 when divided by 11."""
    digits = text if _TEN_DIGITS.fullmatch(text) else re.sub(r"\s|\.0+$", "", text)
    good = _TEN_DIGITS.fullmatch(digits) is not None and digits[0] != "0"
    good = good and _weighed(digits, range(10, 0, -1)) % 11 == 10
    return Reading(digits if good else packed(text), VALID if good else INVALID)


def _weighed(characters: str, weights: Iterable[int]) -> int:
    """What the characters count, each times its weight."""
    return sum(map(mul, characters.encode().translate(_WORTH), weights))


def local_id(text: str) -> Reading:
    """An identifier of the sender's own system; it has no check, so any is valid. A number may have got a `.0`."""
    plain = packed(_WHOLE.sub(r"\1", text))
    return Reading(plain, VALID) if plain else Reading(None, INVALID)


def sex(text: str) -> str | None:
    """M, F or U from the education (M F U), health (1 2 9 X) and older (0 1 2 9) codes; None for anything else.

    Of the gender identity codes of mental health services (1 2 3 4 X Z), those beside female and male are U.
    """
    plain = _LETTERED.sub("", text, count=1) if _LETTERED.match(text) else text  # as `a) Male` in lists for inspections
    return _SEX.get(" ".join(words(plain.removesuffix(".0"))))


def reader(kind: str, latest: date) -> Callable[[str], Reading]:
    """The function for a kind of token (`TokenKind` of the contracts, but for sex). latest: end of the period."""
    readers: dict[str, Callable[[str], Reading]] = {
        "forename": name,
        "surname": name,
        "birth_date": partial(birth_date, latest=latest),
        "birth_month": partial(birth_month, latest=latest),
        "postcode": postcode,
        "address": address,
        "nhs_number": nhs_number,
        "upn": upn,
        "uln": uln,
        "local_id": local_id,
    }
    return readers[kind]
