"""Strengths as hyperparameters of a tuning job: ranges with room for "off" on a log scale.

A log scale has no 0. So a range is longer than the one that fitwell searches, and what lies
outside of it counts as off: the same share of the range as of fitwell's own candidates.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fitwell.remedies.remedy import Parameter

REMEDIES = {"l1": "l1", "decay_epochs": "decoupled L2", "dropout": "dropout"}
SWITCH = "outside_is_off"
"""The hyperparameter that turns the rule on; without it a strength is taken as it is."""


@dataclass(frozen=True)
class Strength:
    """The range of a strength in a tuning job.

    Attributes:
        name: of the hyperparameter.
        low: least value that is sent.
        high: greatest value that is sent.
        log: on a log scale.
        weakest: beyond it the strength is off.
        rising: whether a greater value is a stronger one; a timescale of decay is the other way.
    """

    name: str
    low: float
    high: float
    log: bool
    weakest: float
    rising: bool = True

    def is_off(self, value: float) -> bool:
        """Say whether a value lies beyond the weakest one."""
        return value < self.weakest if self.rising else value > self.weakest


def strengths() -> dict[str, Strength]:
    """Give the ranges: l1 upward, the timescale of decay downward, dropout on a line from 0.

    >>> l1 = strengths()["l1"]
    >>> f"{l1.low:.0e} {l1.weakest:.0e} {l1.high:.0e}"
    '1e-08 1e-06 1e-03'
    """
    return {name: _strength(name, _parameter(name)) for name in REMEDIES}


def _parameter(name: str) -> "Parameter":
    from fitwell.remedies import all_remedies  # brings torch

    parameters = all_remedies()[REMEDIES[name]].parameters
    return next(parameter for parameter in parameters if parameter.name == name)


def _strength(name: str, own: "Parameter") -> Strength:
    if not own.log:
        return Strength(name, own.low, own.high, False, own.low)
    room = (own.high / own.low) ** (own.off / (1 - own.off))
    if name == "decay_epochs":
        return Strength(name, own.low, _round(own.high * room), True, own.high, rising=False)
    return Strength(name, _round(own.low / room), own.high, True, own.low)


def _round(value: float) -> float:
    """Round to two digits: a range should read well.

    >>> _round(108577.0)
    110000.0
    """
    return round(value, 1 - math.floor(math.log10(value)))


def switched(options: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Turn off what lies outside, if the options say so; give remarks on what was.

    The options come back without the switch itself.
    """
    rest = {name: value for name, value in options.items() if name != SWITCH}
    if not options.get(SWITCH):
        return rest, ()
    remarks = []
    for name, strength in strengths().items():
        value = rest.get(name)
        if value and strength.is_off(value):
            rest[name] = 0.0
            remarks.append(f"{name} = {value:.6g} lies beyond {strength.weakest:g}: it is off")
    return rest, tuple(remarks)
