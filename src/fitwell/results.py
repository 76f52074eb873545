"""What fitwell found, as plain data: no torch, no arrays, nothing that computes.

Every class mirrors an object of ``result.json``; `docs/result.md` lists the fields.
Metrics are fractions (0.70, not 70), losses are natural-log cross-entropy averaged over
rows, seconds are wall-clock. With balanced class weights, the losses of curves, trials and
diagnosis count a row by its class's weight, as training did; scores never do.
"""

from dataclasses import dataclass, field
from typing import Literal

from fitwell.found.evaluation import Evaluation
from fitwell.found.interval import Interval as Interval
from fitwell.found.layers import LayerWeights

SCHEMA = 1

Verdict = Literal["healthy", "overfitting", "underfitting", "undecided"]
Severity = Literal["none", "mild", "moderate", "severe"]
ArmVerdict = Literal["baseline", "better", "worse", "no difference shown"]
Seen = Literal["training rows", "validation rows", "test rows", "unknown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Scores:
    """How a network does on one part of the data, in eval mode."""

    rows: int
    accuracy: Interval
    log_loss: Interval
    balanced_accuracy: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """One network on training and test rows; the gap is training minus test accuracy.

    ``gap_log_loss`` is test minus training log-loss, so that a positive number is a gap
    in both.
    """

    network: str
    train: Scores
    test: Scores
    gap: Interval
    gap_log_loss: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """One check of the diagnosis: what was measured, and against which threshold."""

    check: str
    finding: str
    value: float
    low: float
    high: float
    threshold: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Diagnosis:
    """What is wrong with the network, if anything.

    ``finding`` and ``advice`` are English sentences without numbers; they are also the
    keys of the translations.
    """

    verdict: Verdict
    severity: Severity
    evidence: tuple[Evidence, ...]
    advice: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Regularization:
    """The strengths that tune chose, in the objective ``loss + l1 Σ|w| + l2 Σw²``.

    Decoupled L2 stands beside the objective: ``decay_epochs`` is its timescale and
    ``weight_decay`` the same for AdamW; both 0 without it. ``by_layer`` has what some layers have
    in place of these: ``{"dropout[head]": 0.4, "decay_epochs[head]": 0.0}``.
    """

    l1: float
    l2: float
    dropout: float
    batch_norm: bool
    form: str
    zeros: float  # share of the penalized weights that are exactly zero
    kept_untreated: bool  # no candidate cleared the guard: nothing is regularized
    promised_log_loss: Interval  # what the validation rows promised for the choice
    estimated_log_loss: Interval | None = None  # by rows without a say in it; None without folds
    decay_epochs: float = 0.0
    weight_decay: float = 0.0
    fades: bool = False  # dropout and decay fall to 0 in the second half of the epochs
    by_layer: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """An arm minus its baseline in test accuracy (above zero is good), seeds paired."""

    baseline: str
    accuracy: Interval
    log_loss: Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Arm:
    """One contestant: its scores on the test rows, and whether it is better than the baseline.

    ``difference``, its interval, the p-values and the verdict are of the outer resamples; of
    the test rows where the comparison has no resamples.
    """

    name: str
    test: Scores  # mean over its seeds
    seeds: tuple[int, ...]
    seconds: float  # search and trainings of this arm, resamples included
    trainings: int
    parameters: int
    settings: dict[str, float | int | str | bool]
    difference: float  # accuracy minus the baseline's
    low: float
    high: float
    p: float
    p_adjusted: float
    verdict: ArmVerdict
    against: tuple[Difference, ...] = ()  # untreated, early-stopped; of a bag the other bag
    resampled: tuple[Difference, ...] = ()  # the same over the outer resamples
    by_resample: tuple[float, ...] = ()  # accuracy minus the baseline's, resample by resample
    mcnemar_p: float | None = None  # first seed against the baseline's, on the test rows; exact
    nonzero: int = 0  # numbers of a network that are not 0, of its parameters
    inference_seconds: Interval | None = None  # for one row of a batch
    trials: int = 0  # settings tried in one search
    search_seconds: float = 0.0  # of the searches, resamples included


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One network of a shipped model that is the weighted mean of several."""

    weight: float  # they sum to 1
    cut: int  # 0: trained on the training rows; from 1: on all but the test rows and a fold
    best_epoch: int
    settings: dict[str, float | int | str | bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contest:
    """The treatment against another action: its accuracy and log-loss minus the rival's."""

    arm: str
    rival: str
    accuracy: Interval
    log_loss: Interval
    p: float
    p_adjusted: float  # over the rivals, by Holm
    verdict: ArmVerdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """The arms side by side; differences are against ``baseline``."""

    baseline: str
    trials_per_arm: int
    arms: tuple[Arm, ...]
    resamples: int = 0
    resample_train: int = 0  # rows per resample that are trained on, stopped and chosen by
    resample_test: int = 0  # rows per resample that judge
    smallest_gain: float | None = None  # shown with a probability of .8, as said beforehand
    contests: tuple[Contest, ...] = ()  # the treatment against each other action


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """Mean losses after each epoch; ``best_epoch`` counts from 1."""

    arm: str
    best_epoch: int
    train_log_loss: tuple[float, ...]
    l1_term: tuple[float, ...]
    l2_term: tuple[float, ...]
    validation_log_loss: tuple[float, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One candidate of a search and what the validation rows said of it."""

    arm: str
    number: int
    settings: dict[str, float | int | str | bool]
    validation_log_loss: float | None  # None: it diverged
    best_epoch: int
    seconds: float
    epochs: int = 0  # how many were run
    dropped: bool = False  # by the search, before its end


@dataclass(frozen=True, kw_only=True, slots=True)
class PathPoint:
    """One strength on a regularization path: a network at its last epoch, dropout off."""

    strength: float
    train_log_loss: Interval
    validation_log_loss: Interval
    stopped_log_loss: Interval  # of the validation rows, had it stopped early
    gap: Interval  # validation minus training log-loss
    zeros: float  # share of the penalized weights that are exactly zero


@dataclass(frozen=True, kw_only=True, slots=True)
class RegularizationPath:
    """One remedy from none of it to too much."""

    remedy: Literal["l1", "l2", "dropout"]
    points: tuple[PathPoint, ...]
    best: float  # strength with the lowest validation log-loss
    gap_closes: float | None  # weakest strength whose gap is not shown to be above 0
    too_much: float | None  # weakest one above the best that is shown to be worse than it


@dataclass(frozen=True, kw_only=True, slots=True)
class StartDifference:
    """An arm that starts from given weights, minus the same recipe from new ones.

    Paired by seed and test row; the verdict is on accuracy, above zero is good.
    """

    arm: str
    accuracy: Interval
    log_loss: Interval
    p_adjusted: float
    verdict: Literal["better", "worse", "no difference shown"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """Weights that the user gave, and what starting from them brings.

    A start that is shrunk and perturbed is ``shrink`` times these weights plus ``noise`` times
    new ones.
    """

    weights: str  # the file
    sha256: str
    baseline: str  # the arm that starts from new weights
    shrink: float
    noise: float
    train_log_loss: Interval  # of the weights as given, on each part of this run
    validation_log_loss: Interval
    test_log_loss: Interval
    seen: Seen  # rows they were trained on besides training rows, as far as it shows
    differences: tuple[StartDifference, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What the run took; ``single_trainings`` is its time in trainings of one network."""

    seconds: float
    trials: int
    epochs: int
    single_trainings: float


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSummary:
    """Sizes of the parts; ``features`` counts the columns as they came."""

    name: str
    rows: int
    features: int
    inputs: tuple[int, ...]  # what one row looks like to the network
    train: int
    validation: int
    test: int
    fingerprint: str
    notes: tuple[str, ...] = ()
    best_reachable_accuracy: Interval | None = None  # known only for data that we made


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """One run of fitwell, whole: what ``result.json`` holds."""

    schema: int = SCHEMA
    verb: Literal["diagnose", "tune", "compare"]
    task: Literal["binary", "multiclass"]
    classes: tuple[str, ...]
    data: DataSummary
    before: State
    after: State | None = None  # None after diagnose, which treats nothing
    diagnosis: Diagnosis
    regularization: Regularization | None = None
    comparison: Comparison | None = None
    curves: tuple[Curve, ...] = ()
    trials: tuple[Trial, ...] = ()
    cost: Cost
    test_openings: int = 1
    notes: tuple[str, ...] = field(default=())
    path: RegularizationPath | None = None  # where one was asked for
    search_paths: dict[str, str] = field(
        default_factory=dict
    )  # arm to how it was searched, and why
    members: tuple[Member, ...] = ()  # of the shipped model, where it is a mean of networks
    start: Start | None = None  # where weights were given to start from
    evaluations: tuple[Evaluation, ...] = ()  # of `before`, then of `after`, on the test rows
    layers: tuple[LayerWeights, ...] = ()  # penalized tensors of the shipped network
