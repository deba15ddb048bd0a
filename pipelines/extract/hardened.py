"""One walk through XML that nobody vouches for, keeping no tree.

Nothing outside the document is ever fetched. A document type is refused where it is met, before an entity could be
declared; so are nesting, text and tags larger than any return has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO
from xml.parsers import expat

from pipelines.errors import DataFault
from pipelines.extract.faults import fault

DEEPEST = 64
# Characters of one element's text, and bytes of one tag with its attributes (or of a comment).
LONGEST_TEXT = 1 << 18
LONGEST_TAG = 1 << 20
_BLOCK = 1 << 18
# Names of elements that are kept without their prefix; a document that invents more is served slower.
_NAMES = 4_096

StartElement = Callable[[str, dict[str, str]], None]
EndElement = Callable[[str], None]


class _Walk:
    """Where a walk is: depth, the text of the element just open, the names met."""

    def __init__(self, start: StartElement, end: EndElement) -> None:
        self._start, self._end = start, end
        self._depth = 0
        self._pieces: list[str] = []
        self._length = 0
        self._names: dict[str, str] = {}

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise fault("FILE-015", depth=DEEPEST)
        if self._length:
            self._pieces.clear()
            self._length = 0
        self._start(self._names.get(name) or self._plain(name), attributes)

    def text(self, data: str) -> None:
        self._pieces.append(data)
        self._length += len(data)
        if self._length > LONGEST_TEXT:
            raise fault("FILE-034", length=LONGEST_TEXT)

    def end(self, name: str) -> None:
        self._depth -= 1
        text = ""
        if self._length:
            text = "".join(self._pieces)
            self._pieces.clear()
            self._length = 0
        self._end(text)

    def _plain(self, name: str) -> str:
        plain = name.rpartition(":")[2].casefold()
        if len(self._names) < _NAMES:
            self._names[name] = plain
        return plain


def walk(file: IO[bytes], start: StartElement, end: EndElement, *, cut: bool = False) -> Iterator[None]:
    """Read a document and call back; yields after each block of bytes, so that what was found can be taken.

    start: gets an element's name, without prefix and in lower case, and its attributes. end: gets the text that stood
    directly before the closing tag, as the last thing in its element. cut: the document may end anywhere.

    Raises DataFault: `FILE-013` cut off or not well-formed, `FILE-014` a document type or entities, `FILE-015` nested
    too deep, `FILE-034` a text or a tag that is too long.
    """
    at = _Walk(start, end)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = at.start
    parser.EndElementHandler = at.end
    parser.CharacterDataHandler = at.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    fed = 0
    try:
        while block := file.read(_BLOCK):
            parser.Parse(block, False)
            fed += len(block)
            if fed - parser.CurrentByteIndex > LONGEST_TAG:
                raise fault("FILE-034", length=LONGEST_TAG)
            yield
        if not cut:
            parser.Parse(b"", True)
            yield
    except DataFault:
        raise
    except (expat.ExpatError, ValueError, LookupError):
        if not cut:
            raise fault("FILE-013", line=parser.ErrorLineNumber) from None


def _refuse(*_: object) -> None:
    """A document type or an entity is declared."""
    raise fault("FILE-014")
