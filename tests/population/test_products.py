"""Products in bfloat16: beside exact ones of the rounded numbers, and in a search."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fitwell.population.advance import advance
from fitwell.population.blocks import Block
from fitwell.population.fused import Fused
from fitwell.population.job import Member, begin
from fitwell.population.layout import described, layout
from fitwell.population.products import Exact, Rounded
from fitwell.recipe import Recipe
from fitwell.remedies import all_remedies
from fitwell.training.outcome import Job
from fitwell.training.workers import Crew
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.search import Search
from material import make_material

WIDE = (128, 160)
RECIPE = Recipe(epochs=3, batch_size=32, early_stopping=True)
MEMBERS = [Member(number=n, dropout=0.1 * (n % 4), l1=1e-5 * n) for n in range(9)]


def block(*shape):
    made = Block(*shape)
    made.tensor.copy_(torch.randn(shape))
    return made


def make(bfloat16, members=MEMBERS, widths=WIDE):
    material = make_material(widths=widths)
    torch.manual_seed(0)
    [batch] = layout(material, {0: RECIPE}, 3, bfloat16=bfloat16)
    return batch.course, begin(members, batch.start, len(batch.start))


@pytest.fixture(params=[True, False], ids=["bfloat16", "without"])
def processor(request, monkeypatch):
    """A processor that multiplies bfloat16, or one that does not; the products are real."""
    monkeypatch.setattr("fitwell.population.course.has_bfloat16", lambda: request.param)
    return request.param


@pytest.mark.parametrize("shape", [(3, 128, 160, 37), (2, 256, 129, 128)])
def test_rounded_products_are_those_of_rounded_numbers_rounded(shape):
    """Twice 2**-9 of the number for the last rounding, and 1e-4 for sums that nearly cancel."""
    torch.manual_seed(1)
    members, outputs, inputs, rows = shape
    weight, read = block(members, outputs, inputs), block(members, inputs, rows)
    slope, output = block(members, outputs, rows), block(members, outputs, rows)
    found = output, block(members, outputs, inputs), block(members, inputs, rows)
    products = Rounded(*shape)
    products.forward(weight, read, output)
    products.backward(slope, *found[1:])
    w, r, s = (one.tensor.bfloat16().double() for one in (weight, read, slope))
    for own, expected in zip(found, (w @ r, s @ r.mT, w.mT @ s), strict=True):
        torch.testing.assert_close(own.tensor.double(), expected, rtol=2**-8, atol=1e-4)
        assert torch.equal(own.tensor.bfloat16().float(), own.tensor)
    exact = Exact()
    exact.forward(weight, read, output)
    exact.backward(slope, *found[1:])
    w, r, s = (one.tensor.double() for one in (weight, read, slope))
    for own, expected in zip(found, (w @ r, s @ r.mT, w.mT @ s), strict=True):
        torch.testing.assert_close(own.tensor.double(), expected, rtol=1e-5, atol=1e-4)


def test_a_rounded_member_alone_and_in_company_is_the_same_bit_for_bit(monkeypatch):
    monkeypatch.setattr("fitwell.population.course.has_bfloat16", lambda: True)
    course, all_ = make(bfloat16=True)
    assert course.rounds
    together = advance(course, all_, 3)
    for places in ([0], [8], [3, 7], [1, 2, 4, 5, 6]):
        apart = advance(course, make(True, [MEMBERS[p] for p in places])[1], 3)
        np.testing.assert_array_equal(apart.weights, [together.weights[p] for p in places])


def test_rounded_trainings_are_like_exact_ones_and_are_read_exactly(monkeypatch):
    """The losses differ in the third digit, hence 2 %; what rounds nothing differs in none."""
    monkeypatch.setattr("fitwell.population.course.has_bfloat16", lambda: True)
    course, state = make(bfloat16=True)
    rounded, exact = (advance(each, state, 3) for each in (course, replace(course, bfloat16=False)))
    for one, other in zip(rounded.tracks, exact.tracks, strict=True):
        assert one.validation == pytest.approx(other.validation, rel=0.02)
        assert one.validation != other.validation
    vectors = rounded.weights, rounded.first, rounded.second
    x, y = course.material.validation_x, course.material.validation_y
    read = [Fused(course.shape, *vectors, 15, bfloat16=how) for how in (True, False)]
    one, other = (engine.losses(engine.inputs(x), y) for engine in read)
    np.testing.assert_array_equal(one, other)


def test_narrow_layers_are_never_rounded(monkeypatch):
    monkeypatch.setattr("fitwell.population.course.has_bfloat16", lambda: True)
    course, state = make(bfloat16=True, widths=(128, 64))
    assert not course.rounds
    exact = advance(replace(course, bfloat16=False), state, 3)
    np.testing.assert_array_equal(advance(course, state, 3).weights, exact.weights)


def test_a_search_rounds_where_the_processor_can_and_says_so(processor):
    material = make_material(widths=WIDE)
    remedies = [all_remedies()["l1"]]
    whole = Search(trials=3, seed=2, crew=Crew(), ledger=Ledger(), folds=[material])
    choice = whole.run("treatment", material, remedies, RECIPE)
    assert choice.path.endswith("in bfloat16") == processor
    [batch] = layout(material, {0: RECIPE}, 2)
    exact = advance(batch.course, begin(batch.members, batch.start, len(batch.start)), 3)
    found = choice.trials[0].validation_log_loss
    assert (found == pytest.approx(min(exact.tracks[0].validation), rel=1e-9)) != processor
    assert not described([batch], "").endswith("in bfloat16")


def test_trainings_outside_a_search_are_exact_on_every_processor(monkeypatch):
    material = make_material(widths=WIDE)
    found = []
    for has in (True, False):
        monkeypatch.setattr("fitwell.population.course.has_bfloat16", lambda has=has: has)
        [(_, outcome)] = Crew().finish("x", material, [Job(0, RECIPE, 1)])
        found.append(outcome)
    for name, weights in found[0].weights.items():
        np.testing.assert_array_equal(weights, found[1].weights[name])
