"""Results made by hand, with numbers that no training gave."""

from dataclasses import replace

import numpy as np

from fitwell.evaluation.evaluate import evaluate
from fitwell.found.evaluation import Evaluation
from fitwell.found.layers import LayerWeights
from fitwell.results import (
    Arm,
    ArmVerdict,
    Comparison,
    Contest,
    Cost,
    Curve,
    DataSummary,
    Diagnosis,
    Difference,
    Evidence,
    Interval,
    Member,
    PathPoint,
    Regularization,
    RegularizationPath,
    Result,
    Scores,
    State,
    Trial,
)

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "{{ 7 * 191 }}",
    "</style><h1>gone</h1>",
)
KOREAN_AND_EMOJI = ("이탈", "구매 🛒", "장바구니", "둘러보기 👀")

ARM_NAMES = [
    "untreated",
    "early stopping",
    "more shuffling",
    "larger training share",
    "smaller network",
    "treatment",
    "treatment, refitted",
    "treatment with batch norm",
    "treatment, compacted",
]
"""Of a comparison, in the order in which they are shown."""

RUN: dict[str, object] = {
    "verb": "compare",
    "fitwell": "0.1.0",
    "seed": 0,
    "options": {"verb": "compare", "trials": 16, "epochs": 40, "class_weights": "none"},
    "versions": {"python": "3.11.2", "torch": "2.13.0"},
    "data": {"name": "visits (synthetic)", "fingerprint": "ab" * 32},
    "command": "fitwell demo --out run",
    "started": "2026-11-24T10:00:00+00:00",
}


def around(value: float, reach: float) -> Interval:
    return Interval(value=value, low=value - reach, high=value + reach)


def scores(accuracy: float, log_loss: float, rows: int = 2000) -> Scores:
    return Scores(
        rows=rows,
        accuracy=around(accuracy, 0.002 if accuracy > 0.99 else 0.02),
        log_loss=around(log_loss, 0.031),
        balanced_accuracy=around(accuracy - 0.05, 0.024),
    )


BEFORE = State(
    network="untreated",
    train=scores(0.998, 0.021, 6000),
    test=scores(0.691, 1.873),
    gap=Interval(value=0.307, low=0.286, high=0.327),
    gap_log_loss=around(1.852, 0.06),
)
AFTER = State(
    network="treatment, refitted",
    train=scores(0.803, 0.552, 8000),
    test=scores(0.738, 0.701),
    gap=Interval(value=0.065, low=0.044, high=0.086),
    gap_log_loss=around(0.149, 0.04),
)
DIAGNOSIS = Diagnosis(
    verdict="overfitting",
    severity="severe",
    evidence=(
        Evidence(
            check="gap in accuracy",
            finding="The gap between training and test accuracy is larger than the tolerance.",
            value=0.307,
            low=0.286,
            high=0.327,
            threshold=0.02,
        ),
        Evidence(
            check="rise of the validation loss",
            finding="The validation loss rose after its best epoch:"
            " stopping earlier would have helped.",
            value=1.142,
            low=1.07,
            high=1.214,
            threshold=0.0,
        ),
    ),
    advice=(
        "Stop at the best epoch of a validation part: it costs nothing and closes part of the gap.",
        "Tune L1, L2 and dropout on this architecture, and compare the result with early stopping.",
    ),
)


def arm(
    name: str,
    accuracy: float,
    over: tuple[float, float, float],
    p: float,
    verdict: ArmVerdict = "no difference shown",
    settings: dict[str, float | int | str | bool] | None = None,
) -> Arm:
    """Make an arm; ``over`` is its difference from early stopping, low and high."""
    stopped = Interval(value=over[0], low=over[1], high=over[2])
    untreated = around(accuracy - 0.691, 0.018)
    against = {"early stopping": stopped, "untreated": untreated}
    return Arm(
        name=name,
        test=scores(accuracy, 0.73),
        seeds=(0, 1, 2, 3, 4),
        seconds=48.2,
        trainings=21,
        parameters=4_772 if name == "smaller network" else 84_740,
        settings={"early_stopping": True, **(settings or {})},
        difference=over[0],
        low=over[1],
        high=over[2],
        p=p / 2,
        p_adjusted=p,
        verdict=verdict,
        against=tuple(
            Difference(baseline=other, accuracy=gain, log_loss=around(-0.02, 0.01))
            for other, gain in against.items()
            if other != name
        ),
    )


SETTINGS: dict[str, float | int | str | bool] = {
    "l1": 2.31e-5,
    "decay_epochs": 37.4,
    "dropout": 0.417,
    "fades": True,
}
ARMS = (
    arm("untreated", 0.691, (-0.038, -0.055, -0.021), 0.00002, "worse"),
    arm("early stopping", 0.729, (0.0, 0.0, 0.0), 1.0, "baseline"),
    arm("more shuffling", 0.727, (-0.002, -0.011, 0.007), 1.0, settings={"batch_size": 32}),
    arm("larger training share", 0.734, (0.005, -0.004, 0.014), 0.81, settings={"all_rows": True}),
    arm("smaller network", 0.735, (0.006, -0.005, 0.017), 0.77, settings={"width": 0.125}),
    arm("treatment", 0.736, (0.007, -0.004, 0.018), 0.66, settings=SETTINGS),
    arm(
        "treatment, refitted",
        0.740,
        (0.011, -0.002, 0.024),
        0.28,
        settings={**SETTINGS, "all_rows": True, "stop_after": 21},
    ),
)


def curve(name: str, best: int, epochs: int, speed: float, rise: float, held: bool = True) -> Curve:
    train = tuple(1.3 * (1 - speed) ** epoch + 0.02 for epoch in range(1, epochs + 1))
    validation = tuple(0.74 + rise * abs(epoch - best) / 20 for epoch in range(1, epochs + 1))
    return Curve(
        arm=name,
        best_epoch=epochs if name == "untreated" else best,
        train_log_loss=train,
        l1_term=(0.0,) * epochs,
        l2_term=(0.0,) * epochs,
        validation_log_loss=validation if held else (),
    )


CURVES = (
    curve("untreated", 6, 40, 0.10, 0.6),
    curve("early stopping", 6, 16, 0.10, 0.6),
    curve("more shuffling", 5, 15, 0.12, 0.7),
    curve("larger training share", 6, 6, 0.10, 0.6, held=False),
    curve("smaller network", 14, 24, 0.05, 0.2),
    curve("treatment", 21, 31, 0.03, 0.1),
    curve("treatment, refitted", 21, 21, 0.03, 0.1, held=False),
)


def trial(
    number: int,
    settings: dict[str, float | int | str | bool],
    loss: float | None,
    dropped: bool = False,
) -> Trial:
    return Trial(
        arm="treatment",
        number=number,
        settings=settings,
        validation_log_loss=loss,
        best_epoch=5 if dropped else 12,
        seconds=1.3,
        epochs=5 if dropped else 22,
        dropped=dropped,
    )


TRIALS = (
    trial(0, {}, 0.745),
    trial(1, {"decay_epochs": 30.0, "dropout": 0.15, "fades": True}, 0.725),
    trial(2, SETTINGS, 0.712),
    trial(3, {"l1": 4e-4}, 0.80),
    trial(4, {"decay_epochs": 6.1, "dropout": 0.11}, 0.77),
    trial(5, {"l1": 1e-3, "decay_epochs": 5.0, "dropout": 0.5}, None),
    # Dropped ones had reached less than the finished ones: they are no rivals of these.
    *(
        trial(
            6 + i,
            {"l1": 10 ** (-6 + i / 4), "decay_epochs": 10 ** (0.8 + i / 4), "dropout": i / 22},
            0.705 + i * i / 1500,
            dropped=True,
        )
        for i in range(10)
    ),
)

PATH = RegularizationPath(
    remedy="l1",
    points=tuple(
        PathPoint(
            strength=strength,
            train_log_loss=around(train, 0.02),
            validation_log_loss=around(validation, 0.04),
            stopped_log_loss=around(0.71, 0.04),
            gap=around(validation - train, 0.05),
            zeros=zeros,
        )
        for strength, train, validation, zeros in (
            (0.0, 0.013, 1.741, 0.0),
            (1e-5, 0.217, 1.102, 0.31),
            (1e-4, 0.633, 0.702, 0.83),
            (1e-3, 0.689, 0.699, 0.97),
            (1e-2, 1.386, 1.387, 1.0),
        )
    ),
    best=1e-3,
    gap_closes=1e-3,
    too_much=1e-2,
)


def evaluated(network: str, classes: tuple[str, ...], sharp: float, rows: int = 2000) -> Evaluation:
    """Measure random probabilities; with ``sharp`` 1 they are true, above it too sure."""
    chance = np.random.default_rng(len(classes))
    true = chance.dirichlet(np.full(len(classes), 0.7), rows)
    target = (true.cumsum(axis=1) < chance.random((rows, 1))).sum(axis=1)
    noise = chance.dirichlet(np.ones(len(classes)), rows) ** ((sharp - 1) / 4)
    said = true**sharp * noise + 1e-9
    return evaluate(network, classes, (said / said.sum(axis=1, keepdims=True), target, None))


CLASSES = ("bounce", "browse", "cart", "purchase")
LAYERS = (
    LayerWeights(name="body.0.weight", shape=(256, 118), weights=30_208, zeros=21_447, norm=9.21),
    LayerWeights(name="body.3.weight", shape=(256, 256), weights=65_536, zeros=10_113, norm=8.05),
    LayerWeights(name="body.6.weight", shape=(4, 256), weights=1024, zeros=0, norm=2.37),
)

FULL = Result(
    verb="compare",
    task="multiclass",
    classes=CLASSES,
    data=DataSummary(
        name="visits (synthetic)",
        rows=10_000,
        features=31,
        inputs=(118,),
        train=6000,
        validation=2000,
        test=2000,
        fingerprint="ab" * 32,
        notes=("3 rows without a target were dropped.",),
        best_reachable_accuracy=around(0.801, 0.009),
    ),
    before=BEFORE,
    after=AFTER,
    diagnosis=DIAGNOSIS,
    regularization=Regularization(
        l1=2.31e-5,
        l2=0.0,
        dropout=0.417,
        batch_norm=False,
        form="loss + l1 Σ|w| + l2 Σw²; Adam; L1 by a proximal step in Adam's metric; decoupled L2"
        " beside it",
        zeros=0.327,
        kept_untreated=False,
        promised_log_loss=around(0.712, 0.027),
        estimated_log_loss=around(0.731, 0.016),
        decay_epochs=37.4,
        weight_decay=0.0123,
        fades=True,
    ),
    comparison=Comparison(baseline="early stopping", trials_per_arm=16, arms=ARMS),
    curves=CURVES,
    trials=TRIALS,
    cost=Cost(seconds=247.3, trials=49, epochs=1834, single_trainings=91.4),
    path=PATH,
    search_paths={"treatment": "fused: a stack of linear layers, at most 3 settings a chunk"},
    notes=("Trials that diverged and were left out: 1.",),
    evaluations=(
        evaluated("untreated", CLASSES, 3.0),
        evaluated("treatment, refitted", CLASSES, 1.0),
    ),
    layers=LAYERS,
)

BINARY = replace(
    FULL,
    task="binary",
    classes=("bad", "good"),
    evaluations=(
        evaluated("untreated", ("bad", "good"), 3.0),
        evaluated("treatment, refitted", ("bad", "good"), 1.0),
    ),
)

_BAG = arm("treatment, bag", 0.744, (0.015, 0.004, 0.026), 0.04, "better", SETTINGS)
_AGAINST_BAG = Difference(
    baseline="early stopping, bag", accuracy=around(0.002, 0.006), log_loss=around(-0.007, 0.003)
)
BAGGED = replace(
    FULL,
    verb="tune",
    after=replace(AFTER, network="treatment, bag"),
    comparison=Comparison(
        baseline="early stopping",
        trials_per_arm=16,
        arms=(
            *ARMS,
            arm("early stopping, bag", 0.742, (0.013, 0.003, 0.023), 0.05),
            replace(_BAG, against=(*_BAG.against, _AGAINST_BAG)),
        ),
    ),
    members=tuple(
        Member(weight=0.25, cut=cut, best_epoch=21 + cut, settings=SETTINGS) for cut in range(4)
    ),
)
WEIGHTED = replace(
    BAGGED,
    after=replace(AFTER, network="treatment, greedy"),
    comparison=Comparison(
        baseline="early stopping",
        trials_per_arm=16,
        arms=(*ARMS, arm("treatment, greedy", 0.739, (0.010, -0.002, 0.022), 0.3)),
    ),
    members=(
        Member(weight=0.125, cut=0, best_epoch=6, settings={"early_stopping": True}),
        Member(weight=0.875, cut=0, best_epoch=21, settings=SETTINGS),
    ),
)


def resampled(one: Arm) -> Arm:
    """Judge an arm by resamples: as `arm` has it, but for what the test rows said."""
    decisive = tuple(replace(d, log_loss=around(-0.013, 0.012)) for d in one.against)
    on_test = tuple(
        replace(d, accuracy=around(d.accuracy.value + 0.002, 0.03)) for d in one.against
    )
    base = one.name == "early stopping"
    return replace(
        one,
        against=on_test,
        resampled=decisive,
        by_resample=tuple(one.difference + shift / 1000 for shift in (-4, -2, 0, 1, 5)),
        mcnemar_p=None if base else 0.231,
        nonzero=4_700 if one.name == "smaller network" else 61_300,
        inference_seconds=Interval(value=3.4e-6, low=3.1e-6, high=12.3e-6),
        trials=16 if one.name == "treatment" else 0,
        search_seconds=31.5 if one.name == "treatment" else 0.0,
    )


RESAMPLED = replace(
    FULL,
    comparison=Comparison(
        baseline="early stopping",
        trials_per_arm=16,
        arms=(
            *map(resampled, ARMS),
            resampled(
                arm("treatment with batch norm", 0.731, (0.019, 0.003, 0.035), 0.03, "better")
            ),
            resampled(arm("treatment, compacted", 0.736, (0.007, -0.004, 0.018), 0.66)),
        ),
        resamples=5,
        resample_train=6400,
        resample_test=1600,
        smallest_gain=0.024,
        contests=tuple(
            Contest(
                arm="treatment",
                rival=rival,
                accuracy=around(value, reach),
                log_loss=around(-value / 2, reach),
                p=p / 3,
                p_adjusted=p,
                verdict="better" if p < 0.05 else "no difference shown",
            )
            for rival, value, reach, p in (
                ("more shuffling", 0.021, 0.011, 0.006),
                ("larger training share", 0.009, 0.014, 0.52),
                ("smaller network", 0.002, 0.012, 0.87),
            )
        ),
    ),
)

MANY_CLASSES = tuple(f"class {number}" for number in range(45))
MANY = replace(
    FULL, classes=MANY_CLASSES, evaluations=(evaluated("untreated", MANY_CLASSES, 1.0),) * 2
)
# All probabilities are alike: no threshold keeps a specificity but the one that calls no row.
TIED = evaluate(
    "untreated", ("bad", "good"), (np.full((40, 2), 0.5), np.arange(40, dtype=np.int64) % 2, None)
)

DIAGNOSED = replace(
    FULL,
    verb="diagnose",
    after=None,
    regularization=None,
    comparison=None,
    curves=CURVES[:1],
    trials=(),
    notes=(),
    evaluations=FULL.evaluations[:1],
)


def with_arm(result: Result, changed: Arm) -> Result:
    """Put another arm in the place of the one with its name."""
    assert result.comparison is not None
    arms = tuple(changed if a.name == changed.name else a for a in result.comparison.arms)
    return replace(result, comparison=replace(result.comparison, arms=arms))


def with_names(names: tuple[str, ...]) -> Result:
    """Put names that came with the data wherever such names are shown."""
    notes = tuple(f"1 column with one value only left out: {name}." for name in names)
    data = replace(FULL.data, name=names[0], notes=notes)
    evaluations = tuple(evaluated(e.network, names, 1.0) for e in FULL.evaluations)
    return replace(FULL, classes=names, data=data, notes=names, evaluations=evaluations)
