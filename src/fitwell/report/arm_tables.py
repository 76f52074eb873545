"""A comparison in tables and words: what every arm reads and costs, and how it was decided."""

from fitwell.report.chosen import settings_text
from fitwell.report.language import translate
from fitwell.report.numbers import duration, microseconds, p_value, points
from fitwell.report.tables import Column, Table, columns, gain, loss, share
from fitwell.report.text import UNTREATED
from fitwell.results import Arm, Comparison, Interval, Result


def arm_table(result: Result, lang: str) -> Table | None:
    """Accuracies, differences and verdicts, arm by arm; None without a comparison."""
    comparison = result.comparison
    if comparison is None:
        return None
    caption = (
        "Every arm on {resamples} resamples and on the same {rows} test rows"
        if comparison.resamples
        else "Every arm on the same {rows} test rows"
    )
    against = translate("Against {baseline}, points", lang)
    titles = [against.format(baseline=translate(n, lang)) for n in (comparison.baseline, UNTREATED)]
    return Table(
        caption=translate(caption, lang).format(
            resamples=comparison.resamples, rows=f"{result.data.test:,}"
        ),
        columns=(
            *columns(lang, "Arm", "Test accuracy"),
            *(Column(title=title) for title in titles),
            *columns(lang, "p, Holm-adjusted", "Verdict", text=(1,)),
            *columns(lang, *_on_test_rows(comparison), text=()),
        ),
        rows=tuple(_row(arm, comparison, lang) for arm in comparison.arms),
    )


def _on_test_rows(comparison: Comparison) -> tuple[str, ...]:
    """Head what the test rows add where resamples decide."""
    if not comparison.resamples:
        return ("p, McNemar, first networks",)
    return "On the test rows, points", "p, McNemar, first networks"


def _row(arm: Arm, comparison: Comparison, lang: str) -> tuple[str, ...]:
    own = arm.name == comparison.baseline
    on_test = {d.baseline: d.accuracy for d in arm.against}
    decisive = {d.baseline: d.accuracy for d in arm.resampled or arm.against}
    settings = settings_text(arm, lang)
    row: tuple[str, ...] = (
        translate(arm.name, lang) + (f"\n{settings}" if settings else ""),
        share(arm.test.accuracy, lang),
        "" if own else gain(Interval(value=arm.difference, low=arm.low, high=arm.high)),
        gain(decisive[UNTREATED]) if UNTREATED in decisive else "",
        "" if own else p_value(arm.p_adjusted),
        translate(arm.verdict, lang),
    )
    if comparison.resamples:
        base = comparison.baseline
        row = (*row, gain(on_test[base]) if base in on_test else "")
    return (*row, "" if arm.mcnemar_p is None else p_value(arm.mcnemar_p))


def contest_table(result: Result, lang: str) -> Table | None:
    """The treatment against each other action; None where there is no other."""
    comparison = result.comparison
    if comparison is None or not comparison.contests:
        return None
    caption = translate("“{name}” against each other action", lang)
    return Table(
        caption=caption.format(name=translate(comparison.contests[0].arm, lang)),
        columns=columns(
            lang, "Against", "Accuracy, points", "Log-loss", "p, Holm-adjusted", "Verdict",
            text=(0, 4),
        ),
        rows=tuple(
            (
                translate(contest.rival, lang),
                gain(contest.accuracy),
                loss(contest.log_loss, signed=True),
                p_value(contest.p_adjusted),
                translate(contest.verdict, lang),
            )
            for contest in comparison.contests
        ),
    )  # fmt: skip


def cost_table(result: Result, lang: str) -> Table | None:
    """What every arm costs to find, to hold and to ask; None without a comparison."""
    if result.comparison is None:
        return None
    return Table(
        caption=translate("What every arm costs", lang),
        columns=columns(
            lang,
            "Arm",
            "Settings tried",
            "Time of the searches",
            "Time",
            "Trainings",
            "Parameters",
            "Not zero",
            "Inference, µs a row",
        ),
        rows=tuple(
            (
                translate(arm.name, lang),
                f"{arm.trials:,}" if arm.trials else "",
                duration(arm.search_seconds, lang) if arm.search_seconds else "",
                duration(arm.seconds, lang),
                f"{arm.trainings:,}",
                f"{arm.parameters:,}",
                f"{arm.nonzero:,}",
                microseconds(arm.inference_seconds) if arm.inference_seconds else "",
            )
            for arm in result.comparison.arms
        ),
    )


def how_compared(result: Result, lang: str) -> tuple[str, ...]:
    """Say by what protocol the arms were compared; nothing without a comparison."""
    comparison = result.comparison
    if comparison is None:
        return ()
    sentences = [_OVER if comparison.resamples else _PAIRED, _TRIALS]
    if comparison.smallest_gain is not None:
        sentences.append(_SMALLEST)
    if result.after:
        sentences.append(_SAVED)
    values = {
        "count": comparison.resamples,
        "train": f"{comparison.resample_train:,}",
        "test": f"{comparison.resample_test:,}",
        "trials": comparison.trials_per_arm,
        "gain": points(comparison.smallest_gain or 0.0),
        "name": translate(result.after.network, lang) if result.after else "",
    }
    return tuple(translate(sentence, lang).format(**values) for sentence in sentences)


_OVER = (
    "All rows but the test rows were split anew {count} times, into {train} rows to tune and train"
    " on and {test} rows to judge by; every arm was tuned and trained from the beginning on each."
    " Intervals of differences are clustered by row and by resample (Cameron, Gelbach and Miller,"
    " 2011). A verdict needs the corrected resampled t-test (Nadeau and Bengio, 2003) besides: each"
    " p-value is the larger of the two, Holm-adjusted over the arms. The test rows were read once,"
    " at the end."
)
_PAIRED = (
    "Differences are paired by seed and test row; 95 % intervals in brackets, p-values by Holm over"
    " all arms."
)
_TRIALS = "Every arm that searches had at most {trials} settings to try in each search."
_SMALLEST = (
    "Foreseen before anything was trained: a true gain of {gain} points would be shown 8 times"
    " of 10, if two networks disagree on a tenth of the rows; if on more, it takes a larger one."
)
_SAVED = "The model that is saved is that of “{name}”."
