"""Cells that stay, made uniform and checked against their list, their shape and the shapes of identifiers.

What may not pass is replaced by a word that says why; see ADR 2. A date, a yes or no, or a code of the column's own
list passes the shapes of identifiers, since it can say nothing else. A code that is, as a whole, one of the child's own
names is blanked all the same (a child called May, a code MAY), and so is a date that is the child's own birth date.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from pipelines.contracts import CodeList
from pipelines.errors import SystemFault
from pipelines.registry import ColumnView
from pipelines.seal import own
from pipelines.seal.normalise import calendar_date, packed, sex

UNLISTED, BLANKED, UNREADABLE = "#unlisted", "#blanked", "#unreadable"
SENTINELS = (UNLISTED, BLANKED, UNREADABLE)
# An NHS number, a UPN, a postcode, anywhere in a cell; upper case.
_IDENTIFIER = re.compile(
    r"(?<![0-9])[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4}(?![0-9])"
    r"|(?<![A-Z0-9])[A-Z][0-9]{11}[A-Z0-9](?![A-Z0-9])"
    r"|(?<![A-Z0-9])[A-Z]{1,2}[0-9][A-Z0-9]?\s*[0-9][ABD-HJLNP-UW-Z]{2}(?![A-Z0-9])"
)
# Cells of one column, until its table is sealed.
MOST_REMEMBERED = 1 << 14
Find = Callable[[str], str | None]
_INTEGER = re.compile(r"([+-]?[0-9]{1,15})(?:\.0*)?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_BOOLEAN = dict.fromkeys(("TRUE", "T", "YES", "Y", "1", "1.0"), "true") | dict.fromkeys(
    ("FALSE", "F", "NO", "N", "0", "0.0"), "false"
)


@dataclass(frozen=True)
class Cells:
    """How the cells of one kept column are treated. words: by which they are compared with the child's identifiers."""

    uniform: Callable[[str], str]
    words: own.Words


def holds_identifier(text: str) -> bool:
    """Whether a text holds the shape of an NHS number, a UPN or a postcode."""
    return _IDENTIFIER.search(text.upper()) is not None


def cells_of(view: ColumnView, codes: CodeList | None) -> Cells:
    """The treatment of a kept column, from its contract."""
    if view.token == "sex":  # noqa: S105 - a kind of column
        return Cells(_checked(sex, UNLISTED, closed=True), _unless(sex, own.words_of))
    if view.type == "code" and codes is not None:
        find = _code_finder(codes)
        return Cells(_checked(find, UNLISTED, closed=True), lambda t: own.whole(t) if find(t) else own.words_of(t))
    if view.type == "date":
        find = _remembered(_date)
        return Cells(_checked(find, UNREADABLE, closed=True), _date_words(find))
    if view.type == "boolean":
        return Cells(_checked(_boolean, UNREADABLE, closed=True), _unless(_boolean, own.words_of))
    if view.type == "integer":
        return Cells(_checked(_integer, UNREADABLE), own.words_of)
    if view.type == "decimal":
        return Cells(_checked(_decimal, UNREADABLE), own.words_of)
    if view.type == "shaped" and view.shape:
        return Cells(_checked(_shape_finder(view.shape), UNLISTED), own.words_of)
    raise SystemFault(f"the contract does not say how column {view.name} passes the door")


def _checked(find: Find, otherwise: str, *, closed: bool = False) -> Callable[[str], str]:
    """The uniform text of a cell, or the word that stands for it. closed: what is found is of a fixed set."""

    def uniform(text: str) -> str:
        found = find(text)
        if found is not None and closed:
            return found
        if holds_identifier(text):
            return BLANKED
        return otherwise if found is None else found

    return uniform


def _unless(find: Find, words_in: own.Words) -> own.Words:
    """No words for a cell that is found: male, or yes, is nobody's name here."""
    return lambda text: [] if find(text) else words_in(text)


def _date_words(find: Find) -> own.Words:
    """The day itself as one word, however it is written."""
    return lambda text: [packed(iso)] if (iso := find(text)) else own.words_of(text)


def _remembered(find: Find) -> Find:
    """The same, remembering what it last found: blocks and the rows of one block say the same days again and again."""
    return lru_cache(MOST_REMEMBERED)(find)


def _code_finder(codes: CodeList) -> Find:
    """The list's own spelling of a code: as written, else in any case, an alias, or a number without its `.0`."""
    folded = {alias.casefold(): code for alias, code in codes.aliases.items()}
    folded |= {code.casefold(): code for code in codes.codes}

    def find(text: str) -> str | None:
        if text in codes.codes:
            return text
        return folded.get(text.casefold()) or folded.get(text.casefold().removesuffix(".0"))

    return find


def _shape_finder(shape: str) -> Find:
    pattern = re.compile(shape)

    def find(text: str) -> str | None:
        return next((t for t in (text, text.upper(), text.removesuffix(".0")) if pattern.fullmatch(t)), None)

    return find


def _date(text: str) -> str | None:
    found = calendar_date(text)
    return found.isoformat() if found else None


def _integer(text: str) -> str | None:
    found = _INTEGER.fullmatch(text)
    return str(int(found[1])) if found else None


def _decimal(text: str) -> str | None:
    return text if _DECIMAL.fullmatch(text) else None


def _boolean(text: str) -> str | None:
    return _BOOLEAN.get(text.upper())
