"""Text of a cell without what nobody meant to write, and which text is no value at all."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

# White space, the non-breaking one and the marks of encodings included.
EDGES = " \t\r\n\u00a0\u2007\u202f\ufeff\u200b"
# What a spreadsheet leaves where a formula found nothing. Words (`None`, `N/A`, `NULL`, `Unknown`) are not blank: a
# code list may hold them, somebody may bear them as a name, and the rule of the column tells the supplier.
NOTHING = ("", "#N/A", "#NULL!", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!")


def trimmed(column: pa.Array) -> pa.Array:
    """Text without white space at its ends; blank, and a spreadsheet's error, as NULL."""
    text = pc.utf8_trim(column, EDGES)
    return pc.if_else(pc.is_in(text, value_set=pa.array(NOTHING)), None, text)
