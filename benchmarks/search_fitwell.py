"""fitwell's side of `search.py`: the search on one split, and the whole default procedure."""

import time
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from search_problem import Found, Method, Problem

from fitwell.population.job import Track
from fitwell.population.layout import layout
from fitwell.population.screening import Screening
from fitwell.recipe import Recipe
from fitwell.remedies import all_remedies
from fitwell.runs.ensembles import FOLDS
from fitwell.training.loop import probabilities, restore
from fitwell.training.outcome import Job, Outcome
from fitwell.training.workers import Crew
from fitwell.tuning.candidates import Settings, candidates
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.search import Choice, Search

REMEDIES = [all_remedies()[name] for name in ("l1", "decoupled L2", "dropout")]


def screen(problem: Problem, seed: int) -> Found:
    """Search on one split, as the peers do: the lowest validation loss wins, no guard."""
    begun = time.perf_counter()
    base, material = _recipe(problem), problem.task.material
    tries = {0: base}
    for settings in candidates(REMEDIES, problem.most_trials, seed)[1:]:
        tries[len(tries)] = treated(problem, settings)
    batches = [
        replace(batch, course=replace(batch.course, keeps=True))
        for batch in layout(material, tries, seed, bfloat16=True)
    ]
    tracks = Screening().halve("search", batches)
    best = min(tracks.values(), key=lambda track: track.best[0])
    assert best.kept is not None
    shape = batches[0].course.shape
    network = restore(material, base, _outcome(shape.state(best.kept)))
    seconds = time.perf_counter() - begun
    chosen = tries[best.member.number]
    plain, epochs = _untreated(problem, seed)
    return Found(
        settings=chosen.differences(base),
        choice=probabilities(network, problem.test_x.numpy()),
        refit=refit(problem, chosen, best.best_epoch, seed),
        seconds=seconds,
        untreated=plain,
        extra={
            "epochs": best.best_epoch,
            "untreated_epochs": epochs,
            "equivalents": sum(track.epochs for track in tracks.values()) / base.epochs,
            "share_of_peak": _flops(problem, tracks.values()) / seconds / _peak(),
        },
    )


def default(problem: Problem, seed: int) -> Found:
    """Run the whole default procedure: search, folds, guard, refit. All of it is in the price."""
    begun = time.perf_counter()
    choice = search(problem, seed)
    same = next(trial for trial in choice.trials if trial.settings == choice.settings)
    refitted = refit(problem, choice.recipe, same.best_epoch, seed)
    seconds = time.perf_counter() - begun
    plain, epochs = _untreated(problem, seed)
    return Found(
        settings=choice.settings,
        choice=train(problem, choice.recipe, seed),
        refit=refitted,
        seconds=seconds,
        untreated=plain,
        extra={
            "epochs": same.best_epoch,
            "untreated_epochs": epochs,
            "kept_untreated": choice.kept_plain,
            "promised": choice.promised.value,
            "estimate": choice.estimate.value if choice.estimate else None,
            "path": choice.path,
            "equivalents": choice.epochs / problem.epochs,
        },
    )


def search(problem: Problem, seed: int) -> Choice:
    """Search with folds and guard."""
    material = problem.task.material
    own = Search(
        trials=problem.most_trials,
        seed=seed,
        crew=Crew(),
        ledger=Ledger(),
        folds=problem.task.folds(FOLDS, seed),
        groups=material.validation_groups,
    )
    return own.run("treatment", material, REMEDIES, _recipe(problem))


def _flops(problem: Problem, tracks: Iterable[Track]) -> float:
    """Count the operations of the matrix products: 2 for each weight and row, forward, for the
    slopes of the weights and, but for the first layer, of the inputs.
    """
    sizes = (problem.train[0].shape[1], *problem.net.widths, problem.classes)
    weights = [inputs * outputs for inputs, outputs in pairwise(sizes)]
    step = 2 * len(problem.train[1]) * (3 * sum(weights) - weights[0])
    read = 2 * len(problem.validation[1]) * sum(weights)
    return float(sum(t.epochs * step + len(t.read_at) * read for t in tracks))


def _peak() -> float:
    """Time a large matrix product: operations a second, the best of ten."""
    one = torch.rand(1024, 1024)
    times = []
    for _ in range(10):
        start = time.perf_counter()
        torch.mm(one, one)
        times.append(time.perf_counter() - start)
    return float(2 * 1024**3 / min(times))


def _recipe(problem: Problem) -> Recipe:
    return Recipe(
        epochs=problem.epochs,
        batch_size=problem.batch_size,
        learning_rate=problem.learning_rate,
        early_stopping=True,
    )


def _untreated(
    problem: Problem, seed: int
) -> tuple[tuple[NDArray[np.floating], NDArray[np.floating]], int]:
    """Train the plain recipe on one split, and again on all rows for as many epochs."""
    plain = _recipe(problem)
    outcome = _outcome_of(problem, plain, seed)
    again = refit(problem, plain, outcome.best_epoch, seed)
    return (_read(problem, plain, outcome), again), outcome.best_epoch


def refit(problem: Problem, recipe: Recipe, epochs: int, seed: int) -> NDArray[np.floating]:
    """Train a network on training and validation rows, and let it speak about the test rows."""
    return train(problem, replace(recipe, all_rows=True, stop_after=max(1, epochs)), seed)


def refits(
    problem: Problem, settings: Settings, epochs: int, seeds: Iterable[int]
) -> list[NDArray[np.floating]]:
    """Train a setting anew on training and validation rows, once for each seed."""
    recipe = treated(problem, settings)
    return [refit(problem, recipe, epochs, seed) for seed in seeds]


def treated(problem: Problem, settings: Settings) -> Recipe:
    """Give the recipe with a setting's strengths."""
    recipe = _recipe(problem)
    for remedy in REMEDIES:
        recipe = remedy.apply(recipe, settings)
    return recipe


def train(problem: Problem, recipe: Recipe, seed: int) -> NDArray[np.floating]:
    """Train one network as a run's final trainings are, and let it speak about the test rows."""
    return _read(problem, recipe, _outcome_of(problem, recipe, seed))


def _outcome_of(problem: Problem, recipe: Recipe, seed: int) -> Outcome:
    [(_, outcome)] = Crew().finish("x", problem.task.material, [Job(0, recipe, seed)])
    assert outcome is not None
    return outcome


def _read(problem: Problem, recipe: Recipe, outcome: Outcome) -> NDArray[np.floating]:
    return probabilities(restore(problem.task.material, recipe, outcome), problem.test_x.numpy())


def _outcome(weights: dict[str, NDArray[np.generic]]) -> Outcome:
    return Outcome(
        weights=weights,
        best_epoch=0,
        train_log_loss=(),
        l1_term=(),
        l2_term=(),
        validation_log_loss=(),
        judged=np.empty(0, np.float32),
        zeros=0.0,
        parameters=0,
        seconds=0.0,
    )


torch.set_num_threads(1)
METHODS: dict[str, Method] = {"fitwell-one-split": screen, "fitwell": default}
