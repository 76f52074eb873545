"""Training, validation and test rows: stratified, grouped or by time; seeded."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitwell.data.source import Rows, Source
from fitwell.errors import InputError

FEWEST_ROWS = 20


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of the three parts, sorted; no row is in two of them."""

    train: Rows
    validation: Rows
    test: Rows


def split_rows(
    source: Source, *, seed: int, shares: tuple[float, float, float] = (0.6, 0.2, 0.2)
) -> Split:
    """Split the rows of a source.

    Parts that came with the data stay as they came; what is missing is carved out of the
    rest in proportion. A class's validation and test rows are within one row of its
    share; with groups, a group goes to one part as a whole; with times, the oldest rows are trained
    on and the newest tested.

    Raises:
        InputError: too few rows or groups, groups together with times, or a class that
            no training row would have.
    """
    rows = np.arange(len(source.target))
    if len(rows) < FEWEST_ROWS:
        raise InputError(
            f"the data has {len(rows)} rows, but at least {FEWEST_ROWS} are expected. Give more."
        )
    if source.groups is not None and source.times is not None:
        raise InputError("--group and --time cannot be combined yet. Choose one of them.")
    official = source.official if source.official is not None else np.full(len(rows), -1, np.int8)
    test, validation = rows[official == 2], rows[official == 1]
    rest = rows[(official == 0) | (official == -1)]
    if len(test) == 0:
        rest, test = take_share(source, rest, shares[2], seed)
    if len(validation) == 0:
        rest, validation = take_share(source, rest, shares[1] / (shares[0] + shares[1]), seed + 1)
    check_classes(source, rest)
    return Split(np.sort(rest), np.sort(validation), np.sort(test))


def take_share(source: Source, rows: Rows, share: float, seed: int) -> tuple[Rows, Rows]:
    """Take a share of the rows away; return what stays and what was taken.

    Raises:
        InputError: they cannot be split so.
    """
    if source.times is not None:
        taken = _newest(source.times[rows], share)
    elif source.groups is not None:
        taken = _whole_groups(source.target[rows], source.groups[rows], share, seed)
    else:
        taken = stratified(source.target[rows], share, seed)
    if taken.all() or not taken.any():
        raise InputError(
            f"{len(rows)} rows cannot be split into parts of {1 - share:.0%} and {share:.0%}. Give"
            " more rows, groups or points in time."
        )
    return rows[~taken], rows[taken]


def _newest(times: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """Mark the newest rows; rows of the boundary's own time all stay with the older ones."""
    boundary = np.sort(times)[round(len(times) * (1 - share)) - 1]
    newest: NDArray[np.bool_] = times > boundary
    return newest


def _whole_groups(
    target: NDArray[np.int64], groups: NDArray[np.int64], share: float, seed: int
) -> NDArray[np.bool_]:
    from sklearn.model_selection import StratifiedGroupKFold

    folds = round(1 / share)
    distinct = len(np.unique(groups))
    largest = int(np.bincount(target).max())
    if distinct < folds:
        raise InputError(
            f"--group has {distinct} groups in {len(target)} rows, but at least {folds} are needed"
            " to split them. Use another column, or none."
        )
    if largest < folds:
        raise InputError(
            f"--group: no class has more than {largest} rows, but at least {folds} are needed to"
            " split whole groups. Give more rows."
        )
    with warnings.catch_warnings():
        # It warns of classes rarer than the folds; check_classes says what matters.
        warnings.simplefilter("ignore", UserWarning)
        splitter = StratifiedGroupKFold(n_splits=folds, shuffle=True, random_state=seed)
        _, taken = next(splitter.split(target, target, groups))
    marked = np.zeros(len(target), dtype=bool)
    marked[taken] = True
    return marked


def stratified(target: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Mark ``share`` of each class, by largest remainder: within one row of its share."""
    rng = np.random.default_rng([seed, 0x5411])
    classes, counts = np.unique(target, return_counts=True)
    exact = counts * share
    taken = np.floor(exact).astype(int)
    short = round(len(target) * share) - int(taken.sum())
    # Ties go to the rarer class: it has more to lose.
    order = np.lexsort((counts, -(exact - taken)))
    taken[order[:short]] += 1
    # Never the last row of a class: it must be trained on.
    taken = np.minimum(taken, counts - 1)
    marked = np.zeros(len(target), dtype=bool)
    for name, number in zip(classes, taken, strict=True):
        marked[rng.permutation(np.flatnonzero(target == name))[:number]] = True
    return marked


def fold_rows(source: Source, rows: Rows, folds: int, seed: int) -> list[Rows]:
    """Share rows out among folds: stratified, groups whole; none where rows have times.

    Too few groups or rows of the largest class for so many folds give none either.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    target = source.target[rows]
    groups = None if source.groups is None else source.groups[rows]
    units = len(rows) if groups is None else len(np.unique(groups))
    if source.times is not None or units < 2 * folds or np.bincount(target).max() < folds:
        return []
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    with warnings.catch_warnings():
        # It warns of classes rarer than the folds; they are in some folds and not in others.
        warnings.simplefilter("ignore", UserWarning)
        splitter = kind(n_splits=folds, shuffle=True, random_state=seed)
        return [np.sort(rows[held]) for _, held in splitter.split(target, target, groups)]


def check_classes(source: Source, train: Rows) -> None:
    """Refuse training rows that lack a class.

    Raises:
        InputError: they do.
    """
    missing = sorted(set(range(len(source.classes))) - set(np.unique(source.target[train])))
    if missing:
        raise InputError(
            f"target: class {source.classes[missing[0]]!r} has no row in the training part, so it"
            " cannot be learned. Give more of its rows, or leave it out."
        )
