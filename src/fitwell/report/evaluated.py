"""What the detailed measures of the test rows say in words."""

from fitwell.found.evaluation import ClassScores, Evaluation
from fitwell.report.language import translate
from fitwell.report.numbers import bounds, percent, points
from fitwell.results import Interval, Result


def labelled(result: Result) -> list[tuple[str, Evaluation]]:
    """Give the evaluations with the words for their place: before, after."""
    return list(zip(("Before", "After"), result.evaluations, strict=False))


def share(interval: Interval, lang: str) -> str:
    """Write a share with its interval in one line."""
    return f"{percent(interval.value, lang)} {bounds(interval)}"


def classes_sentence(result: Result, lang: str) -> str:
    """Name the class that is found best and the one that is found least."""
    found = [c for c in result.evaluations[-1].classes if c.recall]
    if len(found) < 2:
        return ""
    best = max(found, key=_recall)
    least = min(found, key=_recall)
    sentence = translate(
        "The network finds the rows of “{best}” best (recall {best_recall}) and those of “{least}”"
        " least (recall {least_recall}).",
        lang,
    )
    assert best.recall is not None  # classes without rows were left out
    assert least.recall is not None
    return sentence.format(
        best=best.name,
        best_recall=share(best.recall, lang),
        least=least.name,
        least_recall=share(least.recall, lang),
    )


def _recall(scores: ClassScores) -> float:
    assert scores.recall is not None
    return scores.recall.value


def calibration_sentence(result: Result, lang: str) -> str:
    """Hold the calibration error against what chance alone would give."""
    found = result.evaluations[-1].calibration
    former = result.evaluations[0].calibration if len(result.evaluations) > 1 else None
    sentence = translate(
        "Predicted probabilities are off by {error} points on average (expected calibration"
        " error){before}; perfectly calibrated ones would show {chance} by chance on so many"
        " rows.",
        lang,
    )
    before = translate(", before by {error}", lang)
    return sentence.format(
        error=points(found.expected_error),
        before=before.format(error=points(former.expected_error)) if former else "",
        chance=points(found.by_chance),
    )


def ranking_sentence(result: Result, lang: str) -> str:
    """Say what the area under the ROC curve means; empty unless there are two classes."""
    found = result.evaluations[-1].ranking
    former = result.evaluations[0].ranking if len(result.evaluations) > 1 else None
    if found is None:
        return ""
    sentence = translate(
        "A row of “{positive}” gets a higher probability of it than a row of “{negative}” in {auc}"
        " of all pairs (AUC){before}.",
        lang,
    )
    before = translate(", before in {auc}", lang)
    return sentence.format(
        positive=found.positive,
        negative=next(name for name in result.classes if name != found.positive),
        auc=share(found.auc, lang),
        before=before.format(auc=share(former.auc, lang)) if former else "",
    )
