"""Identifiers with true check digits, vectorised. They are of nobody: see the ranges below.

NHS numbers lie in 500 000 000 to 599 999 999, a block that is not allocated; UPNs carry 990, the number of the
fictional Merebrook Council.
"""

from __future__ import annotations

import numpy as np

from pipelines.synth.draw import Array

KEPT_NHS = 599_000_000
UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
_LETTER = np.array(list(UPN_LETTERS), dtype=object)


def _digits(numbers: Array, width: int) -> Array:
    return numbers[:, None] // 10 ** np.arange(width - 1, -1, -1, dtype=np.int64) % 10


def kept_numbers(la_code: str) -> dict[str, str]:
    """NHS number, UPN and ULN of the planted child: valid, and outside the ranges that others are drawn from."""
    rng = np.random.default_rng(0)
    base = np.arange(999_000_001, 999_000_020, dtype=np.int64)
    check = (10 - (_digits(base, 9) * np.arange(10, 1, -1)).sum(axis=1)) % 11
    return {
        "nhs": nhs_numbers(rng, 1, first=KEPT_NHS, last=KEPT_NHS + 999_999)[0],
        "upn": upns(rng, 1, la_code, np.array([16]), first_school=1)[0],
        "uln": str(base[check < 10][0] * 10 + check[check < 10][0]),
    }


def nhs_numbers(rng: np.random.Generator, size: int, *, first: int = 500_000_000, last: int = KEPT_NHS - 1) -> Array:
    """Different NHS numbers of ten digits: weights 10 to 2, modulus 11, those without a check digit left out."""
    spare = size + size // 5 + 50
    base = rng.permutation(np.unique(rng.integers(first, last + 1, 2 * spare)))[:spare]
    check = 11 - (_digits(base, 9) * np.arange(10, 1, -1)).sum(axis=1) % 11
    good = base[check != 10][:size] * 10 + check[check != 10][:size] % 11
    return good.astype(str).astype(object)


def upns(rng: np.random.Generator, size: int, la_code: str, year: Array, *, first_school: int = 2_000) -> Array:
    """Different UPNs: letter, authority, school, year of entry (two digits), serial; the letter by modulus 23."""
    order = rng.permutation(size)
    schools = max(90, size // 900)
    number = (int(la_code) * 10_000 + first_school + order % schools) * 100_000 + year % 100 * 1_000 + order // schools
    letter = (_digits(number, 12) * np.arange(2, 14)).sum(axis=1) % 23
    return _LETTER[letter] + number.astype(str).astype(object)


def temporary(upn: Array) -> Array:
    """Temporary UPNs of the same school: the last place is a letter, and the check letter follows from it."""
    body = np.array([text[1:12] for text in upn], dtype=object)
    if not len(body):
        return body
    total = (_digits(body.astype(np.int64), 11) * np.arange(2, 13)).sum(axis=1)
    return _LETTER[total % 23] + body + "A"


def ulns(rng: np.random.Generator, size: int) -> Array:
    """Different ULNs of ten digits: weights 10 to 1 over all, remainder 10 modulo 11; never a valid NHS number."""
    spare = size + size // 5 + 50
    first = 100_000_000 + rng.permutation(np.unique(rng.integers(0, 800_000_000, 2 * spare)))[:spare]
    check = (10 - (_digits(first, 9) * np.arange(10, 1, -1)).sum(axis=1)) % 11
    return (first[check < 10][:size] * 10 + check[check < 10][:size]).astype(str).astype(object)


def mistyped(rng: np.random.Generator, text: Array) -> Array:
    """Each with one digit typed wrongly, so that the check fails."""
    place = rng.integers(4, 9, len(text))
    step = rng.integers(1, 10, len(text))
    found = [f"{t[:p]}{(int(t[p]) + int(s)) % 10}{t[p + 1 :]}" for t, p, s in zip(text, place, step, strict=True)]
    return np.array(found, dtype=object)
