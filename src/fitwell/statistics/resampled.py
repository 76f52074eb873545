"""Arms that were trained anew on several resamples of the same rows."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fitwell.errors import InputError
from fitwell.results import Interval
from fitwell.statistics.intervals import Numbers, around
from fitwell.statistics.paired import PairedDifference

ROUNDING = 1e-12  # differences of shares that are closer than this are the same


def resampled_difference(
    differences: Numbers, *, train_rows: float, test_rows: float, level: float = 0.95
) -> PairedDifference:
    r"""Mean of one difference per resample, by the corrected resampled t-test.

    Resamples overlap, so that their :math:`J` differences :math:`d_j` are no independent
    sample. With :math:`n_1` rows to train on, :math:`n_2` to judge on, and the sample
    variance :math:`s^2` of the :math:`d_j`,

    .. math:: SE^2 = \left(\frac{1}{J} + \frac{n_2}{n_1}\right) s^2,

    and Student's t with :math:`J - 1` degrees of freedom. It speaks for new data of this
    size, new seeds included. The correction is a rule of thumb: exact where two resamples
    correlate by :math:`n_2 / (n_1 + n_2)`, as the noise of shared test rows does; too wide
    where differences come from seeds that are new in each resample.

    It takes the splits as exchangeable: rows, or whole groups, drawn at random. Blocks of
    time are not. Where each is judged once, by what came before it, no test row is
    shared and the interval errs on the wide side for noise; but it speaks for the mean
    over these periods, and drift that goes on is not in it. Their train and test rows
    differ in number: give the means.

    Args:
        differences: one per resample, each the mean over its test rows.
        train_rows: rows that an arm has per resample, validation rows included.
        test_rows: rows that an arm is judged on per resample.

    Differences that are all 0 have p = 1 and an interval without width. If they are
    equal and not 0, as with a handful of test rows, :math:`s^2` is
    :math:`|d|(1 - |d|) / n_2`, the least that a difference of shares can have.

    Raises:
        InputError: fewer than two differences, or no rows.

    Reference:
        Nadeau and Bengio, Inference for the Generalization Error, Machine Learning 52, 2003.

    >>> gains = np.array([0.01, 0.03, 0.02, 0.03, 0.01])
    >>> print(resampled_difference(gains, train_rows=8000, test_rows=2000).interval)
    0.020 [0.001, 0.039]
    """
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise InputError(
            f"differences has the shape {values.shape}, but a spread takes one number per"
            " resample and two resamples at least. Take more resamples."
        )
    if not (train_rows > 0 and test_rows > 0):
        raise InputError(
            f"train_rows is {train_rows:g} and test_rows {test_rows:g}, but both are numbers of"
            " rows above 0. Give the rows of one resample."
        )
    centre = float(values.mean())
    variance = float(values.var(ddof=1))
    if np.ptp(values) <= ROUNDING:
        size = min(abs(centre), 1.0)
        variance = size * (1 - size) / test_rows
    if variance <= ROUNDING**2:
        same = Interval(value=centre, low=centre, high=centre, level=level)
        return PairedDifference(interval=same, p=1.0 if abs(centre) <= ROUNDING else 0.0)
    error = sqrt((1 / len(values) + test_rows / train_rows) * variance)
    freedom = len(values) - 1.0
    p = 2 * float(stats.t.sf(abs(centre) / error, freedom))
    return PairedDifference(interval=around(centre, error, freedom, level), p=p)


def clustered_difference(
    differences: Sequence[Numbers], rows: Sequence[NDArray[np.int64]], *, level: float = 0.95
) -> PairedDifference:
    r"""Mean of one difference per resample and row, clustered by row and by resample.

    A row judges in several resamples, and a resample has one training of each arm: two
    ways in which the :math:`d_{jr}` hang together. With :math:`n_j` rows in resample
    :math:`j`, of :math:`J`, and the mean :math:`\bar d = \frac1J \sum_j \bar d_j`, each
    deviation counts :math:`e_{jr} = (d_{jr} - \bar d) / (J n_j)`, and

    .. math:: V_R = \frac{R}{R-1} \sum_r \Big(\sum_j e_{jr}\Big)^2, \quad
              V_J = \frac{1}{J(J-1)} \sum_j (\bar d_j - \bar d)^2, \quad
              V_{JR} = \sum_{jr} e_{jr}^2,

    .. math:: SE^2 = \max(V_R,\ V_J,\ V_R + V_J - V_{JR}).

    :math:`R` counts the rows that judged at all. Student's t with Satterthwaite's degrees of
    freedom for :math:`V_R` and :math:`V_J`. Unlike the corrected resampled t-test it needs no
    guess of how much two resamples correlate: the rows that they share tell it.

    Args:
        differences: for each resample one number per judging row.
        rows: which rows these are. Rows of one group are not independent: give the group's
            number instead of the row's, and they count together.

    Differences that are all 0 have p = 1 and an interval without width.

    Raises:
        InputError: fewer than two resamples, or one without as many numbers as rows.

    Reference:
        Cameron, Gelbach and Miller, Robust Inference With Multiway Clustering, Journal of
        Business and Economic Statistics 29, 2011; Satterthwaite, 1946. Its use on
        resamples is ours, and so is the simulation in ``tests/statistics``.

    >>> gains = [np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0, 1.0])]
    >>> rows = [np.array([0, 1, 2, 3]), np.array([1, 2, 4, 5])]
    >>> print(clustered_difference(gains, rows).interval)
    0.500 [-0.110, 1.110]
    """
    count = len(differences)
    if count < 2:
        raise InputError(
            f"differences has {count} resamples, but a spread takes two at least. Take more."
        )
    if [len(d) for d in differences] != [len(r) for r in rows] or not all(map(len, rows)):
        raise InputError(
            f"differences has {[len(d) for d in differences]} numbers in its resamples and rows"
            f" {[len(r) for r in rows]}, but each row that judged has one. Give both alike."
        )
    means = np.array([np.mean(d, dtype=np.float64) for d in differences])
    centre = float(means.mean())
    labels, place = np.unique(np.concatenate(rows), return_inverse=True)
    places = np.split(place, np.cumsum([len(r) for r in rows])[:-1])
    weights = [(np.asarray(d) - centre) / (count * len(d)) for d in differences]
    units = len(labels)
    table = np.array(  # [resample, row]: what each adds to the error of the mean
        [np.bincount(p, w, minlength=units) for p, w in zip(places, weights, strict=True)]
    )
    of_rows = float((table.sum(axis=0) ** 2).sum()) * units / max(units - 1, 1)
    of_resamples = float(means.var(ddof=1)) / count
    of_cells = float((table**2).sum())
    variance = max(of_rows, of_resamples, of_rows + of_resamples - of_cells)
    if variance <= ROUNDING**2:
        same = Interval(value=centre, low=centre, high=centre, level=level)
        return PairedDifference(interval=same, p=1.0 if abs(centre) <= ROUNDING else 0.0)
    freedom = variance**2 / (of_rows**2 / max(units - 1, 1) + of_resamples**2 / (count - 1))
    error = sqrt(variance)
    p = 2 * float(stats.t.sf(abs(centre) / error, freedom))
    return PairedDifference(interval=around(centre, error, freedom, level), p=p)
