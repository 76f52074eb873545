"""One member of a population as a user would train it: autograd, torch's Adam, a loop."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from fitwell.population.engine import LEVELS
from fitwell.population.job import Member
from fitwell.population.kernels import draw_
from fitwell.remedies.dropout import schedule
from fitwell.remedies.shuffling import batches, key_of, order_of
from fitwell.treatment import regularize

MEMBERS = [
    Member(number=0),
    Member(number=1, l1=1e-3),
    Member(number=2, l2=3e-3, dropout=0.3),
    Member(number=3, decay=2.0, dropout=0.15, fades=True),
    Member(number=4, l1=3e-4, l2=1e-4, decay=0.5, dropout=0.5),
]
NO_ACTIVATION = (nn.Linear, nn.BatchNorm1d, nn.Dropout)
SELU_LIMIT = 1.0507009873554805 * 1.6732632423543772


def build(course, vector):
    """Build the network that a course trains, with the weights of a vector."""
    network = course.material.blueprint.build(course.material.shape, course.material.outputs)
    if course.recipe.batch_norm:
        network = regularize(network, batch_norm=True).module
    state = {name: torch.from_numpy(v) for name, v in course.shape.state(vector).items()}
    network.load_state_dict(state)
    return network


def by_autograd(course, start, member, epochs):
    """Train one network with the engine's rows and noise.

    Returns:
        The network, and the loss of each validation row after each epoch.
    """
    material, recipe = course.material, course.recipe
    network = build(course, start)
    weights = {n: la.weight for n, la in network.named_children() if isinstance(la, nn.Linear)}
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    x, y = torch.from_numpy(material.train_x), torch.from_numpy(material.train_y)
    counts = torch.from_numpy(material.class_weights(recipe))
    held = torch.from_numpy(material.validation_x), torch.from_numpy(material.validation_y)
    read = []
    for epoch in range(1, epochs + 1):
        share = schedule("flat-cosine", (epoch - 1) / recipe.epochs)
        rate = recipe.learning_rate * (share if recipe.schedule == "flat-cosine" else 1.0)
        share = share if member.fades else 1.0
        optimizer.param_groups[0]["lr"] = rate
        order = order_of(course.seed, epoch)
        for number, rows in enumerate(batches(len(x), recipe.batch_size, recipe.sampling, order)):
            values = forward(network.train(), x[rows], course, member, share, (epoch, number))
            loss = F.cross_entropy(values, y[rows], weight=counts)
            for name, w in weights.items():
                loss = loss + own(member, "l2", name) * w.square().sum()
            optimizer.zero_grad()
            loss.backward()
            still_(network)
            step_(optimizer, weights, rate, member, share)
        with torch.no_grad():
            values = network.eval()(held[0])
            losses = F.cross_entropy(values, held[1], reduction="none") * counts[held[1]]
            read.append(losses.numpy())
    return network, np.array(read)


def check(course, state, done, members):
    """Hold every member against `by_autograd`.

    In float32, where sums come in another order; hence 1e-3 of the largest number.
    """
    for place, member in enumerate(members):
        network, read = by_autograd(course, state.weights[0], member, done.epoch)
        found = course.shape.state(done.weights[place])
        assert found.keys() == network.state_dict().keys()
        for key, expected in network.state_dict().items():
            assert found[key].dtype == expected.numpy().dtype
            atol = 1e-3 * max(1, expected.abs().max())
            np.testing.assert_allclose(found[key], expected, rtol=0, atol=atol, err_msg=key)
        np.testing.assert_allclose(done.tracks[place].validation, read[1::2].mean(1), rtol=1e-3)


@torch.no_grad()
def step_(optimizer, weights, rate, member, share):
    for name, w in weights.items():
        w.mul_(1 - rate * share * own(member, "decay", name))
    optimizer.step()
    for name, w in weights.items():
        l1 = own(member, "l1", name)
        state = optimizer.state[w]
        second = state["exp_avg_sq"] / (1 - 0.999 ** float(state["step"]))
        w.copy_(F.relu(w.abs() - rate * l1 / (second.sqrt() + 1e-8)) * w.sign())


def own(member, kind, *names):
    """The strength of a layer that goes by such names."""
    found = [rule.value for rule in member.rules if rule.name == kind and rule.layers in names]
    return found[-1] if found else getattr(member, kind)


def forward(network, values, course, member, share, draw):
    """Pass layer by layer, with the engine's noise behind each activation."""
    layers, place, linear = list(network), 0, ""
    for number, layer in enumerate(layers):
        linear = str(number) if isinstance(layer, nn.Linear) else linear
        values = values if isinstance(layer, nn.Dropout) else layer(values)
        if isinstance(layer, NO_ACTIVATION):
            continue
        after = layers[number + 1]
        there = after.p if isinstance(after, nn.Dropout) else None
        names = (linear, str(number)) if there is None else (linear, str(number + 1))
        last = (str(number + 1),) if number + 2 == len(layers) else ()
        dropout = own(member, "dropout", *names, *last)
        rate = dropout * share if dropout else there or 0.0
        kept, rate = noise(course, rate, (*draw, place), values)
        if isinstance(layer, nn.SELU) and there is None:
            # Alpha dropout: what is dropped becomes the limit of SELU, then all is rescaled.
            values = torch.where(kept, values, -SELU_LIMIT)
            mean, spread = -rate * SELU_LIMIT, math.sqrt((1 - rate) * (1 + rate * SELU_LIMIT**2))
            values = (values - mean) / spread
        else:
            values = values * kept / (1 - rate)
        place += 1
    return values


def noise(course, rate, draw, values):
    """Say which entries stay, ``[rows, units]``, and the rate as the engine rounds it."""
    rows, units = values.shape
    words = np.zeros((units * rows + 3) // 4, np.uint64)
    draw_(words, np.uint64(key_of(course.seed, *draw)))
    bits = words.view(np.uint16)[: units * rows].reshape(units, rows).T
    below = round(rate * LEVELS)
    return torch.from_numpy(bits >= below), below / LEVELS


def still_(network):
    """Hold biases in front of a batch norm: their slope is of rounding, and Adam would step."""
    layers = list(network)
    for number, layer in enumerate(layers):
        follows = number + 1 < len(layers) and isinstance(layers[number + 1], nn.BatchNorm1d)
        if follows or hasattr(layer, "batch_norm"):
            assert layer.bias.grad.abs().max() < 1e-6
            layer.bias.grad.zero_()
