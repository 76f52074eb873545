"""The report's tables as plain strings; a line break in a cell sets a second, smaller line."""

from dataclasses import dataclass

from fitwell.report.chosen import optimism, setting_text, timescale
from fitwell.report.language import translate
from fitwell.report.numbers import (
    bounds,
    decimal,
    percent,
    plain_bounds,
    points,
    strength,
)
from fitwell.report.text import TREATMENT
from fitwell.results import (
    Evidence,
    Interval,
    PathPoint,
    RegularizationPath,
    Result,
    State,
)

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """A heading; numbers are set flush right."""

    title: str
    number: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows of strings; the first cell of a row names it."""

    caption: str
    columns: tuple[Column, ...]
    rows: Rows


def columns(lang: str, *titles: str, text: tuple[int, ...] = (0,)) -> tuple[Column, ...]:
    """Translate headings; those at the places ``text`` are set as words."""
    return tuple(
        Column(title=translate(title, lang) if title else "", number=place not in text)
        for place, title in enumerate(titles)
    )


def share(interval: Interval, lang: str) -> str:
    """Write a share with its interval below."""
    return f"{percent(interval.value, lang)}\n{bounds(interval)}"


def loss(interval: Interval, *, signed: bool = False) -> str:
    """Write a log-loss, or a difference of two, with its interval below."""
    return f"{decimal(interval.value, signed=signed)}\n{plain_bounds(interval)}"


def gain(interval: Interval) -> str:
    """Write a difference of shares in points, signed, with its interval below."""
    return f"{points(interval.value, signed=True)}\n{bounds(interval)}"


def states_table(result: Result, lang: str) -> Table:
    """The network before and after, one row each, and the best that can be reached."""
    labelled = [("Before", result.before), ("After", result.after)]
    rows = [_state_row(label, state, lang) for label, state in labelled if state]
    best = result.data.best_reachable_accuracy
    if best:
        rows.append((translate("Best reachable", lang), "", share(best, lang), *[""] * 5))
    return Table(
        caption=translate("Before and after, with {level} intervals in brackets", lang).format(
            level=percent(result.before.gap.level, lang, 0)
        ),
        columns=columns(
            lang,
            "Network",
            "Training accuracy",
            "Test accuracy",
            "Gap in points",
            "Test balanced accuracy",
            "Training log-loss",
            "Test log-loss",
            "Log-loss gap",
        ),
        rows=tuple(rows),
    )


def _state_row(label: str, state: State, lang: str) -> tuple[str, ...]:
    return (
        f"{translate(label, lang)}\n{translate(state.network, lang)}",
        share(state.train.accuracy, lang),
        share(state.test.accuracy, lang),
        f"{points(state.gap.value)}\n{bounds(state.gap)}",
        share(state.test.balanced_accuracy, lang),
        loss(state.train.log_loss),
        loss(state.test.log_loss),
        loss(state.gap_log_loss),
    )


def evidence_table(result: Result, lang: str) -> Table:
    """The checks of the diagnosis: measured against which threshold."""
    return Table(
        caption=translate("Evidence, each check with its interval", lang),
        columns=columns(lang, "Check", "Measured", "Threshold", "Finding", text=(0, 3)),
        rows=tuple(_evidence_row(item, lang) for item in result.diagnosis.evidence),
    )


def _evidence_row(item: Evidence, lang: str) -> tuple[str, ...]:
    interval = Interval(value=item.value, low=item.low, high=item.high)
    name, finding = translate(item.check, lang), translate(item.finding, lang)
    if "accuracy" not in item.check:  # the others are log-losses
        return name, loss(interval), decimal(item.threshold), finding
    unit = translate("{number} points", lang)
    value = f"{unit.format(number=points(item.value))}\n{bounds(interval)}"
    return name, value, unit.format(number=points(item.threshold)), finding


def regularization_table(result: Result, lang: str) -> Table | None:
    """What tune chose, and what became of its promise; None where nothing was tuned."""
    chosen = result.regularization
    if chosen is None:
        return None
    off = translate("off", lang)

    def written(value: float) -> str:
        return strength(value) if value else off

    decay = off
    if chosen.decay_epochs:
        scale = timescale(chosen.decay_epochs, lang)
        decay = f"weight_decay {strength(chosen.weight_decay)}\n({scale})"
    by_layer = [setting_text(*one, [], lang) for one in chosen.by_layer.items()]
    fading = translate("dropout and decay fall to 0 in the second half of the epochs", lang)
    rows = [
        ("λ₁ (L1)", written(chosen.l1)),
        *([("λ₂ (L2)", written(chosen.l2))] if chosen.l2 else []),
        (translate("decoupled L2", lang), decay),
        (translate("dropout", lang), written(chosen.dropout)),
        *((translate("by layer", lang), text) for text in by_layer),
        (f"{translate('fading', lang)}\n{fading}", translate("on", lang) if chosen.fades else off),
        (translate("batch norm", lang), translate("on", lang) if chosen.batch_norm else off),
        (translate("exact zeros", lang), percent(chosen.zeros, lang)),
    ]
    return Table(
        caption=translate("The chosen regularization", lang),
        columns=columns(lang, "Strength", "Value"),
        rows=tuple(rows),
    )


def promise_table(result: Result, lang: str, *, weighted: bool = False) -> Table | None:
    """The log-loss that validation promised for the choice, and what other rows say.

    Args:
        result: what was found.
        lang: ``en`` or ``ko``.
        weighted: the validation losses are weighted by class, so the test rows are left out.
    """
    chosen, after = result.regularization, result.after
    if chosen is None or after is None:
        return None
    arms = result.comparison.arms if result.comparison else ()
    got = next((a.test.log_loss for a in arms if a.name == TREATMENT), after.test.log_loss)
    found = [
        ("promised by the validation rows", chosen.promised_log_loss),
        ("estimated by rows without a say in the choice", chosen.estimated_log_loss),
        ("optimism of the search: estimated minus promised", optimism(chosen)),
        ("got on the test rows", None if weighted else got),
    ]
    rows = tuple(
        (translate(name, lang), loss(number, signed="optimism" in name))
        for name, number in found
        if number
    )
    if len(rows) < 2:
        return None
    return Table(
        caption=translate("Promised, estimated and got, in log-loss", lang),
        columns=columns(lang, "Part", "Log-loss"),
        rows=rows,
    )


def path_table(path: RegularizationPath, lang: str) -> Table:
    """Every strength of a regularization path, and where the gap closes."""
    return Table(
        caption=translate(
            "Every strength of the path, with {level} intervals in brackets", lang
        ).format(level=percent(path.points[0].gap.level, lang, 0)),
        columns=columns(
            lang,
            "Strength tried",
            "Training log-loss",
            "Validation log-loss",
            "Gap in log-loss",
            "Stopped early",
            "Exact zeros",
            "",
            text=(0, 6),
        ),
        rows=tuple(_path_row(path, point, lang) for point in path.points),
    )


def _path_row(path: RegularizationPath, point: PathPoint, lang: str) -> tuple[str, ...]:
    marks = (("lowest", path.best), ("gap closes", path.gap_closes), ("too much", path.too_much))
    said = [translate(word, lang) for word, value in marks if value == point.strength]
    return (
        strength(point.strength) if point.strength else translate("off", lang),
        loss(point.train_log_loss),
        loss(point.validation_log_loss),
        loss(point.gap, signed=True),
        loss(point.stopped_log_loss),
        percent(point.zeros, lang),
        ", ".join(said),
    )
