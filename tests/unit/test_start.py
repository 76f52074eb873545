"""What is said of given weights: which rows they have seen, and what starting there brings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from fitwell.comparison.arms import AS_GIVEN, CONTINUED, SHRUNK, TREATMENT
from fitwell.comparison.judge import Contestant, Price
from fitwell.comparison.start import against_anew, rows_seen
from fitwell.data.tables import make_table
from fitwell.population.pool import Threads
from fitwell.population.store import Store
from fitwell.recipe import Recipe
from fitwell.runs.launch import make_task
from fitwell.runs.question import Question
from fitwell.runs.start import SEEN, about_start, as_given, notes_on_start
from fitwell.statistics import mean_interval
from fitwell.task import Given
from fitwell.training.loop import train
from fitwell.training.outcome import Job
from fitwell.training.together import train_together

ROWS = 600


def noisy_task(**columns):
    """Rows that can be learnt by heart: half of the label is luck."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 12)), columns=[f"x{n}" for n in range(12)])
    frame["y"] = np.where(frame.x0 + rng.normal(size=ROWS) > 0, "yes", "no")
    frame = frame.assign(**columns)
    question = Question(verb="tune", widths=(48, 48))
    source = make_table(frame, "y", time="when" if columns else None)
    return make_task(question, source)


def learnt_by_heart(task, *parts):
    """Weights of a network that has seen some parts of a task, again and again."""
    rows = np.concatenate([getattr(task.split, part) for part in parts])
    material = replace(task.material, train_x=task.inputs(rows), train_y=task.targets(rows))
    recipe = Recipe(epochs=60, batch_size=32, learning_rate=5e-3)
    _, outcome = next(
        train_together("x", material, [Job(0, recipe, 1)], Threads(1), Store(), lambda _: None)
    )
    return replace(task, given=Given(name="w", sha256="0", state=outcome.weights))


def start_of(task):
    x, y = task.inputs(task.split.test), task.targets(task.split.test)
    given = as_given(task, x, (0, 1))
    names = (TREATMENT, CONTINUED, SHRUNK)
    contestants = [given, *(replace(given, name=name) for name in names)]
    return about_start(task, contestants, (x, y, None))


@pytest.mark.parametrize(
    ("parts", "seen"),
    [
        (("train",), "training rows"),
        (("train", "validation"), "validation rows"),
        (("train", "test"), "test rows"),
        (("test",), "test rows"),
        (("train", "validation", "test"), "unknown"),
    ],
)
def test_weights_that_learnt_rows_by_heart_give_them_away(parts, seen):
    start = start_of(learnt_by_heart(noisy_task(), *parts))
    assert start.seen == seen
    assert notes_on_start(start) == (SEEN[seen],)


def test_new_weights_tell_nothing_and_neither_do_parts_that_follow_time():
    task = noisy_task()
    new = train(task.material, Recipe(epochs=1, batch_size=256, learning_rate=1e-9), seed=1)
    fresh = replace(task, given=Given(name="w", sha256="0", state=new.weights))
    assert start_of(fresh).seen == "unknown"
    timed = noisy_task(when=np.arange(ROWS))
    assert start_of(learnt_by_heart(timed, "train")).seen == "unknown"


def test_the_losses_of_the_given_weights_are_read_on_each_part():
    task = learnt_by_heart(noisy_task(), "train")
    start = start_of(task)
    assert start.train_log_loss.value < 0.1
    assert start.validation_log_loss.value > 1
    assert start.test_log_loss.value > 1
    assert (start.weights, start.sha256, start.baseline) == ("w", "0", "treatment")
    assert (start.shrink, start.noise) == (0.4, 0.1)


def test_without_given_weights_nothing_is_said():
    assert about_start(noisy_task(), [], None) is None
    assert notes_on_start(None) == ()


def test_a_clean_start_is_called_otherwise_in_at_most_five_of_a_hundred_splits():
    rng = np.random.default_rng(1)
    draws = 1000
    wrong = 0
    for _ in range(draws):
        train_, held, new = (rng.exponential(scale, 200) for scale in (0.1, 1.0, 1.0))
        parts = [mean_interval(part) for part in (train_, held, new)]
        wrong += rows_seen(*parts, random=True) != "training rows"
    assert wrong / draws < 0.05 + 5 * np.sqrt(0.05 * 0.95 / draws)
    assert wrong > 0  # it is a test with a level, not one that never speaks


def contestant(name, shares):
    """Two classes, the right one is 0: ``shares`` are its probability, ``[seed, row]``."""
    return Contestant(
        name=name,
        probabilities=np.stack([shares, 1 - shares], axis=-1),
        seeds=(0, 1, 2),
        price=Price(seconds=0.0, trainings=3, parameters=1),
        settings={},
    )


def test_a_start_is_held_against_training_anew_pair_by_pair():
    rng = np.random.default_rng(2)
    anew = rng.uniform(0.3, 0.9, (3, 400))
    worse, same = anew - 0.2, np.clip(anew + rng.normal(0, 0.05, anew.shape), 0.01, 0.99)
    found = against_anew(
        [contestant(CONTINUED, worse), contestant(SHRUNK, same)],
        contestant(TREATMENT, anew),
        np.zeros(400, int),
        None,
    )
    assert [d.arm for d in found] == [CONTINUED, SHRUNK]
    for difference, own in zip(found, (worse, same), strict=True):
        hit = (own > 0.5).astype(float) - (anew > 0.5)
        assert difference.accuracy.value == pytest.approx(hit.mean())
        assert difference.log_loss.value == pytest.approx((np.log(anew) - np.log(own)).mean())
        by_row, by_seed = hit.mean(axis=0), hit.mean(axis=1)
        error = np.sqrt(by_row.var(ddof=1) / 400 + by_seed.var(ddof=1) / 3)
        assert difference.accuracy.low < difference.accuracy.value - 1.9 * error
    assert [d.verdict for d in found] == ["worse", "no difference shown"]
    assert found[0].p_adjusted < 0.001
    assert found[1].p_adjusted > 0.05


def test_two_starts_share_one_level():
    """Holm: the smaller of two p-values is doubled."""
    rng = np.random.default_rng(3)
    anew = rng.uniform(0.3, 0.9, (3, 400))
    other = np.clip(anew + rng.normal(0.02, 0.1, anew.shape), 0.01, 0.99)
    alone = against_anew(
        [contestant(CONTINUED, other)], contestant(TREATMENT, anew), np.zeros(400, int), None
    )
    both = against_anew(
        [contestant(CONTINUED, other), contestant(SHRUNK, anew)],
        contestant(TREATMENT, anew),
        np.zeros(400, int),
        None,
    )
    assert 0 < alone[0].p_adjusted < 0.5
    assert both[0].p_adjusted == pytest.approx(2 * alone[0].p_adjusted)
    assert both[1].p_adjusted == 1


def test_the_weights_as_given_are_one_network_that_cost_nothing():
    task = learnt_by_heart(noisy_task(), "train")
    given = as_given(task, task.inputs(task.split.test), (4, 5, 6))
    assert given.name == AS_GIVEN
    assert given.probabilities.shape == (3, len(task.split.test), 2)
    np.testing.assert_array_equal(given.probabilities[0], given.probabilities[2])
    assert (given.price.seconds, given.price.trainings) == (0, 0)
    assert given.price.parameters == 12 * 48 + 48 + 48 * 48 + 48 + 48 * 2 + 2
