"""A part of a training: some members, from one epoch to another; and what it leaves."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fitwell.population.stack import Weights
from fitwell.recipe import Rule
from fitwell.rules import as_rules, in_use, strength


@dataclass(frozen=True, kw_only=True)
class Member:
    """One setting of a network.

    Attributes:
        number: names it among the others.
        l1: strength of Σ|w|, taken by the proximal step in Adam's metric.
        l2: strength of Σw².
        decay: decoupled decay, per unit of learning rate.
        dropout: rate after each hidden layer.
        fades: dropout and decay follow `schedule` "flat-cosine" down to 0.
        patience: it stops after so many epochs without a new minimum; 0 never.
        epochs: it is trained for so many; 0 for as many as there are.
        rules: strengths that some layers have of their own; they name the attributes above.
    """

    number: int
    l1: float = 0.0
    l2: float = 0.0
    decay: float = 0.0
    dropout: float = 0.0
    fades: bool = False
    patience: int = 0
    epochs: int = 0
    rules: tuple[Rule, ...] = ()

    def uses(self, name: str) -> bool:
        """Say whether a strength is above 0 at all layers or at some."""
        return in_use(getattr(self, name), self.rules, name)

    def at(self, names: Sequence[str], places: Sequence[str]) -> "Member":
        """Give the strengths that hold at one layer.

        Args:
            names: by which the layer's weights go.
            places: by which what lies behind it goes, for dropout.
        """
        if not self.rules:
            return self
        rules = as_rules(self.rules)
        return replace(
            self,
            l1=strength(rules, "l1", self.l1, *names),
            l2=strength(rules, "l2", self.l2, *names),
            decay=strength(rules, "decay", self.decay, *names),
            dropout=strength(rules, "dropout", self.dropout, *places),
            rules=(),
        )


@dataclass(frozen=True, kw_only=True)
class Track:
    """What became of one member so far.

    Attributes:
        member: its setting.
        train: mean training loss of each epoch, dropout on.
        read_at: epochs, from 1, after which the validation rows were read.
        validation: their mean log-loss then.
        best: lowest mean so far: of all validation rows, and of all but each part of them.
        best_epoch: epoch of the first of these.
        improved: the last epoch at which any of them became lower.
        judged: log-loss of each validation row at the epoch that the other parts would stop at; at
            the last of a member that is trained for so many.
        curves: after each epoch the training loss in eval mode and the terms of L1 and L2,
            where they are followed.
        kept: the weights at ``best_epoch``, or those of the last epoch without patience;
            where they are kept.
        seconds: its share of the time of its pieces.
    """

    member: Member
    train: tuple[float, ...] = ()
    read_at: tuple[int, ...] = ()
    validation: tuple[float, ...] = ()
    best: tuple[float, ...] = (np.inf,)
    best_epoch: int = 0
    improved: int = 0
    judged: NDArray[np.float32] = field(default_factory=lambda: np.empty(0, np.float32))
    curves: tuple[tuple[float, ...], ...] = ()
    kept: Weights | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def exhausted(self) -> bool:
        """Whether its patience is."""
        return 0 < self.member.patience <= self.epochs - self.improved

    @property
    def epochs(self) -> int:
        """How many were run."""
        return len(self.train)

    @property
    def diverged(self) -> bool:
        """Whether a loss became infinite or NaN."""
        return not np.isfinite([*self.train[-1:], *self.validation[-1:]]).all()


Vectors = tuple[Weights, ...]
"""One vector per member; each is an array of its own, so that regrouping copies none."""


@dataclass(frozen=True, kw_only=True)
class State:
    """Members as they stand after an epoch.

    Attributes:
        tracks: what became of each.
        weights: their vectors.
        first: Adam's mean of slopes.
        second: Adam's mean of squared slopes.
    """

    tracks: tuple[Track, ...]
    weights: Vectors
    first: Vectors
    second: Vectors

    @property
    def epoch(self) -> int:
        """How many epochs were run."""
        return self.tracks[0].epochs

    def only(self, places: Sequence[int]) -> "State":
        """Give some of the members."""
        return State(
            tracks=tuple(self.tracks[place] for place in places),
            weights=tuple(self.weights[place] for place in places),
            first=tuple(self.first[place] for place in places),
            second=tuple(self.second[place] for place in places),
        )

    @staticmethod
    def joined(states: "Sequence[State]") -> "State":
        """Put the members of several states behind each other."""
        return State(
            tracks=tuple(track for state in states for track in state.tracks),
            weights=tuple(vector for state in states for vector in state.weights),
            first=tuple(vector for state in states for vector in state.first),
            second=tuple(vector for state in states for vector in state.second),
        )


def begin(members: Sequence[Member], start: Weights, parameters: int) -> State:
    """Give members their initial weights: the same for all.

    Args:
        members: their settings.
        start: one network's vector; nobody may write to it.
        parameters: how many of its numbers are trained.
    """
    zeros = (np.zeros(parameters, np.float32),) * len(members)
    tracks = tuple(Track(member=member) for member in members)
    return State(tracks=tracks, weights=(start,) * len(members), first=zeros, second=zeros)
