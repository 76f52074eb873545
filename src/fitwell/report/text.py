"""The answer of a run in a few sentences. No charts, no templates."""

from fitwell.report.chosen import promise_sentence, settings_phrase
from fitwell.report.language import listed, translate
from fitwell.report.numbers import bounds, decimal, percent, plain_bounds, points
from fitwell.report.start import FROM_GIVEN, start_sentence
from fitwell.results import Arm, Difference, Interval, Result

UNTREATED, EARLY_STOPPING = "untreated", "early stopping"
TREATMENT, REFITTED = "treatment", "treatment, refitted"
MORE_ROWS = "larger training share"
COMPACTED = "treatment, compacted"
BAG, GREEDY = "treatment, bag", "treatment, greedy"

_NAMED = {
    UNTREATED: "the untreated network at its last epoch",
    EARLY_STOPPING: "stopping it early",
}


def answer(result: Result, lang: str = "en") -> str:
    """Say in a few sentences how the network does and what the treatment gained."""
    return " ".join(answer_sentences(result, lang))


def answer_sentences(result: Result, lang: str = "en") -> tuple[str, ...]:
    """Give `answer` in its parts: today's network, the treated one, what beats it, the promise.

    Where weights were given to start from, what they bring.
    """
    if result.after is None:
        advice = result.diagnosis.advice[:1]
        return (_today(result, lang), *(translate(text, lang) for text in advice))
    parts = (
        _today(result, lang),
        *_treated(result, lang),
        _shares_of_gain(result, lang),
        _mean_against_mean(result, lang),
        _rival(result, lang),
        promise_sentence(result.regularization, lang),
        start_sentence(result, lang),
    )
    return tuple(part for part in parts if part)


def verdict_phrase(result: Result, lang: str = "en") -> str:
    """Name the verdict with its severity: the page's heading."""
    verdict, severity = result.diagnosis.verdict, result.diagnosis.severity
    graded = verdict == "overfitting" and severity != "none"
    return translate(f"{severity} {verdict}" if graded else verdict, lang)


def shipped_arm(result: Result) -> Arm | None:
    """Find the arm whose network is `Result.after`."""
    if result.after is None or result.comparison is None:
        return None
    return next((a for a in result.comparison.arms if a.name == result.after.network), None)


def _share(interval: Interval, lang: str) -> str:
    return f"{percent(interval.value, lang)} {bounds(interval)}"


def _today(result: Result, lang: str) -> str:
    before = result.before
    sentence = translate(
        "Your network reads {train} on the rows it was trained on and {test} on new rows:"
        " a gap of {gap} points ({level} interval {low} to {high}), {verdict}.",
        lang,
    )
    return sentence.format(
        train=_share(before.train.accuracy, lang),
        test=_share(before.test.accuracy, lang),
        gap=points(before.gap.value),
        level=percent(before.gap.level, lang, 0),
        low=points(before.gap.low),
        high=points(before.gap.high),
        verdict=_verdict_in_full(result, lang),
    )


def _verdict_in_full(result: Result, lang: str) -> str:
    diagnosis = result.diagnosis
    reasons = {
        "healthy": "healthy: the gap is within the tolerance",
        "underfitting": "underfitting: it does worse on its own rows than a linear model",
        "undecided": "undecided: the test part is too small to tell",
    }
    if diagnosis.verdict in reasons:
        return translate(reasons[diagnosis.verdict], lang)
    gaps = [item for item in diagnosis.evidence if item.check == "gap in accuracy"]
    if gaps and gaps[0].low <= gaps[0].threshold:
        # The rule's second half: the accuracy alone would not have shown it.
        return translate("mild overfitting, which shows in the log-loss", lang)
    return verdict_phrase(result, lang)


def _treated(result: Result, lang: str) -> tuple[str, ...]:
    """Say what was chosen, how it does, and its gains with their baselines named."""
    after, arm = result.after, shipped_arm(result)
    assert after is not None
    regularization = result.regularization
    settings = settings_phrase(regularization, lang) if regularization else ""
    kept = bool(regularization and (regularization.kept_untreated or not settings))
    lines = [translate(_NOTHING_CHOSEN, lang)] if kept and after.network != GREEDY else []
    accuracy = arm.test.accuracy if arm else after.test.accuracy
    values = {
        "how": _how("" if kept else settings, after.network, len(result.members), lang),
        "test": _share(accuracy, lang),
        "mean": _mean(result, arm, lang),
    }
    if arm is None:
        gap = f"{points(after.gap.value)}", bounds(after.gap)
        values |= {"gap": gap[0], "bounds": gap[1]}
        template = "{how} it reads {test} on new rows, with a gap of {gap} points {bounds}."
        return (*lines, translate(template, lang).format(**values))
    gains = [_gain(difference, lang) for difference in _differences(result, arm)]
    template = _TREATED_OVER if arm.resampled else _TREATED
    against = translate(result.comparison.baseline if result.comparison else "", lang)
    verdict = translate(_VERDICTS[arm.verdict], lang).format(baseline=against)
    values |= {"gains": listed(gains, lang), "verdict": verdict}
    values["count"] = str(result.comparison.resamples) if result.comparison else ""
    return (*lines, translate(template, lang).format(**values))


_TREATED = "{how} it reads {test} on new rows{mean}, {gains}: {verdict}."
_TREATED_OVER = (
    "{how} it reads {test} on new rows{mean}; tuned and trained anew on {count} resamples it reads"
    " {gains}: {verdict}."
)


_NOTHING_CHOSEN = (
    "No regularization that was tried was clearly better on held-out rows,"
    " so nothing is regularized."
)

_VERDICTS = {
    "better": "better than {baseline}",
    "worse": "worse than {baseline}",
    "no difference shown": "no difference shown against {baseline}",
    "baseline": "this is the baseline itself",
}


_MIXED = "As the mean of the finalists, weighted by the validation rows ({count} of them above 0),"

_HOW = {
    REFITTED: (
        "With {settings}, refitted on training and validation rows together,",
        "Stopped early and refitted on training and validation rows together,",
    ),
    BAG: (
        "With {settings}, as the mean of {count} networks on different cuts of the rows,",
        "Stopped early, as the mean of {count} networks on different cuts of the rows,",
    ),
    GREEDY: (_MIXED, _MIXED),  # its members' strengths differ
}


def _how(settings: str, network: str, count: int, lang: str) -> str:
    """Say how the network came about; ``count`` is that of an ensemble's members."""
    with_settings, without = _HOW.get(network, ("With {settings}", "Stopped early,"))
    how = translate(with_settings if settings else without, lang)
    return how.format(settings=settings, count=count)


def _mean(result: Result, arm: Arm | None, lang: str) -> str:
    """Say that a mean is shown, and of the untreated network too: the first sentence has one."""
    if arm is None or result.comparison is None or len(arm.seeds) < 2:
        return ""
    untreated = next(a for a in result.comparison.arms if a.name == UNTREATED)
    sentence = " (mean of {count} trainings; the untreated network's mean is {untreated})"
    return translate(sentence, lang).format(
        count=len(arm.seeds), untreated=percent(untreated.test.accuracy.value, lang)
    )


def _differences(result: Result, arm: Arm) -> list[Difference]:
    """Give the gains over the untreated network and over the baseline, in this order."""
    assert result.comparison is not None
    found = {d.baseline: d for d in arm.resampled or arm.against}
    order = [UNTREATED, *(n for n in (EARLY_STOPPING, result.comparison.baseline) if n in found)]
    return [found[name] for name in dict.fromkeys(order) if name in found]


def _gain(difference: Difference, lang: str) -> str:
    """Write a gain so that it reads as more or less; the interval turns with its sign."""
    gain = difference.accuracy
    less = gain.value < 0
    turned = Interval(value=-gain.value, low=-gain.high, high=-gain.low) if less else gain
    template = "{points} points {bounds} less than {other}" if less else _MORE
    text = translate(template, lang).format(
        points=points(turned.value),
        bounds=bounds(turned),
        other=translate(_NAMED.get(difference.baseline, difference.baseline), lang),
        signed=points(gain.value, signed=True),
        signed_bounds=bounds(gain),
    )
    open_ = gain.low <= 0 <= gain.high and difference.baseline == UNTREATED
    return text + translate(" (no difference shown)", lang) if open_ else text


def _shares_of_gain(result: Result, lang: str) -> str:
    """Tell regularization and added rows apart where the shipped network had both."""
    comparison, shipped = result.comparison, shipped_arm(result)
    if comparison is None or shipped is None or shipped.name != REFITTED:
        return ""
    arms = {arm.name: arm for arm in comparison.arms}
    kept = result.regularization is None or result.regularization.kept_untreated
    if kept or not {TREATMENT, MORE_ROWS} <= set(arms):
        return ""
    gains = [
        Interval(value=arms[name].difference, low=arms[name].low, high=arms[name].high)
        for name in (TREATMENT, MORE_ROWS)
    ]
    sentence = translate(
        "Against {baseline}, regularization alone brings {treated} points {treated_bounds} and the"
        " added training rows alone {rows} points {rows_bounds}.",
        lang,
    )
    return sentence.format(
        baseline=translate(comparison.baseline, lang),
        treated=points(gains[0].value, signed=True),
        treated_bounds=bounds(gains[0]),
        rows=points(gains[1].value, signed=True),
        rows_bounds=bounds(gains[1]),
    )


_MORE = "{points} points {bounds} more than {other}"


def _mean_against_mean(result: Result, lang: str) -> str:
    """Hold a shipped mean of networks against a mean of as many, where that was measured."""
    arm = shipped_arm(result)
    known = (UNTREATED, EARLY_STOPPING)
    third = [d for d in arm.resampled or arm.against if d.baseline not in known] if arm else []
    if not arm or not third:
        return ""
    sentence = translate(
        "Mean against mean, “{name}” minus “{other}” is {accuracy} points {accuracy_bounds} in"
        " accuracy and {loss} {loss_bounds} in log-loss.",
        lang,
    )
    return sentence.format(
        name=translate(arm.name, lang),
        other=translate(third[0].baseline, lang),
        accuracy=points(third[0].accuracy.value, signed=True),
        accuracy_bounds=bounds(third[0].accuracy),
        loss=decimal(third[0].log_loss.value, signed=True),
        loss_bounds=plain_bounds(third[0].log_loss),
    )


def _rival(result: Result, lang: str) -> str:
    """Name the rival that reads more than the shipped network, if there is one."""
    arm = shipped_arm(result)
    if arm is None or result.comparison is None:
        return ""
    own = {
        arm.name,
        UNTREATED,
        TREATMENT,
        COMPACTED,
        *FROM_GIVEN,
        *(d.baseline for d in arm.against),
    }
    if not result.members:  # a mean of networks is shipped in place of the refitted one
        own.add(REFITTED)
    rivals = [a for a in result.comparison.arms if a.name not in own]
    best = max(rivals, key=_reading, default=None)
    if best is None or _reading(best) <= _reading(arm):
        return ""
    gain = Difference(
        baseline=result.comparison.baseline,
        accuracy=Interval(value=best.difference, low=best.low, high=best.high),
        log_loss=best.test.log_loss,
    )
    sentence = _RIVAL_OVER if best.resampled else _RIVAL
    baseline = translate(result.comparison.baseline, lang)
    return translate(sentence, lang).format(
        count=result.comparison.resamples,
        verdict=translate(_VERDICTS[best.verdict], lang).format(baseline=baseline),
        name=translate(best.name, lang),
        test=_share(best.test.accuracy, lang),
        gain=_gain(gain, lang),
    ) + _contest(result, best.name, lang)


_RIVAL = "The rival “{name}” reads more: {test}, {gain}."
_RIVAL_OVER = "The rival “{name}” reads more on the {count} resamples: {gain}: {verdict}."


def _contest(result: Result, rival: str, lang: str) -> str:
    """Say how the treatment does against the rival itself, or that this was not tested."""
    contests = result.comparison.contests if result.comparison else ()
    found = next((contest for contest in contests if contest.rival == rival), None)
    if found is None:
        return translate(" The two were not tested against each other.", lang)
    sentence = " Against it “{name}” reads {points} points {bounds}: {verdict}."
    return translate(sentence, lang).format(
        name=translate(found.arm, lang),
        points=points(found.accuracy.value, signed=True),
        bounds=bounds(found.accuracy),
        verdict=translate(found.verdict, lang),
    )


def _reading(arm: Arm) -> float:
    """Rank arms by what decides on them: the resamples, or the test rows."""
    return arm.difference if arm.resampled else arm.test.accuracy.value
