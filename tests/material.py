"""Rows to train on, of a kind that a small network can learn."""

import numpy as np
from torch import nn

from fitwell.models.blueprint import Blueprint
from fitwell.task import Material


def layered(*widths):
    """A network with layer norm, which is not fused."""

    def make(inputs, outputs):
        layers = []
        for width in widths:
            layers += [nn.Linear(inputs, width), nn.LayerNorm(width), nn.Tanh()]
            inputs = width
        return nn.Sequential(*layers, nn.Linear(inputs, outputs))

    return Blueprint(kind="custom", factory=make)


def make_material(rows=150, columns=7, classes=3, widths=(16, 24)):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows + 60, columns)).astype(np.float32)
    y = (x[:, 0] + 0.5 * rng.normal(size=len(x)) > 0).astype(np.int64) + (x[:, 1] > 0.8)
    return Material(
        train_x=x[:rows],
        train_y=y[:rows],
        validation_x=x[rows:],
        validation_y=y[rows:],
        outputs=classes,
        blueprint=Blueprint(kind="mlp", widths=widths),
    )
