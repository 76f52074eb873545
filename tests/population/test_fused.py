"""The fused engine against autograd and torch's own optimizer, and against itself alone."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from by_autograd import MEMBERS, build, by_autograd
from fitwell.models.blueprint import Blueprint
from fitwell.population.advance import advance
from fitwell.population.course import Course, chunk_size
from fitwell.population.engine import LEVELS
from fitwell.population.job import Member, State, begin
from fitwell.population.kernels import draw_
from fitwell.population.stack import stack_of
from fitwell.recipe import Recipe
from fitwell.remedies.early_stopping import cross_fitted, split_parts, watched
from fitwell.remedies.shuffling import key_of
from material import make_material


def make_course(material, recipe=None, **options):
    torch.manual_seed(0)
    network = material.blueprint.build(material.shape, material.outputs)
    stack = stack_of(network)
    recipe = recipe or Recipe(epochs=6, batch_size=32)
    course = Course(material=material, shape=stack, recipe=recipe, seed=3, **options)
    return course, stack.vector(network)


RECIPES = {
    "plain": Recipe(epochs=6, batch_size=32),
    "cosine": Recipe(epochs=6, batch_size=64, schedule="flat-cosine", learning_rate=3e-3),
    "balanced": Recipe(epochs=6, batch_size=50, class_weights="balanced"),
    "with replacement": Recipe(epochs=6, batch_size=32, sampling="replacement"),
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_member_is_what_autograd_and_torchs_adam_make_of_it(recipe):
    """In float32, where sums come in another order; Adam divides a slope near 0 by its own size.

    Hence 1e-3 of the largest weight: a wrong factor shows in the first digit.
    """
    course, start = make_course(make_material(), recipe)
    state = advance(course, begin(MEMBERS, start, len(start)), 6)
    for place, member in enumerate(MEMBERS):
        network, read = by_autograd(course, start, member, 6)
        expected = course.shape.vector(network)
        np.testing.assert_allclose(
            state.weights[place], expected, rtol=0, atol=1e-3 * np.abs(expected).max()
        )
        np.testing.assert_allclose(
            state.tracks[place].validation, read[1::2].mean(axis=1), rtol=1e-3
        )
    zeros = [(state.weights[place] == 0).mean() for place in range(5)]
    assert zeros[0] == zeros[2] == zeros[3] == 0 < min(zeros[1], zeros[4])


@pytest.mark.parametrize("widths", [(16, 24), (64, 64), (13, 7), (40, 24, 8)])
def test_a_member_alone_and_in_company_is_the_same_bit_for_bit(widths):
    course, start = make_course(make_material(widths=widths))
    many = [replace(MEMBERS[n % 5], number=n) for n in range(11)]
    together = advance(course, begin(many, start, len(start)), 4)
    for places in ([0], [3], [10, 4], [7, 1, 2]):
        apart = advance(course, begin([many[p] for p in places], start, len(start)), 4)
        np.testing.assert_array_equal(apart.weights, [together.weights[p] for p in places])
        for alone, beside in zip(apart.tracks, (together.tracks[p] for p in places), strict=True):
            assert alone.validation == beside.validation
            assert alone.train == beside.train


def test_a_training_in_pieces_and_regrouped_is_the_same_bit_for_bit():
    course, start = make_course(make_material())
    whole = advance(course, begin(MEMBERS, start, len(start)), 6)
    pieces = advance(course, begin(MEMBERS, start, len(start)), 1)
    one, other = pieces.only(np.array([4, 1])), pieces.only(np.array([0, 2, 3]))
    pieces = State.joined([advance(course, one, 5), advance(course, other, 5)])
    pieces = advance(course, pieces, 6)
    order = [track.member.number for track in pieces.tracks]
    assert order == [4, 1, 0, 2, 3]
    np.testing.assert_array_equal(pieces.weights, [whole.weights[p] for p in order])
    for place, number in enumerate(order):
        np.testing.assert_array_equal(pieces.tracks[place].judged, whole.tracks[number].judged)
        assert pieces.tracks[place].validation == whole.tracks[number].validation


@pytest.mark.parametrize("sampling", ["reshuffle", "replacement"])
def test_how_many_batches_are_taken_out_at_once_changes_nothing(sampling, monkeypatch):
    course, start = make_course(make_material(), Recipe(epochs=3, batch_size=32, sampling=sampling))
    found = []
    for at_once in (1, 2 * 32 * 7, 2**22):
        monkeypatch.setattr("fitwell.population.advance.AT_ONCE", at_once)
        found.append(advance(course, begin(MEMBERS, start, len(start)), 3))
    for other in found[1:]:
        np.testing.assert_array_equal(other.weights, found[0].weights)
        assert other.tracks[2].train == found[0].tracks[2].train


def test_the_training_loss_is_the_mean_of_the_batches():
    """A network that hardly learns has the loss that it begins with; 150 rows are three batches."""
    recipe = Recipe(epochs=2, batch_size=50, learning_rate=1e-9)
    course, start = make_course(make_material(rows=150), recipe)
    [track] = advance(course, begin(MEMBERS[:1], start, len(start)), 2).tracks
    network = build(course, start).eval()
    x, y = course.material.train_x, course.material.train_y
    loss = torch.nn.functional.cross_entropy(network(torch.from_numpy(x)), torch.from_numpy(y))
    assert track.train == pytest.approx([loss.item()] * 2, rel=1e-5)


def test_rows_are_judged_at_the_epoch_that_the_other_parts_stop_at():
    recipe = Recipe(epochs=12, batch_size=32, learning_rate=0.03)
    course, start = make_course(make_material(), recipe, read_every=1)
    state = advance(course, begin(MEMBERS[:1], start, len(start)), 12)
    _, read = by_autograd(course, start, MEMBERS[0], 12)
    part = split_parts(60, seed=0)
    assert len(set(watched(read.astype(np.float32), part).argmin(axis=0))) > 3
    expected = cross_fitted(read.astype(np.float32), part)
    np.testing.assert_allclose(state.tracks[0].judged, expected, rtol=1e-3)
    assert state.tracks[0].best_epoch == 1 + int(read.mean(axis=1).argmin())


def test_the_best_weights_are_kept_where_they_are_asked_for():
    stops = replace(MEMBERS[0], patience=12)
    course, start = make_course(
        make_material(), Recipe(epochs=12, batch_size=32, learning_rate=0.02), keeps=True
    )
    state = advance(course, begin([stops], start, len(start)), 12)
    best = state.tracks[0].best_epoch
    assert 0 < best < 12
    again = advance(course, begin([stops], start, len(start)), best)
    np.testing.assert_array_equal(state.tracks[0].kept, again.weights[0])
    assert again.tracks[0].best_epoch == best


def test_a_member_that_diverges_leaves_the_others_alone():
    course, start = make_course(make_material())
    wild = Member(number=9, decay=1e30)
    together = advance(course, begin([MEMBERS[0], wild, MEMBERS[2]], start, len(start)), 2)
    assert [track.diverged for track in together.tracks] == [False, True, False]
    alone = advance(course, begin([MEMBERS[0], MEMBERS[2]], start, len(start)), 2)
    np.testing.assert_array_equal([together.weights[p] for p in (0, 2)], alone.weights)


def test_dropout_drops_the_share_of_the_rate_and_keys_give_independent_noise():
    """Bound: 5 standard errors of a binomial share."""
    words = np.zeros(100_000, np.uint64)
    draw_(words, np.uint64(key_of(0, 1, 2, 0)))
    first = words.view(np.uint16).copy() >= 0.3 * LEVELS
    draw_(words, np.uint64(key_of(0, 1, 2, 1)))
    second = words.view(np.uint16) >= 0.3 * LEVELS
    error = math.sqrt(0.3 * 0.7 / first.size)
    assert abs(first.mean() - 0.7) < 5 * error
    assert abs((first & second).mean() - 0.49) < 5 * math.sqrt(0.49 * 0.51 / first.size)


def test_chunks_are_smaller_for_larger_networks_and_follow_from_sizes_alone():
    sizes = [
        chunk_size(stack_of(Blueprint(kind="mlp", widths=w).build((60,), 2)), 128)
        for w in ((8,), (64, 64), (128, 128), (256, 256, 256), (2000, 2000))
    ]
    assert sizes == [32, 19, 7, 1, 1]
