"""One run from a task to a result: train, search, compare, diagnose."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from fitwell.comparison.arms import (
    BAG,
    GREEDY,
    REFITTED,
    TREATMENT,
    UNTREATED,
    ArmPlan,
)
from fitwell.comparison.judge import Contestant, judge
from fitwell.comparison.seal import Record, SealedTest, not_kept
from fitwell.diagnosis.gap import check_gap, check_gap_log_loss, state
from fitwell.diagnosis.overtraining import check_overtraining
from fitwell.diagnosis.underfitting import check_underfitting
from fitwell.diagnosis.verdict import decide
from fitwell.evaluation.evaluate import evaluate
from fitwell.evaluation.layers import weights_by_layer
from fitwell.found.evaluation import Evaluation
from fitwell.population.networks import decay_of
from fitwell.recipe import Recipe
from fitwell.results import (
    DataSummary,
    Diagnosis,
    Regularization,
    Result,
    State,
)
from fitwell.runs.account import cost_of, curves_of, members_of, notes_on
from fitwell.runs.ensembles import trainings_of
from fitwell.runs.finals import Final
from fitwell.runs.foresight import foresee
from fitwell.runs.lineup import line_up
from fitwell.runs.objective import form
from fitwell.runs.question import Question
from fitwell.runs.resamples import resample, train_all
from fitwell.runs.searches import search_arms, tuned
from fitwell.runs.start import about_start, as_given, notes_on_start
from fitwell.runs.watch import Watch
from fitwell.statistics import mean_interval
from fitwell.task import Task
from fitwell.training.loop import probabilities
from fitwell.training.reading import row_losses
from fitwell.training.workers import Crew
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.path import Tracer, strengths
from fitwell.tuning.search import Choice

SHIPPED = (BAG, GREEDY, REFITTED, UNTREATED)
"""The first of these arms that a run has is the one that goes into the model folder."""


@dataclass(frozen=True)
class Performed:
    """A result, and the network that goes into the model folder."""

    result: Result
    network: nn.Module
    openings: tuple[str, ...]
    seal: str


def perform(
    question: Question,
    task: Task,
    *,
    crew: Crew,
    ledger: Ledger,
    watch: Watch,
    record: Record = not_kept,
    reachable: NDArray[np.float64] | None = None,
) -> Performed:
    """Answer a question about a task.

    Args:
        question: the options.
        task: data, parts, network.
        crew: where trainings run and are kept on their way.
        ledger: where the searches are kept.
        watch: told of progress.
        record: where openings of the test part are written down.
        reachable: for data we made, each row's probability of its likeliest class.

    Raises:
        TrainingFailed: a training that everything rests on diverged.
    """
    start = time.perf_counter()
    arms = line_up(question, task)
    seeds = tuple(range(question.seed, question.seed + question.repeats))
    foresight = foresee(question, task, arms)
    if question.verb != "diagnose":
        watch.tell(str(foresight))
    watch.plan(_trainings(question, arms, len(seeds)))
    choices = search_arms(question, task, arms, crew, ledger, watch)
    path = None
    if question.path:
        watch.stage(f"path of {question.path}")
        path = _tracer(task, crew, question, watch).trace(task.material, task.recipe, question.path)
    watch.stage("final trainings")
    finals = train_all(question, task, arms, choices, seeds, crew, watch)
    resamples, refinals, rechoices = resample(question, task, arms, crew, ledger, watch)
    sealed = SealedTest(task, record)
    test = sealed.open(question.verb)
    shipped = next(finals[name] for name in SHIPPED if name in finals)
    kept = (finals[UNTREATED], shipped) if choices else (finals[UNTREATED],)
    states, evaluations = zip(*(_measured(task, final, test) for final in kept), strict=True)
    before, network = states[0], shipped.network(task)
    contestants = _contestants(task, finals, refinals, seeds, test[0]) if choices else []
    from_given = about_start(task, contestants, test) if choices else None
    comparison = None
    if choices:
        comparison = judge(contestants, *test[1:], question.trials, resamples)
        gain = foresight.over_resamples if resamples else foresight.on_test
        comparison = replace(comparison, smallest_gain=gain)
    result = Result(
        verb=question.verb,
        task=task.kind,
        classes=task.source.classes,
        data=_summary(task, reachable),
        before=before,
        after=states[1] if choices else None,
        diagnosis=_diagnose(task, before, finals[UNTREATED], question),
        regularization=_regularization(task, shipped, choices) if choices else None,
        comparison=comparison,
        curves=curves_of(finals),
        trials=tuple(trial for choice in choices.values() for trial in choice.trials),
        cost=cost_of(start, [finals, *refinals], [choices, *rechoices]),
        test_openings=len(sealed.openings),
        notes=(*notes_on(question, task, choices, resamples), *notes_on_start(from_given)),
        path=path,
        search_paths={name: choice.path for name, choice in choices.items()},
        members=members_of(shipped),
        start=from_given,
        evaluations=evaluations,
        layers=weights_by_layer(network),
    )
    return Performed(result, network, tuple(sealed.openings), sealed.seal)


def _trainings(question: Question, arms: Sequence[ArmPlan], seeds: int) -> int:
    """Count the trainings that lie ahead, at most; what is dropped on its way counts whole."""
    searches = len(tuned(arms)) * question.trials
    networks = sum(trainings_of(arm) for arm in arms)
    paths = len(strengths(question.path)) if question.path else 0
    return searches + networks * seeds + paths + question.outer * (searches + networks)


def _tracer(task: Task, crew: Crew, question: Question, watch: Watch) -> Tracer:
    groups = task.groups(task.split.validation)
    return Tracer(crew=crew, seed=question.seed, groups=groups, on_training=watch.advance)


def _measured(
    task: Task,
    final: Final,
    test: tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64] | None],
) -> tuple[State, Evaluation]:
    """Measure an arm's first network on the rows that it was trained on and on the test's."""
    network, rows = final.network(task), final.seen_rows(task)
    seen = (probabilities(network, task.inputs(rows)), task.targets(rows), task.groups(rows))
    x, y, groups = test
    name, new = final.plan.name, (probabilities(network, x), y, groups)
    return state(name, seen, new), evaluate(name, task.source.classes, new)


def _contestants(
    task: Task,
    finals: dict[str, Final],
    resampled: Sequence[dict[str, Final]],
    seeds: tuple[int, ...],
    x: NDArray[np.float32],
) -> list[Contestant]:
    trained = [
        final.contestant(task, x, seeds, [part[name] for part in resampled])
        for name, final in finals.items()
    ]
    return [*trained, as_given(task, x, seeds)] if task.given else trained


def _diagnose(task: Task, before: State, final: Final, question: Question) -> Diagnosis:
    outcome = final.outcomes[0]
    network = final.network(task)
    rows = task.split.validation
    # Where rare classes count more, they do so on both sides of each comparison.
    weights = task.material.class_weights(final.recipe)
    held = (task.inputs(rows), task.targets(rows))
    last = row_losses(network, task.material, final.recipe, held)
    seen = probabilities(network, task.material.train_x)
    return decide(
        [
            check_gap(before),
            check_gap_log_loss(before),
            check_overtraining(last, outcome.judged.astype(np.float64), task.groups(rows)),
            check_underfitting(task, seen, weights, question.seed),
        ],
        treated=question.verb != "diagnose",
    )


def _regularization(task: Task, shipped: Final, choices: dict[str, Choice]) -> Regularization:
    choice = choices[TREATMENT]
    recipe = choice.recipe if shipped.ensembles else shipped.recipe
    return Regularization(
        l1=recipe.l1,
        l2=recipe.l2,
        dropout=recipe.dropout,
        batch_norm=recipe.batch_norm,
        form=form(recipe),
        zeros=shipped.zeros,
        kept_untreated=choice.kept_plain and not shipped.plan.settings,
        promised_log_loss=choice.promised,
        estimated_log_loss=choice.estimate,
        decay_epochs=recipe.decay_epochs,
        weight_decay=_weight_decay(task, recipe),
        fades=recipe.fades,
        by_layer={rule.key: rule.value for rule in recipe.rules},
    )


def _weight_decay(task: Task, recipe: Recipe) -> float:
    """Give what AdamW would call the decoupled L2 of a recipe."""
    rows = len(task.split.train) + (len(task.split.validation) if recipe.all_rows else 0)
    return decay_of(recipe, rows)


def _summary(task: Task, reachable: NDArray[np.float64] | None) -> DataSummary:
    source, split = task.source, task.split
    return DataSummary(
        name=source.name,
        rows=len(source.target),
        features=source.features,
        inputs=task.material.shape,
        train=len(split.train),
        validation=len(split.validation),
        test=len(split.test),
        fingerprint=source.fingerprint,
        notes=source.notes,
        best_reachable_accuracy=(
            None if reachable is None else mean_interval(reachable[split.test])
        ),
    )
