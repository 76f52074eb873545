"""What the searches of `search.py` are given, what they give back, and the space they search.

A search is a function ``(problem, seed) -> Found``; `search_peers.py` holds those of the
peers, and `search_fitwell.py`, where it exists, fitwell's own. Each file names its searches
in a dict ``METHODS``.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fitwell.data.load import load_source
from fitwell.models.blueprint import Blueprint
from fitwell.models.mlp import ACTIVATIONS
from fitwell.runs.launch import make_task
from fitwell.runs.question import Question
from fitwell.task import Task

Rows = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Axis:
    """One strength: off with probability ``off``, otherwise between ``low`` and ``high``."""

    off: float
    low: float
    high: float
    log: bool

    def draw(self, rng: np.random.Generator) -> float | None:
        """Draw a strength; None is off."""
        share, place = rng.random(2)
        if share < self.off:
            return None
        if self.log:
            return float(self.low * (self.high / self.low) ** place)
        return float(self.low + (self.high - self.low) * place)


SPACE = {
    "l1": Axis(0.40, 1e-6, 1e-3, log=True),
    # After so many epochs weight decay alone has brought a weight down to 1/e.
    "decay_epochs": Axis(0.40, 5.0, 2000.0, log=True),
    "dropout": Axis(0.15, 0.0, 0.5, log=False),
}


@dataclass(frozen=True)
class Net:
    """A network: ``2x64``, ``2x64-tanh``, ``2x64-norm`` or ``2x64-gelu-norm``.

    Attributes:
        widths: of the hidden layers.
        activation: of each; ReLU where none is named.
        norm: whether there is a batch norm in front of each.
    """

    widths: tuple[int, ...]
    activation: str = "relu"
    norm: bool = False

    @classmethod
    def named(cls, name: str) -> "Net":
        """Read a name."""
        size, *more = name.split("-")
        layers, width = map(int, size.split("x"))
        activation = next((word for word in more if word != "norm"), "relu")
        return cls((width,) * layers, activation, "norm" in more)

    def build(self, inputs: int, outputs: int, dropout: float = 0.0) -> nn.Sequential:
        """Build it, with dropout after each activation where it is on."""
        layers: list[nn.Module] = []
        for one, other in pairwise((inputs, *self.widths)):
            layers.append(nn.Linear(one, other))
            if self.norm:
                layers.append(nn.BatchNorm1d(other))
            layers.append(ACTIVATIONS[self.activation]())
            if dropout > 0:
                layers.append(nn.Dropout(dropout))
        return nn.Sequential(*layers, nn.Linear(self.widths[-1], outputs))


@dataclass(frozen=True)
class Problem:
    """One data set, one split and one network.

    Attributes:
        name: of the data set.
        seed: of the split.
        net: the network.
        task: fitwell's, with the encoded arrays of all three parts.
        epochs: of a full training.
        batch_size: rows per step.
        learning_rate: constant.
        most_trials: a search that wants more takes so many.
    """

    name: str
    seed: int
    net: Net
    task: Task
    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 1e-3
    most_trials: int = 64

    @property
    def classes(self) -> int:
        """How many outputs the network has."""
        return self.task.material.outputs

    @cached_property
    def train(self) -> Rows:
        """Inputs and classes of the training rows."""
        return _rows(self.task.material.train_x, self.task.material.train_y)

    @cached_property
    def validation(self) -> Rows:
        """Inputs and classes of the validation rows."""
        return _rows(self.task.material.validation_x, self.task.material.validation_y)

    @cached_property
    def both(self) -> Rows:
        """Training and validation rows together, for the refit."""
        one, other = self.train, self.validation
        return torch.cat([one[0], other[0]]), torch.cat([one[1], other[1]])

    @cached_property
    def test_x(self) -> Tensor:
        """Inputs of the test rows; their classes are for `search.py` alone."""
        return torch.from_numpy(np.ascontiguousarray(self.task.inputs(self.task.split.test)))

    def weight_decay(self, decay_epochs: float | None) -> float:
        """Give AdamW's ``weight_decay`` for a timescale in epochs; None is off."""
        if decay_epochs is None:
            return 0.0
        steps = math.ceil(len(self.train[0]) / self.batch_size)
        return 1 / (self.learning_rate * steps * decay_epochs)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search came to.

    Attributes:
        settings: the choice, as plain data.
        choice: probabilities ``[test rows, classes]`` of the chosen network at its best epoch.
        refit: the same after training anew on training and validation rows.
        seconds: of the search alone, until the chosen network is there; without the refit.
        untreated: choice and refit of the untreated network as the same trainer makes it,
            which the choice is paired with; None where that is `search_peers.untreated`.
        extra: anything else worth a place in the results, as plain data.
    """

    settings: dict[str, Any]
    choice: NDArray[np.floating]
    refit: NDArray[np.floating]
    seconds: float
    untreated: tuple[NDArray[np.floating], NDArray[np.floating]] | None = None
    extra: dict[str, Any] = field(default_factory=dict)


Method = Callable[[Problem, int], Found]


def load_problem(folder: Path, name: str, seed: int, net: Net, **options: int) -> Problem:
    """Read, split and encode a data set as fitwell does."""
    source = load_source(folder / f"{name}.csv.gz", target="target")
    task = make_task(Question(verb="tune", seed=seed, device="cpu"), source)

    def make(inputs: int, outputs: int) -> nn.Sequential:
        return net.build(inputs, outputs)

    own = Blueprint(kind="custom", factory=make)
    return Problem(name, seed, net, replace(task, blueprint=own), **options)


def _rows(x: NDArray[np.float32], y: NDArray[Any]) -> Rows:
    return torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(np.ascontiguousarray(y))
