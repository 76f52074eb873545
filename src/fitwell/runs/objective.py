"""What a run says of its objective, where the optimizer or the loss is the user's own."""

from fitwell.own.loss import OwnLoss
from fitwell.recipe import Recipe
from fitwell.task import Task
from fitwell.training.rehearsal import leaves_zeros

FORM = (
    "loss + l1 Σ|w| + l2 Σw²; Adam; L1 by a proximal step in Adam's metric; decoupled L2 beside it"
)


def form(recipe: Recipe) -> str:
    """Say what was made small, and by which optimizer."""
    if recipe.optimizer is None:
        return FORM
    if leaves_zeros(recipe):
        return FORM.replace("Adam", str(recipe.optimizer))
    return f"loss + l2 Σw²; {recipe.optimizer}; decoupled L2 beside it"


def own_notes(task: Task, *, searched: bool) -> list[str]:
    """Note what an own optimizer or loss changes in what is said."""
    notes: list[str] = []
    if searched and not leaves_zeros(task.recipe):
        notes.append(
            f"L1 is not searched: exact zeros need SGD, Adam, AdamW or RMSprop, and the optimizer"
            f" is {task.recipe.optimizer}."
        )
    if isinstance(task.loss, OwnLoss):
        notes.append(
            f"Trained, stopped and chosen by your own loss {task.loss.name}; curves, trials, the"
            f" path and what was promised are in its unit, scores are cross-entropy."
        )
    return notes
