from dataclasses import replace

import numpy as np
import pytest

from fitwell.errors import TrainingFailed
from fitwell.models.blueprint import Blueprint
from fitwell.recipe import Recipe
from fitwell.statistics import mean_interval, row_log_losses
from fitwell.task import Material
from fitwell.training.loop import probabilities, restore
from fitwell.training.outcome import Job
from fitwell.training.workers import Crew
from fitwell.tuning.path import POINTS, Tracer, strengths
from material import layered

BASE = Recipe(epochs=40, batch_size=32, learning_rate=0.01)


def make_material(blueprint=None, seed=0):
    """One column of 40 says something, so that a wide network overfits by far."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(600, 40)).astype(np.float32)
    y = (x[:, 0] + 0.7 * rng.normal(size=600) > 0).astype(np.int64)
    return Material(
        train_x=x[:200],
        train_y=y[:200],
        validation_x=x[200:],
        validation_y=y[200:],
        outputs=2,
        blueprint=blueprint or Blueprint(kind="mlp", widths=(64,)),
    )


@pytest.fixture(scope="module")
def path():
    return Tracer(crew=Crew(), seed=0).trace(make_material(), BASE, "l1")


def test_strengths_begin_with_none_and_rise():
    for remedy in ("l1", "l2", "dropout"):
        values = strengths(remedy)
        assert values[0] == 0
        assert len(values) == POINTS + 1
        assert values == sorted(values)


def test_the_path_leads_from_overfitting_to_underfitting(path):
    first, last = path.points[0], path.points[-1]
    assert first.gap.low > 0.5
    assert last.gap.low <= 0
    assert first.train_log_loss.value < 0.05
    assert last.train_log_loss.value == pytest.approx(np.log(2), abs=0.01)
    assert [p.zeros for p in path.points] == sorted(p.zeros for p in path.points)
    assert first.zeros == 0
    assert last.zeros == 1
    assert 0 < path.best < path.too_much <= path.points[-1].strength
    # Stopping early closes most of the gap by itself.
    assert first.stopped_log_loss.value < first.validation_log_loss.value - 0.3


def test_the_marks_follow_from_the_points(path):
    lowest = min(path.points, key=lambda p: p.validation_log_loss.value)
    assert path.best == lowest.strength
    assert path.gap_closes == next((p.strength for p in path.points if p.gap.low <= 0), None)


def test_a_point_is_read_from_its_network_at_the_last_epoch(path):
    material = make_material()
    [(_, outcome)] = Crew().finish("x", material, [Job(0, BASE, 0)])
    network = restore(material, BASE, outcome)
    held = row_log_losses(probabilities(network, material.validation_x), material.validation_y)
    assert path.points[0].validation_log_loss == mean_interval(held)
    assert outcome.best_epoch == BASE.epochs


@pytest.mark.slow
def test_other_networks_are_traced_too():
    short = replace(BASE, epochs=15)
    path = Tracer(crew=Crew(), seed=0).trace(make_material(layered(64)), short, "dropout")
    assert len(path.points) == POINTS + 1
    assert path.points[0].gap.low > path.points[-1].gap.low


def test_a_network_that_diverges_without_the_remedy_fails_the_path():
    hot = Recipe(epochs=2, batch_size=32, learning_rate=1e30)
    with pytest.raises(TrainingFailed) as caught:
        Tracer(crew=Crew(), seed=0).trace(make_material(), hot, "l1")
    assert str(caught.value) == (
        "the path's network without regularization diverged. Lower --learning-rate."
    )


def test_a_loss_that_is_higher_by_less_than_its_interval_is_not_too_much():
    rng = np.random.default_rng(0)
    lowest, tracer = rng.normal(0.6, 0.3, 400), Tracer(crew=Crew(), seed=0)
    wobble = rng.normal(0, 0.3, 400)
    wobble -= wobble.mean()
    assert not tracer._higher(lowest + wobble + 0.01, lowest)
    assert tracer._higher(lowest + wobble + 0.05, lowest)
