"""The partner's own file of postcodes: in which small area each lies and, if the file says so, where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from pipelines.extract import fault
from pipelines.extract.headers import squash
from pipelines.seal.normalise import packed
from pipelines.seal.tokens import over_distinct


@dataclass(frozen=True)
class Geography:
    """Postcodes (letters and digits alone), the LSOA (2021) of each, and its place.

    grid: easting and northing of the British National Grid in metres, one row per postcode, NaN where there is none;
    None where the file has no such columns.
    """

    postcodes: pa.Array
    areas: pa.Array
    grid: np.ndarray | None = None

    @classmethod
    def load(cls, path: Path) -> Geography:
        """Read `postcode,lsoa21` and, where they are there, `easting,northing`. Raises DataFault `FILE-017`."""
        try:
            table = pcsv.read_csv(path, read_options=pcsv.ReadOptions(use_threads=False))
            table = table.rename_columns([squash(name) for name in table.column_names])
            postcodes, areas = (table[name].cast(pa.string()).combine_chunks() for name in ("postcode", "lsoa21"))
            grid = None
            if {"easting", "northing"} <= set(table.column_names):
                metres = [table[name].cast(pa.float64()).to_numpy() for name in ("easting", "northing")]
                grid = np.column_stack(metres)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, KeyError, UnicodeDecodeError):
            raise fault("FILE-017") from None
        if not len(areas):
            raise fault("FILE-017")
        return cls(over_distinct(postcodes, packed), pc.utf8_trim_whitespace(areas), grid)

    def area_of(self, postcodes: pa.Array) -> pa.Array:
        """The LSOA of each postcode (letters and digits alone); NULL where the file does not have it."""
        return self.areas.take(pc.index_in(postcodes, value_set=self.postcodes))

    def km_between(self, here: pa.Array, there: pa.Array) -> pa.Array:
        """Whole kilometres as the crow flies between two columns of postcodes; NULL where a place is unknown."""
        if self.grid is None:
            return pa.nulls(len(here), pa.string())
        ends = []
        for column in (here, there):
            at = pc.fill_null(pc.index_in(column, value_set=self.postcodes), -1).to_numpy(zero_copy_only=False)
            ends.append(np.where((at >= 0)[:, None], self.grid[at], np.nan))
        km = np.round(np.hypot(*(ends[0] - ends[1]).T) / 1000)
        return pa.array(km, from_pandas=True).cast(pa.int32()).cast(pa.string())
