"""Answers and charts for notebooks: markup that follows the notebook's theme."""

import difflib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from fitwell.errors import InputError
from fitwell.report.arm_tables import arm_table
from fitwell.report.drawing import OF_PAGE, Drawing
from fitwell.report.figures import DRAWN, NEEDS
from fitwell.report.files import png_of
from fitwell.report.language import translate
from fitwell.report.numbers import typeset
from fitwell.report.page import check_parts, missing_parts
from fitwell.report.tables import Table, states_table
from fitwell.report.text import answer_sentences, verdict_phrase
from fitwell.results import Result
from fitwell.storage import replacing

BRIEF = 4
"""Columns of the table of arms that a summary shows: name, accuracy, both differences."""


@dataclass(frozen=True)
class Plot:
    """A chart that a notebook shows, and that can be saved as SVG or PNG.

    Attributes:
        kind: its name.
        drawing: the chart.
    """

    kind: str
    drawing: Drawing

    def _repr_html_(self) -> str:
        keys = Markup("").join(
            Markup('<span class="key" style="color:{}">●</span> {} &nbsp; ').format(
                OF_PAGE[colour], words
            )
            for colour, words in self.drawing.keys
        )
        title = Markup("<p><strong>{}</strong><br>{}</p>").format(self.drawing.title, keys)
        return str(_framed(title + self.drawing.__html__()))

    def _repr_svg_(self) -> str:
        return self.drawing.file()

    def save(self, path: str | Path) -> Path:
        """Write the chart, in light colours on white.

        Args:
            path: ends in ``.svg`` or ``.png``; a file of that name is replaced.

        Raises:
            InputError: another ending, or it cannot be written.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending not in (".svg", ".png"):
            raise InputError(
                f"path is {str(path)!r}, but a name that ends in .svg or .png is expected."
            )
        content = self.drawing.file().encode() if ending == ".svg" else png_of(self.drawing)
        try:
            with replacing(path) as temporary:
                temporary.write_bytes(content)
        except OSError as error:
            raise InputError(
                f"{path} cannot be written: {error.strerror}. Choose a folder that can be."
            ) from error
        return path


def plot(result: Result, kind: str = "gap", *, lang: str = "en") -> Plot:
    """Draw one of the report's charts.

    Args:
        result: what was found.
        kind: ``gap``, ``forest``, ``confusion``, ``calibration``, ``roc``, ``costs``, ``curves``,
            ``path``, ``search`` or ``layers``.
        lang: ``en`` or ``ko``.

    Raises:
        InputError: no such kind, the result has nothing to draw for it, or the parts for drawing
            are not installed.
    """
    if kind not in DRAWN:
        near = difflib.get_close_matches(str(kind), DRAWN, n=1)
        hint = f"Did you mean {near[0]}?" if near else "Choose one of these."
        raise InputError(f"kind is {kind!r}, but one of {', '.join(DRAWN)} is expected. {hint}")
    check_parts(lang, "lang")
    figure = DRAWN[kind](result, lang)
    if figure is None:
        there = ", ".join(name for name, make in DRAWN.items() if make(result, lang))
        raise InputError(
            f"kind is {kind!r}, but this answer has nothing to draw for it: it needs {NEEDS[kind]}."
            f" It has {there}."
        )
    return Plot(kind, figure.wide)


def summary(result: Result, *, lang: str = "en") -> str:
    """Give the answer, a chart and the arms as HTML that a notebook shows."""
    heading = verdict_phrase(result, lang)
    parts = [Markup("<h3>{}{}</h3>").format(heading[0].upper(), heading[1:])]
    parts += [Markup("<p>{}</p>").format(typeset(text)) for text in answer_sentences(result, lang)]
    if not missing_parts():
        kind = "forest" if result.comparison else "gap"
        figure = DRAWN[kind](result, lang) or DRAWN["gap"](result, lang)
        parts.append(figure.wide.__html__() if figure else Markup(""))
    table = arm_table(result, lang) or states_table(result, lang)
    verdict = _verdict_column(table, lang)
    kept = [*range(BRIEF), *([verdict] if verdict >= BRIEF else [])]
    parts.append(_table(table, kept))
    return str(_framed(Markup("").join(parts)))


def _verdict_column(table: Table, lang: str) -> int:
    titles = [column.title for column in table.columns]
    verdict = translate("Verdict", lang)
    return titles.index(verdict) if verdict in titles else -1


def _table(table: Table, kept: list[int]) -> Markup:
    flush = {place: " class=number" if table.columns[place].number else "" for place in kept}
    head = Markup("").join(
        Markup("<th scope=col{}>{}</th>").format(Markup(flush[place]), table.columns[place].title)
        for place in kept
    )
    rows = Markup("").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(_cell(row[place], place, flush[place]) for place in kept)
        )
        for row in table.rows
    )
    caption = Markup("<caption>{}</caption>").format(table.caption)
    whole = Markup("<table>{}<thead><tr>{}</tr></thead><tbody>{}</tbody></table>")
    return whole.format(caption, head, rows)


def _cell(text: str, place: int, flush: str) -> Markup:
    first, *others = typeset(text).split("\n")
    small = Markup("").join(Markup("<br><small>{}</small>").format(line) for line in others)
    tag = Markup("<th scope=row{}>{}{}</th>") if place == 0 else Markup("<td{}>{}{}</td>")
    return tag.format(Markup(flush), first, small)


def _framed(inner: Markup) -> Markup:
    """Put markup into a box with a style of its own, which touches nothing outside."""
    style = files("fitwell.report").joinpath("notebook.css").read_text(encoding="utf-8")
    return Markup('<div class="fitwell"><style>{}</style>{}</div>').format(Markup(style), inner)
