"""What starting from the user's own weights brings, in a sentence."""

from fitwell.report.language import listed, translate
from fitwell.report.numbers import bounds, decimal, percent, plain_bounds, points
from fitwell.results import Result, StartDifference

AS_GIVEN = "as given"
FROM_GIVEN = (AS_GIVEN, "treatment, continued", "treatment, shrunk and perturbed")
"""Arms that hang on the given weights; what they read has a sentence of its own."""

_STARTS = {
    "treatment, continued": "continuing from them",
    "treatment, shrunk and perturbed": "shrinking and perturbing them first",
}

_CAVEATS = {
    "validation rows": "They have probably seen validation rows: see the notes.",
    "test rows": "They have probably seen test rows, so do not believe this: see the notes.",
    "unknown": "Which rows they were trained on is not known: see the notes.",
}


def start_sentence(result: Result, lang: str = "en") -> str:
    """Hold the starts from given weights against the same recipe from new ones; or be empty."""
    start, comparison = result.start, result.comparison
    if start is None or comparison is None:
        return ""
    given = next(arm for arm in comparison.arms if arm.name == AS_GIVEN)
    sentence = translate(
        "Your weights read {given} on new rows as they are. Against “{baseline}”, the same"
        " training from new weights, {starts}.",
        lang,
    )
    text = sentence.format(
        given=f"{percent(given.test.accuracy.value, lang)} {bounds(given.test.accuracy)}",
        baseline=translate(start.baseline, lang),
        starts=listed([_start(difference, lang) for difference in start.differences], lang),
    )
    caveat = _CAVEATS.get(start.seen)
    return f"{text} {translate(caveat, lang)}" if caveat else text


def _start(difference: StartDifference, lang: str) -> str:
    part = translate(
        "{how} brings {points} points {bounds} ({verdict}; log-loss {loss} {loss_bounds})", lang
    )
    return part.format(
        how=translate(_STARTS[difference.arm], lang),
        points=points(difference.accuracy.value, signed=True),
        bounds=bounds(difference.accuracy),
        verdict=translate(difference.verdict, lang),
        loss=decimal(difference.log_loss.value, signed=True),
        loss_bounds=plain_bounds(difference.log_loss),
    )
