"""The networks that a shipped model is the mean of, as a table."""

from fitwell.report.chosen import settings_text
from fitwell.report.language import translate
from fitwell.report.numbers import percent
from fitwell.report.tables import Column, Table
from fitwell.results import Result


def members_table(result: Result, lang: str) -> Table | None:
    """The networks of the saved model, one row each; None where it is one network."""
    if not result.members:
        return None
    titles = ("Member", "Weight", "Kept epoch", "Training cut", "Settings")
    rows = tuple(
        (
            str(number),
            percent(member.weight, lang),
            str(member.best_epoch),
            _cut(member.cut, lang),
            settings_text(member, lang) or translate("none but stopping early", lang),
        )
        for number, member in enumerate(result.members, start=1)
    )
    return Table(
        caption=translate("The saved model is the weighted mean of these networks", lang),
        columns=tuple(
            Column(title=translate(title, lang), number=place in (1, 2))
            for place, title in enumerate(titles)
        ),
        rows=rows,
    )


def _cut(number: int, lang: str) -> str:
    if number == 0:
        return translate("training rows", lang)
    return translate("all but the test rows and fold {number}", lang).format(number=number)
