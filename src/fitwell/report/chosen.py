"""What a search chose, in words, and whether its promise can be believed."""

from fitwell.report.language import listed, noted, translate
from fitwell.report.numbers import decimal, plain_bounds, strength
from fitwell.results import Arm, Interval, Member, Regularization, Trial

Setting = float | int | str | bool

_STRENGTHS = frozenset({"l1", "l2", "dropout"})

_SETTINGS = {
    "l1": "L1",
    "l2": "L2",
    "decay_epochs": "decoupled L2",
    "batch_norm": "batch norm",
    "batch_size": "batch size",
    "sampling": "sampling",
    "all_rows": "trained on validation rows too",
    "stop_after": "epochs",
    "width": "width times",
    "removed_layers": "hidden layers removed",
}


def settings_phrase(regularization: Regularization, lang: str = "en") -> str:
    """List what is switched on; empty where nothing is.

    >>> from fitwell.results import Interval
    >>> promised = Interval(value=0.7, low=0.6, high=0.8)
    >>> settings_phrase(Regularization(l1=0.0, l2=0.0, dropout=0.42, batch_norm=False, form="",
    ...     zeros=0.0, kept_untreated=False, promised_log_loss=promised,
    ...     decay_epochs=37.0, weight_decay=0.012))
    'weight_decay 0.012 (timescale 37 epochs) and dropout 0.42'
    """
    fading = [translate("fading to 0", lang)] if regularization.fades else []
    parts = [
        f"{name} {strength(value)}"
        for name, value in (("L1", regularization.l1), ("L2", regularization.l2))
        if value
    ]
    if regularization.decay_epochs:
        notes = [timescale(regularization.decay_epochs, lang), *fading]
        parts.append(noted(f"weight_decay {strength(regularization.weight_decay)}", notes, lang))
    if regularization.dropout:
        text = f"{translate('dropout', lang)} {strength(regularization.dropout)}"
        parts.append(noted(text, fading, lang))
    if regularization.batch_norm:
        parts.append(translate("batch norm", lang))
    parts += [setting_text(*one, fading, lang) for one in regularization.by_layer.items()]
    return listed(parts, lang)


def timescale(epochs: float, lang: str = "en") -> str:
    """Write the timescale of decoupled L2.

    >>> timescale(37.4)
    'timescale 37 epochs'
    """
    return translate("timescale {epochs} epochs", lang).format(epochs=strength(epochs))


def settings_text(arm: Arm | Member | Trial, lang: str) -> str:
    """Say what an arm, or a network of a mean, changed apart from stopping early."""
    fading = [translate("fading to 0", lang)] if arm.settings.get("fades") else []
    left_out = ("early_stopping", "fades", "start")  # the last is the arm's name
    return ", ".join(
        setting_text(name, value, fading, lang)
        for name, value in arm.settings.items()
        if name not in left_out
    )


def setting_text(key: str, value: Setting, fading: list[str], lang: str) -> str:
    """Write one setting; what only some layers have says which.

    >>> setting_text("dropout", 0.2, ["fading to 0"], "en"), setting_text("l1[head]", 0.0, [], "en")
    ('dropout 0.2 (fading to 0)', 'L1 off (layers head)')
    """
    name, _, layers = key.removesuffix("]").partition("[")
    label = translate(_SETTINGS.get(name, name), lang)
    where = [translate("layers {names}", lang).format(names=layers)] if layers else []
    if layers and not value:
        return noted(f"{label} {translate('off', lang)}", where, lang)
    if name == "decay_epochs":
        return noted(label, [*where, timescale(float(value), lang), *fading], lang)
    if isinstance(value, bool):
        return label if value else f"{label}: {translate('off', lang)}"
    if isinstance(value, str):
        return f"{label}: {translate(value, lang)}"
    text = f"{label} {strength(value) if name in _STRENGTHS else f'{value:g}'}"
    return noted(text, [*where, *(fading if name == "dropout" else [])], lang)


def optimism(regularization: Regularization) -> Interval | None:
    """Estimate minus promise, which rest on different rows; None without an estimate."""
    from fitwell.statistics import difference_of

    estimated = regularization.estimated_log_loss
    return estimated and difference_of(estimated, regularization.promised_log_loss)


def promise_sentence(regularization: Regularization | None, lang: str = "en") -> str:
    """Hold the promise of the choice against its estimate; empty without an estimate."""
    if regularization is None:
        return ""
    promised, estimated = regularization.promised_log_loss, regularization.estimated_log_loss
    excess = optimism(regularization)
    if estimated is None or excess is None:
        return ""
    sentence = translate(
        "In log-loss, the validation rows promised {promised} for the choice, and rows without a"
        " say in it say {estimated}: an optimism of {optimism}{open}.",
        lang,
    )
    open_ = excess.low <= 0 <= excess.high
    return sentence.format(
        promised=f"{decimal(promised.value)} {plain_bounds(promised)}",
        estimated=f"{decimal(estimated.value)} {plain_bounds(estimated)}",
        optimism=f"{decimal(excess.value, signed=True)} {plain_bounds(excess)}",
        open=translate(" (no difference shown)", lang) if open_ else "",
    )
