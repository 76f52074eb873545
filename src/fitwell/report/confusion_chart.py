"""The drawing of the confusion matrix: of each class, what its rows are called."""

from collections.abc import Sequence
from typing import Any

from fitwell.report import svg
from fitwell.report.composed import layered
from fitwell.report.language import translate
from fitwell.report.numbers import percent
from fitwell.report.spots import pointed
from fitwell.report.svg import NARROW, Figure, figure, inline, tip
from fitwell.results import Result

SIZE = 480
"""Width of the drawing where there is room."""

WRITTEN = 8
"""Up to so many classes the counts are written into the cells, and the tab key stops there."""

LETTERS = 14
"""Longer names of classes are cut in the drawing; the table has them whole."""

Cells = Sequence[dict[str, Any]]


def confusion_chart(result: Result, lang: str) -> Figure | None:
    """Counts by right and by called class of the last network; darker is a larger share."""
    found = result.evaluations[-1] if result.evaluations else None
    if found is None or not found.confusion:
        return None
    names = [c.name for c in found.classes]
    cells = [
        _cell(names, true, called, count, sum(counts), lang)
        for true, counts in enumerate(found.confusion)
        for called, count in enumerate(counts)
    ]
    title = translate("Confusion matrix", lang)
    title += f". {translate('Rows by right class, columns by predicted class', lang)}"
    words = "; ".join(
        f"{name}: {', '.join(str(count) for count in counts)}"
        for name, counts in zip(names, found.confusion, strict=True)
    )
    return figure(
        lambda width: _drawing(cells, names, width, lang),
        f"{title}: {words}",
        wide=SIZE,
        keys=((svg.SEEN, translate("right", lang)), (svg.NEW, translate("wrong", lang))),
    )


def _cell(
    names: Sequence[str], true: int, called: int, count: int, rows: int, lang: str
) -> dict[str, Any]:
    share = count / rows if rows else 0.0
    words = translate("{count} of {rows} rows of “{true}” are called “{called}” ({share})", lang)
    said = words.format(
        count=f"{count:,}",
        rows=f"{rows:,}",
        true=names[true],
        called=names[called],
        share=percent(share, lang),
    )
    return {
        "true": str(true),
        "called": str(called),
        "count": f"{count:,}",
        "share": share,
        "right": true == called,
        "dark": share > 0.6,
        "tip": pointed(said, stop=len(names) <= WRITTEN),
    }


def _drawing(cells: Cells, names: Sequence[str], width: int, lang: str) -> Any:
    import altair as alt

    longest = min(LETTERS, max(len(name) for name in names))
    room = min(110 if width > NARROW else 84, 20 + 8 * longest)
    side = min(72, (width - room - 30) / len(names))
    base = alt.Chart(inline(cells)).properties(
        width=side * len(names), height=min(side, 56) * len(names)
    )
    order = [str(number) for number in range(len(names))]
    x = alt.X("called:N", sort=order, title=translate("predicted", lang), axis=_axis(names, side))
    y = alt.Y("true:N", sort=order, title=None, axis=_names(names, room))
    colour = alt.Color("right:N", legend=None).scale(
        domain=[True, False], range=[svg.SEEN, svg.NEW]
    )
    strength = alt.Opacity("share:Q", legend=None).scale(domain=[0, 1], range=[0.04, 0.95])
    layers = [
        base.mark_rect(stroke=svg.PAPER, strokeWidth=2).encode(
            x=x, y=y, color=colour, opacity=strength, description=tip()
        )
    ]
    if len(names) <= WRITTEN:
        ink = alt.ColorValue(svg.INK, condition={"test": "datum.dark", "value": svg.PAPER})
        layers.append(
            base.mark_text(fontSize=13).encode(x=x, y=y, text=alt.Text("count:N"), color=ink)
        )
    return layered(*layers)


def _short(names: Sequence[str], letters: int) -> str:
    """Give a Vega expression that looks names up by their number."""
    import json

    cut = [n if len(n) <= letters else n[: letters - 1] + "…" for n in names]
    return f"{json.dumps(cut, ensure_ascii=False)}[toNumber(datum.value)]"


def _axis(names: Sequence[str], side: float) -> Any:
    import altair as alt

    letters = max(2, int(side / 7.5))
    longest = max(len(name) for name in names)
    turned = longest > letters
    return alt.Axis(
        grid=False,
        orient="bottom",
        labelExpr=_short(names, LETTERS if turned else letters),
        labelAngle=-90 if turned else 0,
        labelBaseline="middle" if turned else "top",
        labelLimit=110,
        labelOverlap=False,
    )


def _names(names: Sequence[str], room: int) -> Any:
    import altair as alt

    return alt.Axis(
        title=None,
        grid=False,
        labelExpr=_short(names, LETTERS),
        labelColor=svg.INK,
        labelAlign="left",
        labelPadding=room,
        labelLimit=room - 8,
        labelOverlap=False,
        minExtent=room,
        maxExtent=room,
    )
