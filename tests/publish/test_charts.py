"""Charts say what they show, in colours that can be told from the page."""

import re
from xml.etree import ElementTree

import pytest

from pipelines.publish import charts
from pipelines.publish.charts import Bar, Point

BARS = [
    Bar("Speech, language and communication needs & more", 120.0, "120", (60.0, 200.0)),
    Bar("Hearing impairment", -20.0, "-20", (-40.0, 5.0)),
    Bar("Vision impairment", None, "c"),
]
POINTS = [Point(2026 + at, 900 + 50 * at, 900 + 10 * at, 900 + 90 * at, 880) for at in range(6)]


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colour", [charts.NAVY, charts.PALE, charts.ORANGE, charts.INK])
def test_marks_stand_out_three_to_one(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 3


@pytest.mark.parametrize(("draw", "data"), [("bars", BARS), ("lines", POINTS)])
def test_both_sizes_parse_carry_the_message_and_keep_within_their_frame(draw, data):
    svg = charts.both("x", "Most places are missing for <some> & others", draw, data)
    for chart in re.findall(r"<svg.*?</svg>", svg, flags=re.DOTALL):
        root = ElementTree.fromstring(chart)  # noqa: S314
        space = "{http://www.w3.org/2000/svg}"
        title = root.find(f"{space}title")
        assert title.text == "Most places are missing for <some> & others" and root.get("aria-labelledby") == title.get(
            "id"
        )
        width, height = float(root.get("width")), float(root.get("height"))
        for mark in root.iter(f"{space}rect"):
            assert float(mark.get("x")) >= 0 and float(mark.get("x")) + float(mark.get("width")) <= width
        for text in root.iter(f"{space}text"):
            length, x = len(text.text) * charts.CHAR, float(text.get("x"))
            left = x - {"end": length, "middle": length / 2}.get(text.get("text-anchor"), 0)
            assert left >= -1 and left + length <= width + 1 and 0 <= float(text.get("y")) <= height, text.text


def test_a_withheld_bar_has_its_symbol_and_no_length():
    svg = charts.both("x", "m", "bars", BARS)
    assert svg.count("<rect") == 4 and svg.count(">c</text>") == 2


def test_years_are_whole():
    assert set(re.findall(r">(20\d\d[^<]*)<", charts.both("x", "m", "lines", POINTS))) == {
        str(y) for y in range(2026, 2032)
    }
