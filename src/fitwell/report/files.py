"""The report as files: the page, the same as Markdown, and every chart."""

from collections.abc import Mapping
from pathlib import Path

from fitwell.errors import InputError
from fitwell.report.drawing import Drawing
from fitwell.report.figures import DRAWN, draw_all
from fitwell.report.markdown import CHARTS, render_markdown
from fitwell.report.page import Lang, check_parts, context_of, write_report
from fitwell.results import Result
from fitwell.storage import replacing

MARKDOWN = "report.md"

SHARP = 2.0
"""Pixels of a PNG per CSS pixel."""


def write_files(
    folder: Path,
    result: Result,
    *,
    run: Mapping[str, object],
    lang: Lang = "en",
    png: bool = False,
) -> tuple[Path, ...]:
    """Write ``report.html``, ``report.md`` and ``charts/*.svg``, each whole or not at all.

    Args:
        folder: of the run.
        result: what was found.
        run: what was asked, the content of run.json.
        lang: ``en`` or ``ko``.
        png: write ``charts/*.png`` too. Those that are there are drawn again in any case, so that
            all speak one language.

    Returns:
        The page, the Markdown, the folder of the charts.

    Raises:
        InputError: another language, parts for drawing are missing, or the folder cannot be
            written.
    """
    check_parts(lang)
    charts = folder / CHARTS
    figures = draw_all(result, lang)
    markdown = render_markdown({**context_of(result, run, lang), "figures": figures})
    _write(folder / MARKDOWN, markdown)
    try:
        charts.mkdir(exist_ok=True)
    except OSError as error:
        raise _unwritable(charts, error) from error
    png = png or any((charts / f"{name}.png").exists() for name in DRAWN)
    for name, figure in figures.items():
        if figure is None:
            continue
        _write(charts / f"{name}.svg", figure.wide.file())
        if png:
            _write(charts / f"{name}.png", png_of(figure.wide))
    # Last: whoever keeps hashes of the evidence has the page's at once.
    page = write_report(folder, result, run=run, lang=lang, figures=figures)
    return page, folder / MARKDOWN, charts


def png_of(drawing: Drawing) -> bytes:
    """Give a drawing as a PNG, two pixels per CSS pixel."""
    import vl_convert

    return bytes(vl_convert.svg_to_png(drawing.file(), scale=SHARP))


def _write(path: Path, content: str | bytes) -> None:
    try:
        with replacing(path) as temporary:
            if isinstance(content, bytes):
                temporary.write_bytes(content)
            else:  # a name from a file may hold half a surrogate pair
                temporary.write_text(content, encoding="utf-8", errors="replace")
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path} cannot be written: {error.strerror}. Choose a folder that can be.")
