"""Strengths of some layers of their own: beside autograd, beside regularize, and in a search."""

from dataclasses import replace

import numpy as np
import pytest
from torch import nn

from by_autograd import check
from fitwell.models.blueprint import Blueprint
from fitwell.population.advance import advance
from fitwell.population.job import Member
from fitwell.population.layout import layout, way_of
from fitwell.population.networks import member_of, treat
from fitwell.population.stack import Stack
from fitwell.population.tensors import Tensors
from fitwell.recipe import Recipe, Rule
from fitwell.remedies import all_remedies
from fitwell.remedies.dropout import DropoutHook
from fitwell.remedies.dropout_places import places
from fitwell.training.loop import train
from fitwell.training.outcome import Job
from fitwell.training.workers import Crew
from fitwell.tuning.candidates import parameters_of
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.search import Search, _complexity
from material import layered, make_material
from stacks import NETWORKS, begun

MEMBERS = [
    Member(number=0),
    Member(number=1, l1=1e-3, rules=(Rule("0", "l1", 0.0),)),
    Member(number=2, rules=(Rule("0", "l2", 3e-3), Rule("0", "dropout", 0.4))),
    Member(number=3, decay=2.0, dropout=0.2, fades=True, rules=(Rule("0", "decay", 9.0),)),
    Member(number=4, dropout=0.5, rules=(Rule("0", "dropout", 0.0), Rule("4", "dropout", 0.1))),
]


@pytest.mark.parametrize("name", ["ReLU", "selu, dropout", "leaky, relu, dropout", "batch norm"])
def test_every_member_is_what_autograd_and_torchs_adam_make_of_it(name):
    known = {kind.lower(): kind for kind in NETWORKS}
    course, state = begun(known[name.lower()], MEMBERS)
    done = advance(course, state, 6)
    check(course, state, done, MEMBERS)
    zero = [done.weights[1][: 16 * 7], done.weights[1][16 * 7 + 16 :]]
    assert (zero[0] == 0).sum() == 0 < (zero[1] == 0).sum()


PATTERNS = [
    pytest.param(name, pattern, id=f"{name}-{pattern}")
    for name, make in NETWORKS.items()
    for pattern, _ in make(7, 3).named_children()
]


@pytest.mark.parametrize(("name", "pattern"), PATTERNS)
def test_dropout_goes_where_regularize_puts_it(name, pattern):
    """Rates of layers and hooks of the treated network, in order, are those of the places."""
    network, (course, _) = NETWORKS[name](7, 3), begun(name)
    member = Member(number=0, dropout=0.2, rules=(Rule(pattern, "dropout", 0.45),))
    expected = [member.at([], hidden.places).dropout for hidden in course.shape.hidden]
    if pattern not in places(network):
        assert expected == [0.2, 0.2]
        return
    module = treat(network, member, batch_norm=False).module
    found = [
        layer.p if isinstance(layer, nn.Dropout) else hook.base
        for layer in module
        for hook in ([None] if isinstance(layer, nn.Dropout) else layer._forward_hooks.values())
        if hook is None or isinstance(hook, DropoutHook)
    ]
    assert found == expected


def test_without_noise_any_network_is_what_the_training_loop_makes_of_it():
    material = replace(make_material(), blueprint=layered(16, 24))
    rules = (Rule("6", "l1", 1e-2), Rule("3", "decay_epochs", 4.0), Rule("0", "l2", 1e-2))
    recipe = Recipe(epochs=8, batch_size=32, learning_rate=0.01, rules=rules, fades=True)
    [batch] = layout(material, {0: recipe}, 1, read_every=1, keeps=True, curves=True)
    [track] = advance(batch.course, batch.begin(), 8).tracks
    alone = train(material, recipe, 1)
    np.testing.assert_allclose(track.validation, alone.validation_log_loss, rtol=1e-5)
    np.testing.assert_allclose([l1 for _, l1, _ in track.curves], alone.l1_term, rtol=1e-4)
    np.testing.assert_allclose([l2 for *_, l2 in track.curves], alone.l2_term, rtol=1e-4)
    for rule in rules:  # each of them does something
        less = train(material, replace(recipe, rules=tuple(r for r in rules if r != rule)), 1)
        assert not np.allclose(alone.validation_log_loss, less.validation_log_loss, rtol=1e-4)
    assert (alone.weights["0.weight"] == 0).sum() == 0 < (alone.weights["6.weight"] == 0).sum()


@pytest.mark.parametrize("widths", [(16, 24), layered(16, 24)], ids=["fused", "single"])
def test_dropout_of_one_layer_fades_as_that_of_all_does(widths):
    """Until half of the epochs nothing differs, then all does; alone it is the loop's schedule."""
    material = make_material()
    if not isinstance(widths, tuple):
        material = replace(material, blueprint=widths)
    steady = Recipe(epochs=8, batch_size=32, rules=(Rule("0", "dropout", 0.4),))
    curves = []
    for recipe in (steady, replace(steady, fades=True)):
        [batch] = layout(material, {0: recipe}, 1, read_every=1)
        [track] = advance(batch.course, batch.begin(), 8).tracks
        alone = train(material, recipe, 1).validation_log_loss
        curves.append((np.array(track.validation), np.array(alone)))
    for one, other in zip(*curves, strict=True):
        np.testing.assert_array_equal(one[:5], other[:5])
        assert (one[5:] != other[5:]).all()


def test_a_timescale_of_a_layer_is_its_decay_by_its_own_formula():
    recipe = Recipe(batch_size=32, decay_epochs=30.0, rules=(Rule("0", "decay_epochs", 4.0),))
    member = member_of(0, recipe, make_material(rows=150))
    assert member.at(["0"], []).decay == pytest.approx(1 / (1e-3 * 5 * 4))
    assert member.at(["2"], []).decay == pytest.approx(1 / (1e-3 * 5 * 30))
    off = replace(recipe, rules=(Rule("0", "decay_epochs", 0.0),))
    assert member_of(0, off, make_material()).at(["0"], []).decay == 0


REMEDIES = [
    all_remedies()[name].by_layer([("0", "l1"), ("0", "decay_epochs"), ("0", "dropout")])
    for name in ("l1", "decoupled L2", "dropout")
]
BASE = Recipe(epochs=8, batch_size=32, learning_rate=0.01, early_stopping=True, patience=8)


def search(blueprint, remedies=REMEDIES):
    material = replace(make_material(), blueprint=blueprint)
    return Search(trials=16, seed=2, crew=Crew(), ledger=Ledger()).run(
        "treatment", material, remedies, BASE
    )


def test_a_search_tries_strengths_of_some_layers_and_the_default_has_none():
    choice = search(Blueprint(kind="mlp", widths=(16, 24)))
    assert choice.path.startswith("fused: ")
    plain, default, *others = [trial.settings for trial in choice.trials]
    assert plain == {}
    assert default == {"decay_epochs": 30.0, "dropout": 0.15, "fades": True}
    keys = {key for settings in others for key in settings}
    assert {"l1[0]", "decay_epochs[0]", "dropout[0]"} <= keys
    apart = [s for s in others if "dropout[0]" in s]
    assert all(s["dropout[0]"] != s.get("dropout", 0.0) for s in apart)


def test_a_strength_that_is_off_at_some_layers_is_no_further_remedy():
    plain = Recipe()
    assert _complexity(replace(plain, l1=1e-4, rules=(Rule("0", "l1", 0.0),)), plain) == 1
    assert _complexity(replace(plain, l1=1e-4, rules=(Rule("0", "l1", 1e-5),)), plain) == 2
    assert _complexity(replace(plain, dropout=0.2, fades=True), plain) == 1


def test_a_search_of_single_networks_finds_the_same_without_noise():
    class Held(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            layers = nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs)
            self.layers = nn.Sequential(*layers)

        def forward(self, x):
            return self.layers(x)

    def stack(inputs, outputs):
        return Held(inputs, outputs).layers

    found = []
    for make, pattern in ((stack, "0"), (Held, "layers.0")):
        kinds = [(pattern, "l1"), (pattern, "decay_epochs")]
        remedies = [all_remedies()[name].by_layer(kinds) for name in ("l1", "decoupled L2")]
        found.append(search(Blueprint(kind="custom", factory=make), remedies))
    fused, single = found
    assert fused.path.startswith("fused: ")
    assert single.path.startswith("a population of single networks")
    assert fused.epochs == single.epochs
    for one, other in zip(fused.trials, single.trials, strict=True):
        assert one.dropped == other.dropped
        assert one.validation_log_loss == pytest.approx(other.validation_log_loss, rel=1e-3)
    assert fused.promised.value == pytest.approx(single.promised.value, rel=1e-3)


def test_the_final_training_of_a_recipe_is_the_same_fused_and_by_itself():
    material = make_material()
    rules = (Rule("0", "l1", 1e-2), Rule("4", "decay_epochs", 3.0))
    recipe = replace(BASE, l1=1e-4, rules=rules)
    [(_, outcome)] = Crew().finish("x", material, [Job(0, recipe, 1)])
    alone = train(material, recipe, 1)
    np.testing.assert_allclose(outcome.validation_log_loss, alone.validation_log_loss, rtol=1e-4)
    np.testing.assert_allclose(outcome.l1_term, alone.l1_term, rtol=1e-3)
    assert outcome.zeros == pytest.approx(alone.zeros, abs=0.02)


def test_on_a_graphics_card_they_are_trained_one_by_one():
    material, recipe = make_material(), replace(BASE, rules=(Rule("0", "l1", 1e-3),))
    assert way_of(material, {0: BASE, 1: recipe}, "cpu") == ("fused", "")
    reason = "layers have strengths of their own"
    assert way_of(material, {0: BASE, 1: recipe}, "cuda") == ("single", reason)
    assert way_of(material, {0: BASE}, "cuda") == ("fused", "")
    [batch] = layout(material, {0: BASE, 1: recipe}, 1, device="cuda")
    assert isinstance(batch.course.shape, Tensors)
    assert batch.course.chunk == 1
    [batch] = layout(material, {0: BASE, 1: recipe}, 1)  # together where they can be
    assert isinstance(batch.course.shape, Stack)
    assert [member.rules for member in batch.members] == [(), recipe.rules]


def test_rates_of_the_networks_own_that_nothing_set_do_not_fade():
    own = nn.Sequential(
        nn.Linear(7, 8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.1),
        nn.Linear(8, 3),
    )  # fmt: skip
    member = Member(number=0, rules=(Rule("0", "dropout", 0.3),))
    treated = treat(own, member, batch_norm=False)
    treated.set_dropout_(0.5)
    assert [layer.p for layer in treated.module if isinstance(layer, nn.Dropout)] == [0.15, 0.1]
    assert [layer.p for layer in treated.remove() if isinstance(layer, nn.Dropout)] == [0.4, 0.1]


def test_optunas_table_holds_what_a_layer_has_where_it_is_not_said():
    ledger = Ledger()
    parameters = parameters_of(REMEDIES)
    trial = ledger.ask("x", parameters, 1, {"decay_epochs": 30.0, "dropout": 0.15, "l1[0]": 1e-4})
    assert {key: trial.params[key] for key in ("decay_epochs[0]", "dropout[0]", "l1[0]", "l1")} == {
        "decay_epochs[0]": 30.0, "dropout[0]": 0.15, "l1[0]": 1e-4, "l1": 0.0,
    }  # fmt: skip
