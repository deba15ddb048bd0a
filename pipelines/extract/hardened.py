"""One walk through XML that nobody vouches for, keeping no tree.

Nothing outside the document is ever fetched. A document type is refused where it is met, before an entity could be
declared; so are nesting, text and tags larger than any return has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, NamedTuple
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
EndElement = Callable[[str, str], None]


class _Handlers(NamedTuple):
    start: StartElement
    end: Callable[[str], None]
    text: Callable[[str], None]


def _handlers(start: StartElement, end: EndElement) -> _Handlers:
    """What the parser calls, with the limits in it. Closures: this is called for every element of every file."""
    depth = length = 0
    pieces: list[str] = []
    names: dict[str, str] = {}

    def plain(name: str) -> str:
        short = name.rpartition(":")[2].casefold()
        if len(names) < _NAMES:
            names[name] = short
        return short

    def at_start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, length
        depth += 1
        if depth > DEEPEST:
            raise fault("FILE-015", depth=DEEPEST)
        if length:
            pieces.clear()
            length = 0
        start(names.get(name) or plain(name), attributes)

    def at_text(data: str) -> None:
        nonlocal length
        pieces.append(data)
        length += len(data)
        if length > LONGEST_TEXT:
            raise fault("FILE-034", length=LONGEST_TEXT)

    def at_end(name: str) -> None:
        nonlocal depth, length
        depth -= 1
        text = ""
        if length:
            text = "".join(pieces)
            pieces.clear()
            length = 0
        end(names.get(name) or plain(name), text)

    return _Handlers(at_start, at_end, at_text)


def walk(file: IO[bytes], start: StartElement, end: EndElement, *, cut: bool = False) -> Iterator[None]:
    """Read a document and call back; yields after each block of bytes, so that what was found can be taken.

    start: gets an element's name, without prefix and in lower case, and its attributes. end: gets the name, and the
    text that stood directly before the closing tag, as the last thing in its element. cut: the document may end
    anywhere.

    Raises DataFault: `FILE-013` cut off or not well-formed, `FILE-014` a document type or entities, `FILE-015` nested
    too deep, `FILE-034` a text or a tag that is too long.
    """
    at = _handlers(start, end)
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
