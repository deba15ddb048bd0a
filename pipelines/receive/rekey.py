"""The hub's second pass over tokens: what a partner could recompute from a name is no longer what the hub keeps.

AES-SIV (RFC 5297) is deterministic: equal tokens stay equal, from any partner and on any night, so they still compare;
without the hub's pass key nobody can get from a partner's token to the hub's or back. The linkage file is opened and
closed again in memory only.
"""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyrage
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from pipelines.extract.faults import fault
from pipelines.seal.keys import HubKeys
from pipelines.seal.tokens import over_distinct

# Columns of the linkage file that are text and no token.
PSEUDONYM, SEX = "record_pseudonym", "sex"
_HEX32 = "^[0-9a-f]{32}$"


def rekey(sealed: bytes, keys: HubKeys, rows: int) -> bytes:
    """A linkage file, encrypted to the linker, with every token passed under the hub's key; encrypted again.

    rows: how many the manifest promises. Raises DataFault `FILE-031` where the file does not open, has another number
    of rows, or holds text that is no token.
    """
    try:
        table = pq.read_table(pa.BufferReader(pyrage.decrypt(sealed, [keys.linker])))
    except (pyrage.DecryptError, pa.ArrowException, OSError):
        raise fault("FILE-031") from None
    if table.num_rows != rows or PSEUDONYM not in table.column_names:
        raise fault("FILE-031")
    passed = pa.table({name: _column(name, table.column(name), AESSIV(keys.pass_key)) for name in table.column_names})
    clear = io.BytesIO()
    pq.write_table(passed, clear, compression="zstd")
    return pyrage.encrypt(clear.getvalue(), [keys.linker.to_public()])


def _column(name: str, column: pa.ChunkedArray, siv: AESSIV) -> pa.Array:
    """Tokens and lists of tokens under the hub's key; pseudonym, sex, numbers and flags as they are."""
    whole = column.combine_chunks()
    if name == SEX:
        return _checked(whole, "^[MFU]$")
    if name == PSEUDONYM:
        return _checked(whole, _HEX32)
    if pa.types.is_string(whole.type):
        return _passed(whole, siv)
    if pa.types.is_list(whole.type) and pa.types.is_string(whole.type.value_type):
        return pa.ListArray.from_arrays(whole.offsets, _passed(whole.values, siv), mask=whole.is_null())
    if pa.types.is_boolean(whole.type) or pa.types.is_integer(whole.type):
        return whole
    raise fault("FILE-031")


def _passed(tokens: pa.Array, siv: AESSIV) -> pa.Array:
    return over_distinct(_checked(tokens, _HEX32), lambda token: siv.encrypt(bytes.fromhex(token), None).hex())


def _checked(column: pa.Array, shape: str) -> pa.Array:
    """The column itself, where every value has the shape."""
    if not pa.types.is_string(column.type):
        raise fault("FILE-031")
    if not pc.all(pc.match_substring_regex(column, shape)).as_py() and column.null_count < len(column):
        raise fault("FILE-031")
    return column
