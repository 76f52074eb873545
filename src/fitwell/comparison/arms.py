"""The contestants: each is a set of remedies, and all pass through the same trainer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fitwell.recipe import Recipe, Start
from fitwell.remedies import all_remedies
from fitwell.remedies.remedy import Remedy, Setting

UNTREATED = "untreated"
EARLY_STOPPING = "early stopping"
TREATMENT = "treatment"
NORMED = "treatment with batch norm"
COMPACTED = "treatment, compacted"
"""The treatment's network without its dead units: the same outputs from fewer numbers."""
REFITTED = "treatment, refitted"
BAG = "treatment, bag"
PLAIN_BAG = "early stopping, bag"
GREEDY = "treatment, greedy"
CONTINUED = "treatment, continued"
SHRUNK = "treatment, shrunk and perturbed"
AS_GIVEN = "as given"
"""The weights that the user has: nothing is trained."""
BASELINE = EARLY_STOPPING
"""Differences are against this arm: stopping early costs nothing, so it is the least."""

MORE_SHUFFLING = "more shuffling"
LARGER_SHARE = "larger training share"
SMALLER = "smaller network"
ALL_NAMES = (
    UNTREATED, EARLY_STOPPING, MORE_SHUFFLING, LARGER_SHARE, SMALLER, TREATMENT, NORMED, COMPACTED,
    REFITTED, BAG, PLAIN_BAG, GREEDY, CONTINUED, SHRUNK, AS_GIVEN,
)  # fmt: skip

LIKE_WITH_LIKE = {BAG: PLAIN_BAG}
"""Arms that are held against a third one too: a mean of networks against a mean of as many."""

SAME_OUTPUTS = {COMPACTED: TREATMENT}
"""Arms that say what another one says: they make no claim of their own."""

NO_RIVALS = set(ALL_NAMES) - {MORE_SHUFFLING, LARGER_SHARE, SMALLER}
"""Arms that are no other action than the treatment; the user's own arms are."""


@dataclass(frozen=True, kw_only=True)
class ArmPlan:
    """One contestant before it is trained.

    Attributes:
        name: as shown.
        remedies: names of the remedies that it may use.
        follows: the arm whose choice it takes over instead of searching; the arm that
            could stop early gives its median best epoch to one that cannot.
        ensemble: ``bag`` is the mean of the networks of all cuts of the rows, ``greedy``
            the weighted mean of the finalists' networks; empty for one network.
        start: where its trainings start.
        settings: fields of the recipe that it sets and does not search.
        by_layer: what some layers have a strength of their own for: a pattern of their names,
            and a strength.
        compacted: take the dead units out of its trained network.
    """

    name: str
    remedies: tuple[str, ...] = ()
    follows: str = ""
    ensemble: Literal["", "bag", "greedy"] = ""
    start: Start = "new"
    settings: tuple[tuple[str, Setting], ...] = ()
    by_layer: tuple[tuple[str, str], ...] = ()
    compacted: bool = False

    def found(self) -> list[Remedy]:
        """Look up the remedies; what the arm sets itself is not theirs to search."""
        known = all_remedies()
        remedies = [known[name].by_layer(self.by_layer) for name in self.remedies]
        for name, _ in self.settings:
            remedies = [remedy.without(name) for remedy in remedies]
        return remedies

    def set_up(self, recipe: Recipe) -> Recipe:
        """Set the arm's own fields in a recipe."""
        return replace(recipe, **dict(self.settings))  # type: ignore[arg-type]


def plan_arms(
    verb: str,
    *,
    batch_norm: bool,
    scalable: bool,
    normable: bool = False,
    compactable: bool = False,
    own: Sequence[ArmPlan] = (),
    bag: bool = False,
    greedy: bool = False,
    given: bool = False,
) -> tuple[ArmPlan, ...]:
    """List the arms of a verb: tune needs the treatment's, compare adds its rivals.

    Args:
        verb: ``tune`` or ``compare``.
        batch_norm: let the treatment search batch normalization too.
        scalable: whether a smaller network of the same kind can be built.
        normable: whether batch norm can be put into the network.
        compactable: whether dead units can be taken out of it.
        own: the user's arms; compare has them last.
        bag: add the bags of early stopping and of the treatment.
        greedy: add the finalists' networks with greedy weights.
        given: whether there are weights to start from.
    """
    drugs = ("l1", "decoupled L2", "dropout") + (("batch norm",) if batch_norm else ())
    stop = "early stopping"
    arms = [ArmPlan(name=UNTREATED), ArmPlan(name=EARLY_STOPPING, remedies=(stop,))]
    if verb == "compare":
        arms.append(ArmPlan(name=MORE_SHUFFLING, remedies=(stop, "shuffling")))
    arms.append(
        ArmPlan(
            name=LARGER_SHARE,
            remedies=(stop, "training share"),
            follows=EARLY_STOPPING,
        )
    )
    if verb == "compare" and scalable:
        arms.append(ArmPlan(name=SMALLER, remedies=(stop, "network size")))
    arms.append(ArmPlan(name=TREATMENT, remedies=(stop, *drugs)))
    arms.append(
        ArmPlan(name=REFITTED, remedies=(stop, *drugs, "training share"), follows=TREATMENT)
    )
    if verb == "compare" and normable and not batch_norm:
        arms.append(ArmPlan(name=NORMED, remedies=(stop, *drugs), settings=(("batch_norm", True),)))
    if verb == "compare" and compactable:
        tuned = next(arm for arm in arms if arm.name == TREATMENT)
        arms.append(replace(tuned, name=COMPACTED, follows=TREATMENT, compacted=True))
    plans = {arm.name: arm for arm in arms}
    for name, source in ((PLAIN_BAG, EARLY_STOPPING), (BAG, TREATMENT)) if bag else ():
        arms.append(replace(plans[source], name=name, follows=source, ensemble="bag"))
    if greedy:
        plan = replace(plans[TREATMENT], name=GREEDY, follows=TREATMENT, ensemble="greedy")
        arms.append(plan)
    starts: tuple[tuple[str, Start], ...] = ((CONTINUED, "given"), (SHRUNK, "shrunk"))
    for name, start in starts if given else ():
        arms.append(ArmPlan(name=name, remedies=(stop, *drugs), follows=TREATMENT, start=start))
    return (*arms, *own)


def searched(arm: ArmPlan) -> Sequence[Remedy]:
    """Give the remedies of an arm that have something to tune."""
    return [remedy for remedy in arm.found() if remedy.parameters]
