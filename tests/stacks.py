"""Stacks of three linear layers with all that the fused engines know between them."""

import copy
from dataclasses import replace

import torch
from torch import nn

from by_autograd import MEMBERS
from fitwell.models.blueprint import Blueprint
from fitwell.models.mlp import ACTIVATIONS
from fitwell.population.layout import layout, way_of
from fitwell.recipe import Recipe
from material import make_material

RECIPE = Recipe(epochs=6, batch_size=32, learning_rate=3e-3)


def of(*between):
    """Make networks of three linear layers, with these between them."""

    def make(inputs, outputs):
        one, other = copy.deepcopy(between)
        return nn.Sequential(
            nn.Linear(inputs, 16), *one, nn.Linear(16, 24), *other, nn.Linear(24, outputs)
        )

    return make


def norm(width, **options):
    """A batch norm whose numbers are none of those that any layer begins with."""
    layer = nn.BatchNorm1d(width, **options)
    rows = torch.linspace(0.5, 1.5, width)
    layer.weight.data, layer.bias.data = rows, rows - 1
    layer.running_mean.copy_(rows.flip(0))
    layer.running_var.copy_(rows)
    return layer


NETWORKS = {
    **{name: of([kind()], [kind()]) for name, kind in ACTIVATIONS.items()},
    "sigmoid, elu": of([nn.Sigmoid()], [nn.ELU(inplace=True)]),
    "leaky, relu, dropout": of([nn.LeakyReLU(), nn.Dropout(0.4)], [nn.ReLU(), nn.Dropout(0.1)]),
    "selu, dropout": of([nn.SELU(), nn.Dropout(0.2)], [nn.SELU()]),
    "batch norm": of([norm(16), nn.ReLU()], [norm(24), nn.Tanh(), nn.Dropout(0.2)]),
    "batch norm, eps, momentum": of([norm(16, eps=0.1, momentum=0.3), nn.GELU()], [nn.ReLU()]),
    "batch norm of all batches": of([nn.SiLU()], [norm(24, momentum=None), nn.ReLU()]),
}
RECIPES = {**dict.fromkeys(NETWORKS, RECIPE), "inserted": replace(RECIPE, batch_norm=True)}
NETWORKS["inserted"] = of([nn.ReLU()], [norm(24), nn.Tanh()])


def begun(name, members=MEMBERS, **options):
    blueprint = Blueprint(kind="custom", factory=NETWORKS[name])
    material = replace(make_material(), blueprint=blueprint)
    assert way_of(material, {0: RECIPES[name]}, "cpu") == ("fused", "")
    [batch] = layout(material, {0: RECIPES[name]}, seed=3, **options)
    return batch.course, replace(batch, members=tuple(members)).begin()
