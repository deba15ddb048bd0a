"""Text of a cell without what nobody meant to write, and which text is no value at all."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

# White space, the non-breaking one and the marks of encodings included.
EDGES = " \t\r\n\u00a0\u2007\u202f\ufeff\u200b"
# What programs write where there is no value: spreadsheets, database consoles, Python. As a whole cell, in this case:
# else a thousand children called NULL would be one child. Words that people write (`None`, `N/A`, `Unknown`, `-`) stay:
# a code list may hold them, somebody may bear them as a name, and the rule of the column tells the supplier.
NOTHING = (
    *("", "#N/A", "#NULL!", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!"),
    *("NULL", "(null)", "<NULL>", "NaN", "NaT", "<NA>"),
)


def trimmed(column: pa.Array) -> pa.Array:
    """Text without white space at its ends; what is no value as NULL."""
    text = pc.utf8_trim(column, EDGES)
    return pc.if_else(pc.is_in(text, value_set=pa.array(NOTHING)), None, text)
