"""The searches of a run: one per arm that has something to tune."""

from collections.abc import Sequence

from fitwell.comparison.arms import ArmPlan, searched
from fitwell.runs.ensembles import FOLDS
from fitwell.runs.question import Question
from fitwell.runs.watch import Watch
from fitwell.task import Task
from fitwell.training.rehearsal import leaves_zeros
from fitwell.training.workers import Crew
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.search import Choice, Search


def tuned(arms: Sequence[ArmPlan]) -> list[ArmPlan]:
    """Give the arms that search for themselves."""
    return [arm for arm in arms if searched(arm) and not arm.follows]


def search_arms(
    question: Question,
    task: Task,
    arms: Sequence[ArmPlan],
    crew: Crew,
    ledger: Ledger,
    watch: Watch,
    *,
    part: str = "",
) -> dict[str, Choice]:
    """Search every arm that is tuned, with equal trials and an equal share of the budget.

    Args:
        question: the options.
        task: data, parts, network.
        arms: all of the run; those without a search are passed over.
        crew: where trainings run.
        ledger: keeps the searches.
        watch: told of progress.
        part: of the run, such as ``resample 2``; told and kept apart under that name.

    Raises:
        TrainingFailed: an arm's plain recipe diverged.
    """
    choices = {}
    told = 0.0

    def advance(trainings: float) -> None:
        nonlocal told
        told += trainings
        watch.advance(trainings)

    arms = tuned(arms)
    searches = len(arms) * (1 + question.outer)
    search = Search(
        trials=question.trials,
        seed=question.seed,
        crew=crew,
        ledger=ledger,
        budget=question.budget / searches if question.budget else float("inf"),
        groups=task.groups(task.split.validation),
        stopped=lambda: watch.stopping,
        folds=task.folds(FOLDS, question.seed),
        on_training=advance,
    )
    for arm in arms:
        name = f"{arm.name}, {part}" if part else arm.name
        watch.stage(f"tuning: {name}")
        remedies = arm.found()
        if not task.blueprint.spare_layers:
            remedies = [remedy.without("removed_layers") for remedy in remedies]
        if not leaves_zeros(task.recipe):
            remedies = [remedy for remedy in remedies if remedy.name != "l1"]
        told = 0.0
        choices[arm.name] = search.run(name, task.material, remedies, arm.set_up(task.recipe))
        watch.advance(max(0.0, question.trials - told))  # what was dropped is done too
    return choices
