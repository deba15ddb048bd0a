"""Charts of the linkage report as inline SVG: no script, no network; beside each stands its table.

Colours are at least 3:1 against white, and ties and questions differ by pattern as well as by colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import log10

WIDTH, LINE, CHAR = 760, 26, 8.2
TIE, QUESTION, FOR, AGAINST, TOTAL = "#12436d", "#c7511f", "#12436d", "#c7511f", "#484949"
INK, GRID = "#0b0c0c", "#b1b4b6"
_HATCH = (
    f'<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    f'<rect width="6" height="6" fill="#fff"/><rect width="3" height="6" fill="{QUESTION}"/></pattern></defs>'
)


def histogram(bars: Sequence[Mapping[str, int]], step: int, title: str) -> str:
    """How many ties and questions there are at each strength, on a scale of powers of ten.

    bars: `bits` (where a step begins), `ties`, `questions`, in order of bits.
    """
    left, bottom, top, height = 78, 46, 52, 320
    most = max((max(bar["ties"], bar["questions"]) for bar in bars), default=1)
    decades = max(1, len(str(most)))
    span = (WIDTH - left - 10) / max(len(bars), 1)

    def y(count: int) -> float:
        # One pair is a mark of its own, none is nothing.
        share = (log10(count) + 0.15) / (decades + 0.15) if count else 0
        return height - bottom - share * (height - bottom - top)

    out = [_HATCH]
    for power in range(decades + 1):
        at = y(10**power)
        out += [_line(left, at, WIDTH - 10, at, GRID), _text(left - 8, at + 5, f"{10**power:,}", "end")]
    out.append(_line(left, height - bottom, WIDTH - 10, height - bottom, INK))
    for place, bar in enumerate(bars):
        x = left + place * span
        for which, (name, fill) in enumerate((("ties", TIE), ("questions", "url(#hatch)"))):
            if bar[name]:
                width = max(span * 0.42, 2)
                out.append(
                    f'<rect x="{x + 2 + which * width:.1f}" y="{y(bar[name]):.1f}" width="{width:.1f}" '
                    f'height="{height - bottom - y(bar[name]):.1f}" fill="{fill}"/>'
                )
        if bar["bits"] % (2 * step) == 0:
            out.append(_text(x + span / 2, height - bottom + 20, f"{bar['bits']}", "middle"))
    out.append(_text(left + (WIDTH - left) / 2, height - 6, "strength in bits", "middle"))
    out += _key([("tied", TIE), ("waits or vetoed", "url(#hatch)")], left)
    return _svg(out, height, title)


def waterfall(steps: Sequence[tuple[str, float]], title: str) -> str:
    """How evidence adds up: a bar from where the one before ended, and the sum at the end. steps: words, bits."""
    label = max(len(words) for words, _ in steps) * CHAR + 12
    ends, total = [], 0.0
    for _, bits in steps:
        ends.append((total, total + bits))
        total += bits
    ends.append((0.0, total))
    low, high = min(min(pair) for pair in ends), max(max(pair) for pair in ends)
    left, room = min(label, WIDTH * 0.48), 74
    scale = (WIDTH - left - 2 * room) / ((high - low) or 1)
    zero = left + room - low * scale
    out = [_line(zero, 0, zero, LINE * (len(steps) + 1), INK)]
    named = [*steps, ("together", total)]
    for place, ((words, bits), (start, end)) in enumerate(zip(named, ends, strict=True)):
        top = place * LINE
        fill = TOTAL if place == len(steps) else FOR if bits >= 0 else AGAINST
        first, last = zero + min(start, end) * scale, zero + max(start, end) * scale
        out.append(
            f'<rect x="{first:.1f}" y="{top + 4}" width="{max(last - first, 1.5):.1f}" height="18" fill="{fill}"/>'
        )
        out.append(_text(0, top + 18, words))
        out.append(
            _text(last + 6, top + 18, f"{bits:+.1f}")
            if bits >= 0
            else _text(first - 6, top + 18, f"{bits:+.1f}", "end")
        )
        if place < len(steps):
            edge = zero + end * scale
            out.append(_line(edge, top + 22, edge, top + LINE + 4, GRID))
    return _svg(out, LINE * len(named) + 4, title)


def bits_bar(bits: float, most: float) -> str:
    """A small bar left or right of zero for a cell of a table; the number stands beside it."""
    half, length = 60, min(abs(bits) / most, 1) * 58
    x = half if bits >= 0 else half - length
    fill = FOR if bits >= 0 else AGAINST
    return (
        f'<svg class="bits" width="{2 * half}" height="14" aria-hidden="true" focusable="false">'
        f'{_line(half, 0, half, 14, INK)}<rect x="{x:.1f}" y="2" width="{length:.1f}" height="10" fill="{fill}"/></svg>'
    )


def _key(entries: Sequence[tuple[str, str]], left: float) -> list[str]:
    out, x = [], left
    for words, fill in entries:
        out.append(f'<rect x="{x:.1f}" y="8" width="18" height="18" fill="{fill}"/>')
        out.append(_text(x + 26, 22, words))
        x += 26 + len(words) * CHAR + 34
    return out


def _svg(parts: Sequence[str], height: float, title: str) -> str:
    return (
        f'<svg class="chart" role="img" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" height="{height:.0f}" '
        f'font-size="15" xmlns="http://www.w3.org/2000/svg" aria-label="{escape(title)}">{"".join(parts)}</svg>'
    )


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}"{place}>{escape(words)}</text>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'
