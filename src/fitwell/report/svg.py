"""From an Altair chart to a drawing: what all charts share."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fitwell.report.drawing import INK as INK
from fitwell.report.drawing import LINE as LINE
from fitwell.report.drawing import MUTED as MUTED
from fitwell.report.drawing import NEW as NEW
from fitwell.report.drawing import PAPER as PAPER
from fitwell.report.drawing import SEEN as SEEN
from fitwell.report.drawing import Drawing

WIDE, NARROW = 720, 320
"""Widths of drawings in CSS pixels: for a screen or paper, and for a phone."""

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
    "aria": True,  # carries what marks say; `Drawing` takes it out again
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

    wide: Drawing
    narrow: Drawing


def figure(make: Callable[[int], Any], label: str, *, wide: int = WIDE) -> Figure:
    """Draw what ``make`` gives for a width, in both widths; see `draw`."""
    return Figure(wide=draw(make(wide), label), narrow=draw(make(NARROW), label))


def tip() -> Any:
    """Encode what a mark says when it is pointed at: the field ``tip`` of its data.

    It holds `pointed` text; bars and points can have one.
    """
    import altair as alt

    return alt.Description("tip:N")


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


def draw(chart: Any, label: str) -> Drawing:
    """Render a chart without JavaScript.

    Args:
        chart: of Altair.
        label: the chart in words, numbers included, for those who do not see it.
    """
    import vl_convert

    specification = {**json.loads(chart.to_json()), "config": CONFIG}
    return Drawing(raw=vl_convert.vegalite_to_svg(specification), label=label)
