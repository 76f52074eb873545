"""The drawing of exact zeros, layer by layer."""

from typing import Any

from fitwell.found.layers import LayerWeights
from fitwell.report import svg
from fitwell.report.composed import layered
from fitwell.report.language import translate
from fitwell.report.numbers import percent
from fitwell.report.spots import pointed
from fitwell.report.svg import WIDE, Figure, figure, inline, tip
from fitwell.results import Result

SHOWN = 24
"""Of more layers the drawing has those with the most weights."""


def largest(layers: tuple[LayerWeights, ...], count: int) -> tuple[LayerWeights, ...]:
    """Give so many layers with the most weights, in their order."""
    kept = {layer.name for layer in sorted(layers, key=lambda x: -x.weights)[:count]}
    return tuple(layer for layer in layers if layer.name in kept)


def layers_chart(result: Result, lang: str) -> Figure | None:
    """The share of exact zeros among the weights of each penalized layer."""
    if not result.layers:
        return None
    layers = largest(result.layers, SHOWN)
    rows = [_row(layer, lang) for layer in layers]
    title = translate("Share of weights that are exactly zero", lang)
    words = "; ".join(row["tip"][1:] for row in rows)
    return figure(lambda width: _drawing(rows, width, lang), f"{title}. {words}")


def _row(layer: LayerWeights, lang: str) -> dict[str, Any]:
    words = translate("{zeros} of {weights} weights are zero ({share})", lang).format(
        zeros=f"{layer.zeros:,}",
        weights=f"{layer.weights:,}",
        share=percent(layer.zeros / layer.weights, lang),
    )
    return {
        "layer": layer.name,
        "zero": 100 * layer.zeros / layer.weights,
        "all": 100,
        "text": percent(layer.zeros / layer.weights, lang),
        "tip": pointed(f"{layer.name}: {words}"),
    }


def _drawing(rows: list[dict[str, Any]], width: int, lang: str) -> Any:
    import altair as alt

    longest = max(len(row["layer"]) for row in rows)
    room = min(190 if width == WIDE else 112, 24 + 7 * longest)
    base = alt.Chart(inline(rows)).properties(width=width - room - 70, height=alt.Step(26))
    axis = svg.names_axis(room)
    axis.labelLimit = room - 10
    y = alt.Y("layer:N", sort=None, axis=axis)
    scale = alt.Scale(domain=[0, 100], nice=False)
    x = alt.X("zero:Q", scale=scale, title=translate("exactly zero, %", lang)).axis(tickCount=5)
    return layered(
        base.mark_bar(size=12, color=svg.LINE).encode(
            x=alt.X("all:Q", scale=scale), y=y, description=tip()
        ),
        base.mark_bar(size=12, color=svg.SEEN).encode(x=x, y=y),
        base.mark_text(align="left", dx=8, color=svg.INK).encode(
            x=alt.X("all:Q", scale=scale), y=y, text=alt.Text("text:N")
        ),
    )
