"""From an Altair chart to an SVG that takes its colours and font from the page."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

WIDE, NARROW = 720, 320
"""Widths of drawings in CSS pixels: for a screen or paper, and for a phone."""

INK, LINE, MUTED, SEEN, NEW, PAPER = (f"#01010{digit}" for digit in range(1, 7))
"""Stand-ins that no chart needs as real colours; `_COLOURS` says what they become."""

_COLOURS = {
    INK: "currentColor",
    LINE: "var(--line)",
    MUTED: "var(--muted)",
    SEEN: "var(--seen)",
    NEW: "var(--new)",
    PAPER: "var(--paper)",
}

_AXIS = {
    "labelColor": MUTED,
    "titleColor": MUTED,
    "titleFontWeight": "normal",
    "titlePadding": 10,
    "labelPadding": 6,
    "gridColor": LINE,
    "domain": False,
    "ticks": False,
    "labelFlush": False,
    "labelFontSize": 12,
    "titleFontSize": 12,
    "labelLimit": 400,
}

CONFIG: dict[str, Any] = {
    "aria": False,  # the whole drawing carries one label instead
    "background": None,
    "padding": 2,
    "font": "sans-serif",
    "view": {"stroke": None},
    "axis": _AXIS,
    "text": {"fontSize": 12, "color": INK},
    "title": {
        "color": INK,
        "fontSize": 12,
        "fontWeight": "normal",
        "anchor": "start",
        "frame": "bounds",
        "subtitleColor": MUTED,
        "subtitleFontSize": 12,
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A drawing in two widths; the page shows the one that fits."""

    wide: Markup
    narrow: Markup


def figure(make: Callable[[int], Any], label: str) -> Figure:
    """Draw what ``make`` gives for a width, in both widths; see `draw`."""
    return Figure(wide=draw(make(WIDE), label), narrow=draw(make(NARROW), label))


def inline(rows: Sequence[Mapping[str, object]]) -> Any:
    """Give rows as data of a chart, inside the chart."""
    import altair as alt

    return alt.InlineData(values=[dict(row) for row in rows])


def names_axis(room: int) -> Any:
    """Give a vertical axis of names, set flush with the left edge of the drawing.

    The page's font is not the one that the drawing is measured with, so that ``room`` is
    reserved rather than measured.
    """
    import altair as alt

    return alt.Axis(
        title=None,
        grid=False,
        labelExpr="split(datum.label, '|')",
        labelColor=INK,
        labelAlign="left",
        labelPadding=room,
        labelLimit=room + 40,
        labelLineHeight=17,
        minExtent=room,
        maxExtent=room,
    )


def finite(*numbers: float) -> bool:
    """Whether all can be drawn."""
    return all(math.isfinite(number) for number in numbers)


def draw(chart: Any, label: str) -> Markup:
    """Render a chart without JavaScript.

    Args:
        chart: of Altair.
        label: the chart in words, numbers included, for those who do not see it.
    """
    import vl_convert

    specification = {**json.loads(chart.to_json()), "config": CONFIG}
    return _adopt(vl_convert.vegalite_to_svg(specification), label)


def _adopt(svg: str, label: str) -> Markup:
    """Replace the colours, the font and the root element; drop what only scripts need."""
    for stand_in, colour in _COLOURS.items():
        svg = svg.replace(stand_in, colour)
    svg = re.sub(r' font-family="[^"]*"', "", svg)
    svg = re.sub(r'<path class="(?:back|fore)ground"[^>]*d="(?:M0,0h0v0h0Z)?"[^>]*/>', "", svg)
    svg = re.sub(r' (?:class|pointer-events|aria-hidden|version)="[^"]*"', "", svg)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None  # every drawing has one
    start = svg.index(">") + 1
    root = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}">').format(
        label, size[1], size[2], size[1]
    )
    return root + Markup(svg[start:])
