"""From an Altair chart to a drawing: what all charts share."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fitwell.report.composed import specification_of
from fitwell.report.drawing import INK as INK
from fitwell.report.drawing import LINE as LINE
from fitwell.report.drawing import MUTED as MUTED
from fitwell.report.drawing import NEW as NEW
from fitwell.report.drawing import PAPER as PAPER
from fitwell.report.drawing import SEEN as SEEN
from fitwell.report.drawing import Drawing, Key

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


def figure(
    make: Callable[[int], Any],
    label: str,
    *,
    wide: int = WIDE,
    keys: Sequence[Key] = (),
    title: str = "",
) -> Figure:
    """Draw what ``make`` gives for a width, in both widths.

    Args:
        make: gives a chart of Altair for a width in CSS pixels.
        label: the chart in words, numbers included, for those who do not see it.
        wide: the larger width.
        keys: what its colours mean, for where no page says it.
        title: the same for what is drawn; otherwise the first words of the label.
    """
    title = title or label.split(". ")[0].split(": ")[0]
    each = (draw(make(width), label, title=title, keys=keys) for width in (wide, NARROW))
    return Figure(wide=next(each), narrow=next(each))


def tip() -> Any:
    """Encode what a mark says when it is pointed at: the field ``tip`` of its data.

    It holds `pointed` text; bars and points can have one.
    """
    import altair as alt

    return alt.Description("tip:N")


def inline(rows: Sequence[Mapping[str, object]]) -> Any:
    """Give rows as data of a chart, inside the chart."""
    import altair as alt

    # A tuple is not copied with each layer that shares it, which Altair does with lists.
    return alt.InlineData(values=tuple(dict(row) for row in rows))


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


def draw(chart: Any, label: str, *, title: str, keys: Sequence[Key] = ()) -> Drawing:
    """Render a chart without JavaScript; see `figure`."""
    import vl_convert

    raw = vl_convert.vegalite_to_svg({**specification_of(chart), "config": CONFIG})
    return Drawing(raw=raw, label=label, title=title, keys=tuple(keys))
