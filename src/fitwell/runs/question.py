"""What a run was asked: every option, checked once."""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from fitwell.comparison.arms import ArmPlan
from fitwell.comparison.own_arms import read_arms
from fitwell.errors import InputError
from fitwell.models.blueprint import Blueprint, find_factory
from fitwell.own.given import Own, own
from fitwell.recipe import Recipe

Verb = Literal["diagnose", "tune", "compare"]
SEEDS = {"diagnose": 1, "tune": 3, "compare": 5}
FIRST = 3
"""With ``--layers`` the settings from this one on can differ by layer."""
RESAMPLES = {"diagnose": 0, "tune": 0, "compare": 10}
"""Ten: with five a gain of 3 points on 2,000 rows is often missed (tests/statistics)."""
CHOICES = {
    "task": ("auto", "binary", "multiclass"),
    "schedule": ("constant", "flat-cosine"),
    "class_weights": ("none", "balanced"),
    "path": ("", "l1", "l2", "dropout"),
}


@dataclass(frozen=True, kw_only=True)
class Question:
    """The options of one run, as they are stored in ``run.json``.

    Zero means "choose for me" for ``batch_size`` and ``seeds``, and −1 for ``resamples``;
    ``budget`` is in seconds, 0 without a limit. ``l1``, ``decay_epochs`` and ``dropout`` are the
    treatment's where they are given, and searched where they are None. ``layers`` are patterns
    of the names of layers that have strengths of their own.
    """

    verb: Verb
    task: Literal["auto", "binary", "multiclass"] = "auto"
    model: str = "auto"
    widths: tuple[int, ...] = ()
    activation: str = "relu"
    trials: int = 32
    seeds: int = 0
    resamples: int = -1
    seed: int = 0
    epochs: int = 60
    batch_size: int = 0
    learning_rate: float = 1e-3
    schedule: Literal["constant", "flat-cosine"] = "constant"
    patience: int = 10
    class_weights: Literal["none", "balanced"] = "none"
    batch_norm: bool = False
    budget: float = 0.0
    device: str = "auto"
    path: Literal["", "l1", "l2", "dropout"] = ""
    bag: bool = False
    greedy: bool = False
    from_weights: str = ""
    optimizer: str = "Adam"
    optimizer_args: str = ""
    loss: str = ""
    arms: str = ""
    l1: float | None = None
    decay_epochs: float | None = None
    dropout: float | None = None
    layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = [
            f"{name} is {getattr(self, field)!r}, but {wanted} is expected"
            for name, field, holds, wanted in (
                ("--trials", "trials", self.trials >= 1, "at least 1"),
                ("--seeds", "seeds", self.seeds >= 0, "at least 1, or 0 to choose"),
                (
                    "--resamples",
                    "resamples",
                    self.resamples in (-1, 0) or (self.resamples >= 2 and self.verb == "compare"),
                    "at least 2 and the verb compare, or 0 for none",
                ),
                ("--seed", "seed", 0 <= self.seed < 2**31, "a whole number from 0 up"),
                ("--epochs", "epochs", self.epochs >= 1, "at least 1"),
                (
                    "--batch-size",
                    "batch_size",
                    self.batch_size == 0 or self.batch_size >= 2,
                    "at least 2",
                ),
                (
                    "--learning-rate",
                    "learning_rate",
                    0 < self.learning_rate < math.inf,
                    "a number above 0",
                ),
                ("--patience", "patience", self.patience >= 1, "at least 1"),
                *(
                    (
                        f"--{field.replace('_', '-')}",
                        field,
                        getattr(self, field) in known,
                        _or(known),
                    )
                    for field, known in CHOICES.items()
                ),
                (
                    "--from",
                    "from_weights",
                    not self.from_weights or self.verb == "tune",
                    "the verb tune",
                ),
                ("--arms", "arms", not self.arms or self.verb == "compare", "the verb compare"),
                ("--l1", "l1", 0 <= (self.l1 or 0) < math.inf, "a number from 0 up"),
                (
                    "--decay-epochs",
                    "decay_epochs",
                    0 <= (self.decay_epochs or 0) < math.inf,
                    "a number from 0 up",
                ),
                ("--dropout", "dropout", 0 <= (self.dropout or 0) < 1, "a rate from 0 to below 1"),
                ("--budget", "budget", 0 <= self.budget < math.inf, "a time such as 10m"),
            )
            if not holds
        ]
        if wrong:
            raise InputError("; ".join(wrong) + ".")
        self._check_ensembles()
        self._check_layers()

    def _check_layers(self) -> None:
        if not self.layers:
            return
        for one in self.layers:
            if not isinstance(one, str) or not one:
                raise InputError(f"--layers: {one!r} is no pattern of layer names, such as 'head'.")
        if len(self.fixed) == 3:
            raise InputError(
                "--layers: l1, decay_epochs and dropout are all given, so that nothing is left to"
                " search for these layers. Leave one out."
            )
        if self.trials < FIRST:
            raise InputError(
                f"--layers: --trials is {self.trials}, but the first two settings are those without"
                f" it. Give at least {FIRST}."
            )

    def _check_ensembles(self) -> None:
        if self.bag and self.greedy:
            raise InputError(
                "--bag and --greedy are both given, but one model is shipped. Choose one; a second"
                " run with the other has the same parts, seeds and search."
            )
        asked = "--bag" if self.bag else "--greedy" if self.greedy else ""
        asked = asked or ("--layers" if self.layers else "")
        if asked and self.verb == "diagnose":
            raise InputError(f"{asked} is for tune and compare. Leave it out, or tune.")

    @property
    def repeats(self) -> int:
        """How many seeds each arm is trained with in the end."""
        return self.seeds or SEEDS[self.verb]

    @property
    def outer(self) -> int:
        """How many outer resamples the arms are judged on."""
        return RESAMPLES[self.verb] if self.resamples < 0 else self.resamples

    @property
    def fixed(self) -> dict[str, float]:
        """Fields of the treatment's recipe that are given, and so not searched."""
        given = {"l1": self.l1, "decay_epochs": self.decay_epochs, "dropout": self.dropout}
        return {name: value for name, value in given.items() if value is not None}

    def own_arms(self) -> tuple[ArmPlan, ...]:
        """Read the user's arms.

        Raises:
            InputError: the file cannot be used.
        """
        return read_arms(Path(self.arms)) if self.arms else ()

    def recipe(self, training_rows: int) -> Recipe:
        """Give the untreated recipe for so many training rows."""
        return Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size or default_batch_size(training_rows),
            learning_rate=self.learning_rate,
            schedule=self.schedule,
            patience=self.patience,
            class_weights=self.class_weights,
        )

    def own(self) -> Own:
        """Find the optimizer and the loss that are named.

        Raises:
            InputError: one is not there, or has no such argument.
        """
        return own(self.optimizer, self.optimizer_args, self.loss)

    def blueprint(self, *, images: bool) -> Blueprint:
        """Give the network's blueprint, for images or for a table.

        Raises:
            InputError: no such model, or it cannot be imported.
        """
        kind = self.model
        if kind == "auto":
            kind = "cnn" if images else "mlp"
        if kind == "mlp":
            widths = self.widths or (256, 256)
            return Blueprint(kind="mlp", widths=widths, activation=self.activation)
        if kind == "cnn":
            widths = self.widths or (16, 32, 64)
            return Blueprint(kind="cnn", widths=widths, activation=self.activation)
        if ":" not in kind:
            raise InputError(
                f"--model is {kind!r}, but mlp, cnn or module:factory is expected, for example"
                " --model mynet:make."
            )
        return Blueprint(kind="custom", factory=find_factory(kind), name=kind)

    def stored(self) -> dict[str, Any]:
        """Give the options as plain data for ``run.json``."""
        return {**asdict(self), "widths": list(self.widths), "layers": list(self.layers)}


def _or(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def default_batch_size(training_rows: int) -> int:
    """Give the power of two nearest, as a ratio, to a fortieth of the rows; 32 to 256. Ours.

    >>> [default_batch_size(rows) for rows in (100, 600, 6000, 18000)]
    [32, 32, 128, 256]
    """
    nearest = 2 ** round(math.log2(max(training_rows / 40, 1)))
    return int(min(256, max(32, nearest)))


def parse_budget(text: str) -> float:
    """Read a time such as ``90s``, ``10m`` or ``1.5h``; give seconds.

    >>> parse_budget("10m")
    600.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if not match or float(match[1]) == 0:
        raise InputError(
            f"--budget is {text!r}, but a time above zero is expected. Write for example 90s,"
            " 10m or 1.5h."
        )
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def pick_device(name: str) -> str:
    """Turn ``auto`` into the best device there is, and check any other.

    Raises:
        InputError: this machine has no such device.
    """
    import torch

    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if name == "auto":
        return "cuda" if there["cuda"] else "cpu"
    if name not in there:
        raise InputError(f"--device is {name!r}, but auto, cpu, cuda or mps is expected.")
    if not there[name]:
        raise InputError(f"--device {name} is not on this machine. Use --device auto or cpu.")
    return name
