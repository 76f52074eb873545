"""Networks trained together against the training loop, each by itself."""

from dataclasses import replace

import numpy as np
import pytest

from fitwell.population.pool import Threads
from fitwell.recipe import Recipe
from fitwell.training.loop import train
from fitwell.training.outcome import Job
from fitwell.training.together import can_train, train_together
from fitwell.training.workers import Crew
from material import make_material

BASE = Recipe(epochs=30, batch_size=32, learning_rate=0.02, patience=4)
RECIPES = {
    "untreated": BASE,
    "early stopping": replace(BASE, early_stopping=True),
    "larger share": replace(BASE, early_stopping=True, all_rows=True, stop_after=7),
    "all rows to the end": replace(BASE, epochs=9, all_rows=True),
    "l1 and l2": replace(BASE, early_stopping=True, l1=1e-3, l2=1e-3),
    "decay that fades": replace(BASE, early_stopping=True, decay_epochs=8.0, fades=True),
    "cosine, balanced": replace(
        BASE, early_stopping=True, schedule="flat-cosine", class_weights="balanced"
    ),
    "narrower": replace(BASE, early_stopping=True, width=0.5),
    "with replacement": replace(BASE, early_stopping=True, sampling="replacement"),
}


@pytest.fixture(scope="module")
def trained():
    """Every recipe with two seeds, in one go."""
    jobs = [
        Job(place * 2 + seed, recipe, seed)
        for place, recipe in enumerate(RECIPES.values())
        for seed in (0, 1)
    ]
    told = []
    found = {
        (list(RECIPES)[job.key // 2], job.seed): outcome
        for job, outcome in train_together(make_material(), jobs, Threads(2), told.append)
    }
    assert sum(told) > 0
    return found


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("seed", [0, 1])
def test_what_comes_out_is_what_the_loop_gives(trained, name, seed):
    """Without dropout, whose noise differs; in float32, through up to 150 steps of Adam."""
    together, alone = trained[name, seed], train(make_material(), RECIPES[name], seed)
    assert together.best_epoch == alone.best_epoch
    assert together.epochs == alone.epochs
    assert len(together.validation_log_loss) == len(alone.validation_log_loss)
    for field in ("train_log_loss", "validation_log_loss", "l1_term", "l2_term"):
        np.testing.assert_allclose(
            getattr(together, field), getattr(alone, field), rtol=2e-2, atol=1e-4
        )
    assert len(together.judged) == len(alone.judged)
    if len(alone.judged):
        assert together.judged.mean() == pytest.approx(alone.judged.mean(), rel=0.01)
    assert together.weights.keys() == alone.weights.keys()
    for key, weight in alone.weights.items():
        np.testing.assert_allclose(together.weights[key], weight, atol=0.02)
    assert together.zeros == pytest.approx(alone.zeros, abs=0.02)
    assert together.parameters == alone.parameters


def test_a_crew_sends_each_training_where_it_can_be_run():
    material = make_material()
    recipes = [RECIPES["early stopping"], replace(RECIPES["early stopping"], batch_norm=True)]
    assert [can_train(material, recipe, "cpu") for recipe in recipes] == [True, False]
    jobs = [Job(place, recipe, 0) for place, recipe in enumerate(recipes)]
    found = {job.key: outcome for job, outcome in Crew().finish(material, jobs)}
    assert set(found) == {0, 1}
    assert found[1].best_epoch == train(material, recipes[1], 0).best_epoch


def test_what_diverges_is_none_and_the_others_go_on():
    jobs = [Job(0, BASE, 0), Job(1, replace(BASE, decay_epochs=1e-30), 0)]
    found = {
        job.key: out
        for job, out in train_together(make_material(), jobs, Threads(1), lambda _: None)
    }
    assert found[1] is None
    assert found[0].epochs == BASE.epochs
