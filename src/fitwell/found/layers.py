"""The weights of a network, layer by layer."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerWeights:
    """One penalized tensor; of a mean of networks those of all members together."""

    name: str  # in the state_dict, without the number of a member
    shape: tuple[int, ...]  # of one network
    weights: int
    zeros: int  # weights that are exactly 0
    norm: float  # √Σw²
