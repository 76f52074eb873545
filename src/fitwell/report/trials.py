"""The trials of the treatment's search as a table."""

from fitwell.report.chosen import settings_text
from fitwell.report.language import translate
from fitwell.report.numbers import decimal
from fitwell.report.tables import Column, Table
from fitwell.report.text import TREATMENT
from fitwell.results import Result, Trial

SHOWN = 256
"""Of more trials the table has the best; ``result.json`` has all."""


def trial_settings(trial: Trial, lang: str) -> str:
    """Say what a trial switched on."""
    return settings_text(trial, lang) or translate("none but stopping early", lang)


def trials_table(result: Result, lang: str) -> Table | None:
    """Every trial, those that finished first; None where nothing was searched."""
    trials = [trial for trial in result.trials if trial.arm == TREATMENT]
    if not trials:
        return None
    ordered = sorted(trials, key=_rank)
    titles = ("Trial", "Settings", "Validation log-loss", "Epochs run", "Its end")
    return Table(
        caption=translate(
            "Every trial: the finished ones, then the dropped, each by validation log-loss", lang
        ),
        columns=tuple(
            Column(title=translate(title, lang), number=place in (2, 3))
            for place, title in enumerate(titles)
        ),
        rows=tuple(_row(trial, lang) for trial in ordered[:SHOWN]),
    )


def _rank(trial: Trial) -> tuple[bool, bool, float]:
    loss = trial.validation_log_loss
    return loss is None, trial.dropped, float("inf") if loss is None else loss


def _row(trial: Trial, lang: str) -> tuple[str, ...]:
    loss = trial.validation_log_loss
    end = "diverged" if loss is None else "dropped" if trial.dropped else "finished"
    return (
        str(trial.number),
        trial_settings(trial, lang),
        "" if loss is None else decimal(loss),
        str(trial.epochs),
        translate(end, lang),
    )
