"""Synthetic visits to a landing page: made up, with a truth that is known.

No row describes a person. A visit's outcome is drawn from ``softmax(SHARPNESS * s)``, where
the score ``s`` of a class is a sum of

- effects of channel and campaign, and slopes of six numbers (`SLOPES`);
- steps in dwell time at 15, 45 and 120 seconds (`DWELL_EFFECTS`);
- an effect of every campaign on every device;
- a daily cycle of every channel, each with its own peak;
- an effect of every landing variant on new and on returning visitors;
- small slopes of the eight `WEAK` columns, and nothing of the 32 `USELESS` ones.

The site's effects are one fixed draw: another ``seed`` gives other visits to the same site.
``docs/visits.md`` says what networks make of them.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from fitwell.errors import InputError

Floats = NDArray[np.float64]

TARGET = "outcome"
CLASSES = ("bounce", "browse", "cart", "purchase")
ROWS = 10_000

CHANNELS = ("search", "email", "social", "display", "affiliate", "referral", "direct", "video")
CHANNEL_SHARES = (0.28, 0.14, 0.18, 0.10, 0.06, 0.07, 0.12, 0.05)
MOBILE_SHARES = (0.45, 0.50, 0.75, 0.60, 0.45, 0.45, 0.40, 0.70)
RETURNING_SHARES = (0.3, 0.6, 0.3, 0.3, 0.3, 0.3, 0.6, 0.3)
TABLET_SHARE = 0.12
DEVICES = ("desktop", "mobile", "tablet")
CAMPAIGNS = tuple(f"campaign_{number:03d}" for number in range(1, 121))
VARIANTS = ("A", "B", "C", "D")
CATEGORIES = {"channel": CHANNELS, "device": DEVICES, "campaign": CAMPAIGNS, "variant": VARIANTS}

WEAK = tuple(f"timing_{number:02d}" for number in range(1, 9))
NOISE_CATEGORIES = {"browser": 5, "system": 4, "language": 6, "region": 8, "bucket": 4}
"""Categories without any effect: how many values each has."""

NOISE_NUMBERS = {"scroll": 12, "click": 8, "cursor": 7}
"""Families of numbers without any effect: how many columns each has."""

NUMBERED = tuple(f"{key}_{n + 1:02d}" for key, many in NOISE_NUMBERS.items() for n in range(many))
USELESS = (*NUMBERED, *NOISE_CATEGORIES)

MISSING = ("campaign", "price_viewed", "load_seconds", "scroll_depth", "timing_01", "region")
MISSING_SHARE = 0.04
"""Of each of these columns, blanked at random."""

LONG_DWELL, DWELL_LOST, LONG_DWELL_LOST = 120.0, 0.02, 0.15
"""Dwell time is lost more often on long visits: that it is missing says something."""

TRUTH_SEED = 20_240_229
"""Draws the site's effects; visits have seeds of their own."""

SHARPNESS = 1.35
"""Scale of all scores: how much the columns tell about the outcome."""

BIAS = (1.0, 0.4, 0.2, -0.3)
SLOPES = {
    "pages": (-3.0, 0.2, 0.3, 0.3),
    "scroll_depth": (-0.3, 0.2, 0.2, 0.0),
    "load_seconds": (0.4, 0.0, -0.2, -0.2),
    "price_viewed": (0.1, 0.2, 0.1, -0.3),
    "discount_percent": (-0.2, -0.1, 0.1, 0.3),
    "reviews_read": (-0.2, 0.1, 0.2, 0.2),
}
"""Effect on each class's score of one standard deviation, roughly; see `_standardized`."""

DWELL_STEPS = (15.0, 45.0, 120.0)
DWELL_EFFECTS = (
    (7.5, 0.0, -2.0, -3.0),
    (2.2, 0.8, -0.4, -0.6),
    (-4.5, 0.3, 1.2, 0.5),
    (-9.0, -0.5, 0.3, 2.2),
)


@dataclass(frozen=True, eq=False)
class Truth:
    """The site's drawn effects on the scores; the last axis counts the classes."""

    channel: Floats  # [8, 4]
    campaign: Floats  # [120, 4]
    campaign_device: Floats  # [120, 3, 4]
    cycle: Floats  # [8, 4], height of a channel's daily cycle
    peak: Floats  # [8], hour of its peak
    variant_returning: Floats  # [4, 2, 4]
    weak: Floats  # [8, 4]


@cache
def truth() -> Truth:
    """Draw the site's effects; always the same ones."""
    rng, classes = np.random.default_rng(TRUTH_SEED), len(CLASSES)
    return Truth(
        channel=rng.normal(0, 0.4, (len(CHANNELS), classes)),
        campaign=rng.normal(0, 0.25, (len(CAMPAIGNS), classes)),
        campaign_device=rng.normal(0, 0.3, (len(CAMPAIGNS), len(DEVICES), classes)),
        cycle=rng.normal(0, 0.6, (len(CHANNELS), classes)),
        peak=rng.uniform(0, 24, len(CHANNELS)),
        variant_returning=rng.normal(0, 0.6, (len(VARIANTS), 2, classes)),
        weak=rng.normal(0, 0.1, (len(WEAK), classes)),
    )


def visits(rows: int = ROWS, *, seed: int = 0) -> pd.DataFrame:
    """Draw visits as an analyst would get them: some values missing, the outcome last.

    Args:
        rows: how many; they are drawn independently of each other.
        seed: 0 or more; the same seed gives the same frame.

    Raises:
        InputError: ``rows`` below 1, or ``seed`` below 0.

    >>> visits(3)[["channel", "device", "outcome"]].shape
    (3, 3)
    """
    return visits_with_truth(rows, seed=seed)[0]


def visits_with_truth(rows: int = ROWS, *, seed: int = 0) -> tuple[pd.DataFrame, Floats]:
    """Draw visits, and the probability of each of `CLASSES` in each row.

    The probabilities are those given the complete row, before values went missing.

    Raises:
        InputError: ``rows`` below 1, or ``seed`` below 0.
    """
    frame = _features(rows, rng := _generator(rows, seed))
    probabilities = true_probabilities(frame)
    passed = probabilities.cumsum(axis=1)[:, :-1] < rng.random((rows, 1))
    outcome = np.array(CLASSES)[passed.sum(axis=1)]
    return _blank(frame, rng).assign(**{TARGET: outcome}), probabilities


def complete_visits(rows: int = ROWS, *, seed: int = 0) -> pd.DataFrame:
    """Give the features of `visits` with the same seed, before any value went missing.

    Raises:
        InputError: ``rows`` below 1, or ``seed`` below 0.
    """
    return _features(rows, _generator(rows, seed))


def best_reachable_accuracy(rows: int = ROWS, *, seed: int = 0) -> float:
    """Mean of the largest true probability over the rows of `visits` (the Bayes accuracy).

    No model can be expected to do better. It holds for complete rows, and is an upper bound
    for `visits`, where some values are missing.

    Raises:
        InputError: ``rows`` below 1, or ``seed`` below 0.
    """
    return float(visits_with_truth(rows, seed=seed)[1].max(axis=1).mean())


def true_probabilities(frame: pd.DataFrame) -> Floats:
    """Compute the probability of each of `CLASSES` (columns) in each row.

    Args:
        frame: complete features, such as `complete_visits`; other columns do not matter.

    Raises:
        InputError: a column is missing, or a value is missing or unknown.
    """
    _check_complete(frame)
    site, codes = truth(), {name: _codes(frame, name) for name in CATEGORIES}
    channel, device, campaign, variant = codes.values()
    returning = frame["returning"].to_numpy(dtype=np.intp)
    step = np.searchsorted(DWELL_STEPS, frame["dwell_seconds"].to_numpy(), side="right")
    angle = 2 * np.pi * (frame["hour"].to_numpy() - site.peak[channel]) / 24
    scores: Floats = (
        np.array(BIAS)
        + site.channel[channel]
        + site.campaign[campaign]
        + site.campaign_device[campaign, device]
        + site.cycle[channel] * np.cos(angle)[:, None]
        + site.variant_returning[variant, returning]
        + np.array(DWELL_EFFECTS)[step]
        + _standardized(frame) @ np.array(list(SLOPES.values()))
        + frame[list(WEAK)].to_numpy(dtype=np.float64) @ site.weak
    )
    odds = np.exp(SHARPNESS * (scores - scores.max(axis=1, keepdims=True)))
    shares: Floats = odds / odds.sum(axis=1, keepdims=True)
    return shares


def _standardized(frame: pd.DataFrame) -> Floats:
    """Bring the numbers of `SLOPES`, in its order, to mean 0 and deviation 1, roughly."""
    return np.column_stack(
        [
            (np.log(frame["pages"]) - 0.8) / 0.7,
            (frame["scroll_depth"] - 0.5) / 0.22,
            np.log(frame["load_seconds"] / 2) / 0.5,
            np.log(frame["price_viewed"] / 60) / 0.8,
            (frame["discount_percent"] - 7) / 7,
            (frame["reviews_read"] - 1.5) / 1.5,
        ]
    )


def _generator(rows: int, seed: int) -> Generator:
    if rows < 1:
        raise InputError(f"rows is {rows}, but at least 1 is needed. Ask for more.")
    if seed < 0:
        raise InputError(f"seed is {seed}, but 0 or more is expected. Change the seed.")
    return np.random.default_rng(seed)


def _features(rows: int, rng: Generator) -> pd.DataFrame:
    channel = rng.choice(len(CHANNELS), rows, p=CHANNEL_SHARES)
    popularity = 1 / np.arange(2, len(CAMPAIGNS) + 2)
    campaign = rng.choice(len(CAMPAIGNS), rows, p=popularity / popularity.sum())
    where = rng.random(rows)
    device = np.where(where > 1 - TABLET_SHARE, 2, where < np.array(MOBILE_SHARES)[channel])
    depth = rng.normal(size=rows)  # of interest: pages and dwell time go together
    columns: dict[str, ArrayLike] = {
        "channel": np.array(CHANNELS)[channel],
        "device": np.array(DEVICES)[device],
        "campaign": np.array(CAMPAIGNS)[campaign],
        "variant": rng.choice(VARIANTS, rows),
        "hour": (rng.normal(np.where(device == 0, 14, 19), 5, rows) % 24).astype(np.int64),
        "pages": 1 + rng.poisson(np.exp(0.3 + 0.6 * depth)),
        "dwell_seconds": _rounded(np.exp(3.6 + 0.8 * depth + rng.normal(0, 0.6, rows))),
        "returning": rng.random(rows) < np.array(RETURNING_SHARES)[channel],
        "scroll_depth": _rounded(rng.beta(2, 2, rows), 3),
        "load_seconds": _rounded(2 * np.exp(rng.normal(0, 0.5, rows)), 2),
        "price_viewed": _rounded(60 * np.exp(rng.normal(0, 0.8, rows)), 2),
        "discount_percent": rng.choice((0, 5, 10, 20), rows, p=(0.4, 0.2, 0.25, 0.15)),
        "reviews_read": rng.poisson(1.5, rows),
    }
    return pd.DataFrame(columns | _side_columns(rows, rng))


def _side_columns(rows: int, rng: Generator) -> dict[str, ArrayLike]:
    """Draw the weak and the useless columns, independent of all others.

    Those of one family go up and down together, as readings of one sensor do.
    """
    family = {name: rng.normal(size=rows) for name in ("timing", *NOISE_NUMBERS)}
    columns: dict[str, ArrayLike] = {}
    for name in (*WEAK, *NUMBERED):
        reading = 0.9 * family[name.split("_")[0]] + 0.44 * rng.normal(size=rows)
        if name.startswith("scroll"):
            columns[name] = _rounded(100 * np.exp(0.5 * reading))
        elif name.startswith("click"):
            columns[name] = np.floor(2 * np.exp(0.6 * reading)).astype(np.int64)
        else:
            columns[name] = np.round(reading, 3)
    for name, size in NOISE_CATEGORIES.items():
        columns[name] = rng.choice([f"{name}_{number}" for number in range(1, size + 1)], rows)
    return columns


def _rounded(values: Floats, digits: int = 1) -> Floats:
    return np.round(values, digits).clip(min=10.0**-digits)


def _blank(frame: pd.DataFrame, rng: Generator) -> pd.DataFrame:
    """Take values away; whether one goes never depends on the outcome."""
    shares: dict[str, float | Floats] = dict.fromkeys(MISSING, MISSING_SHARE)
    long = frame["dwell_seconds"] > LONG_DWELL
    shares["dwell_seconds"] = np.where(long, LONG_DWELL_LOST, DWELL_LOST)
    return frame.assign(
        **{name: frame[name].mask(rng.random(len(frame)) < p) for name, p in shares.items()}
    )


def _codes(frame: pd.DataFrame, column: str) -> NDArray[np.intp]:
    known = CATEGORIES[column]
    codes = pd.Index(known).get_indexer(pd.Index(frame[column]))
    if (codes < 0).any():
        row = int(np.flatnonzero(codes < 0)[0])
        raise InputError(
            f"frame, column {column!r}, row {row + 1}: {frame[column].iloc[row]!r} is unknown,"
            f" but one of {known[0]!r} to {known[-1]!r} is expected. Correct it."
        )
    return codes


def _check_complete(frame: pd.DataFrame) -> None:
    for column in (*CATEGORIES, "hour", "returning", "dwell_seconds", *SLOPES, *WEAK):
        if column not in frame.columns:
            raise InputError(f"frame has no column {column!r}, but visits need it. Add it.")
        gaps = np.flatnonzero(frame[column].isna())
        if len(gaps):
            raise InputError(
                f"frame, column {column!r}, row {gaps[0] + 1}: the value is missing, but the truth"
                " is known for complete rows only. Use complete_visits or visits_with_truth."
            )
