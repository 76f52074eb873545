"""How one network is trained: every number that a remedy may change."""

import math
from dataclasses import dataclass, fields
from typing import Literal, NamedTuple

from fitwell.errors import InputError
from fitwell.own.optimizer import Optimizer
from fitwell.rules import in_use

Start = Literal["new", "given", "shrunk"]


class Rule(NamedTuple):
    """A strength of some layers, in place of the one that the others have.

    Attributes:
        layers: a pattern of names, as in `regularize`; of two that fit the last one holds.
        name: of a field of `Recipe`: ``l1``, ``l2``, ``decay_epochs`` or ``dropout``.
        value: for these layers.
    """

    layers: str
    name: str
    value: float

    @property
    def key(self) -> str:
        """What it is called among settings."""
        return key_of(self.name, self.layers)


def key_of(name: str, layers: str) -> str:
    """Say what a strength is called among settings.

    >>> key_of("dropout", ""), key_of("dropout", "head")
    ('dropout', 'dropout[head]')
    """
    return f"{name}[{layers}]" if layers else name


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training, apart from its data and its seed.

    The objective is ``loss + l1 Σ|w| + l2 Σw²``: no half in front of ``l2``, sums over the
    penalized weights, cross-entropy averaged over the batch. The optimizer is Adam, unless
    ``optimizer`` is another.

    Attributes:
        epochs: the most passes over the training rows.
        batch_size: rows per step.
        learning_rate: the optimizer's, before the schedule.
        schedule: ``constant``, or ``flat-cosine``: constant for the first half of
            ``epochs``, then a half cosine down to zero.
        patience: early stopping ends after so many epochs without a new minimum of the
            validation loss, of all validation rows and of all but each tenth of them.
        early_stopping: stop by patience and keep the weights of the best epoch; without
            it the last epoch's weights are kept.
        class_weights: ``balanced`` weights a row by rows / (classes x rows of its class).
        l1: strength of Σ|w|, taken by a proximal step that leaves exact zeros.
        l2: strength of Σw².
        decay_epochs: timescale of decoupled L2 in epochs, see `decay_of_timescale`; 0 is off.
        dropout: rate after each hidden activation.
        fades: dropout and decay stay for the first half of ``epochs`` and fall along half a
            cosine to 0 in the second.
        batch_norm: batch normalization before each hidden activation.
        sampling: ``reshuffle`` draws a new order each epoch; ``replacement`` draws every
            batch anew, so that a row may come twice.
        all_rows: train on training and validation rows together, for ``stop_after``
            epochs, since nothing is left to stop by.
        stop_after: train for so many epochs of a training that is laid out for ``epochs``,
            neither more nor less; 0 means all of them, or fewer with early stopping.
        width: every hidden width times this.
        removed_layers: so many hidden layers less.
        rules: strengths that some layers have of their own.
        start: at ``new`` weights; at those that were ``given``; or at these ``shrunk`` and
            mixed with new ones, see `start_`.
        optimizer: the user's own; None is Adam with torch's defaults.
    """

    epochs: int = 60
    batch_size: int = 128
    learning_rate: float = 1e-3
    schedule: Literal["constant", "flat-cosine"] = "constant"
    patience: int = 10
    early_stopping: bool = False
    class_weights: Literal["none", "balanced"] = "none"
    l1: float = 0.0
    l2: float = 0.0
    decay_epochs: float = 0.0
    dropout: float = 0.0
    fades: bool = False
    batch_norm: bool = False
    sampling: Literal["reshuffle", "replacement"] = "reshuffle"
    all_rows: bool = False
    stop_after: int = 0
    width: float = 1.0
    removed_layers: int = 0
    rules: tuple[Rule, ...] = ()
    start: Start = "new"
    optimizer: Optimizer | None = None

    def __post_init__(self) -> None:
        wrong = [
            f"{name} is {getattr(self, name)!r}, but {wanted} is expected"
            for name, holds, wanted in (
                ("epochs", self.epochs >= 1, "at least 1"),
                ("batch_size", self.batch_size >= 2, "at least 2"),
                ("learning_rate", self.learning_rate > 0, "a number above 0"),
                ("patience", self.patience >= 1, "at least 1"),
                ("l1", self.l1 >= 0, "a number from 0 up"),
                ("l2", self.l2 >= 0, "a number from 0 up"),
                ("decay_epochs", self.decay_epochs >= 0, "a number from 0 up"),
                ("dropout", 0 <= self.dropout < 1, "a rate from 0 to below 1"),
                ("width", self.width > 0, "a number above 0"),
            )
            if not (holds and math.isfinite(getattr(self, name)))
        ]
        if wrong:
            raise InputError("; ".join(wrong) + ".")

    def differences(self, other: "Recipe") -> dict[str, float | int | str | bool]:
        """Fields in which this recipe differs from ``other``, with this one's values.

        Rules are listed one by one, each under its key.

        >>> Recipe(l1=0.1, rules=(Rule("head", "l1", 0.0),)).differences(Recipe())
        {'l1': 0.1, 'l1[head]': 0.0}
        """
        names = [field.name for field in fields(self) if field.name != "rules"]
        found = {n: getattr(self, n) for n in names if getattr(self, n) != getattr(other, n)}
        return found | {rule.key: rule.value for rule in self.rules if rule not in other.rules}

    @property
    def stops_early(self) -> bool:
        """Whether validation rows say when to stop: neither trained on nor overruled."""
        return self.early_stopping and not (self.all_rows or self.stop_after)

    def uses(self, name: str) -> bool:
        """Say whether a strength is above 0 at all layers or at some."""
        return in_use(getattr(self, name), self.rules, name)
