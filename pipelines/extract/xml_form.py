"""XML returns as text tables, in one pass of a streaming parser that keeps no tree.

Each contract table names its repeating element; a column is a path below it. A row without a key of its own is known by
its ordinal (`@row`), and a child row carries the key of the row it stands in, or of the last one before it (`@parent`).
Of tables that share one element, each has a row only where a cell of its own is filled.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from pipelines.contracts import Contract, Table
from pipelines.extract.faults import fault
from pipelines.extract.hardened import walk
from pipelines.extract.headers import read_columns
from pipelines.extract.source import Source
from pipelines.extract.spill import Spill

# What is looked at to say what a document is.
_HEAD = 1 << 16


class _Node:
    """A place in the document that the contract knows: the tables that begin here, the cells its text fills."""

    __slots__ = ("cells", "children", "tables")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.tables: list[XmlTable] = []
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

    def __init__(self, name: str, table: Table, scratch: Path | None) -> None:
        self.name = name
        self.rejected: list[int] = []
        self.columns = read_columns(table)
        self.found_columns: set[str] = set()
        self.is_sparse = False
        self._parent = table.parent
        self._key_at = self.columns.index(table.key[0]) if table.key else None
        self._row_at = [i for i, n in enumerate(self.columns) if table.columns[n].path == "@row"]
        self._parent_at = [i for i, n in enumerate(self.columns) if table.columns[n].path == "@parent"]
        self._open: list[str | None] | None = None
        self._spoilt = False
        self._by_alias: set[int] = set()
        self._ordinal = 0
        self._last_key: str | None = None
        self._rows = Spill(self.columns, scratch)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Blocks of rows: the contract's kept columns as trimmed text, blank as NULL, and `source_row` (INTEGER)."""
        yield from self._rows.batches()

    def begin(self) -> None:
        """A row's element opens."""
        self._ordinal += 1
        self._spoilt = False
        self._by_alias.clear()
        self._open = [None] * len(self.columns)
        for place in self._row_at:
            self._open[place] = str(self._ordinal)

    def key(self) -> str | None:
        """The key of the row that is open, as far as it has been read; of the last one where none is."""
        if self._open is None or self._key_at is None:
            return self._last_key
        return self._open[self._key_at]

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

    def end(self, tables: Mapping[str, XmlTable]) -> None:
        """A row's element closes. tables: all of the return, the one it stands in among them."""
        if self._open is not None and self.is_sparse and not any(self._open):
            self._ordinal -= 1
        elif self._spoilt:
            self.rejected.append(self._ordinal)
        elif self._open is not None:
            for place in self._parent_at:
                self._open[place] = tables[self._parent or ""].key()
            self._rows.add(self._ordinal, self._open)
            self._last_key = self.key()
        self._open = None

    def close(self) -> None:
        """The document has ended."""
        self._rows.close()


class _Reader:
    """The walk through the document: where we are, what was last written, which rows are open."""

    def __init__(self, contract: Contract, scratch: Path | None) -> None:
        self.tables = {name: XmlTable(name, table, scratch) for name, table in contract.tables.items() if table.element}
        self.root = _Node()
        for name, reader in self.tables.items():
            self._place(reader, contract.tables[name])
        self._stack: list[_Node | None] = [self.root]

    def _place(self, reader: XmlTable, table: Table) -> None:
        node = self.root.below(table.element or "")
        node.tables.append(reader)
        for one in node.tables:
            one.is_sparse = len(node.tables) > 1
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
        above = self._stack[-1]
        node = above.children.get(name) if above else None
        self._stack.append(node)
        for table in node.tables if node else ():
            table.begin()

    def end(self, _: str, text: str) -> None:
        """An element closes."""
        node = self._stack.pop()
        if node is None:
            return
        for table, place, alias in node.cells:
            table.fill(place, text.strip(), alias)
        for table in node.tables:
            table.end(self.tables)


def read(source: Source, contract: Contract, scratch: Path | None = None) -> dict[str, XmlTable]:
    """All tables of an XML return. scratch: the folder in which the rows wait; the system's own unless given.

    Raises DataFault as `hardened.walk` does.
    """
    reader = _Reader(contract, scratch)
    with source.open() as file:
        for _ in walk(file, reader.start, reader.end):
            pass
    for table in reader.tables.values():
        table.close()
    return reader.tables


def peek(source: Source) -> dict[str, str]:
    """What stands at the beginning of a document: `{path of an element in lower case: its text}`, outermost first.

    Reads the first 64 KB and does not mind where that ends. Raises DataFault as `read` does.
    """
    found: dict[str, str] = {}
    stack: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        stack.append(name)
        found.setdefault("/".join(stack), "")

    def end(_: str, text: str) -> None:
        place = "/".join(stack)
        found[place] = found[place] or text.strip()
        stack.pop()

    with source.open() as file:
        for _ in walk(io.BytesIO(file.read(_HEAD)), start, end, cut=True):
            pass
    if not found:
        raise fault("FILE-013", line=1)
    return found
