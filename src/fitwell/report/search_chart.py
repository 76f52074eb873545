"""The drawing of a search: what the validation rows said of every strength tried."""

import math
from collections.abc import Sequence
from typing import Any

from fitwell.report import svg
from fitwell.report.chosen import settings_phrase
from fitwell.report.composed import below, beside, layered
from fitwell.report.language import translate
from fitwell.report.numbers import decimal
from fitwell.report.spots import pointed
from fitwell.report.svg import WIDE, Figure, figure, finite, inline, tip
from fitwell.report.text import TREATMENT
from fitwell.report.trials import trial_settings
from fitwell.results import Regularization, Result, Trial

STRENGTHS = {"l1": "L1", "decay_epochs": "decay timescale, epochs", "dropout": "dropout"}

Rows = Sequence[dict[str, Any]]


def search_chart(result: Result, lang: str) -> Figure | None:
    """Validation log-loss of each trial against its strengths, one drawing per strength."""
    trials = searched_trials(result)
    plain = [loss for trial, loss in trials if not trial.settings]
    if len(trials) < 2:
        return None
    level = sum(plain) / len(plain) if plain else None
    rows = {name: _rows(name, trials, result.regularization, lang) for name in STRENGTHS}

    def make(width: int) -> Any:
        return _search(rows, level, width, lang)

    keys = (svg.SEEN, translate("a trial", lang)), (svg.NEW, translate("chosen", lang))
    title = translate("Validation log-loss by strength", lang)
    return figure(make, _words(trials, level, result, lang), keys=keys, title=title)


def searched_trials(result: Result) -> list[tuple[Trial, float]]:
    """List the treatment's trials that did not diverge, with their log-losses."""
    return [
        (trial, trial.validation_log_loss)
        for trial in result.trials
        if trial.arm == TREATMENT
        and trial.validation_log_loss is not None
        and finite(trial.validation_log_loss)
    ]


def _words(
    trials: Sequence[tuple[Trial, float]], level: float | None, result: Result, lang: str
) -> str:
    # What a dropped trial had reached is not its end, and no rival of one that was finished.
    ended = [loss for trial, loss in trials if not trial.dropped]
    dropped = len(trials) - len(ended)
    text = translate("Search: {count} trials", lang).format(count=len(trials))
    if dropped:
        text += f", {translate('{count} of them dropped on the way', lang).format(count=dropped)}"
    if ended:
        lowest = translate("lowest validation log-loss {lowest}", lang)
        text += f", {lowest.format(lowest=decimal(min(ended)))}"
    if level is not None:
        plain = translate("without regularization {level}", lang)
        text += f", {plain.format(level=decimal(level))}"
    chosen = settings_phrase(result.regularization, lang) if result.regularization else ""
    if chosen:
        text += f"; {translate('chosen', lang)}: {chosen}"
    return text


def _rows(
    name: str, trials: Sequence[tuple[Trial, float]], chosen: Regularization | None, lang: str
) -> list[dict[str, Any]]:
    """Place the trials of one drawing: strengths on a log scale, dropout as it is."""
    values = [float(trial.settings.get(name, 0.0)) for trial, _ in trials]
    off = _place_of_off(name, [value for value in values if value > 0])
    return [
        {
            "x": value if name == "dropout" else math.log10(value) if value > 0 else off,
            "off": off,
            "loss": loss,
            "chosen": _is_chosen(trial, chosen),
            "dropped": trial.dropped,
            "tip": pointed(_trial_words(trial, lang), stop=False),  # a table lists them
        }
        for value, (trial, loss) in zip(values, trials, strict=True)
    ]


def _trial_words(trial: Trial, lang: str) -> str:
    assert trial.validation_log_loss is not None  # those that diverged are not drawn
    words = (
        f"{translate('a trial', lang)} {trial.number}: {trial_settings(trial, lang)};"
        f" {translate('validation', lang)} {decimal(trial.validation_log_loss)}"
    )
    return f"{words}, {translate('dropped', lang)}" if trial.dropped else words


def _place_of_off(name: str, above: Sequence[float]) -> int:
    """Find the power of ten where the trials without a remedy stand.

    No L1 lies below the least, no decay beyond the longest timescale.
    """
    if not above:
        return -1
    if name == "decay_epochs":
        return math.ceil(math.log10(max(above)) + 0.3)
    return math.floor(math.log10(min(above))) - 1


def _is_chosen(trial: Trial, chosen: Regularization | None) -> bool:
    if chosen is None or chosen.kept_untreated or trial.dropped:
        return False
    names = ("l1", "l2", "decay_epochs", "dropout", "fades", "batch_norm")
    by_layer = {key: value for key, value in trial.settings.items() if "[" in key}
    return by_layer == chosen.by_layer and all(
        math.isclose(float(trial.settings.get(name, 0.0)), getattr(chosen, name), rel_tol=1e-9)
        for name in names
    )


def _search(
    rows: dict[str, list[dict[str, Any]]], level: float | None, width: int, lang: str
) -> Any:

    wide = width == WIDE
    single = (width - 40) / 3 - 24 if wide else width - 60
    losses = [row["loss"] for row in rows["l1"]] + ([level] if level is not None else [])
    span = [min(losses), max(losses)]
    drawings = [
        layered(
            *_strength(name, rows[name], level, span, lang),
            width=single,
            height=190 if wide else 130,
        )
        for name in STRENGTHS
    ]
    if wide:
        return beside(*drawings, spacing=14)
    return below(*drawings, spacing=14)


def _decades(rows: Rows) -> list[float]:
    """Give the powers of ten to write at the axis, and the place of zero where it is used."""
    off = float(rows[0]["off"])
    places = [row["x"] for row in rows if row["x"] != off]
    used = [off] if len(places) < len(rows) else []
    if not places:
        return used
    inside = [float(p) for p in range(math.ceil(min(places)), math.floor(max(places)) + 1)]
    return used + (inside[:: 2 if len(inside) > 3 else 1] or [min(places)])


def _axis(name: str, rows: Rows, lang: str) -> Any:
    import altair as alt

    title = translate(STRENGTHS[name], lang)
    if name == "dropout":
        return alt.Axis(grid=False, tickCount=4, title=title)
    form = ",.0f" if name == "decay_epochs" else ".0e"
    label = (
        f"datum.value == {rows[0]['off']} ? '{translate('off', lang)}'"
        f" : format(pow(10, datum.value), '{form}')"
    )
    return alt.Axis(grid=False, values=_decades(rows), labelExpr=label, title=title)


def _strength(
    name: str, rows: Rows, level: float | None, span: list[float], lang: str
) -> list[Any]:
    import altair as alt

    x = alt.X("x:Q", axis=_axis(name, rows, lang)).scale(zero=False, padding=12)
    y = alt.Y("loss:Q", title=None)
    y = y.scale(domain=span, padding=12, zero=False).axis(tickCount=5)
    base = alt.Chart(inline(rows))
    layers = [
        base.transform_filter("datum.dropped")
        .mark_point(size=36, filled=False, color=svg.SEEN, strokeWidth=1.2, opacity=0.5)
        .encode(x=x, y=y, description=tip()),
        base.transform_filter("!datum.dropped")
        .mark_point(size=48, filled=True, color=svg.SEEN, opacity=0.75)
        .encode(x=x, y=y, description=tip()),
        base.transform_filter("datum.chosen")
        .mark_point(size=140, stroke=svg.NEW, strokeWidth=2.5, opacity=1)
        .encode(x=x, y=y),
    ]
    if level is not None:
        rule = alt.Chart(inline([{"loss": level}]))
        layers.insert(
            0, rule.mark_rule(color=svg.MUTED, strokeDash=[3, 3]).encode(y=alt.Y("loss:Q"))
        )
    return layers
