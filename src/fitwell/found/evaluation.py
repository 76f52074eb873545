"""How one network does on the test rows, beyond its accuracy.

Rates and probabilities are fractions. An interval over rows takes them as independent, or,
with groups, lets the rows of a group count together and is never narrower than without.
"""

from dataclasses import dataclass

from fitwell.found.interval import Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationBin:
    """Rows whose predicted probability lies in [low, high), the last bin closed."""

    low: float
    high: float
    rows: int
    predicted: float  # mean of the predicted probabilities
    observed: Interval  # share of the rows where it came true


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Whether predicted probabilities come true; of two classes those of the positive one.

    Of more classes it is the probability of the likeliest one.
    """

    bins: tuple[CalibrationBin, ...]  # those with rows, of 10 of equal width
    expected_error: float  # Σ rows of bin / rows · |observed - predicted|
    by_chance: float  # what a perfectly calibrated network would show on so many rows
    brier: Interval  # two classes: mean (p - y)²; more: mean Σ over classes


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassScores:
    """One class: how many of its rows are found, how many calls of it are right."""

    name: str
    rows: int  # test rows of this class
    called: int  # test rows that the network calls so
    recall: Interval | None  # None without rows
    precision: Interval | None  # None where it is never called
    f1: Interval | None  # 2 · right / (rows + called); None without either


@dataclass(frozen=True, kw_only=True, slots=True)
class RocCurve:
    """Rates when rows from a probability on are called positive, from none to all of them."""

    false_positive_rate: tuple[float, ...]
    sensitivity: tuple[float, ...]
    thresholds: tuple[float | None, ...]  # None: no row is called positive


@dataclass(frozen=True, kw_only=True, slots=True)
class OperatingPoint:
    """The lowest threshold that keeps a specificity on the test rows."""

    asked: float
    threshold: float | None  # None: no row is called positive
    specificity: Interval
    sensitivity: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class CostRatio:
    """What errors cost where a missed positive costs ``ratio`` false alarms.

    Costs are normalized: 1 is every row wrong.
    """

    ratio: float
    probability_cost: float  # place on the cost curve
    threshold: float  # 1 / (1 + ratio): the best where probabilities come true
    cost: Interval  # at this threshold
    lowest: float  # at the best threshold of these test rows, known only afterwards
    trivial: float  # all rows called one class, the cheaper one


@dataclass(frozen=True, kw_only=True, slots=True)
class CostCurve:
    """Normalized expected cost against probability-cost (Drummond and Holte, 2006)."""

    probability_cost: tuple[float, ...]
    lowest: tuple[float, ...]  # at the best threshold for each
    at_half: tuple[float, ...]  # where the likelier class is called
    ratios: tuple[CostRatio, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ranking:
    """How well a network of two classes puts positive rows above negative ones."""

    positive: str  # the second class
    positives: int
    negatives: int
    roc: RocCurve
    auc: Interval
    gini: Interval  # 2 · AUC - 1
    ks: Interval  # the largest sensitivity minus false positive rate
    ks_threshold: float | None
    at_specificity: tuple[OperatingPoint, ...]
    costs: CostCurve


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """One network on the test rows, in detail."""

    network: str
    rows: int
    calibration: Calibration
    classes: tuple[ClassScores, ...]
    confusion: tuple[tuple[int, ...], ...]  # [true][called]; empty above 20 classes
    ranking: Ranking | None  # None unless there are two classes, both among the test rows
