"""Tables of the test rows in detail, and of the weights by layer."""

from collections.abc import Callable

from fitwell.found.evaluation import ClassScores, Evaluation, OperatingPoint, Ranking
from fitwell.found.layers import LayerWeights
from fitwell.report.evaluated import labelled
from fitwell.report.language import translate
from fitwell.report.layers_chart import largest
from fitwell.report.numbers import decimal, percent, plain_bounds
from fitwell.report.ranking_charts import written_ratio
from fitwell.report.tables import Column, Table, share
from fitwell.results import Interval, Result

SHOWN = 40
"""Of more classes, or layers, the table has the largest; ``result.json`` has all."""


def _columns(lang: str, *titles: str) -> tuple[Column, ...]:
    return tuple(
        Column(title=translate(title, lang), number=place > 0) for place, title in enumerate(titles)
    )


def _number(interval: Interval) -> str:
    return f"{decimal(interval.value)}\n{plain_bounds(interval)}"


def _maybe(interval: Interval | None, lang: str) -> str:
    return share(interval, lang) if interval else "–"


def class_table(result: Result, lang: str) -> Table | None:
    """Recall, precision and F1 of each class; the recall before beside them."""
    if not result.evaluations:
        return None
    before = result.evaluations[0] if len(result.evaluations) > 1 else None
    classes = result.evaluations[-1].classes
    places = sorted(range(len(classes)), key=lambda place: -classes[place].rows)[:SHOWN]
    former = ["Recall before"] if before else []
    titles = ("Class", "Rows", "Recall", *former, "Precision", "F1")
    return Table(
        caption=translate(
            "Classes of the test rows, with {level} intervals in brackets", lang
        ).format(level=percent(0.95, lang, 0)),
        columns=_columns(lang, *titles),
        rows=tuple(
            _class_row(classes[place], before.classes[place] if before else None, lang)
            for place in sorted(places)
        ),
    )


def _class_row(found: ClassScores, before: ClassScores | None, lang: str) -> tuple[str, ...]:
    former = (_maybe(before.recall, lang),) if before else ()
    return (
        found.name.replace("\n", " "),
        f"{found.rows:,}",
        _maybe(found.recall, lang),
        *former,
        _maybe(found.precision, lang),
        _number(found.f1) if found.f1 else "–",
    )


def calibration_table(result: Result, lang: str) -> Table | None:
    """The calibration error, what chance alone would give, and the Brier score."""
    if not result.evaluations:
        return None
    rows: list[tuple[str, Callable[[Evaluation], str]]] = [
        (
            "expected calibration error",
            lambda e: percent(e.calibration.expected_error, lang),
        ),
        ("by chance, were they true", lambda e: percent(e.calibration.by_chance, lang)),
        (
            "Brier score",
            lambda e: f"{decimal(e.calibration.brier.value)}\n{plain_bounds(e.calibration.brier)}",
        ),
    ]
    each = labelled(result)
    return Table(
        caption=translate("How true the probabilities are", lang),
        columns=_columns(lang, "Measure", *(label for label, _ in each)),
        rows=tuple((translate(name, lang), *(say(e) for _, e in each)) for name, say in rows),
    )


def ranking_table(result: Result, lang: str) -> Table | None:
    """AUC, Gini, KS and the sensitivity at fixed specificities; for two classes alone."""
    each = [(label, e.ranking) for label, e in labelled(result) if e.ranking]
    if not each:
        return None
    rows: list[tuple[str, Callable[[Ranking], str]]] = [
        ("AUC", lambda r: _number(r.auc)),
        ("Gini, 2 · AUC − 1", lambda r: _number(r.gini)),
        ("KS, largest difference of both rates", lambda r: _ks(r, lang)),
    ]
    specificities = each[-1][1].at_specificity
    measures = [(translate(name, lang), *(say(r) for _, r in each)) for name, say in rows]
    for place, point in enumerate(specificities):
        name = translate("sensitivity at specificity {asked}", lang)
        measures.append(
            (
                name.format(asked=percent(point.asked, lang, 0)),
                *(_operating(r.at_specificity[place], lang) for _, r in each),
            )
        )
    return Table(
        caption=translate("Ranking, positive is “{positive}”", lang).format(
            positive=each[-1][1].positive
        ),
        columns=_columns(lang, "Measure", *(label for label, _ in each)),
        rows=tuple(measures),
    )


def _from(threshold: float | None, lang: str) -> str:
    if threshold is None:
        return translate("no row called", lang)
    return translate("threshold {threshold}", lang).format(threshold=decimal(threshold, 4))


def _ks(ranking: Ranking, lang: str) -> str:
    return f"{_number(ranking.ks)}\n{_from(ranking.ks_threshold, lang)}"


def _operating(point: OperatingPoint, lang: str) -> str:
    return f"{share(point.sensitivity, lang)}\n{_from(point.threshold, lang)}"


def cost_table(result: Result, lang: str) -> Table | None:
    """Normalized costs for a few ratios of the costs of both errors."""
    each = [(label, e.ranking) for label, e in labelled(result) if e.ranking]
    if not each:
        return None
    last = each[-1][1].costs.ratios
    return Table(
        caption=translate("Normalized cost: 1 is every row wrong", lang),
        columns=_columns(
            lang,
            "Missed positive : false alarm",
            "Probability threshold",
            *(label for label, _ in each),
            "Lowest, seen afterwards",
            "One class for all",
        ),
        rows=tuple(
            (
                written_ratio(ratio.ratio),
                decimal(ratio.threshold, 4),
                *(_number(r.costs.ratios[place].cost) for _, r in each),
                decimal(ratio.lowest),
                decimal(ratio.trivial),
            )
            for place, ratio in enumerate(last)
        ),
    )


def layers_table(result: Result, lang: str) -> Table | None:
    """Weights and exact zeros of each penalized layer, and their sum."""
    if not result.layers:
        return None
    weights = sum(layer.weights for layer in result.layers)
    zeros = sum(layer.zeros for layer in result.layers)
    norm = sum(layer.norm**2 for layer in result.layers) ** 0.5
    whole = LayerWeights(
        name=translate("all layers", lang), shape=(), weights=weights, zeros=zeros, norm=norm
    )
    return Table(
        caption=translate("Penalized weights of the saved network", lang),
        columns=_columns(
            lang, "Layer", "Shape", "Weights", "Exact zeros", "Share of zeros", "Norm"
        ),
        rows=tuple(_layer_row(layer, lang) for layer in (*largest(result.layers, SHOWN), whole)),
    )


def _layer_row(layer: LayerWeights, lang: str) -> tuple[str, ...]:
    return (
        layer.name,
        " × ".join(f"{n:,}" for n in layer.shape),
        f"{layer.weights:,}",
        f"{layer.zeros:,}",
        percent(layer.zeros / layer.weights, lang),
        decimal(layer.norm, 2),
    )
