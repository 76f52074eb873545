"""A population of one network of any kind: against the training loop, and against itself in pieces."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from architectures import NETWORKS
from torch import nn

from fitwell.models.blueprint import Blueprint
from fitwell.population.advance import advance
from fitwell.population.layout import layout, way_of
from fitwell.population.piece import Piece, work
from fitwell.population.pool import Processes, Threads
from fitwell.population.store import Store
from fitwell.population.tensors import Tensors, tensors_of
from fitwell.recipe import Recipe
from fitwell.remedies.shuffling import batches, key_of, order_of
from fitwell.task import Material
from fitwell.training.loop import train
from material import layered, make_material

BASE = Recipe(epochs=12, batch_size=32, learning_rate=0.01, early_stopping=True, patience=12)
RECIPES = {
    "untreated": BASE,
    "l1 and l2": replace(BASE, l1=1e-3, l2=1e-3),
    "decay that fades": replace(BASE, decay_epochs=8.0, fades=True),
    "cosine, balanced": replace(BASE, schedule="flat-cosine", class_weights="balanced"),
    "batch norm": replace(BASE, batch_norm=True),
    "with replacement": replace(BASE, sampling="replacement"),
}
READ = [name for name in NETWORKS if name not in ("embedding bag", "bert", "gpt")]
"""Those that read numbers, not words."""


def of_kind(name):
    """A few rows for a network, with three classes at random."""
    make, rows = NETWORKS[name]
    torch.manual_seed(0)
    x = torch.cat([rows() for _ in range(12)]).numpy()
    y = np.arange(len(x)) % 3
    return Material(
        train_x=x[:32],
        train_y=y[:32],
        validation_x=x[32:],
        validation_y=y[32:],
        outputs=3,
        blueprint=Blueprint(kind="custom", factory=lambda *_: make()),
    )


def begun(material, recipe, **options):
    [batch] = layout(material, {0: recipe}, seed=1, **options)
    return batch.course, batch.begin()


@pytest.mark.parametrize("name", RECIPES)
def test_without_noise_it_is_the_training_loop(name):
    material = replace(make_material(), blueprint=layered(16, 24))
    course, state = begun(material, RECIPES[name], read_every=1)
    assert isinstance(course.shape, Tensors)
    [track] = advance(course, state, 12).tracks
    alone = train(material, RECIPES[name], 1)
    # A bias in front of a batch norm has no slope but rounding, which Adam makes steps of.
    loose = 2e-2 if RECIPES[name].batch_norm else 1e-5
    np.testing.assert_allclose(track.validation, alone.validation_log_loss, rtol=loose)
    np.testing.assert_allclose(track.judged, alone.judged, rtol=10 * loose, atol=loose)
    assert track.best_epoch == alone.best_epoch


class Dropping(nn.Module):
    def __init__(self, rate=0.1):
        super().__init__()
        self.one, self.drop, self.out = nn.Linear(7, 16), nn.Dropout(rate), nn.Linear(16, 3)

    def forward(self, x):
        return self.out(self.drop(torch.tanh(self.one(x))))


def test_with_noise_that_fades_it_is_a_loop_by_hand_that_seeds_each_batch():
    blueprint = Blueprint(kind="custom", factory=lambda *_: Dropping())
    material = replace(make_material(), blueprint=blueprint)
    recipe = replace(BASE, dropout=0.4, fades=True, early_stopping=False)
    course, state = begun(material, recipe)
    done = advance(course, state, 12)
    x, y = torch.from_numpy(material.train_x), torch.from_numpy(material.train_y)
    network = Dropping()
    state_dict = course.shape.state(state.weights[0])
    network.load_state_dict({name: torch.from_numpy(value) for name, value in state_dict.items()})
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    with torch.random.fork_rng():
        for epoch in range(1, 13):
            # Full strength for the first half of the epochs, then half a cosine down.
            gone = max(0.0, 2 * (epoch - 1) / 12 - 1)
            network.drop.p = 0.4 * (1 + np.cos(np.pi * gone)) / 2
            order = order_of(1, epoch)
            for number, rows in enumerate(batches(len(x), 32, "reshuffle", order)):
                torch.manual_seed(key_of(1, epoch, number))
                optimizer.zero_grad()
                nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
                optimizer.step()
    found = torch.from_numpy(done.weights[0])
    expected = torch.cat([weight.detach().flatten() for weight in network.parameters()])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_track_adds_up_the_time_of_its_pieces():
    course, state = begun(make_material(), BASE)
    earlier = replace(state, tracks=(replace(state.tracks[0], seconds=1000.0),))
    done = work(Piece(name="x", course=course, state=earlier, until=2), Store())
    assert 1000 < done.tracks[0].seconds < 1100


@pytest.mark.parametrize("name", READ)
def test_in_pieces_it_is_the_same_bit_for_bit(name):
    recipe = replace(
        BASE, batch_size=8, dropout=0.3, l1=1e-4, decay_epochs=20.0, fades=True, early_stopping=True
    )
    course, state = begun(of_kind(name), recipe, keeps=True)
    whole = advance(course, state, 6)
    pieces = state
    for until in (1, 2, 5, 6):
        pieces = advance(course, pieces, until)
    for field in ("weights", "first", "second"):
        np.testing.assert_array_equal(getattr(whole, field), getattr(pieces, field))
    assert whole.tracks[0].train == pieces.tracks[0].train
    np.testing.assert_array_equal(whole.tracks[0].judged, pieces.tracks[0].judged)
    assert not np.array_equal(whole.weights, state.weights)


@pytest.mark.parametrize("name", READ)
def test_without_validation_rows_it_trains_to_its_end(name):
    """A network may not take an empty batch."""
    recipe = replace(BASE, batch_size=8, early_stopping=False, all_rows=True, stop_after=2)
    course, state = begun(of_kind(name).all_rows(), recipe, keeps=True)
    [track] = advance(course, state, 2).tracks
    assert track.kept is not None
    assert len(track.judged) == 0


def test_the_noise_hangs_on_seed_epoch_and_batch_and_the_callers_random_state_is_left_alone():
    material = of_kind("cnn")
    course, state = begun(material, replace(BASE, dropout=0.5))
    before = torch.random.get_rng_state()
    once, again = (advance(course, state, 2).tracks[0].train for _ in range(2))
    other = advance(replace(course, seed=2), state, 2).tracks[0].train
    assert once == again != other
    torch.testing.assert_close(torch.random.get_rng_state(), before, rtol=0, atol=0)


class Viewing(nn.Module):
    """Reads its maps as if channels lay apart, which `view` refuses where they do not."""

    def __init__(self):
        super().__init__()
        self.conv, self.out = nn.Conv2d(1, 4, 3), nn.Linear(4 * 6 * 6, 3)

    def forward(self, x):
        maps = torch.relu(self.conv(x))
        return self.out(maps.view(len(maps), -1))


@pytest.mark.parametrize("make", [NETWORKS["cnn"][0], Viewing])
@pytest.mark.parametrize("strength", ["l1", "l2"])
def test_images_are_trained_as_the_loop_does_however_they_lie_in_memory(make, strength):
    """The penalty is strong: it must pair each weight with its own slope and moment."""
    blueprint = Blueprint(kind="custom", factory=lambda *_: make())
    material = replace(of_kind("cnn"), blueprint=blueprint)
    recipe = replace(BASE, batch_size=16, **{strength: 3e-3})
    course, state = begun(material, recipe, read_every=1)
    [track] = advance(course, state, 12).tracks
    alone = train(material, recipe, 1)
    np.testing.assert_allclose(track.validation, alone.validation_log_loss, rtol=1e-3)


@pytest.mark.parametrize("name", ["resnet", "tied", "lstm"])
def test_a_vector_holds_the_whole_network(name):
    torch.manual_seed(3)
    network = NETWORKS[name][0]()
    for buffer in network.buffers():
        buffer.copy_(torch.arange(buffer.numel()).view(buffer.shape))
    tensors = tensors_of(network)
    state = tensors.state(tensors.vector(network))
    assert state.keys() == network.state_dict().keys()
    for key, value in network.state_dict().items():
        torch.testing.assert_close(torch.from_numpy(state[key]), value, rtol=0, atol=0)
    assert len(tensors.vector(network)) == tensors.numbers >= tensors.parameters


def test_what_a_vector_cannot_hold_is_named():
    assert tensors_of(nn.Linear(2, 2).double()) == "a tensor of it is float64"
    material = of_kind("mlp")

    def with_double(*_):
        network = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
        network.register_buffer("mean", torch.zeros(5, dtype=torch.float64))
        return network

    doubled = Blueprint(kind="custom", factory=with_double)
    for found, device, expected in (
        (replace(material, blueprint=doubled), "cpu", ("apart", "a tensor of it is float64")),
        (material, "mps", ("apart", "the device is mps")),
        (material, "cuda", ("fused", "")),
        (material, "cpu", ("fused", "")),
        (of_kind("lstm"), "cpu", ("single", "Recurrent is not a Sequential")),
    ):
        assert way_of(found, {0: BASE}, device) == expected


@pytest.mark.slow
def test_processes_give_what_threads_give_and_keep_it(tmp_path):
    material = replace(make_material(), blueprint=layered(16))
    recipes = {n: replace(BASE, dropout=0.1 * n) for n in range(3)}
    [batch] = layout(material, recipes, seed=1)
    state = batch.begin()
    pieces = [
        Piece(name=f"x-3-{n}", course=batch.course, state=state.only([n]), until=3)
        for n in range(3)
    ]
    told = []
    here = Threads().run(pieces, Store(), told.append)
    store = Store(tmp_path / "kept")
    there = Processes(2).run(pieces, store, told.append)
    assert sum(told) == 2 * 3 * 3
    for one, other, piece in zip(here, there, pieces, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
        assert one.tracks[0].train == other.tracks[0].train
        np.testing.assert_array_equal(store.get(piece.name).weights, one.weights)
