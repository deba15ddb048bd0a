"""XML returns as text tables, in one pass of a streaming parser that keeps no tree.

Each contract table names its repeating element; a column is a path below it. XML has no keys of its own, so a row's key
is its ordinal (`@row`) and a child row carries the ordinal of the row it stands in (`@parent`). A document type is
refused where it is met, before an entity could be declared, and so is nesting that no return has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.parsers import expat

import numpy as np
import pyarrow as pa

from pipelines.contracts import Contract, Table
from pipelines.errors import DataFault
from pipelines.extract.faults import fault

DEEPEST = 64
ROWS_PER_BATCH = 50_000
_BLOCK = 1 << 20


class _Node:
    """A place in the document that the contract knows: the table that begins here, the cells its text fills."""

    __slots__ = ("cells", "children", "table")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.table: XmlTable | None = None
        self.cells: list[tuple[XmlTable, int, bool]] = []

    def below(self, path: str) -> _Node:
        """The node at a path of element names, made where there is none. Case does not count."""
        node = self
        for name in path.casefold().split("/"):
            if name != ".":
                node = node.children.setdefault(name, _Node())
        return node


class XmlTable:
    """One table of an XML return; filled by `read`."""

    def __init__(self, name: str, table: Table) -> None:
        self.name = name
        self.rejected: list[int] = []
        self.columns = [n for n, c in table.columns.items() if c.drop is None]
        self.found_columns: set[str] = set()
        self._parent = table.parent
        self._row_at = [i for i, n in enumerate(self.columns) if table.columns[n].path == "@row"]
        self._parent_at = [i for i, n in enumerate(self.columns) if table.columns[n].path == "@parent"]
        self._open: list[str | None] | None = None
        self._spoilt = False
        self._by_alias: set[int] = set()
        self._ordinal = 0
        self._rows: list[list[str | None]] = []
        self._numbers: list[int] = []
        self._batches: list[pa.RecordBatch] = []

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Blocks of rows: the contract's kept columns as trimmed text, blank as NULL, and `source_row` (INTEGER)."""
        yield from self._batches

    def begin(self, tables: Mapping[str, XmlTable]) -> None:
        """A row's element opens."""
        self._ordinal += 1
        self._spoilt = False
        self._by_alias.clear()
        self._open = [None] * len(self.columns)
        for place in self._row_at:
            self._open[place] = str(self._ordinal)
        for place in self._parent_at:
            self._open[place] = str(tables[self._parent or ""]._ordinal)

    def fill(self, place: int, text: str, alias: bool) -> None:
        """A cell's element closes.

        An alias counts only where the column's own element is absent. A second own element in the same row leaves no
        telling which is right: the row is spoilt.
        """
        self.found_columns.add(self.columns[place])
        if self._open is None or not text:
            return
        taken = self._open[place] is not None and place not in self._by_alias
        if alias and not taken:
            self._by_alias.add(place)
            self._open[place] = text
        elif not alias:
            self._spoilt = self._spoilt or taken
            self._by_alias.discard(place)
            self._open[place] = text

    def end(self) -> None:
        """A row's element closes."""
        if self._spoilt:
            self.rejected.append(self._ordinal)
        elif self._open is not None:
            self._rows.append(self._open)
            self._numbers.append(self._ordinal)
        self._open = None
        if len(self._rows) >= ROWS_PER_BATCH:
            self.flush()

    def flush(self) -> None:
        """Turn the rows so far into a block."""
        if self._rows:
            cells = [pa.array(column, pa.string()) for column in zip(*self._rows, strict=True)]
            cells.append(pa.array(np.array(self._numbers, dtype=np.int32)))
            self._batches.append(pa.record_batch(cells, names=[*self.columns, "source_row"]))
            self._rows, self._numbers = [], []


class _Reader:
    """The walk through the document: where we are, what was last written, which rows are open."""

    def __init__(self, contract: Contract) -> None:
        self.tables = {name: XmlTable(name, table) for name, table in contract.tables.items() if table.element}
        self.root = _Node()
        for name, reader in self.tables.items():
            self._place(reader, contract.tables[name])
        self._stack: list[_Node | None] = [self.root]
        self._names: dict[str, str] = {}
        self._text: list[str] = []

    def _place(self, reader: XmlTable, table: Table) -> None:
        node = self.root.below(table.element or "")
        node.table = reader
        for place, name in enumerate(reader.columns):
            column = table.columns[name]
            if column.path is None or column.path.startswith("@"):
                continue
            folder = column.path.rpartition("/")[0]
            node.below(column.path).cells.append((reader, place, False))
            for alias in column.aliases:
                node.below(f"{folder}/{alias}".lstrip("/")).cells.append((reader, place, True))

    def start(self, name: str, _: dict[str, str]) -> None:
        """An element opens."""
        if len(self._stack) > DEEPEST:
            raise fault("FILE-015", depth=DEEPEST)
        plain = self._names.get(name) or self._names.setdefault(name, name.rpartition(":")[2].casefold())
        above = self._stack[-1]
        node = above.children.get(plain) if above else None
        self._stack.append(node)
        self._text.clear()
        if node and node.table:
            node.table.begin(self.tables)

    def text(self, data: str) -> None:
        """Text, in one or more pieces; only that of the element just open counts."""
        self._text.append(data)

    def end(self, _: str) -> None:
        """An element closes."""
        node = self._stack.pop()
        if node:
            if node.cells:
                text = "".join(self._text).strip()
                for table, place, alias in node.cells:
                    table.fill(place, text, alias)
            if node.table:
                node.table.end()
        self._text.clear()


def read(path: Path, contract: Contract) -> dict[str, XmlTable]:
    """All tables of an XML return.

    Raises DataFault `FILE-013` (cut off, not well-formed), `FILE-014` (document type, entities), `FILE-015` (depth).
    """
    reader = _Reader(contract)
    _parse(path, reader)
    for table in reader.tables.values():
        table.flush()
    return reader.tables


def peek(path: Path) -> dict[str, str]:
    """What stands at the beginning of a document: `{path of an element in lower case: its text}`, outermost first.

    Reads the first 64 KB and does not mind where that ends. Raises DataFault `FILE-014` and `FILE-015` as `read` does.
    """
    found: dict[str, str] = {}
    stack: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        if len(stack) >= DEEPEST:
            raise fault("FILE-015", depth=DEEPEST)
        stack.append(name.rpartition(":")[2].casefold())
        found.setdefault("/".join(stack), "")

    def text(data: str) -> None:
        found["/".join(stack)] = (found["/".join(stack)] + data).strip()

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: stack.pop()
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse
    with path.open("rb") as file:
        try:
            parser.Parse(file.read(1 << 16), False)
        except expat.ExpatError:
            return found
    return found


def _refuse(*_: object) -> None:
    """A document type or an entity is declared."""
    raise fault("FILE-014")


def _parse(path: Path, reader: _Reader) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    with path.open("rb") as file:
        try:
            while block := file.read(_BLOCK):
                parser.Parse(block, False)
            parser.Parse(b"", True)
        except DataFault:
            raise
        except (expat.ExpatError, ValueError, LookupError):
            raise fault("FILE-013", line=parser.ErrorLineNumber) from None
