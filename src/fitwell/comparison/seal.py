"""The sealed test part: it is opened once, and every opening is written down."""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fitwell.data.source import Rows
from fitwell.task import Task


@dataclass
class SealedTest:
    """The one door through which a run reads its test rows: each opening leaves a mark.

    Attributes:
        task: the task whose test part is sealed.
        openings: why it was opened, in order.
    """

    task: Task
    openings: list[str] = field(default_factory=list)

    @property
    def seal(self) -> str:
        """Give the sha256 of the row numbers and the data's fingerprint."""
        rows: Rows = self.task.split.test
        text = self.task.source.fingerprint.encode() + rows.astype("<i8").tobytes()
        return hashlib.sha256(text).hexdigest()

    def open(
        self, why: str
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64] | None]:
        """Give inputs, class numbers and groups of the test rows, and note it."""
        self.openings.append(why)
        rows = self.task.split.test
        return self.task.inputs(rows), self.task.targets(rows), self.task.groups(rows)
