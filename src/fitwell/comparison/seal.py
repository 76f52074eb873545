"""The sealed test part: every opening of it is written down before a row is read."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitwell.data.source import Rows
from fitwell.task import Task

Record = Callable[[str, str], Sequence[str]]
"""Takes a seal and why it is broken; gives all openings of that seal so far, this one last."""


def not_kept(_seal: str, why: str) -> Sequence[str]:
    """Keep no record, as where there is no run folder."""
    return [why]


@dataclass
class SealedTest:
    """The one door through which a run reads its test rows: each opening leaves a mark.

    Attributes:
        task: the task whose test part is sealed.
        record: where openings are written down.
        openings: all that are known, those of earlier runs in the same folder too.
    """

    task: Task
    record: Record = not_kept
    openings: Sequence[str] = ()

    @property
    def seal(self) -> str:
        """Give the sha256 of the row numbers and the data's fingerprint."""
        rows: Rows = self.task.split.test
        text = self.task.source.fingerprint.encode() + rows.astype("<i8").tobytes()
        return hashlib.sha256(text).hexdigest()

    def open(
        self, why: str
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64] | None]:
        """Give inputs, class numbers and groups of the test rows, and note it first."""
        self.openings = self.record(self.seal, why)
        rows = self.task.split.test
        return self.task.inputs(rows), self.task.targets(rows), self.task.groups(rows)
