"""What a comparison can be expected to show: known before anything is trained."""

from math import sqrt

import numpy as np
from scipy import optimize, special, stats

# The share of rows on which exactly one of two networks is right. Ours: on ten public tables
# of 700 to 2,000 rows, 30 pairs of an early-stopped network and one trained on or penalized
# had a median of 0.06, and 21 of them had less than 0.10.
DISAGREEMENT = 0.10


def smallest_gain(
    test_rows: int,
    *,
    arms: int = 1,
    disagreement: float = DISAGREEMENT,
    level: float = 0.95,
    power: float = 0.80,
) -> float:
    r"""Least true gain in accuracy that exact McNemar shows with this power on one test part.

    Of :math:`n` rows :math:`m \sim B(n, c)` have exactly one network right, and the better
    one loses :math:`B(m, (1 - g/c)/2)` of these. The gain :math:`g`, a share, is the root of

    .. math:: \sum_m P(m)\, P(B(m, (1 - g/c)/2) \le k_m) = \text{power},

    where :math:`k_m` is the most losses with :math:`2 P(B(m, 1/2) \le k_m)` below
    :math:`(1 - level) / arms`: Bonferroni, which is Holm's first step. A gain that is
    larger than the disagreement takes as much disagreement. Rows are independent; rows
    that come in groups show less. 1 where even a gain of 1 is not shown.

    Args:
        test_rows: rows of the test part.
        arms: how many arms are held against the baseline.
        disagreement: :math:`c`, the share of rows on which exactly one is right.
        level: of the intervals; 0.95 stands for 5 % false claims in the whole family.
        power: how often the gain is to be found.

    Reference:
        Duffy, Biometrics 40, 1984 (unconditional power of McNemar's test).

    >>> round(smallest_gain(2000, arms=6), 3)
    0.025
    """
    alpha = (1 - level) / arms

    def missing(gain: float) -> float:
        return power - _power(gain, test_rows, max(disagreement, gain), alpha)

    if missing(1.0) > 0:
        return 1.0
    return float(optimize.brentq(missing, 0.0, 1.0, xtol=1e-6))


def _power(gain: float, rows: int, disagreement: float, alpha: float) -> float:
    few, many = stats.binom.interval(1 - 1e-9, rows, disagreement)
    apart = np.arange(few, many + 1)
    losses = stats.binom.ppf(alpha / 2, apart, 0.5)
    losses -= 2 * stats.binom.cdf(losses, apart, 0.5) >= alpha
    shown = stats.binom.cdf(losses, apart, (1 - gain / disagreement) / 2)
    return float(stats.binom.pmf(apart, rows, disagreement) @ shown)


def smallest_resampled_gain(
    train_rows: float,
    test_rows: float,
    resamples: int,
    *,
    arms: int = 1,
    disagreement: float = DISAGREEMENT,
    level: float = 0.95,
    power: float = 0.80,
) -> float:
    r"""Least true gain in accuracy that `resampled_difference` shows with this power.

    With :math:`\sigma^2 = (c - g^2)/n_2` and resamples whose noise is their own, the
    statistic is a noncentral t with :math:`J - 1` degrees of freedom, divided by
    :math:`\sqrt{1 + J n_2 / n_1}`. Its noncentrality :math:`\delta = g \sqrt{J} / \sigma` that
    meets the power gives

    .. math:: g = \delta \sqrt{c / (J n_2 + \delta^2)}, \text{ or, where that is above } c,
              g = \delta^2 / (J n_2 + \delta^2)

    as a share. It is the limit of the test parts alone: networks whose accuracy changes
    from training to training take more. Where noise is shared between resamples, as by
    arms that differ in what they do, a little less is enough.

    Args:
        train_rows: rows that an arm has per resample, validation rows included.
        test_rows: rows that an arm is judged on per resample.
        resamples: how many; two at least.
        arms: how many arms are held against the baseline (Bonferroni).
        disagreement: :math:`c`, the share of rows on which exactly one is right.
        level: of the intervals; 0.95 stands for 5 % false claims in the whole family.
        power: how often the gain is to be found.

    Reference:
        Nadeau and Bengio, Machine Learning 52, 2003, for the test; the planning is ours.

    >>> round(smallest_resampled_gain(8000, 2000, 10, arms=6), 3)
    0.017
    """
    freedom = resamples - 1
    bound = stats.t.isf((1 - level) / arms / 2, freedom)
    bound *= sqrt(1 + resamples * test_rows / train_rows)
    away = float(special.nctdtrinc(freedom, 1 - power, bound))
    rows = resamples * test_rows + away**2
    return max(away * sqrt(disagreement / rows), away**2 / rows)
