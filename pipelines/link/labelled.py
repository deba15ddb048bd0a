"""The production matcher on labelled records in the clear, which it has never seen: how right is it?

The records go through the door's own reading and tokenising under a throwaway key, then through the same matcher, the
same vetoes and the same queue as every night. Truth is looked at afterwards and nowhere else.
"""

from __future__ import annotations

import resource
import secrets
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from pipelines.errors import UsageFault
from pipelines.link import matcher, tokens
from pipelines.link.score import score
from pipelines.link.solve import solve
from pipelines.seal.identifiers import Evidence, read_column
from pipelines.seal.identity import Claim, plain_identities
from pipelines.seal.normalise import VALID
from pipelines.seal.tokens import linkage_tokens
from pipelines.settings import near_tokens

IDENTIFIERS = ("forename", "surname", "birth_date", "postcode", "address", "nhs_number", "upn", "local_id")
COLUMNS = ("rec_id", "source", "truth_id", "forename", "surname", "sex", "birth_date", "postcode", "address",
           "nhs_number", "upn", "local_id")  # fmt: skip
NEEDED = ("rec_id", "truth_id")
# Below this share of British postcodes a file is of another country.
MOSTLY_FOREIGN = 0.2
# Within one file local identifiers are of one system.
AGENCY = "labelled"


def evaluate(
    records: Path, *, links: Path | None = None, review: Path | None = None, model: Path | None = None
) -> dict[str, Any]:
    """Match a file of labelled records (CSV or Parquet, the columns of `COLUMNS`, blanks allowed) and score the result.

    Several sources are linked with each other, one source is searched for duplicates. links, review: where to write the
    accepted pairs and the queue. model: a pinned model; without it one is trained on these records.

    Returns the document of `score`, with `seconds` and `peak_mb` of this process. Raises UsageFault where the file
    cannot be read, a needed column is missing, or a rec_id is not unique.
    """
    started = time.monotonic()
    table = read(records)
    with tokens.memory() as db:
        tokens.load(db, parts(table))
        solve(db, matcher.read_model(model) if model else matcher.made(db))
        db.register("labels", table)
        found = score(db)
        for path, name in ((links, "accepted"), (review, "queued")):
            if path:
                db.execute(f"COPY {name} TO ? (HEADER)", [str(path)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return found | {"seconds": round(time.monotonic() - started, 2), "peak_mb": round(peak)}


def read(path: Path) -> pa.Table:
    """The records as text columns, blanks as NULL, numbered by `record_pseudonym` in file order."""
    try:
        table = pq.read_table(path) if path.suffix == ".parquet" else _read_csv(path)
    except (OSError, pa.ArrowException):
        raise UsageFault(f"{path.name} cannot be read as CSV or Parquet") from None
    if missing := [name for name in NEEDED if name not in table.column_names]:
        raise UsageFault(f"{path.name} has no column {' and no '.join(missing)}")
    columns = {name: _text(table, name) for name in COLUMNS}
    if len(columns["rec_id"].unique()) < table.num_rows or columns["rec_id"].null_count:
        raise UsageFault(f"rec_id of {path.name} is not unique")
    numbers = pa.array([str(number) for number in range(table.num_rows)])
    return pa.table({**columns, "record_pseudonym": numbers})


def _read_csv(path: Path) -> pa.Table:
    names = pcsv.open_csv(path).schema.names
    types = dict.fromkeys(names, pa.string())
    return pcsv.read_csv(path, convert_options=pcsv.ConvertOptions(column_types=types, strings_can_be_null=True))


def _text(table: pa.Table, name: str) -> pa.Array:
    if name not in table.column_names:
        return pa.nulls(table.num_rows, pa.string())
    column = table.column(name).combine_chunks()
    texts = ["" if cell is None else str(cell).strip() for cell in column.to_pylist()]
    return pa.array([text or None for text in texts], pa.string())


def parts(table: pa.Table) -> list[tokens.Part]:
    """The records as the door would have sealed them, a source each; of one source alone, each record a source.

    Records of one source are taken to be different people unless they are plainly one; where the question is which
    records of a file are duplicates, nothing of the kind may be assumed.
    """
    linkage = tokenised(table)
    source = table.column("source").combine_chunks().fill_null("")
    if len(source.unique()) < 2:
        numbers = table.column("record_pseudonym").to_pylist()
        return [tokens.Part((AGENCY, ""), 0, linkage, alone=True)] if numbers else []
    names = source.to_pylist()
    return [
        tokens.Part((AGENCY, name), number, linkage.filter(pa.array([n == name for n in names])))
        for number, name in enumerate(sorted(set(names)))
    ]


def tokenised(table: pa.Table) -> pa.Table:
    """A linkage table of records in the clear: read and tokenised as at the door, under a key that is thrown away."""
    numbers = np.arange(table.num_rows)
    cells = {name: table.column(name).combine_chunks() for name in (*IDENTIFIERS, "sex")}
    read = {name: read_column(name, name, name, cells[name], date.max) for name in IDENTIFIERS}
    read["postcode"] = _of_any_country(read["postcode"])
    claims = [Claim(numbers, found) for found in read.values()]
    nobody = pa.array(np.zeros(table.num_rows, dtype=bool))
    plain = plain_identities(claims, cells["sex"], nobody, AGENCY)
    found = linkage_tokens(plain, secrets.token_bytes(32), near=near_tokens()).append_column("is_protected", nobody)
    rows = pa.array(np.arange(1, table.num_rows + 1), pa.int32())
    return found.add_column(0, "source_row", rows).add_column(0, "record_pseudonym", table.column("record_pseudonym"))


def _of_any_country(postcodes: Evidence) -> Evidence:
    """Postcodes as written, where hardly any in the file has a British shape."""
    given = pc.sum(pc.is_valid(postcodes.raw)).as_py() or 0
    british = pc.sum(pc.is_valid(postcodes.valid)).as_py() or 0
    if british >= given * MOSTLY_FOREIGN:
        return postcodes
    return replace(postcodes, states=pc.if_else(pc.is_valid(postcodes.values), VALID, postcodes.states))
