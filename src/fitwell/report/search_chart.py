"""The drawing of a search: what the validation rows said of every strength tried."""

import math
from collections.abc import Sequence
from typing import Any

from fitwell.report import svg
from fitwell.report.numbers import decimal
from fitwell.report.svg import WIDE, Figure, figure, finite, inline
from fitwell.report.text import TREATMENT, settings_phrase, translate
from fitwell.results import Regularization, Result, Trial

STRENGTHS = {"l1": "L1", "l2": "L2", "dropout": "dropout"}


def search_chart(result: Result, lang: str) -> Figure | None:
    """Validation log-loss of each trial against its strengths, one drawing per strength."""
    trials = searched_trials(result)
    plain = [loss for trial, loss in trials if not trial.settings]
    if len(trials) < 2:
        return None
    level = sum(plain) / len(plain) if plain else None
    rows = {name: _rows(name, trials, result.regularization) for name in STRENGTHS}

    def make(width: int) -> Any:
        return _search(rows, level, width, lang)

    return figure(make, _words(trials, level, result, lang))


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
    text = translate("Search: {count} trials, lowest validation log-loss {lowest}", lang).format(
        count=len(trials), lowest=decimal(min(loss for _, loss in trials))
    )
    if level is not None:
        plain = translate("without regularization {level}", lang)
        text += f", {plain.format(level=decimal(level))}"
    chosen = settings_phrase(result.regularization, lang) if result.regularization else ""
    if chosen:
        text += f"; {translate('chosen', lang)}: {chosen}"
    return text


def _rows(
    name: str, trials: Sequence[tuple[Trial, float]], chosen: Regularization | None
) -> list[dict[str, Any]]:
    """Place the trials: on a log scale strengths of zero stand one decade below the rest."""
    values = [float(trial.settings.get(name, 0.0)) for trial, _ in trials]
    above = [value for value in values if value > 0]
    off = math.floor(math.log10(min(above))) - 1 if above else -1
    return [
        {
            "x": value if name == "dropout" else math.log10(value) if value > 0 else off,
            "off": off,
            "loss": loss,
            "chosen": _is_chosen(trial, chosen),
        }
        for value, (trial, loss) in zip(values, trials, strict=True)
    ]


def _is_chosen(trial: Trial, chosen: Regularization | None) -> bool:
    if chosen is None:
        return False
    return all(
        math.isclose(float(trial.settings.get(name, 0.0)), getattr(chosen, name), rel_tol=1e-9)
        for name in STRENGTHS
    )


def _search(
    rows: dict[str, list[dict[str, Any]]], level: float | None, width: int, lang: str
) -> Any:
    import altair as alt

    wide = width == WIDE
    single = (width - 40) / 3 - 24 if wide else width - 60
    losses = [row["loss"] for row in rows["l1"]] + ([level] if level is not None else [])
    span = [min(losses), max(losses)]
    drawings = [
        _strength(name, rows[name], level, span, lang).properties(
            width=single, height=190 if wide else 130
        )
        for name in STRENGTHS
    ]
    if wide:
        return alt.hconcat(*drawings, spacing=14)
    return alt.vconcat(*drawings, spacing=14)


def _decades(rows: Sequence[dict[str, Any]]) -> list[float]:
    """Give the powers of ten to write at the axis, and the place of zero where it is used."""
    found = sorted({float(math.floor(row["x"])) for row in rows})
    off = [float(rows[0]["off"])] if rows[0]["off"] in found else []
    powers = [power for power in found if power not in off]
    return off + powers[:: 2 if len(powers) > 3 else 1]


def _strength(
    name: str, rows: Sequence[dict[str, Any]], level: float | None, span: list[float], lang: str
) -> Any:
    import altair as alt

    off = translate("off", lang)
    power = f"datum.value == {rows[0]['off']} ? '{off}' : '1e' + datum.value"
    if name == "dropout":
        axis = alt.Axis(grid=False, tickCount=4, title=translate(STRENGTHS[name], lang))
    else:
        decades = _decades(rows)
        axis = alt.Axis(grid=False, values=decades, labelExpr=power, title=STRENGTHS[name])
    x = alt.X("x:Q", axis=axis).scale(zero=False, padding=12)
    y = alt.Y("loss:Q", title=None)
    y = y.scale(domain=span, padding=12, zero=False).axis(tickCount=5)
    base = alt.Chart(inline(rows))
    layers = [
        base.mark_point(size=44, filled=True, color=svg.SEEN, opacity=0.55).encode(x=x, y=y),
        base.transform_filter("datum.chosen")
        .mark_point(size=130, stroke=svg.NEW, strokeWidth=2.5, opacity=1)
        .encode(x=x, y=y),
    ]
    if level is not None:
        rule = alt.Chart(inline([{"loss": level}]))
        layers.insert(0, rule.mark_rule(color=svg.MUTED, strokeDash=[3, 3]).encode(y="loss:Q"))
    return alt.layer(*layers)
