"""The drawings of networks with two classes: the ROC curve and the cost curve."""

from collections.abc import Sequence
from typing import Any

from fitwell.found.evaluation import CostCurve, CostRatio, OperatingPoint, Ranking, RocCurve
from fitwell.report import svg
from fitwell.report.calibration_chart import STATES, state_keys
from fitwell.report.composed import layered
from fitwell.report.evaluated import labelled, share
from fitwell.report.language import translate
from fitwell.report.numbers import decimal, percent, plain_bounds
from fitwell.report.spots import pointed
from fitwell.report.svg import Figure, figure, inline, tip
from fitwell.results import Result

SIZE = 400
"""Width of either drawing where there is room for both, side by side."""

SAID = 24
"""So many places of a curve say their numbers."""

Rows = Sequence[dict[str, Any]]


def _found(result: Result) -> list[tuple[str, Ranking]]:
    return [(label, e.ranking) for label, e in labelled(result) if e.ranking]


def _colour(labels: Sequence[str]) -> Any:
    import altair as alt

    colours = list(STATES.values())[-len(labels) :]
    return alt.Color("state:N", legend=None).scale(domain=list(labels), range=colours)


def roc_chart(result: Result, lang: str) -> Figure | None:
    """Sensitivity against false positive rate; marked are the fixed specificities."""
    found = _found(result)
    if not found:
        return None
    rows = [row for label, ranking in found for row in _roc_rows(label, ranking.roc, lang)]
    marks = [_operating(point, lang) for point in found[-1][1].at_specificity]
    words = "; ".join(f"{translate(n, lang)}: AUC {share(r.auc, lang)}" for n, r in found)
    said = [mark["tip"][1:] for mark in marks]
    title = translate("ROC curve", lang)
    labels = [label for label, _ in found]
    return figure(
        lambda width: _roc(rows, marks, labels, width, lang),
        f"{title}. {'; '.join([words, *said])}",
        wide=SIZE,
        keys=state_keys(labels, lang),
    )


def _roc_rows(label: str, roc: RocCurve, lang: str) -> list[dict[str, Any]]:
    rows = []
    every = max(1, len(roc.thresholds) // SAID)
    parts = zip(roc.false_positive_rate, roc.sensitivity, roc.thresholds, strict=True)
    for place, (false, sensitivity, threshold) in enumerate(parts):
        words = translate(
            "threshold {threshold}: sensitivity {sensitivity}, specificity {specificity}", lang
        ).format(
            threshold="—" if threshold is None else decimal(threshold, 4),
            sensitivity=percent(sensitivity, lang),
            specificity=percent(1 - false, lang),
        )
        rows.append(
            {
                "state": label,
                "false": 100 * false,
                "sensitivity": 100 * sensitivity,
                "said": threshold is not None and place % every == 0,
                "tip": pointed(f"{translate(label, lang)}: {words}", stop=False),
            }
        )
    return rows


def _operating(point: OperatingPoint, lang: str) -> dict[str, Any]:
    words = translate("at specificity {asked}: sensitivity {sensitivity}", lang).format(
        asked=percent(point.asked, lang, 0), sensitivity=share(point.sensitivity, lang)
    )
    return {
        "false": 100 * (1 - point.specificity.value),
        "sensitivity": 100 * point.sensitivity.value,
        "low": 100 * point.sensitivity.low,
        "high": 100 * point.sensitivity.high,
        "tip": pointed(words),
    }


def _square(width: int) -> dict[str, float]:
    return {"width": width - 66, "height": (width - 66) * 0.92}


def _roc(rows: Rows, marks: Rows, labels: Sequence[str], width: int, lang: str) -> Any:
    import altair as alt

    x = alt.X("false:Q", title=translate("false positive rate, %", lang))
    x = x.scale(domain=[0, 100], nice=False).axis(tickCount=5)
    y = alt.Y("sensitivity:Q", title=translate("sensitivity, %", lang))
    y = y.scale(domain=[0, 100], nice=False).axis(tickCount=5)
    base, marked = alt.Chart(inline(rows)), alt.Chart(inline(marks))
    line = alt.Chart(inline([{"false": p, "sensitivity": p} for p in (0, 100)]))
    order = alt.Order("false:Q")
    colour = _colour(labels)
    return layered(
        line.mark_line(color=svg.MUTED, strokeDash=[3, 3], strokeWidth=1).encode(x=x, y=y),
        base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, order=order),
        base.transform_filter("datum.said")
        .mark_point(size=40, filled=True, opacity=0)
        .encode(x=x, y=y, description=tip()),
        marked.mark_rule(strokeWidth=2, color=svg.NEW, opacity=0.55).encode(
            x=x, y=alt.Y("low:Q"), y2=alt.Y2("high:Q")
        ),
        marked.mark_point(size=64, filled=True, opacity=1, color=svg.NEW).encode(
            x=x, y=y, description=tip()
        ),
        **_square(width),
    )


def cost_chart(result: Result, lang: str) -> Figure | None:
    """Normalized expected cost against probability-cost; marked are the cost ratios."""
    found = _found(result)
    if not found:
        return None
    rows = [row for label, ranking in found for row in _cost_rows(label, ranking.costs)]
    marks = [_ratio(ratio, lang) for ratio in found[-1][1].costs.ratios]
    title = translate("Cost curve", lang)
    labels = [label for label, _ in found]
    return figure(
        lambda width: _costs(rows, marks, labels, width, lang),
        f"{title}. {'; '.join(mark['tip'][1:] for mark in marks)}",
        wide=SIZE,
        keys=state_keys(labels, lang),
    )


def _cost_rows(label: str, costs: CostCurve) -> list[dict[str, Any]]:
    return [
        {"state": label, "x": x, "cost": cost}
        for x, cost in zip(costs.probability_cost, costs.lowest, strict=True)
    ]


def _ratio(ratio: CostRatio, lang: str) -> dict[str, Any]:
    words = translate("{ratio}: cost {cost}, threshold {threshold}", lang).format(
        ratio=written_ratio(ratio.ratio),
        cost=f"{decimal(ratio.cost.value)} {plain_bounds(ratio.cost)}",
        threshold=decimal(ratio.threshold, 4),
    )
    return {
        "x": ratio.probability_cost,
        "cost": ratio.cost.value,
        "text": written_ratio(ratio.ratio),
        "tip": pointed(words),
    }


def written_ratio(ratio: float) -> str:
    """Write what a missed positive costs in false alarms.

    >>> written_ratio(5.0)
    '5 : 1'
    """
    return f"{ratio:g} : 1"


def _costs(rows: Rows, marks: Rows, labels: Sequence[str], width: int, lang: str) -> Any:
    import altair as alt

    x = alt.X("x:Q", title=translate("probability-cost of a missed positive", lang))
    x = x.scale(domain=[0, 1], nice=False).axis(tickCount=5)
    top = max(0.5, *(mark["cost"] * 1.1 for mark in marks))
    y = alt.Y("cost:Q", title=translate("normalized cost", lang))
    y = y.scale(domain=[0, top], nice=False).axis(tickCount=5)
    base, marked = alt.Chart(inline(rows)), alt.Chart(inline(marks))
    trivial = [{"x": x, "cost": min(x, 1 - x)} for x in (0.0, 0.5, 1.0)]
    line = alt.Chart(inline(trivial))
    return layered(
        line.mark_line(color=svg.MUTED, strokeDash=[3, 3], strokeWidth=1).encode(x=x, y=y),
        base.mark_line(strokeWidth=2).encode(x=x, y=y, color=_colour(labels)),
        marked.mark_point(size=64, filled=True, opacity=1, color=svg.NEW).encode(
            x=x, y=y, description=tip()
        ),
        marked.mark_text(dy=20, color=svg.INK).encode(x=x, y=y, text=alt.Text("text:N")),
        **_square(width),
    )
