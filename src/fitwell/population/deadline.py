"""When a search ends before its time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Deadline:
    """Ends a search at a moment, or when somebody asks for it.

    Attributes:
        end: of `time.monotonic`.
        asked: whether the user has asked for the end.
    """

    end: float = float("inf")
    asked: Callable[[], bool] = lambda: False

    @property
    def over(self) -> Literal["", "budget", "stopped"]:
        """Say why the search is to end now; empty if it is not."""
        if self.asked():
            return "stopped"
        return "budget" if time.monotonic() > self.end else ""
