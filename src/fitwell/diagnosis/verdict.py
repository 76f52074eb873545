"""From the evidence to one verdict, a severity and advice."""

from collections.abc import Sequence

from fitwell.diagnosis import gap, overtraining, underfitting
from fitwell.results import Diagnosis, Evidence, Severity, Verdict

MODERATE = 0.10
SEVERE = 0.20
"""Gaps in accuracy from which overfitting is called moderate and severe. Ours."""

REAL_SHARE = 0.025
"""A true gap at the tolerance is called overfitting in at most this share of test parts."""

TREAT = "Tune L1, L2 and dropout on this architecture, and compare the result with early stopping."
STOP = "Stop at the best epoch of a validation part: it costs nothing and closes part of the gap."
DATA = "Look for rows that stand in both parts, and for a shift between them, before treating."
MORE_TEST = "Collect more test rows, or repeat over several splits, before acting on the gap."
BIGGER = "Train longer, with a larger learning rate or a larger network; regularize less."
NOTHING = "No treatment is called for. Keep the network as it is."


def decide(evidence: Sequence[Evidence], *, treated: bool = False) -> Diagnosis:
    """Apply the rule, in this order:

    1. overfitting: the whole interval of the accuracy gap lies above the tolerance; or
       the log-loss is higher on test rows *and* rose after its best epoch (mild then);
    2. underfitting: the network fits its training rows worse than a linear model;
    3. healthy: the whole interval of the gap lies below the tolerance;
    4. undecided: neither.

    A network whose true gap is at most the tolerance is called overfitting by the first
    half of rule 1 in at most `REAL_SHARE` of test parts, by construction of the interval.

    Where the same run stopped early and tuned, ``treated``, it does not advise to.
    """
    by_check = {item.check: item for item in evidence}
    accuracy = by_check["gap in accuracy"]
    found = {item.finding for item in evidence}
    verdict: Verdict = "undecided"
    severity: Severity = "none"
    if gap.REAL in found:
        verdict, severity = "overfitting", _severity(accuracy.value)
    elif {gap.LOSS_REAL, overtraining.RISES} <= found:
        verdict, severity = "overfitting", "mild"
    elif underfitting.WORSE in found:
        verdict = "underfitting"
    elif gap.SMALL in found:
        verdict = "healthy"
    advice = _advice(verdict, overtraining.RISES in found, severity)
    if treated:
        advice = tuple(sentence for sentence in advice if sentence not in (STOP, TREAT))
    return Diagnosis(verdict=verdict, severity=severity, evidence=tuple(evidence), advice=advice)


def _severity(gap_value: float) -> Severity:
    gap_value = round(gap_value, 9)  # 1.0 - 0.8 lies a little below 0.2
    if gap_value >= SEVERE:
        return "severe"
    return "moderate" if gap_value >= MODERATE else "mild"


def _advice(verdict: Verdict, rises: bool, severity: Severity) -> tuple[str, ...]:
    if verdict == "overfitting":
        first = (STOP, TREAT) if rises else (TREAT,)
        return (*first, DATA) if severity == "severe" else first
    return {
        "underfitting": (BIGGER,),
        "healthy": (NOTHING,),
        "undecided": (MORE_TEST,),
    }[verdict]
