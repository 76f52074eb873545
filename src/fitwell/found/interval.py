"""A number and how far it may be off."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A number with its confidence interval.

    >>> str(Interval(value=0.703, low=0.681, high=0.724))
    '0.703 [0.681, 0.724]'
    """

    value: float
    low: float
    high: float
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"
