"""What the fused engine does between its products: activations, dropout and batch norm."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from by_autograd import MEMBERS, build, check
from fitwell.population.activations import KINDS, bend_, bend_backward_
from fitwell.population.advance import advance
from fitwell.population.engine import LEVELS, Rates, noise_of
from fitwell.population.fused import Fused
from fitwell.population.job import Member, State
from fitwell.population.normalizing import Normalizer
from fitwell.population.piece import Piece, work
from fitwell.population.stack import Norm
from fitwell.population.store import Store
from fitwell.population.tensors import tensors_of
from stacks import NETWORKS, begun, norm

KNOWN = [
    nn.GELU(), nn.SiLU(), nn.SELU(), nn.Tanh(), nn.Sigmoid(), nn.LeakyReLU(), nn.ELU(),
]  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_every_member_is_what_autograd_and_torchs_adam_make_of_it(name):
    course, state = begun(name)
    check(course, state, advance(course, state, 6), MEMBERS)


@pytest.mark.parametrize("layer", KNOWN, ids=lambda layer: type(layer).__name__)
def test_activations_and_their_slopes_are_torchs(layer):
    """Far out too: exponentials of float32 end at 88."""
    x = torch.cat([torch.linspace(-12, 12, 4001), torch.tensor([0.0, -1e-6, 1e-6, -200, 200])])
    exact = x.double().requires_grad_()
    layer(exact).sum().backward()
    z, gain = x.numpy()[None].copy(), np.empty((1, len(x)), np.float32)
    zero, bits = np.zeros((1, 1), np.float32), np.zeros((1, len(x)), np.uint16)
    none = noise_of(np.zeros(1))
    lots = none.below, none.scale, none.shift, none.dropped
    kind = KINDS[type(layer).__name__]
    bend_(kind, z, zero, bits, *lots, gain)
    np.testing.assert_allclose(z[0], layer(exact).detach(), rtol=1e-6, atol=5e-7)
    np.testing.assert_allclose(gain[0], exact.grad, rtol=1e-6, atol=5e-7)
    slope, total = np.full_like(gain, 2.0), np.empty((1, 1), np.float32)
    bend_backward_(slope, gain, len(x), total)
    np.testing.assert_array_equal(slope, 2 * gain)
    assert total.item() == pytest.approx(2 * float(exact.grad.sum()), rel=1e-4)
    z[0, 7] = np.nan
    bend_(kind, z, zero, bits, *lots, gain)
    assert np.isnan(z[0, 7])


def test_alpha_dropout_keeps_mean_and_variance_as_torchs_does():
    """Of a SELU of normal numbers: mean 0 and variance 1; bounds of 5 standard errors."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 200_000)).astype(np.float32)
    bits = rng.integers(LEVELS, size=x.shape).astype(np.uint16)
    lots = noise_of(np.array([0.3]), alpha=True)
    bend_(
        KINDS["SELU"], x, np.zeros((1, 1), np.float32), bits, lots.below, lots.scale, lots.shift,
        lots.dropped, np.empty((0, 0), np.float32),
    )  # fmt: skip
    assert abs(x.mean()) < 5 / np.sqrt(x.size)
    assert abs(x.var() - 1) < 5 * np.sqrt(2 / x.size)
    torchs = nn.AlphaDropout(0.3)(torch.nn.functional.selu(torch.randn(200_000)))
    assert float(torchs.min()) == pytest.approx(float(x.min()), rel=1e-4)


@pytest.mark.parametrize("rows", [2, 5, 33])
def test_batch_norm_is_torchs_forward_back_and_in_eval_mode(rows):
    torch.manual_seed(rows)
    layer, width = norm(3, momentum=0.2).double(), 3
    mine = Normalizer(Norm("", layer.eps, layer.momentum), 1, width)
    mine.scale[0], mine.shift[0] = layer.weight.detach()[None], layer.bias.detach()[None]
    mine.mean[:], mine.variance[:] = layer.running_mean, layer.running_var
    bias = torch.tensor([[0.3, -1.0, 2.0]])
    for _ in range(3):
        x = (3 * torch.randn(rows, width)).double().requires_grad_()
        pull = torch.randn(rows, width)
        layer.zero_grad()
        expected = layer.train()(x + bias)
        (expected * pull).sum().backward()
        z = x.detach().float().t().reshape(1, -1).numpy().copy()
        normed, slope = np.empty_like(z), pull.t().reshape(1, -1).numpy().copy()
        added = mine.train(z, bias.numpy(), normed, rows)
        made = z.reshape(width, rows) + added.T
        np.testing.assert_allclose(made, expected.detach().t(), atol=1e-5)
        mine.shift[1] = pull.sum(0)
        mine.backward(slope, normed, rows)
        np.testing.assert_allclose(slope.reshape(width, rows), x.grad.t(), atol=1e-5)
        np.testing.assert_allclose(mine.scale[1, 0], layer.weight.grad, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(mine.mean[0], layer.running_mean, rtol=1e-5)
    np.testing.assert_allclose(mine.variance[0], layer.running_var, rtol=1e-5)
    assert mine.seen[0] == layer.num_batches_tracked == 3
    z = x.detach().float().t().reshape(1, -1).numpy().copy()
    added = mine.read(z, bias.numpy(), rows)
    expected = layer.eval()(x + bias).detach().t()
    np.testing.assert_allclose(z.reshape(width, rows) + added.T, expected, atol=1e-5)


SOME = ["gelu", "selu", "tanh", "leaky, relu, dropout", "batch norm", "inserted"]


@pytest.mark.parametrize("name", SOME)
def test_a_member_alone_and_in_company_is_the_same_bit_for_bit(name):
    many = [replace(MEMBERS[n % 5], number=n) for n in range(11)]
    course, state = begun(name, many)
    together = advance(course, state, 3)
    for places in ([0], [3], [10, 4], [7, 1, 2]):
        apart = advance(course, state.only(places), 3)
        np.testing.assert_array_equal(apart.weights, [together.weights[p] for p in places])
        for alone, beside in zip(apart.tracks, (together.tracks[p] for p in places), strict=True):
            assert (alone.validation, alone.train) == (beside.validation, beside.train)


@pytest.mark.parametrize("name", SOME)
def test_in_pieces_regrouped_and_from_files_it_is_the_same_bit_for_bit(name, tmp_path):
    course, state = begun(name)
    whole = advance(course, state, 6)
    store = Store(tmp_path / "kept")
    work(Piece(name="a", course=course, state=state, until=1), store)
    begun_with = store.get("a")
    one, other = begun_with.only([4, 1]), begun_with.only([0, 2, 3])
    pieces = State.joined([advance(course, one, 5), advance(course, other, 5)])
    pieces = advance(course, pieces, 6)
    order = [track.member.number for track in pieces.tracks]
    assert order == [4, 1, 0, 2, 3]
    for field in ("weights", "first", "second"):
        expected = [getattr(whole, field)[p] for p in order]
        np.testing.assert_array_equal(getattr(pieces, field), expected)
    assert not np.array_equal(whole.weights[0], state.weights[0])


@pytest.mark.parametrize("name", ["tanh", "gelu", "selu", "batch norm"])
def test_a_member_that_diverges_leaves_the_others_alone(name):
    wild = Member(number=9, decay=1e30)
    course, state = begun(name, [MEMBERS[0], wild, MEMBERS[2]])
    together = advance(course, state, 2)
    assert [track.diverged for track in together.tracks] == [False, True, False]
    alone = advance(course, state.only([0, 2]), 2)
    np.testing.assert_array_equal([together.weights[p] for p in (0, 2)], alone.weights)


def test_running_statistics_of_the_best_epoch_are_kept_with_its_weights():
    stops = Member(number=0, patience=30)
    course, state = begun("batch norm", [stops], keeps=True)
    course = replace(course, recipe=replace(course.recipe, epochs=30, learning_rate=0.03))
    done = advance(course, state, 30)
    best = done.tracks[0].best_epoch
    assert 0 < best < 30
    again = advance(course, state, best)
    np.testing.assert_array_equal(done.tracks[0].kept, again.weights[0])
    network = build(course, done.tracks[0].kept).eval().requires_grad_(False)
    read = network(torch.from_numpy(course.material.validation_x))
    losses = nn.functional.cross_entropy(read, torch.from_numpy(course.material.validation_y))
    assert losses.item() == pytest.approx(done.tracks[0].best[0], rel=1e-5)


@pytest.mark.parametrize("name", ["leaky, relu, dropout", "batch norm", "inserted"])
def test_the_terms_are_sums_of_the_weights_that_are_penalized_times_strengths(name):
    course, state = begun(name, MEMBERS[:2])
    engine = Fused(course.shape, state.weights, state.first, state.second, 0)
    network = build(course, state.weights[0])
    weights = [layer.weight.detach().double() for layer in network if type(layer) is nn.Linear]
    expected = [sum(w.abs().sum() for w in weights), sum(w.square().sum() for w in weights)]
    rates = Rates(np.float32([[1, 1, 1, 0], [1, 0.5, 0, 0]]), np.zeros(2), np.ones(2))
    halved = [expected[0] / 2, 0]
    np.testing.assert_allclose(engine.terms(rates), [expected, halved], rtol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_stack_lays_a_network_out_as_tensors_do(name):
    course, state = begun(name, MEMBERS[:1])
    network = build(course, state.weights[0])
    stack, tensors = course.shape, tensors_of(network)
    np.testing.assert_array_equal(stack.vector(network), tensors.vector(network))
    assert stack.parameters == tensors.parameters
    for key, value in tensors.state(stack.vector(network)).items():
        np.testing.assert_array_equal(stack.state(stack.vector(network))[key], value)
