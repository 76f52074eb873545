"""The drawing of calibration: what was predicted against what came true."""

from collections.abc import Sequence
from typing import Any

from fitwell.found.evaluation import Calibration, CalibrationBin, Evaluation
from fitwell.report import svg
from fitwell.report.composed import below, beside, layered
from fitwell.report.evaluated import labelled
from fitwell.report.language import translate
from fitwell.report.numbers import bounds, percent
from fitwell.report.spots import pointed
from fitwell.report.svg import WIDE, Figure, figure, finite, inline, tip
from fitwell.results import Result

Rows = Sequence[dict[str, Any]]


def calibration_chart(result: Result, lang: str) -> Figure | None:
    """Shares that came true against predicted probabilities, and how often each is said."""
    if not result.evaluations:
        return None
    each = labelled(result)
    rows = [row for label, found in each for row in _rows(label, found, lang)]
    title = translate("Predicted and observed", lang)
    words = "; ".join(_words(label, found.calibration, lang) for label, found in each)
    colours = list(STATES.values())[-len(each) :]
    names = [label for label, _ in each]
    return figure(
        lambda width: _drawing(rows, (names, colours), width, lang),
        f"{title}. {words}",
        keys=state_keys(names, lang),
    )


STATES = {"Before": svg.MUTED, "After": svg.NEW}
"""Colours of a network before and after on the same test rows."""


def state_keys(labels: Sequence[str], lang: str) -> tuple[tuple[str, str], ...]:
    """Say what the colours of the states mean; nothing where there is one state."""
    if len(labels) < 2:
        return ()
    return tuple((STATES[label], translate(label, lang)) for label in labels)


def _words(label: str, found: Calibration, lang: str) -> str:
    error = translate("expected calibration error {error}", lang)
    bins = ", ".join(
        f"{percent(b.predicted, lang)} → {percent(b.observed.value, lang)} {bounds(b.observed)}"
        for b in found.bins
    )
    error = error.format(error=percent(found.expected_error, lang))
    return f"{translate(label, lang)}: {error}; {bins}"


def _rows(label: str, found: Evaluation, lang: str) -> list[dict[str, Any]]:
    return [
        {
            "state": label,
            "predicted": 100 * b.predicted,
            "observed": 100 * b.observed.value,
            "low": 100 * b.observed.low,
            "high": 100 * b.observed.high,
            "left": 100 * b.low,
            "right": 100 * b.high,
            "share": 100 * b.rows / found.rows,
            "tip": pointed(
                f"{translate(label, lang)}: {_bin_words(b, lang)}", stop=label == "After"
            ),
        }
        for b in found.calibration.bins
        if finite(b.predicted, b.observed.low, b.observed.high)
    ]


def _bin_words(b: CalibrationBin, lang: str) -> str:
    words = translate("{predicted} predicted, {observed} {bounds} came true ({rows} rows)", lang)
    return words.format(
        predicted=percent(b.predicted, lang),
        observed=percent(b.observed.value, lang),
        bounds=bounds(b.observed),
        rows=f"{b.rows:,}",
    )


def _drawing(rows: Rows, colours: tuple[list[str], list[str]], width: int, lang: str) -> Any:
    import altair as alt

    wide = width == WIDE
    size = 300 if wide else width - 62
    colour = alt.Color("state:N", legend=None).scale(domain=colours[0], range=colours[1])
    reliability = _reliability(rows, colour, size, lang)
    left = width - size - 130 if wide else width - 62
    often = _often(rows, colour, lang).properties(width=left, height=size if wide else 90)
    if wide:
        return beside(reliability, often, spacing=36)
    return below(reliability, often, spacing=20)


def _reliability(rows: Rows, colour: Any, size: float, lang: str) -> Any:
    import altair as alt

    # Every layer fixes both scales: one that does not would stretch them.
    x = alt.X("predicted:Q", title=translate("predicted, %", lang))
    x = x.scale(domain=[0, 100], nice=False).axis(tickCount=5)
    y = alt.Y("observed:Q", title=translate("came true, %", lang))
    y = y.scale(domain=[0, 100], nice=False).axis(tickCount=5)
    base = alt.Chart(inline(rows))
    line = alt.Chart(inline([{"predicted": p, "observed": p} for p in (0, 100)]))
    return layered(
        line.mark_line(color=svg.MUTED, strokeDash=[3, 3], strokeWidth=1).encode(x=x, y=y),
        base.mark_rule(strokeWidth=2, opacity=0.55).encode(
            x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q"), color=colour
        ),
        base.mark_line(strokeWidth=1.5).encode(x=x, y=y, color=colour),
        base.mark_point(size=56, filled=True, opacity=1).encode(
            x=x, y=y, color=colour, description=tip()
        ),
        width=size,
        height=size,
    )


def _often(rows: Rows, colour: Any, lang: str) -> Any:
    """Draw how often each probability is said, the shipped network in front."""
    import altair as alt

    x = alt.X("left:Q", title=translate("predicted, %", lang))
    x = x.scale(domain=[0, 100], nice=False).axis(tickCount=5, grid=False)
    y = alt.Y("share:Q", title=translate("% of the test rows", lang)).axis(tickCount=4)
    bars = [{**row, "tip": row["tip"].replace("\u2063", "\u2064")} for row in rows]
    base = alt.Chart(inline(bars))
    return base.mark_rect(fillOpacity=0.22, strokeWidth=1.5).encode(
        x=x, x2=alt.X2("right:Q"), y=y.stack(None), y2=alt.Y2Datum(0), color=colour, stroke=colour,
        description=tip(),
    )  # fmt: skip
