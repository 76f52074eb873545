"""The terms of a treated network: which kind, how strong, and on which weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from fitwell.remedies.decoupled import timescale_of_decay
from fitwell.remedies.elastic import Place
from fitwell.remedies.group_lasso import group_penalty
from fitwell.remedies.l1 import l1_penalty
from fitwell.remedies.l2 import l2_penalty
from fitwell.rules import Rules, strength
from fitwell.surgery import Change, Weight

STRENGTHS = ("l1", "l2", "group_lasso", "decoupled_l1", "decoupled_l2")
WORDS = dict(
    zip(STRENGTHS, ("L1", "L2", "group lasso", "decoupled L1", "decoupled L2"), strict=True)
)


@dataclass(frozen=True, eq=False)
class Term:
    """One kind of penalty at one strength, and the weights that have it."""

    kind: str
    strength: float
    weights: tuple[Weight, ...]

    def tensors(self, parameters: Mapping[str, Tensor] | None = None) -> list[Tensor]:
        """Give the weights, or those that go by their names in ``parameters``."""
        if parameters is None:
            return [weight.tensor for weight in self.weights]
        return [parameters[weight.full_name] for weight in self.weights]

    @property
    def axes(self) -> list[int]:
        """For each weight the axis that counts units."""
        return [weight.units for weight in self.weights]

    def value(self, parameters: Mapping[str, Tensor] | None = None) -> Tensor:
        """Give the term, differentiable."""
        tensors = self.tensors(parameters)
        if self.kind == "group_lasso":
            return group_penalty(tensors, self.axes, self.strength)
        return (l1_penalty if self.kind == "l1" else l2_penalty)(tensors, self.strength)

    def conversion(self, learning_rate: float, steps_per_epoch: int) -> str:
        """Say what the strength is elsewhere."""
        if self.kind == "l2":
            said = f"weight_decay={2 * self.strength:g} in SGD, RMSprop and Adam; none in AdamW"
        elif self.kind == "decoupled_l2":
            epochs = timescale_of_decay(self.strength, steps_per_epoch, learning_rate)
            said = (
                f"weight_decay={self.strength:g} in AdamW, l2={self.strength / 2:g} in plain SGD;"
                f" a timescale of {epochs:.3g} epochs"
            )
        else:
            said = "no weight_decay"
        return f"{WORDS[self.kind]} {self.strength:g}: {said}"


def elastic(terms: Sequence[Term]) -> list[Place]:
    """Gather L1 and L2 weight by weight."""
    found: dict[Weight, dict[str, float]] = {}
    for term in terms:
        for weight in term.weights:
            found.setdefault(weight, {})[term.kind] = term.strength
    return [
        (weight.module, weight.name, strengths.get("l1", 0.0), strengths.get("l2", 0.0))
        for weight, strengths in found.items()
    ]


def penalize(
    weights: Sequence[Weight], base: Mapping[str, float], rules: Rules
) -> tuple[list[Term], list[Change]]:
    """Gather the weights of each kind and strength into one term, and say what each has."""
    gathered: dict[tuple[str, float], list[Weight]] = {}
    changes = []
    for weight in weights:
        said = []
        for kind, word in WORDS.items():
            value = strength(rules, kind, base[kind], weight.layer)
            if value:
                gathered.setdefault((kind, value), []).append(weight)
                said.append(f"{word} {value:g}")
        if said:
            name = weight.layer if weight.name == "weight" else weight.full_name
            count = f"{weight.tensor.numel():,} weights"
            changes.append(Change(name, f"{', '.join(said)} on {count}"))
    terms = [Term(kind, value, tuple(held)) for (kind, value), held in gathered.items()]
    return terms, changes
