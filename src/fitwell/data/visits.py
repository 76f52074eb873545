"""Synthetic visits to a landing page: made up, with a truth that is known.

No row describes a person. A visit's outcome is drawn from ``softmax(s)``, where the score
``s`` of each class is a sum of

- main effects of channel, campaign, discount, price, pages, loading time, scroll depth;
- steps in dwell time (under 8 s, 8 to 45 s, 45 to 240 s, longer), not a slope;
- an effect of every campaign on every device;
- a daily cycle of every channel, each with its own peak;
- an effect of every landing variant on new and on returning visitors;
- small slopes of the eight `WEAK` columns; none of the 32 `USELESS` ones.

The truth is one fixed draw: another ``seed`` gives other visits to the same site.
``docs/visits.md`` says how networks do on it.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from fitwell.errors import InputError

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

TARGET = "outcome"
CLASSES = ("bounce", "browse", "cart", "purchase")

CHANNELS = ("search", "email", "social", "display", "affiliate", "referral", "direct", "video")
DEVICES = ("desktop", "mobile", "tablet")
VARIANTS = ("A", "B", "C", "D")
CAMPAIGNS = tuple(f"campaign_{number:03d}" for number in range(1, 121))
DISCOUNTS = (0, 5, 10, 20)
DWELL_STEPS = (8.0, 45.0, 240.0)
"""Seconds at which the effect of dwell time jumps."""

WEAK = tuple(f"timing_{number:02d}" for number in range(1, 9))
NOISE = {"browser": 6, "language": 10, "region": 16, "system": 5, "bucket": 8}
"""Categories without any effect: name and number of values."""

USELESS = (
    *(f"scroll_{number:02d}" for number in range(1, 13)),
    *(f"click_{number:02d}" for number in range(1, 9)),
    *(f"cursor_{number:02d}" for number in range(1, 8)),
    *NOISE,
)

MISSING = {
    "campaign": 0.02,
    "price_viewed": 0.04,
    "load_seconds": 0.03,
    "scroll_depth": 0.03,
    "region": 0.05,
    "scroll_01": 0.06,
    "timing_01": 0.04,
}
"""Share of values blanked at random, by column; `_dwell_lost` has the one that tells."""

TRUTH_SEED = 20_240_229
"""Draws the effects below, once and for all; visits have seeds of their own."""

BIAS = (1.35, 0.75, 0.0, -0.35)
SHARPNESS = 6.0


@dataclass(frozen=True, eq=False)
class Truth:
    """Every effect on the scores; the last axis counts the classes."""

    channel: Floats  # [8, 4]
    campaign: Floats  # [120, 4]
    campaign_device: Floats  # [120, 3, 4]
    cycle: Floats  # [8, 4], height of a channel's daily cycle
    peak: Floats  # [8], hour of its peak
    variant_returning: Floats  # [4, 2, 4]
    dwell: Floats  # [4 steps, 4]
    slopes: Floats  # [6 numbers, 4]
    weak: Floats  # [8, 4]
    browsing: Floats  # [120], popularity of a campaign, sums to 1


@cache
def truth() -> Truth:
    """Draw the site's effects; always the same."""
    rng = np.random.default_rng(TRUTH_SEED)
    classes, campaigns = len(CLASSES), len(CAMPAIGNS)
    popularity = 1 / (np.arange(campaigns) + 6.0)
    return Truth(
        channel=rng.normal(0, 0.5, (len(CHANNELS), classes)),
        campaign=rng.normal(0, 0.7, (campaigns, classes)),
        campaign_device=rng.normal(0, 1.3, (campaigns, len(DEVICES), classes)),
        cycle=rng.normal(0, 1.2, (len(CHANNELS), classes)),
        peak=rng.uniform(0, 24, len(CHANNELS)),
        variant_returning=rng.normal(0, 1.0, (len(VARIANTS), 2, classes)),
        dwell=np.array(
            [[2.4, -0.6, -1.6, -2.2], [-0.4, 1.2, -0.2, -0.8], [-1.6, 0.4, 1.2, 0.6], [-2.2, 0.2, 0.4, 2.0]]
        ),
        slopes=rng.normal(0, 0.5, (6, classes)),
        weak=rng.normal(0, 0.12, (len(WEAK), classes)),
        browsing=popularity / popularity.sum(),
    )
