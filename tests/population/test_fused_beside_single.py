"""The same search as one batched model and one network after another."""

from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from fitwell.models.blueprint import Blueprint
from fitwell.population.layout import layout, way_of
from fitwell.population.pool import Threads
from fitwell.population.screening import Screening
from fitwell.population.store import Store
from fitwell.recipe import Recipe
from fitwell.remedies import all_remedies
from fitwell.training.outcome import Job
from fitwell.training.workers import Crew
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.search import Search
from material import make_material

BASE = Recipe(epochs=30, batch_size=32, learning_rate=3e-3, early_stopping=True, patience=30)


def tanh(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, 48), nn.Tanh(), nn.Linear(48, 24), nn.GELU(), nn.Linear(24, outputs)
    )


def normed(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, 48),
        nn.BatchNorm1d(48),
        nn.SiLU(),
        nn.Dropout(0.2),
        nn.Linear(48, outputs),
    )


class Held(nn.Module):
    """The same network in a module of its own, which nobody takes for a stack."""

    def __init__(self, network):
        super().__init__()
        self.inner = network

    def forward(self, x):
        return self.inner(x)


def both(make, **options):
    """Rows with the network as it is, and held."""
    material = make_material(rows=300, columns=12)

    def held(inputs, outputs):
        return Held(make(inputs, outputs))

    for factory, kind in ((make, "fused"), (held, "single")):
        blueprint = Blueprint(kind="custom", factory=factory)
        found = replace(material, blueprint=blueprint, **options)
        assert way_of(found, {0: BASE}, "cpu")[0] == kind
        yield found


def search(material, names):
    remedies = [all_remedies()[name] for name in names]
    whole = Search(trials=10, seed=2, crew=Crew(), ledger=Ledger())
    return whole.run("treatment", material, remedies, BASE)


def test_a_search_without_noise_finds_the_same_and_chooses_the_same():
    fused, single = (search(material, ("l1", "decoupled L2")) for material in both(tanh))
    assert fused.path.startswith("fused: ")
    assert single.path == "a population of single networks: Held is not a Sequential"
    assert fused.settings == single.settings
    assert fused.epochs == single.epochs
    assert fused.promised.value == pytest.approx(single.promised.value, rel=1e-3)
    for one, other in zip(fused.trials, single.trials, strict=True):
        assert (one.settings, one.dropped, one.epochs) == (
            other.settings,
            other.dropped,
            other.epochs,
        )
        assert one.validation_log_loss == pytest.approx(other.validation_log_loss, rel=1e-3)


@pytest.mark.slow
def test_with_noise_and_batch_norm_the_losses_are_alike_on_average():
    """Twelve trainings each, paired by seed; the bound is 4 standard errors and a hundredth."""
    losses = []
    for material in both(normed):
        jobs = [
            Job(seed, replace(BASE, dropout=0.3 * (seed % 2), early_stopping=False), seed)
            for seed in range(12)
        ]
        outcomes = {job.key: outcome for job, outcome in Crew().finish("x", material, jobs)}
        losses.append([outcomes[seed].validation_log_loss[-1] for seed in range(12)])
    apart = np.subtract(*losses)
    assert abs(apart.mean()) < 4 * apart.std(ddof=1) / np.sqrt(12) + 0.01
    assert abs(apart.mean()) < 0.05 < np.mean(losses)


@pytest.mark.parametrize("make", [tanh, normed])
def test_threads_files_and_chunks_change_no_number(make, tmp_path):
    material = next(both(make))
    recipes = {n: replace(BASE, l1=1e-4 * n, dropout=0.1 * (n % 3)) for n in range(12)}
    batches = layout(material, recipes, 3, keeps=True)
    stores = [Store(tmp_path / name) for name in "ab"]
    found = [
        Screening(pool=Threads(threads), store=store).halve("x", batches)
        for threads, store in ((1, stores[0]), (2, stores[1]), (1, stores[1]))
    ]
    alone = {
        n: Screening().train("y", [replace(batch, members=batch.members[n : n + 1])])[n]
        for [batch] in [batches]
        for n, track in found[0].items()
        if track.epochs == BASE.epochs
    }
    assert len(alone) >= 4
    for tracks in (*found[1:], alone):
        for number, track in tracks.items():
            np.testing.assert_equal(
                vars(track) | {"seconds": 0}, vars(found[0][number]) | {"seconds": 0}
            )
