"""Keyed tokens and pseudonyms: HMAC-SHA-256 under a subkey for each purpose, cut to 16 bytes; pseudonyms in hex.

A token compares across partners (same link key, same kind); a pseudonym compares within one partner. Equal values give
equal tokens, and nobody without the key can try values out. HMAC: RFC 2104; subkeys: HKDF, RFC 5869.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import jellyfish
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipelines.seal import names

MAC_BYTES, TOKEN_BYTES = 32, 16
TOKEN = pa.binary(TOKEN_BYTES)
VERSION = "1"
# Columns of the linkage file in which many rows have the same.
RECURRING = (
    "forename", "forename_phonetic", "surname", "surname_phonetic", "surname_as_forename", "birth_date",
    "birth_date_swapped", "postcode", "postcode_sector", "forename_formal.list.element", "forename_near.list.element",
    "surname_near.list.element", "sex", "birth_parts",
)  # fmt: skip
IDENTIFIERS = ("nhs_number", "upn", "uln", "local_id")
# Lists of further values of a record, and the kind of token each value becomes.
OTHERS = {
    "other_forenames": "forename",
    "other_surnames": "surname",
    "other_postcodes": "postcode",
    "other_upns": "upn",
}


def subkey(key: bytes, *purpose: str) -> bytes:
    """A 32-byte key for one purpose; different purposes give unrelated keys."""
    info = "\0".join(("joint-needs", VERSION, *purpose)).encode()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(key)


def keyed(key: bytes) -> Callable[[Iterable[bytes]], bytes]:
    """A function from texts to their HMACs under `key`, each cut to `TOKEN_BYTES`, one after the other.

    The key goes in once and is copied for each text: that is half the work of an HMAC.
    """
    copy = HMAC(key, SHA256()).copy

    def macs(texts: Iterable[bytes]) -> bytes:
        whole = []
        for text in texts:
            one = copy()
            one.update(text)
            whole.append(one.finalize())
        return np.frombuffer(b"".join(whole), np.uint8).reshape(-1, MAC_BYTES)[:, :TOKEN_BYTES].tobytes()

    return macs


def pseudonyms(key: bytes, texts: pa.Array) -> pa.Array:
    """The pseudonym of each text under `key`, as text; NULL for NULL."""
    encoded = texts.dictionary_encode()
    digits = keyed(key)(encoded.dictionary.cast(pa.binary()).to_pylist()).hex().encode()
    ends = np.arange(len(encoded.dictionary) + 1, dtype=np.int32) * (2 * TOKEN_BYTES)
    made = pa.StringArray.from_buffers(len(encoded.dictionary), pa.py_buffer(ends), pa.py_buffer(digits))
    return made.take(encoded.indices)


def over_distinct(column: pa.Array, function: Callable[[str], str | None]) -> pa.Array:
    """Apply a text function to a text column, once for each distinct value; NULL stays NULL."""
    if column.null_count == len(column):
        return pa.nulls(len(column), pa.string())
    encoded = column.dictionary_encode()
    results = pa.array([function(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return results.take(encoded.indices)


def linkage_tokens(identities: pa.Table, link_key: bytes, *, near: bool = True) -> pa.Table:
    """Tokens of records whose identifiers are already uniform (`normalise`), as the linker compares them.

    identities, all VARCHAR unless said: forename, surname (letters, upper case), birth_date (ISO; an unknown part as
    `??`, an unknown year `????`), sex, postcode (no space), address, nhs_number, upn, uln, local_id (field, NUL,
    agency, NUL, value), and the lists of `OTHERS`. Only what may serve as an identifier: anything else must be NULL.
    near: whether names also leave the tokens of what is one letter away (ADR 33); without them the lists are empty.

    Returns the token columns of the linkage file, in its order, one row per row: tokens of `TOKEN`, lists of them,
    and sex, numbers and flags.
    """
    column = {name: identities.column(name).combine_chunks() for name in identities.column_names}

    def tokens(kind: str, source: pa.Array, prepare: Callable[[str], str | None] | None = None) -> pa.Array:
        texts = over_distinct(source, prepare) if prepare else source
        return _tokens(subkey(link_key, "token", kind), texts)

    def lists(kind: str, source: pa.Array, prepare: Callable[[str], Iterable[str]]) -> pa.Array:
        return _token_lists(subkey(link_key, "token", kind), source, prepare)

    forename, surname, birth, postcode = (column[n] for n in ("forename", "surname", "birth_date", "postcode"))
    initial = pc.utf8_slice_codeunits(forename, 0, 1)
    month = over_distinct(birth, lambda text: _parts(text, 0, 1))
    found = {
        "forename": tokens("forename", forename),
        "forename_phonetic": tokens("forename_phonetic", forename, jellyfish.metaphone),
        **{
            f"forename_{kind}": tokens(f"forename_{kind}", _with(part, month))
            for kind, part in _hints(forename).items()
        },
        "surname": tokens("surname", surname),
        "surname_phonetic": tokens("surname_phonetic", surname, jellyfish.metaphone),
        "surname_as_forename": tokens("forename", surname),
        "birth_date": tokens("birth_date", birth, lambda text: None if "?" in text else text),
        "birth_date_swapped": tokens("birth_date", birth, swapped),
        "postcode": tokens("postcode", postcode),
        "postcode_sector": tokens("postcode_sector", postcode, lambda text: text[:-2]),
        **{kind: tokens(kind, column[kind]) for kind in IDENTIFIERS},
    }
    for name, kind in OTHERS.items():
        found[name] = pa.ListArray.from_arrays(_offsets(column[name]), tokens(kind, column[name].flatten()))
    beside = (initial, over_distinct(surname, jellyfish.metaphone), *(column[kind] for kind in IDENTIFIERS))
    pairs = [over_distinct(birth, pair) for pair in PAIRS]
    found["birth_pairs"] = _gathered([
        tokens(f"birth_pair_{place}_{number}", _with(pair, other))
        for place, pair in enumerate(pairs) for number, other in enumerate(beside)
    ])  # fmt: skip
    found["forename_formal"] = lists("forename_formal", forename, names.formal)
    found["forename_starts"] = lists("forename_whole", _with(forename, month), _starts)
    for name, source, of in (("forename_near", forename, names.near_forms), ("surname_near", surname, names.near)):
        found[name] = lists(name, source, of if near else lambda text: ())
    found["address"] = lists("address", column["address"], names.dwelling)
    return pa.table(
        {
            **found,
            "birth_parts": over_distinct(birth, lambda text: str(3 - text.count("??") + text.count("????"))).cast(
                pa.int8()
            ),
            "sex": column["sex"],
            "is_forename_initial": pc.fill_null(pc.equal(pc.utf8_length(forename), 1), False),
            "is_birth_day_unknown": day_unknown(birth),
        }
    )


def _hints(forename: pa.Array) -> dict[str, pa.Array]:
    """What little of a forename twins may share by chance; it is tokenised together with the month of birth."""
    kinds: dict[str, Callable[[str], str]] = {
        "whole": str,
        "sound": jellyfish.soundex,
        "prefix": lambda text: text[:3],
        "end": lambda text: text[:1] + text[-3:],
        "initial": lambda text: text[:1],
    }
    return {kind: over_distinct(forename, prepare) for kind, prepare in kinds.items()}


def _starts(dated: str) -> list[str]:
    """Shorter names a forename begins with, initials it may be written as, each with the month of birth beside it."""
    forename, month = dated.split("\0")
    return [f"{start}\0{month}" for start in (*names.starts(forename), *names.initials(forename))]


def _with(text: pa.Array, other: pa.Array) -> pa.Array:
    """Two texts as one; NULL where either is."""
    return pc.binary_join_element_wise(text, other, "\0", null_handling="emit_null")


def _gathered(columns: Sequence[pa.Array]) -> pa.ListArray:
    """The tokens of some columns as one list for each row, without NULLs."""
    rows, every = np.tile(np.arange(len(columns[0])), len(columns)), pa.concat_arrays(list(columns))
    return _lists(rows[pc.is_valid(every).to_numpy(zero_copy_only=False)], every.drop_null(), len(columns[0]))


def day_unknown(birth: pa.Array) -> pa.Array:
    """Whether the day of an ISO date may stand for an unknown one: the 1st, the 15th, or `??`; NULL stays NULL."""
    found = pc.is_in(pc.utf8_slice_codeunits(birth, 8, 10), value_set=pa.array(["01", "15", "??"]))
    return pc.if_else(pc.is_valid(birth), found, None)


def swapped(birth: str) -> str | None:
    """An ISO date with day and month exchanged, where that is another real date."""
    year, month, day = birth.split("-")
    if "?" in birth or day > "12" or day == month:
        return None
    return f"{year}-{day}-{month}"


def _parts(birth: str, first: int, second: int) -> str | None:
    """Two parts of a birth date, where both are known."""
    parts = birth.split("-")
    both = f"{parts[first]}-{parts[second]}"
    return None if "?" in both else both


# Two parts of a birth date at a time. Alone they would be read off a hundred known children; each is tokenised together
# with something that two records of one child are likely to share.
PAIRS = tuple(partial(_parts, first=first, second=second) for first, second in ((0, 1), (1, 2), (0, 2)))


def _tokens(key: bytes, texts: pa.Array) -> pa.Array:
    """The token of each text; NULL for NULL and for an empty text."""
    encoded = pc.if_else(pc.equal(texts, ""), None, texts).dictionary_encode()
    values = pa.py_buffer(keyed(key)(encoded.dictionary.cast(pa.binary()).to_pylist()))
    return pa.FixedSizeBinaryArray.from_buffers(TOKEN, len(encoded.dictionary), [None, values]).take(encoded.indices)


def _token_lists(key: bytes, source: pa.Array, prepare: Callable[[str], Iterable[str]]) -> pa.Array:
    """A list of tokens for each text; empty for NULL."""
    encoded = source.dictionary_encode()
    prepared = [list(prepare(text)) for text in encoded.dictionary.to_pylist()]
    sizes = [len(texts) for texts in prepared]
    tokens = _tokens(key, pa.array([text for texts in prepared for text in texts], pa.string()))
    # One more, the empty list.
    made = _lists(np.repeat(np.arange(len(sizes)), sizes), tokens, len(sizes) + 1)
    return made.take(pc.fill_null(encoded.indices, len(sizes)))


def _lists(rows: np.ndarray, tokens: pa.Array, count: int) -> pa.ListArray:
    """Tokens as one list for each of `count` rows, in the order of the tokens, so that the order says nothing."""
    first = np.frombuffer(tokens.buffers()[1], ">u8", count=len(tokens) * TOKEN_BYTES // 8)[:: TOKEN_BYTES // 8]
    order = np.lexsort((first, rows))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=count))])
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), tokens.take(pa.array(order)))


def as_parquet(linkage: pa.Table) -> bytes:
    """A linkage table as the bytes of its file. Tokens do not compress; where they recur a dictionary shortens them."""
    sink = pa.BufferOutputStream()
    packed = {"record_pseudonym": "zstd", "source_row": "zstd"}
    pq.write_table(linkage, sink, compression=packed, use_dictionary=RECURRING, write_statistics=False)
    return sink.getvalue().to_pybytes()


def _offsets(lists: pa.ListArray) -> pa.Array:
    """Offsets of a list array that begins at zero, a NULL list as an empty one."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0)
    return pa.concat_arrays([pa.array([0], pa.int32()), pc.cumulative_sum(lengths).cast(pa.int32())])
