"""Networks trained together against the training loop, each by itself."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from fitwell.models.blueprint import Blueprint
from fitwell.population.layout import way_of
from fitwell.population.pool import Threads
from fitwell.population.store import Store
from fitwell.recipe import Recipe
from fitwell.statistics import row_log_losses
from fitwell.training.loop import probabilities, restore, train
from fitwell.training.outcome import Job
from fitwell.training.together import train_together
from fitwell.training.workers import Crew
from material import layered, make_material

BASE = Recipe(epochs=30, batch_size=32, learning_rate=0.02, patience=4)
RECIPES = {
    "untreated": BASE,
    "early stopping": replace(BASE, early_stopping=True),
    "larger share": replace(BASE, early_stopping=True, all_rows=True, stop_after=7),
    "so long": replace(BASE, early_stopping=True, stop_after=7),
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
        for job, outcome in train_together(
            "x", make_material(), jobs, Threads(2), Store(), told.append
        )
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


@pytest.mark.parametrize("name", ["early stopping", "larger share", "l1 and l2", "batch norm"])
@pytest.mark.parametrize("kind", ["fused", "single"])
def test_tanh_and_batch_norm_come_out_as_the_loop_gives_them(kind, name):
    normed = replace(BASE, early_stopping=True, batch_norm=True, learning_rate=0.002)
    recipe = {**RECIPES, "batch norm": normed}[name]
    tanh = Blueprint(kind="mlp", widths=(16, 24), activation="tanh")
    blueprint = tanh if kind == "fused" else layered(16, 24)
    material = replace(make_material(), blueprint=blueprint)
    assert way_of(material, {0: recipe}, "cpu")[0] == kind
    [(_, found)] = Crew().finish("x", material, [Job(0, recipe, 1)])
    alone = train(material, recipe, 1)
    assert (found.best_epoch, found.epochs) == (alone.best_epoch, alone.epochs)
    assert found.weights.keys() == alone.weights.keys()
    # A bias in front of a batch norm has no slope but rounding, which Adam makes steps of; in
    # eval mode the running mean is a little late in taking them away.
    loose = 1e-2 if recipe.batch_norm else 1e-4
    still = {"0.bias", "2.bias", "3.bias"} if recipe.batch_norm else set()
    for field in ("train_log_loss", "validation_log_loss", "l1_term", "l2_term"):
        np.testing.assert_allclose(getattr(found, field), getattr(alone, field), rtol=loose)
    for key in alone.weights.keys() - still:
        np.testing.assert_allclose(found.weights[key], alone.weights[key], atol=1e-4)
    assert found.zeros == pytest.approx(alone.zeros, abs=0.01)
    assert found.parameters == alone.parameters
    read = restore(material, recipe, found)
    losses = row_log_losses(probabilities(read, material.validation_x), material.validation_y)
    if len(found.judged):
        assert losses.mean() == pytest.approx(found.validation_log_loss[found.best_epoch - 1], 1e-4)


@pytest.mark.parametrize("kind", ["fused", "single"])
def test_a_crew_trains_each_where_it_can_be_and_keeps_what_it_did(tmp_path, kind):
    plain = make_material()
    if kind == "single":
        plain = replace(plain, blueprint=layered(16, 24))
    recipes = [RECIPES["early stopping"], replace(RECIPES["early stopping"], batch_norm=True)]
    jobs = [Job(place, recipe, 0) for place, recipe in enumerate(recipes)]
    store = Store(tmp_path / "kept")
    found = {job.key: outcome for job, outcome in Crew(store=store).finish("x", plain, jobs)}
    assert set(found) == {0, 1}
    kinds = {file.name.rsplit("-", 2)[0] for file in (tmp_path / "kept").iterdir()}
    assert kinds == {f"x-{kind}"}
    again = dict(Crew(store=Store(tmp_path / "kept")).finish("x", plain, jobs))
    for job, outcome in again.items():
        np.testing.assert_equal(asdict(outcome), asdict(found[job.key]))  # its seconds too
    weighted = replace(plain, train_weights=np.ones(len(plain.train_y), np.float32))
    [(_, apart)] = Crew(store=Store(tmp_path / "new")).finish("x", weighted, jobs[:1])
    assert apart.epochs == train(weighted, recipes[0], 0).epochs
    assert not list((tmp_path / "new").iterdir())


def test_what_diverges_is_none_and_the_others_go_on():
    jobs = [Job(0, BASE, 0), Job(1, replace(BASE, decay_epochs=1e-30), 0)]
    found = {
        job.key: out
        for job, out in train_together(
            "x", make_material(), jobs, Threads(1), Store(), lambda _: None
        )
    }
    assert found[1] is None
    assert found[0].epochs == BASE.epochs
