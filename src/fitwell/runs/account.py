"""What a run says of itself: what it took, its curves and members, and remarks on it."""

import time
from collections.abc import Mapping, Sequence

from fitwell.comparison.arms import EARLY_STOPPING, TREATMENT, UNTREATED
from fitwell.comparison.resampled import Resamples
from fitwell.results import Cost, Curve, Member
from fitwell.runs.finals import Final
from fitwell.runs.objective import own_notes
from fitwell.runs.question import Question
from fitwell.task import Task
from fitwell.tuning.search import Choice


def cost_of(
    start: float, finals: Sequence[Mapping[str, Final]], choices: Sequence[Mapping[str, Choice]]
) -> Cost:
    """Count everything once; a single training is one of early stopping, or the untreated one.

    Args:
        start: when the run began.
        finals: of the run and of its resamples.
        choices: likewise.
    """
    # Some arms share networks with others.
    every = [final for part in finals for final in part.values()]
    outcomes = {id(o): o for final in every for o in final.outcomes}.values()
    searches = [choice for part in choices for choice in part.values()]
    single = finals[0].get(EARLY_STOPPING, finals[0][UNTREATED]).outcomes
    one = sum(outcome.seconds for outcome in single) / len(single)
    spent = sum(o.seconds for o in outcomes) + sum(c.seconds for c in searches)
    return Cost(
        seconds=time.perf_counter() - start,
        trials=sum(len(choice.trials) for choice in searches),
        epochs=sum(o.epochs for o in outcomes) + sum(c.epochs for c in searches),
        single_trainings=spent / one,
    )


def curves_of(finals: Mapping[str, Final]) -> tuple[Curve, ...]:
    """Give the losses by epoch of every arm's first network; ensembles have no epochs."""
    return tuple(_curve(final) for final in finals.values() if not final.ensembles)


def _curve(final: Final) -> Curve:
    outcome = final.outcomes[0]
    return Curve(
        arm=final.plan.name,
        best_epoch=outcome.best_epoch,
        train_log_loss=outcome.train_log_loss,
        l1_term=outcome.l1_term,
        l2_term=outcome.l2_term,
        validation_log_loss=outcome.validation_log_loss,
    )


def members_of(shipped: Final) -> tuple[Member, ...]:
    """List the networks of the shipped ensemble, if it is one."""
    return tuple(
        Member(
            weight=member.weight,
            cut=member.cut,
            best_epoch=member.outcome.best_epoch,
            settings=member.recipe.differences(shipped.plain),
        )
        for of_seed in shipped.ensembles[:1]
        for member in of_seed
    )


def _notes_on_resamples(question: Question, resamples: Resamples | None) -> list[str]:
    notes: list[str] = []
    done = resamples.count if resamples else 0
    if done and done < question.outer:
        notes.append(f"The run was stopped after {done} of {question.outer} outer resamples.")
    if question.outer and not done:
        notes.append(
            "There are no outer resamples, since rows, groups or moments are too few or the run"
            " was stopped: differences are of the test rows and say nothing of new training data."
        )
    return notes


def notes_on(
    question: Question,
    task: Task,
    choices: Mapping[str, Choice],
    resamples: Resamples | None,
) -> tuple[str, ...]:
    """Remark on what was left out, cut short or kept, one English sentence each."""
    notes = _notes_on_resamples(question, resamples) if choices else []
    diverged = sum(t.validation_log_loss is None for c in choices.values() for t in c.trials)
    if diverged:
        notes.append(f"Trials that diverged and were left out: {diverged}.")
    lost = [name for name, choice in choices.items() if choice.lost_folds]
    if lost:
        notes.append(
            "Folds on which the untreated network diverged have no say: lower the learning rate."
            f" Searches: {', '.join(lost)}."
        )
    late = [name for name, choice in choices.items() if choice.cut == "budget"]
    if late:
        notes.append(f"The time budget ended the search early: {', '.join(late)}.")
    stopped = [name for name, choice in choices.items() if choice.cut == "stopped"]
    if stopped:
        notes.append(
            "The search was stopped, and the best so far is taken without further folds:"
            f" {', '.join(stopped)}."
        )
    kept = [n for n, c in choices.items() if c.kept_plain and n != TREATMENT]
    if kept:
        notes.append(f"No setting beat the plain one, so nothing is changed in: {', '.join(kept)}.")
    if question.verb == "compare" and not task.blueprint.scalable:
        notes.append(
            "The arm 'smaller network' is left out: a network of your own needs a factory with"
            " a parameter width, a fraction that scales its hidden layers."
        )
    notes += own_notes(task, searched=bool(choices))
    return tuple(notes)
