"""The report: one HTML file that opens without a network and runs no script."""

from collections.abc import Mapping
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from fitwell.errors import InputError
from fitwell.report import tables
from fitwell.report.arm_tables import arm_table, contest_table, cost_table, how_compared
from fitwell.report.chosen import settings_phrase
from fitwell.report.detail import detail_context
from fitwell.report.facts import data_facts, method_facts, opened_sentence
from fitwell.report.figures import draw_all
from fitwell.report.language import translate
from fitwell.report.members import members_table
from fitwell.report.numbers import typeset
from fitwell.report.svg import Figure
from fitwell.report.text import GREEDY, TREATMENT, answer_sentences, verdict_phrase
from fitwell.report.trials import trials_table
from fitwell.results import Result
from fitwell.storage import replacing

Lang = Literal["en", "ko"]
NAME = "report.html"
PARTS = ("jinja2", "altair", "vl_convert")
"""What the extra ``report`` installs."""


def write_report(
    folder: Path,
    result: Result,
    *,
    run: Mapping[str, object],
    lang: Lang = "en",
    figures: Mapping[str, Figure | None] | None = None,
) -> Path:
    """Write ``folder/report.html``, whole or not at all; see `render_page`.

    Raises:
        InputError: as `render_page`, or the folder cannot be written.
    """
    page = render_page(result, run=run, lang=lang, figures=figures)
    path = folder / NAME
    try:
        with replacing(path) as temporary:
            # A name from a file may hold half a surrogate pair, which UTF-8 cannot write.
            temporary.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}. Choose a folder that can be."
        ) from error
    return path


def missing_parts() -> tuple[str, ...]:
    """Name the packages that the page needs and that are not installed."""
    return tuple(name for name in PARTS if find_spec(name) is None)


def check_parts(lang: str, name: str = "--lang") -> None:
    """Check that the report can be drawn.

    Args:
        lang: the language asked for.
        name: how the caller's user knows the language's option.

    Raises:
        InputError: another language than ``en`` and ``ko``, or the parts for drawing are not
            installed.
    """
    if lang not in ("en", "ko"):
        raise InputError(f"{name} is {lang!r}, but en or ko is expected.")
    if missing_parts():
        raise InputError(
            f"the report needs {', '.join(missing_parts())}, not installed here. Install them with"
            " pip install 'fitwell[report]', then write the page with fitwell report RUN."
        )


def render_page(
    result: Result,
    *,
    run: Mapping[str, object],
    lang: Lang = "en",
    figures: Mapping[str, Figure | None] | None = None,
) -> str:
    """Give the report as HTML.

    Args:
        result: what was found; parts that are None leave their section out.
        run: what was asked, the content of run.json; keys may be missing.
        lang: ``en`` or ``ko``.
        figures: the drawings, where they are there already.

    Raises:
        InputError: another language, or the parts for drawing are not installed.
    """
    check_parts(lang)
    figures = figures if figures is not None else draw_all(result, lang)
    return str(_template().render(**context_of(result, run, lang), figures=figures))


@cache
def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("fitwell", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["typeset"] = typeset
    return environment.get_template("page.html.j2")


def context_of(result: Result, run: Mapping[str, object], lang: str) -> dict[str, Any]:
    """Gather everything that the page shows, but for the drawings."""
    chosen = result.regularization
    trials = [trial for trial in result.trials if trial.arm == TREATMENT]
    return {
        "_": partial(translate, lang=lang),
        "lang": lang,
        "result": result,
        "heading": verdict_phrase(result, lang),
        "answer": answer_sentences(result, lang),
        "facts": data_facts(result, lang),
        "method": method_facts(result, run, lang),
        "command": _text(run.get("command")),
        "states": tables.states_table(result, lang),
        "evidence": tables.evidence_table(result, lang),
        "arms": arm_table(result, lang),
        "contests": contest_table(result, lang),
        "arm_costs": cost_table(result, lang),
        "how_compared": how_compared(result, lang),
        "opened": opened_sentence(run, lang),
        "chosen": settings_phrase(chosen, lang) if chosen else "",
        "members": members_table(result, lang),
        "greedy": result.after is not None and result.after.network == GREEDY,
        "regularization": tables.regularization_table(result, lang),
        "promise": tables.promise_table(result, lang, weighted=_weighted(run)),
        "weighted": _weighted(run),
        "diverged": sum(trial.validation_log_loss is None for trial in trials),
        "dropped": sum(trial.dropped for trial in trials),
        "path": tables.path_table(result.path, lang) if result.path else None,
        "trials": trials_table(result, lang),
        **detail_context(result, lang),
    }


def _weighted(run: Mapping[str, object]) -> bool:
    """Whether the validation losses count rare classes more, unlike the test losses."""
    options = run.get("options")
    return isinstance(options, Mapping) and options.get("class_weights", "none") != "none"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
