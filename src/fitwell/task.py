"""A Task: data, its parts, and the blueprint of a network; what everything above passes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fitwell.data.resamples import resamples
from fitwell.data.source import Encoder, Rows, Source
from fitwell.data.splits import Split, fold_rows
from fitwell.models.blueprint import Blueprint
from fitwell.own.loss import OwnLoss
from fitwell.recipe import Recipe

State = Mapping[str, NDArray[np.generic]]
LossKind = Literal["cross-entropy", "squared-error"]


@dataclass(frozen=True, kw_only=True)
class Material:
    """What one training may see: rows to learn from and rows to stop by, no test row.

    Attributes:
        train_x: float32, one row per training row.
        train_y: int64, class numbers; for ``squared-error`` float32, by custom standardized.
        validation_x: the same for the validation rows; empty where all rows are trained on.
        validation_y: the same for the validation rows.
        outputs: number of classes; 1 for ``squared-error``.
        blueprint: the network to build.
        validation_groups: of the validation rows, where rows are grouped.
        loss: what is made small; also what stopping and choosing go by.
        train_weights: how much each training row counts, above 0 and 1 on average.
        validation_weights: the same for the validation rows.
        given: ``state_dict`` that a recipe may start from, checked to fit the blueprint.
    """

    train_x: NDArray[np.float32]
    train_y: NDArray[Any]
    validation_x: NDArray[np.float32]
    validation_y: NDArray[Any]
    outputs: int
    blueprint: Blueprint
    validation_groups: NDArray[np.int64] | None = None
    loss: LossKind | OwnLoss = "cross-entropy"
    train_weights: NDArray[np.float32] | None = None
    validation_weights: NDArray[np.float32] | None = None
    given: State | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """What one row looks like to the network."""
        return self.train_x.shape[1:]

    def class_weights(self, recipe: Recipe) -> NDArray[np.float32]:
        """Give what a row of each class counts: 1, or rows / (classes x rows of its class).

        A row of weight w is w rows.
        """
        if recipe.class_weights == "none":
            return np.ones(self.outputs, dtype=np.float32)
        counts = np.bincount(self.train_y, self.train_weights, minlength=self.outputs)
        counts[counts == 0] = 1
        weights = len(self.train_y) / (self.outputs * counts)
        return weights.astype(np.float32)

    def all_rows(self) -> "Material":
        """Move the validation rows to the training rows."""
        weights = self.train_weights
        if weights is not None and self.validation_weights is not None:
            weights = np.concatenate([weights, self.validation_weights])
        return replace(
            self,
            train_x=np.concatenate([self.train_x, self.validation_x]),
            train_y=np.concatenate([self.train_y, self.validation_y]),
            validation_x=self.validation_x[:0],
            validation_y=self.validation_y[:0],
            validation_groups=None,
            train_weights=weights,
            validation_weights=None,
        )


@dataclass(frozen=True, kw_only=True)
class Given:
    """Weights that the user has already.

    Attributes:
        name: where they came from.
        sha256: of the file, or of what stood in memory.
        state: ``state_dict`` of the bare architecture.
    """

    name: str
    sha256: str
    state: State


@dataclass(frozen=True)
class Task:
    """One question about one data set and one network.

    Preprocessing is fitted on the training rows alone, once, and serves every arm; the
    arm that trains on the validation rows too keeps it, so that the arms differ in one
    thing only.
    """

    source: Source
    split: Split
    blueprint: Blueprint
    recipe: Recipe
    device: str = "cpu"
    loss: LossKind | OwnLoss = "cross-entropy"
    given: Given | None = None

    @property
    def kind(self) -> Literal["binary", "multiclass"]:
        """Two classes or more."""
        return "binary" if len(self.source.classes) == 2 else "multiclass"

    @cached_property
    def _encoded(self) -> tuple[Encoder, NDArray[np.float32]]:
        return self.source.encode(self.split.train)

    @property
    def encoder(self) -> Encoder:
        """The preprocessing, fitted on the training rows."""
        return self._encoded[0]

    def inputs(self, rows: Rows) -> NDArray[np.float32]:
        """Encode the given rows."""
        return self._encoded[1][rows]

    def targets(self, rows: Rows) -> NDArray[np.int64]:
        """Give the class numbers of the given rows."""
        return self.source.target[rows]

    def groups(self, rows: Rows) -> NDArray[np.int64] | None:
        """Give the group numbers of the given rows, if rows are grouped."""
        return None if self.source.groups is None else self.source.groups[rows]

    @cached_property
    def material(self) -> Material:
        """Give what a training may see."""
        return self._material(self.split.train, self.split.validation)

    def folds(self, count: int, seed: int) -> list[Material]:
        """Cut training and validation rows otherwise: part of the training rows is held out.

        The parts share no row. In each, the rest and the validation rows are trained on.
        There are none where rows have times, or are too few.
        """
        pool = np.concatenate([self.split.train, self.split.validation])
        return [
            self._material(np.setdiff1d(pool, held), held)
            for held in fold_rows(self.source, self.split.train, count, seed)
        ]

    def resampled(self, count: int, seed: int) -> list["Task"]:
        """Split all rows but the test rows anew, ``count`` times; see `resamples`.

        Preprocessing is fitted on each one's own training rows.
        """
        rows = np.sort(np.concatenate([self.split.train, self.split.validation]))
        return [
            replace(self, split=split) for split in resamples(self.source, rows, count, seed=seed)
        ]

    def _material(self, train: Rows, held: Rows) -> Material:
        return Material(
            train_x=self.inputs(train),
            train_y=self.targets(train),
            validation_x=self.inputs(held),
            validation_y=self.targets(held),
            outputs=len(self.source.classes),
            blueprint=self.blueprint,
            validation_groups=self.groups(held),
            loss=self.loss,
            given=self.given.state if self.given else None,
        )
