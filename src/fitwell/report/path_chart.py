"""The drawing of a regularization path: from none of a remedy to too much of it."""

import math
from typing import Any

from fitwell.report import svg
from fitwell.report.charts import series_keys
from fitwell.report.composed import layered
from fitwell.report.language import translate
from fitwell.report.numbers import decimal, plain_bounds, strength
from fitwell.report.spots import pointed
from fitwell.report.svg import WIDE, Figure, figure, finite, inline, tip
from fitwell.results import PathPoint, RegularizationPath, Result

NAMES = {"l1": "L1", "l2": "L2", "dropout": "dropout"}


def path_chart(result: Result, lang: str) -> Figure | None:
    """Training and validation log-loss against the strength, bands for the intervals."""
    path = result.path
    if path is None or not all(_drawable(point) for point in path.points):
        return None
    words = path_words(path, lang)
    return figure(lambda width: _drawing(path, width, lang), words, keys=series_keys(lang))


def _drawable(point: PathPoint) -> bool:
    bands = (point.train_log_loss, point.validation_log_loss)
    return all(finite(band.value, band.low, band.high) for band in bands)


def path_words(path: RegularizationPath, lang: str) -> str:
    """Say where the path is lowest, where the gap closes and where too much begins."""
    none, best = path.points[0], next(p for p in path.points if p.strength == path.best)
    said = translate(
        "Path of {remedy} at the last epoch: validation log-loss {none} without it, lowest at"
        " {strength} with {lowest}",
        lang,
    ).format(
        remedy=translate(NAMES[path.remedy], lang),
        none=decimal(none.validation_log_loss.value),
        strength=strength(path.best),
        lowest=decimal(best.validation_log_loss.value),
    )
    closes = translate("; the gap closes at {strength}", lang)
    much = translate("; too much from {strength} on", lang)
    if path.gap_closes is not None:
        said += closes.format(strength=strength(path.gap_closes))
    if path.too_much is not None:
        said += much.format(strength=strength(path.too_much))
    return said + "."


def _drawing(path: RegularizationPath, width: int, lang: str) -> Any:
    import altair as alt

    wide = width == WIDE
    off = _place_of_none(path)
    rows = [
        {
            "x": _place(path, point.strength, off),
            "series": name,
            "loss": band.value,
            "low": band.low,
            "high": band.high,
            # Both series say the same, so that one of them is enough for the tab key.
            "tip": pointed(_point_words(path, point, lang), stop=name == "validation"),
        }
        for point in path.points
        for name, band in (
            ("validation", point.validation_log_loss),
            ("training", point.train_log_loss),
        )
    ]
    color = alt.Color("series:N", legend=None).scale(
        domain=["validation", "training"], range=[svg.NEW, svg.SEEN]
    )
    x = alt.X("x:Q", axis=_axis(path, off, lang)).scale(zero=False, padding=10)
    base = alt.Chart(inline(rows)).encode(x=x, color=color)
    marks = [
        {"x": _place(path, value, off), "text": translate(text, lang)}
        for value, text in ((path.gap_closes, "gap closes"), (path.too_much, "too much"))
        if value is not None
    ]
    layers = [
        base.mark_area(opacity=0.15).encode(
            y=alt.Y("low:Q", title=translate("Log-loss", lang)), y2=alt.Y2("high:Q")
        ),
        base.mark_line(strokeWidth=2).encode(y=alt.Y("loss:Q")),
        base.mark_point(size=28, filled=True).encode(y=alt.Y("loss:Q"), description=tip()),
    ]
    if marks:
        rule = alt.Chart(inline(marks))
        layers.append(rule.mark_rule(color=svg.MUTED, strokeDash=[3, 3]).encode(x=alt.X("x:Q")))
        layers.append(
            rule.mark_text(align="left", dx=4, baseline="top", color=svg.MUTED).encode(
                x=alt.X("x:Q"), y=alt.value(2), text=alt.Text("text:N")
            )
        )
    size = {"width": width - 60, "height": 260 if wide else 200}
    return layered(*layers, **size)


def _point_words(path: RegularizationPath, point: PathPoint, lang: str) -> str:
    at = strength(point.strength) if point.strength else translate("off", lang)
    parts = (("training", point.train_log_loss), ("validation", point.validation_log_loss))
    said = ", ".join(
        f"{translate(part, lang)} {decimal(band.value)} {plain_bounds(band)}"
        for part, band in parts
    )
    return f"{translate(NAMES[path.remedy], lang)} {at}: {said}"


def _place_of_none(path: RegularizationPath) -> float:
    """Find where none of the remedy stands: one step to the left on a log scale."""
    if path.remedy == "dropout":
        return 0.0
    return math.log10(min(p.strength for p in path.points if p.strength)) - 0.5


def _place(path: RegularizationPath, value: float, off: float) -> float:
    if path.remedy == "dropout":
        return value
    return math.log10(value) if value else off


def _axis(path: RegularizationPath, off: float, lang: str) -> Any:
    import altair as alt

    title = translate(NAMES[path.remedy], lang)
    if path.remedy == "dropout":
        return alt.Axis(grid=False, title=title, tickCount=5)
    decades = [p for p in range(-12, 4) if off < p <= math.log10(path.points[-1].strength) + 0.01]
    label = (
        f"datum.value == {off} ? '{translate('off', lang)}' : format(pow(10, datum.value), '.0e')"
    )
    return alt.Axis(grid=False, title=title, values=[off, *decades], labelExpr=label)
