"""Outer resamples: the development rows split again and again, the same way for all arms."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fitwell.data.source import Rows, Source
from fitwell.data.splits import Split, check_classes, take_share
from fitwell.errors import InputError

OUTER, INNER = 0.2, 0.25
"""Shares: of the development rows that judge, and of the rest that stop and choose."""

SEED = 1_000
"""Resample k splits by the seed of the run plus k times this, so that no two seeds meet."""


def resamples(source: Source, rows: Rows, count: int, *, seed: int) -> list[Split]:
    """Split rows ``count`` times into training, validation and judging rows.

    Each split is drawn anew and apart from the others: stratified, or whole groups. Rows with
    times are cut at ``count`` moments instead: the newer half is shared out among as many
    blocks, and each is judged by networks that saw what is older.

    Args:
        source: the data.
        rows: those that may be used; the sealed test rows are not among them.
        count: how many splits.
        seed: of the run.

    Returns:
        ``count`` splits, or none where there are too few rows, groups or moments.
    """
    try:
        if source.times is not None:
            found = _forward(source, rows, source.times[rows], count)
        else:
            found = [_drawn(source, rows, seed + SEED * (k + 1)) for k in range(count)]
        for split in found:
            check_classes(source, split.train)
    except InputError:
        return []
    return found


def _drawn(source: Source, rows: Rows, seed: int) -> Split:
    rest, outer = take_share(source, rows, OUTER, seed)
    train, validation = take_share(source, rest, INNER, seed + 1)
    return Split(np.sort(train), np.sort(validation), np.sort(outer))


def _forward(source: Source, rows: Rows, times: NDArray[np.float64], count: int) -> list[Split]:
    """Cut at moments in the newer half; rows of one moment stay together, with the older ones."""
    order = np.sort(times)
    places = np.linspace(len(rows) / 2, len(rows), count + 1).round().astype(int) - 1
    moments = order[places]
    found = []
    for begin, end in pairwise(moments):
        outer = rows[(times > begin) & (times <= end)]
        if not len(outer):
            return []
        train, validation = take_share(source, rows[times <= begin], INNER, 0)
        found.append(Split(np.sort(train), np.sort(validation), np.sort(outer)))
    return found
