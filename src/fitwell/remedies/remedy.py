"""What a remedy tells the rest of fitwell: its parameters and how they change a recipe."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fitwell.recipe import Recipe, Rule, key_of

Setting = float | int | str | bool


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One number or choice that tune may set; ``name`` is a field of `Recipe`.

    With ``layers``, a pattern of names, it is the strength of these layers.

    A number is searched from ``low`` to ``high``, on a log scale where ``log`` is set.
    A share ``off`` of the candidates has it at ``off_value`` instead, so that every
    search holds candidates without it. A choice is searched among ``choices``.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    off: float = 0.0
    off_value: float = 0.0
    choices: tuple[Setting, ...] = ()
    default: Setting = 0.0
    layers: str = ""

    @property
    def key(self) -> str:
        """What it is called among settings: ``dropout``, or ``dropout[head]``."""
        return key_of(self.name, self.layers)

    def at(self, u: float) -> Setting:
        """Map a number from 0 to 1 to a value; equal steps are equally probable.

        >>> Parameter(name="l2", low=1e-6, high=1e-2, log=True, off=0.5).at(0.25)
        0.0
        >>> round(Parameter(name="dropout", low=0.0, high=0.5).at(0.5), 3)
        0.25
        """
        if self.choices:
            return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)]
        if u < self.off:
            return self.off_value
        share = (u - self.off) / (1 - self.off)
        if self.log:
            return float(math.exp(math.log(self.low) * (1 - share) + math.log(self.high) * share))
        return self.low + (self.high - self.low) * share


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """One thing that can be done about overfitting.

    Attributes:
        name: as written in arms, reports and on the command line.
        parameters: what tune searches.
        fixed: fields of the recipe that the remedy always sets.
    """

    name: str
    parameters: tuple[Parameter, ...] = ()
    fixed: Mapping[str, Setting] = field(default_factory=dict)

    def without(self, name: str) -> "Remedy":
        """Leave a parameter out, where the network has nothing that it could change."""
        return replace(self, parameters=tuple(p for p in self.parameters if p.name != name))

    def by_layer(self, places: Sequence[tuple[str, str]]) -> "Remedy":
        """Give layers parameters of their own.

        Args:
            places: patterns of layer names, each with the name of a parameter.
        """
        own = (
            replace(p, layers=to) for to, name in places for p in self.parameters if p.name == name
        )
        return replace(self, parameters=(*self.parameters, *own))

    def apply(self, recipe: Recipe, settings: Mapping[str, Setting]) -> Recipe:
        """Set this remedy's fields in a recipe; parameters not in ``settings`` stay."""
        given = [p for p in self.parameters if p.key in settings]
        own = {p.name: settings[p.key] for p in given if not p.layers}
        rules = [Rule(p.layers, p.name, float(settings[p.key])) for p in given if p.layers]
        fields = {**self.fixed, **own, "rules": (*recipe.rules, *rules)}
        return replace(recipe, **fields)  # type: ignore[arg-type]
