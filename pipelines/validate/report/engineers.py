"""Great Expectations' own pages on its results, for engineers: what each expectation was, and how many rows met it.

Its templates draw style, scripts, icons and a picture from the network, and lose their meaning without. So what its
renderer says is kept, what would be fetched or needs a script is left out, and icons become words: a page is one file
that reads the same offline. No page holds a value of a cell, since results were asked for without (engine.py).
"""

from __future__ import annotations

from functools import cache
from html import escape
from typing import Any

from lxml import html

# What a page has beside the results, and what only a script could use.
_LEFT_OUT = (
    "//script | //style | //link | //img | //nav | //footer | //noscript | //meta | //*[contains(@class, 'sticky')]"
)
_ICONS = {"fa-check-circle": "passed", "fa-times": "failed", "fa-exclamation-triangle": "not evaluated"}
_KEPT = ("class", "id", "href", "colspan", "rowspan", "scope")
STYLE = """
body { font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; color: #0b0c0c; margin: 0 auto;
  max-width: 70rem; padding: 10px 20px 40px; }
h1 { font-size: 30px; margin: 15px 0 0; } h2 { font-size: 19px; margin: 25px 0 5px; }
p { max-width: 46em; margin: 0 0 10px; }
table { border-collapse: collapse; width: 100%; margin: 0 0 15px; }
th, td { border-bottom: 1px solid #b1b4b6; padding: 6px 12px 6px 0; text-align: left; vertical-align: top; }
td:first-child { width: 7em; } td:last-child { width: 11em; } a { color: #1a65a6; }
.badge, code { font: 14px ui-monospace, Menlo, Consolas, monospace; background: #eef3f8; padding: 1px 4px; }
.state--failed { font-weight: 700; color: #b10e1e; } .state--passed { color: #00703c; }
"""


def pages(results: dict[str, Any]) -> dict[str, str]:
    """Table -> page, for tables in which a rule did not pass; results: what Great Expectations said, by table."""
    return {name: _page(name, result) for name, result in results.items() if not result.success}


def _page(name: str, result: Any) -> str:
    renderer, view = _tools()
    # When and from where a batch was taken says nothing here, and would make each page another.
    result.meta = {"great_expectations_version": result.meta["great_expectations_version"]}
    page = html.document_fromstring(view.render(renderer.render(result)))
    for element in page.xpath(_LEFT_OUT):
        element.drop_tree()
    for icon in page.iter("i"):
        word = next((word for of, word in _ICONS.items() if of in icon.get("class", "")), "")
        icon.text, icon.tag = word, "span"
        icon.attrib.update({"class": f"state--{word.replace(' ', '-')}"})
    for head in page.xpath("//thead[not(normalize-space())]"):
        head.drop_tree()
    for heading in page.xpath("//h4 | //h5 | //h6"):
        heading.tag = "h2"
    for element in page.iter():
        if isinstance(element.tag, str):
            _strip(element)
    title = f"Great Expectations on {name}"
    body = "".join(html.tostring(part, encoding="unicode") for part in page.body)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head>\n<body><main><h1>{title}</h1>\n{_codes(result)}{body}</main></body></html>\n"
    )


def _codes(result: Any) -> str:
    """Which rule is which expectation: Great Expectations does not know our codes."""
    lines = []
    for one in result.results:
        config = one.expectation_config
        cells = (config.meta["rule"], config.type, config.kwargs.get("column") or config.kwargs.get("column_A") or "")
        state = "passed" if one.success else "failed"
        codes = "".join(f"<td><code>{escape(cell)}</code></td>" for cell in cells)
        lines.append(f'<tr>{codes}<td class="state--{state}">{state}</td></tr>')
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Rule", "Expectation", "Column", "Status"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>\n"


def _strip(element: Any) -> None:
    """Leave an element what it needs without scripts, and no address but one on the page itself."""
    for attribute in set(element.attrib) - set(_KEPT):
        del element.attrib[attribute]
    if not element.get("href", "#").startswith("#"):
        del element.attrib["href"]


@cache
def _tools() -> tuple[Any, Any]:
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    view = DefaultJinjaPageView()
    # Else each of a page's hundred pieces asks the disk whether its template is still the same.
    view.env.auto_reload = False
    return ValidationResultsPageRenderer(), view
