"""What every kind of data has in common: rows, a target, and inputs made on demand."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
"""Row numbers, counted from 0."""


class Encoder(Protocol):
    """Turns raw rows into what a network reads; fitted on some rows, usable on others."""

    @property
    def shape(self) -> tuple[int, ...]:
        """What one row looks like to the network: (columns,) or (channels, height, width)."""
        ...


class Source(Protocol):
    """Rows with a class each. Nothing is learned from a row before `encode` names it."""

    @property
    def name(self) -> str:
        """How to call the data."""
        ...

    @property
    def target(self) -> NDArray[np.int64]:
        """One class number per row."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, by number."""
        ...

    @property
    def groups(self) -> NDArray[np.int64] | None:
        """Rows with one number stay in one part."""
        ...

    @property
    def times(self) -> NDArray[np.float64] | None:
        """Earlier rows are trained on, later rows tested."""
        ...

    @property
    def official(self) -> NDArray[np.int8] | None:
        """0 train, 1 validation, 2 test; -1 not assigned."""
        ...

    @property
    def fingerprint(self) -> str:
        """The sha256 of what was read."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What was dropped or changed, one sentence each."""
        ...

    @property
    def features(self) -> int:
        """How many columns, or pixels and channels, a row has."""
        ...

    def encode(self, fit_rows: Rows) -> tuple[Encoder, NDArray[np.float32]]:
        """Fit an encoder on ``fit_rows`` alone and apply it to all rows."""
        ...
