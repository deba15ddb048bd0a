"""Charts as inline SVG, drawn twice: for narrow and for wide screens, so that text keeps its size on both.

Every mark has its label beside it and every chart its table; at most four colours, each at least 3:1 against white. A
chart says its main message as its title for those who do not see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from textwrap import wrap

NARROW, WIDE = 290, 630
FONT = 16
NAVY, PALE, ORANGE = "#12436D", "#5694CA", "#C7511F"
INK, GRID, BAND = "#0b0c0c", "#b1b4b6", "#d3e0ea"
# Width of a letter, height of a line of text and of a bar, in the chart's own units (pixels).
CHAR, LINE, BAR = 9.0, 20, 22


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its length or None where withheld, what is written at its end, an interval or None."""

    label: str
    value: float | None
    text: str
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Point:
    """One year of two lines: needed with its interval, and there; None where withheld."""

    year: int
    needed: float
    low: float
    high: float
    there: float


def both(name: str, message: str, draw: str, data: Sequence[Bar] | Sequence[Point]) -> str:
    """A chart for narrow and wide screens; CSS shows one of them. draw: `bars` or `lines`."""
    make = {"bars": bars, "lines": lines}[draw]
    return "".join(
        f'<svg class="jn-chart jn-chart--{size}" role="img" aria-labelledby="{name}-{size}" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" xmlns="http://www.w3.org/2000/svg" '
        f'font-size="{FONT}"><title id="{name}-{size}">{escape(message)}</title>{body}</svg>'
        for size, width in (("narrow", NARROW), ("wide", WIDE))
        for body, height in [make(data, width)]  # type: ignore[operator]
    )


def bars(data: Sequence[Bar], width: int) -> tuple[str, int]:
    """Horizontal bars with labels above (narrow) or beside (wide); negative values run left of the zero line."""
    beside = width > NARROW
    longest = max(len(bar.label) for bar in data) * CHAR + 12
    left = min(longest, width * 0.4) if beside else 0
    labels = [wrap(bar.label, int(((left - 12) if beside else width) / CHAR)) for bar in data]
    values = [v for bar in data for v in (bar.value, *(bar.interval or ())) if v is not None] or [0]
    low, high = min(0.0, *values), max(0.0, *values)
    text_room = max(len(bar.text) for bar in data) * CHAR + 10
    below = text_room if low < 0 else 0
    scale = (width - left - text_room - below) / ((high - low) or 1)
    zero = left + below - low * scale
    out, top = [], 4
    for bar, words in zip(data, labels, strict=True):
        label_height = LINE * len(words)
        first = top + 16 if beside else top + 14
        out += [_text(0, first + LINE * at, word) for at, word in enumerate(words)]
        bar_top = top if beside else top + label_height
        out.append(_bar(bar, zero, bar_top, scale))
        # The zero line is broken where a label stands above the bars.
        out.append(_line(zero, bar_top - 4, zero, bar_top + BAR + (12 if beside else 4), INK))
        top += max(label_height + 6, BAR + 12) if beside else label_height + BAR + 12
    return "".join(out), top


def _bar(bar: Bar, zero: float, top: float, scale: float) -> str:
    """The bar, its interval as a whisker, and its text beyond both."""
    base = top + 17
    if bar.value is None:
        return _text(zero + 6, base, bar.text)
    end = zero + bar.value * scale
    reach = [end, *(zero + value * scale for value in bar.interval or ())]
    colour = PALE if bar.interval else NAVY
    out = f'<rect x="{min(zero, end):.1f}" y="{top}" width="{abs(end - zero):.1f}" height="{BAR}" fill="{colour}"/>'
    if bar.interval:
        first, last = reach[1:]
        out += _line(first, top + BAR / 2, last, top + BAR / 2, INK, 2)
        out += "".join(_line(x, top + 4, x, top + BAR - 4, INK, 2) for x in (first, last))
    if bar.value < 0:
        return out + _text(min(reach) - 6, base, bar.text, "end")
    return out + _text(max(zero, *reach) + 6, base, bar.text)


def lines(data: Sequence[Point], width: int) -> tuple[str, int]:
    """Needed (with its interval as a band) and there, by year, from zero; each line named at its end."""
    height, top, bottom = 320, 56, 34
    ticks = _ticks(max(max(p.high, p.there) for p in data))
    left = len(f"{ticks[-1]:,}") * CHAR + 10
    right = 30
    span = (width - left - right) / max(len(data) - 1, 1)

    def x(at: int) -> float:
        return left + at * span

    def y(value: float) -> float:
        return height - bottom - value / (ticks[-1] or 1) * (height - bottom - top)

    out = []
    for tick in ticks:
        out.append(_line(left, y(tick), width - right, y(tick), INK if tick == 0 else GRID))
        out.append(_text(left - 8, y(tick) + 5, f"{tick:,}", "end"))
    every = 1 if width > NARROW else 2
    for at, point in enumerate(data):
        if (len(data) - 1 - at) % every == 0:
            out.append(_text(x(at), height - 10, str(point.year), "middle"))
    upper = [f"{x(at):.1f},{y(p.high):.1f}" for at, p in enumerate(data)]
    lower = [f"{x(at):.1f},{y(p.low):.1f}" for at, p in enumerate(data)]
    out.append(f'<polygon points="{" ".join(upper + lower[::-1])}" fill="{BAND}"/>')
    out.append(_path([(x(at), y(p.needed)) for at, p in enumerate(data)], NAVY))
    out.append(_path([(x(at), y(p.there)) for at, p in enumerate(data)], ORANGE, dash="8 5"))
    out.append(_key(0, 18, NAVY, "Places needed, with range"))
    out.append(_key(0, 42, ORANGE, "Places the area can rely on", dash="8 5"))
    return "".join(out), height


def _key(x: float, y: float, colour: str, words: str, dash: str = "") -> str:
    return _path([(x, y - 5), (x + 32, y - 5)], colour, dash, ends=False) + _text(x + 40, y, words)


def _ticks(most: float) -> list[int]:
    """Round steps from zero to at least `most`: about five of 1, 2 or 5 times a power of ten."""
    rough = max(most, 5) / 4
    power = 10 ** floor(log10(rough))
    step = int(next(m * power for m in (1, 2, 5, 10) if m * power >= rough)) or 1
    return [at * step for at in range(ceil(most / step) + 1)]


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}"{place}>{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: int = 1) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def _path(points: Sequence[tuple[float, float]], colour: str, dash: str = "", *, ends: bool = True) -> str:
    where = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    style = f' stroke-dasharray="{dash}"' if dash else ""
    line = f'<polyline points="{where}" fill="none" stroke="{colour}" stroke-width="3"{style}/>'
    if not ends:
        return line
    return line + "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in points)
