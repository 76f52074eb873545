"""The drawings of accuracies, learning curves and differences between arms."""

from collections.abc import Sequence
from typing import Any

from fitwell.report import svg
from fitwell.report.composed import in_columns, layered
from fitwell.report.language import translate
from fitwell.report.numbers import bounds, decimal, percent, points
from fitwell.report.spots import pointed
from fitwell.report.svg import WIDE, Figure, figure, finite, inline, tip
from fitwell.results import Arm, Curve, Interval, Result, State


def _in_words(name: str, interval: Interval, lang: str) -> str:
    return f"{name} {percent(interval.value, lang)} {bounds(interval)}"


def gap_chart(result: Result, lang: str) -> Figure:
    """Training and test accuracy before and after, with their intervals."""
    states = [(translate("Before", lang), result.before)]
    if result.after:
        states.append((translate("After", lang), result.after))
    seen, new = translate("training", lang), translate("test", lang)
    words = "; ".join(
        f"{label}: {_in_words(seen, state.train.accuracy, lang)},"
        f" {_in_words(new, state.test.accuracy, lang)}"
        for label, state in states
    )
    rows = [row for label, state in states for row in _gap_rows(label, state, lang)]
    best = result.data.best_reachable_accuracy
    reachable = best.value if best and finite(best.value) else None
    label = translate("Accuracy on training and test rows", lang)

    def make(width: int) -> Any:
        return _gap(rows, reachable, width, lang)

    keys = (svg.SEEN, translate("training rows", lang)), (svg.NEW, translate("test rows", lang))
    return figure(make, f"{label}. {words}", keys=keys)


def _gap_rows(label: str, state: State, lang: str) -> list[dict[str, Any]]:
    title = translate("gap {number} points", lang).format(number=points(state.gap.value))
    parts = (
        ("seen", "training", state.train.accuracy),
        ("new", "test", state.test.accuracy),
    )
    return [
        {
            "network": f"{label}|{title}",
            "part": part,
            "value": 100 * accuracy.value,
            "low": 100 * accuracy.low,
            "high": 100 * accuracy.high,
            "text": percent(accuracy.value, lang),
            "tip": pointed(f"{label}, {_in_words(translate(name, lang), accuracy, lang)}"),
        }
        for part, name, accuracy in parts
        if finite(accuracy.value, accuracy.low, accuracy.high)
    ]


def _gap(rows: Sequence[dict[str, Any]], reachable: float | None, width: int, lang: str) -> Any:
    import altair as alt

    room = 150 if width == WIDE else 112
    base = alt.Chart(inline(rows)).properties(width=width - room - 30, height=alt.Step(74))
    y = alt.Y("network:N", sort=None, axis=svg.names_axis(room))
    # Every layer fixes the scale: one that does not would stretch it to zero.
    scale = alt.Scale(domain=_span(rows, reachable), nice=False, zero=False)
    x = alt.X("value:Q", scale=scale, title=translate("accuracy, %", lang))
    x = x.axis(tickCount=5, format="d")
    low = alt.X("low:Q", scale=scale)
    colour = alt.Color("part:N", legend=None)
    colour = colour.scale(domain=["seen", "new"], range=[svg.SEEN, svg.NEW])
    layers = [
        base.mark_line(color=svg.LINE, strokeWidth=7, strokeCap="round").encode(
            x=x, y=y, detail=alt.Detail("network:N")
        ),
        base.mark_rule(strokeWidth=2).encode(x=low, x2=alt.X2("high:Q"), y=y, color=colour),
        base.mark_point(size=90, filled=True, opacity=1).encode(
            x=x, y=y, color=colour, description=tip()
        ),
    ]
    for part, offset in (("seen", -16), ("new", 18)):
        words = base.transform_filter(f"datum.part == '{part}'").mark_text(dy=offset)
        layers.append(words.encode(x=x, y=y, text=alt.Text("text:N"), color=colour))
    if reachable is not None:
        rule = alt.Chart(inline([{"value": 100 * reachable}]))
        layers.insert(0, rule.mark_rule(color=svg.MUTED, strokeDash=[3, 3]).encode(x=x))
    return layered(*layers)


def _span(rows: Sequence[dict[str, Any]], reachable: float | None) -> list[float]:
    """Give the ends of the axis: multiples of 5 around all that is drawn, within 0 to 100."""
    lowest = min((row["low"] for row in rows), default=0.0)
    highest = max((row["high"] for row in rows), default=100.0)
    if reachable is not None:
        lowest, highest = min(lowest, 100 * reachable), max(highest, 100 * reachable)
    return [max(0.0, 5.0 * ((lowest - 1) // 5)), min(100.0, 5.0 * -((-highest - 1) // 5))]


def curves_chart(result: Result, lang: str) -> Figure | None:
    """Training and validation log-loss by epoch, one small drawing per arm."""
    curves = [curve for curve in result.curves if curve.train_log_loss]
    if not curves:
        return None
    names = {curve.arm: translate(curve.arm, lang) for curve in curves}
    rows = [row for curve in curves for row in _curve_rows(curve, names[curve.arm], lang)]
    strips = {names[curve.arm]: _strips(curve, names[curve.arm], lang) for curve in curves}
    words = "; ".join(_curve_words(curve, names[curve.arm], lang) for curve in curves)
    label = translate("Log-loss by epoch", lang)

    def make(width: int) -> Any:
        return _curves(rows, strips, width, lang)

    return figure(make, f"{label}. {words}", keys=series_keys(lang))


def series_keys(lang: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Say what the colours of losses on training and validation rows mean."""
    seen, new = translate("training rows", lang), translate("validation rows", lang)
    return (svg.SEEN, seen), (svg.NEW, new)


def _curve_words(curve: Curve, name: str, lang: str) -> str:
    kept = curve.best_epoch
    parts = [translate("kept epoch {epoch}", lang).format(epoch=kept)]
    series = (("training", curve.train_log_loss), ("validation", curve.validation_log_loss))
    for part, losses in series:
        if 1 <= kept <= len(losses):
            parts.append(f"{translate(part, lang)} {decimal(losses[kept - 1])}")
    return f"{name}: {', '.join(parts)}"


def _curve_rows(curve: Curve, name: str, lang: str) -> list[dict[str, Any]]:
    series = (("seen", curve.train_log_loss), ("new", curve.validation_log_loss))
    return [
        {
            "arm": name,
            "part": part,
            "epoch": epoch,
            "loss": loss,
            "kept": epoch == curve.best_epoch,
            "tip": pointed(_curve_words(curve, name, lang)) if epoch == curve.best_epoch else "",
        }
        for part, losses in series
        for epoch, loss in enumerate(losses, start=1)
        if finite(loss)
    ]


STRIPS = 12
"""At most so many places of a curve say their numbers."""


def _strips(curve: Curve, name: str, lang: str) -> list[dict[str, Any]]:
    """Cut the epochs into strips; each says the losses of the epoch in its middle."""
    epochs = len(curve.train_log_loss)
    each = epochs / min(STRIPS, epochs)
    strips = []
    for number in range(min(STRIPS, epochs)):
        epoch = 1 + int((number + 0.5) * each)
        parts = [f"{translate('epoch', lang)} {epoch}"]
        for part, losses in (
            ("training", curve.train_log_loss),
            ("validation", curve.validation_log_loss),
        ):
            parts += [f"{translate(part, lang)} {decimal(losses[epoch - 1])}"] if losses else []
        text = pointed(f"{name}: {', '.join(parts)}", stop=False)
        strips.append({"from": number * each, "to": (number + 1) * each, "tip": text})
    return strips


def _curves(
    rows: Sequence[dict[str, Any]], strips: dict[str, list[dict[str, Any]]], width: int, lang: str
) -> Any:

    columns = min(len(strips), 4 if width == WIDE else 2)
    # Each drawing fixes its scales itself: a facet would draw axes where no arm is.
    ends = {
        "epoch": [0, max((row["epoch"] for row in rows), default=1)],
        "loss": [0, max((row["loss"] for row in rows), default=1.0)],
    }
    size = {"width": (width - 40) / columns - 20, "height": 120 if width == WIDE else 96}
    drawings = [
        layered(
            _pointed_at(strips[name], ends),
            _curve([r for r in rows if r["arm"] == name], ends, place % columns == 0, lang),
            title={"text": name, "offset": 12, "frame": "group"},
            **size,
        )
        for place, name in enumerate(strips)
    ]
    return in_columns(*drawings, columns=columns, spacing=20)


def _pointed_at(strips: Sequence[dict[str, Any]], ends: dict[str, list[float]]) -> Any:
    import altair as alt

    x = alt.X("from:Q", title=None).scale(domain=ends["epoch"], nice=False)
    return (
        alt.Chart(inline(strips))
        .mark_rect(opacity=0)
        .encode(x=x, x2=alt.X2("to:Q"), description=tip())
    )


def _curve(
    rows: Sequence[dict[str, Any]], ends: dict[str, list[float]], first: bool, lang: str
) -> Any:
    import altair as alt

    base = alt.Chart(inline(rows))
    x = alt.X("epoch:Q", title=translate("epoch", lang)).axis(grid=False, tickCount=3, format="d")
    x = x.scale(domain=ends["epoch"], nice=False)
    y = alt.Y("loss:Q", title=None).axis(tickCount=4, labels=first)
    y = y.scale(domain=ends["loss"], nice=True)
    colour = alt.Color("part:N", legend=None)
    colour = colour.scale(domain=["seen", "new"], range=[svg.SEEN, svg.NEW])
    kept = base.transform_filter("datum.kept")
    return layered(
        kept.mark_rule(color=svg.MUTED, strokeDash=[2, 3]).encode(x=x),
        base.mark_line(strokeWidth=1.75).encode(x=x, y=y, color=colour),
        kept.mark_point(size=34, filled=True, opacity=1).encode(
            x=x, y=y, color=colour, description=tip()
        ),
    )


def forest_chart(result: Result, lang: str) -> Figure | None:
    """Each arm's difference in test accuracy from the baseline, with its interval."""
    comparison = result.comparison
    if comparison is None:
        return None
    arms = [a for a in comparison.arms if a.name != comparison.baseline]
    arms = [a for a in arms if finite(a.difference, a.low, a.high)]
    if not arms:
        return None
    baseline = translate(comparison.baseline, lang)
    title = translate("difference to {baseline}, points", lang).format(baseline=baseline)
    words = "; ".join(_forest_words(arm, lang) for arm in arms)
    rows = [
        {
            "arm": translate(arm.name, lang),
            "value": 100 * arm.difference,
            "low": 100 * arm.low,
            "high": 100 * arm.high,
            "shown": arm.verdict in ("better", "worse"),
            "tip": pointed(f"{_forest_words(arm, lang)}: {translate(arm.verdict, lang)}"),
        }
        for arm in arms
    ]
    return figure(lambda width: _forest(rows, title, width), f"{title}. {words}")


def _forest_words(arm: Arm, lang: str) -> str:
    interval = Interval(value=arm.difference, low=arm.low, high=arm.high)
    number = points(arm.difference, signed=True)
    return f"{translate(arm.name, lang)} {number} {bounds(interval)}"


def _forest(rows: Sequence[dict[str, Any]], title: str, width: int) -> Any:
    import altair as alt

    room = 190 if width == WIDE else 138
    base = alt.Chart(inline(rows)).properties(width=width - room - 20, height=alt.Step(34))
    y = alt.Y("arm:N", sort=None, axis=svg.names_axis(room))
    x = alt.X("value:Q", title=title).axis(tickCount=6)
    fill = alt.FillValue(svg.PAPER, condition={"test": "datum.shown", "value": svg.INK})
    zero = alt.Chart(inline([{"value": 0}]))
    return layered(
        zero.mark_rule(color=svg.MUTED, strokeWidth=1.5).encode(x=alt.X("value:Q")),
        base.mark_rule(strokeWidth=2, color=svg.INK).encode(
            x=alt.X("low:Q"), x2=alt.X2("high:Q"), y=y
        ),
        base.mark_point(size=80, stroke=svg.INK, strokeWidth=2, opacity=1).encode(
            x=x, y=y, fill=fill, description=tip()
        ),
    )
