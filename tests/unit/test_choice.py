import numpy as np
import pytest

from fitwell.tuning.choice import RACE, Folds, contenders


def make_folds(losses, complexity=None, folds=4, groups=None):
    rows = len(next(iter(losses.values())))
    return Folds(
        losses=losses,
        fold=np.arange(rows) % folds,
        complexity=complexity or dict.fromkeys(losses, 1),
        groups=groups,
    )


def noise(seed, rows=400):
    return np.random.default_rng(seed).normal(0, 0.3, rows)


def test_a_clear_gain_is_taken():
    plain = 0.6 + noise(0)
    assert make_folds({0: plain, 1: plain - 0.1 + 0.1 * noise(1)}).choose() == 1


def test_a_gain_of_less_than_one_and_a_half_standard_errors_of_the_rows_is_not():
    plain = 0.6 + noise(0)
    wobble = noise(1) - noise(1).mean()
    error = wobble.std(ddof=1) / 20
    for share, chosen in ((1.45, 0), (1.55, 1)):
        losses = {0: plain, 1: plain + wobble - share * error}
        assert make_folds(losses, folds=1).choose() == chosen


def test_nor_is_one_of_less_than_a_standard_error_of_the_folds():
    plain = 0.6 + noise(0)
    means = np.array([0.3, 0.1, -0.1, -0.3])
    error = means.std(ddof=1) / 2
    for share, chosen in ((0.99, 0), (1.01, 1)):
        losses = {0: plain, 1: plain + np.tile(means, 100) - share * error}
        assert make_folds(losses).choose() == chosen


def test_nor_is_one_of_less_than_three_percent_of_the_loss_however_sure_it_is():
    plain = 0.6 + noise(0)
    for share, chosen in ((0.029, 0), (0.031, 1)):
        assert make_folds({0: plain, 1: plain - share * plain.mean()}).choose() == chosen


def test_with_groups_the_standard_error_is_that_of_groups():
    plain = 0.6 + noise(0)
    by_group = 2 * np.repeat(noise(1, 20) - noise(1, 20).mean(), 20)
    better = plain + by_group - 1.6 * by_group.std(ddof=1) / 20
    assert make_folds({0: plain, 1: better}).choose() == 1
    groups = np.repeat(np.arange(20), 20)
    assert make_folds({0: plain, 1: better}, groups=groups).choose() == 0


def test_of_two_that_cannot_be_told_apart_the_plainer_is_taken():
    plain = 0.6 + noise(0)
    best = plain - 0.1
    close = best + 0.001 + 0.1 * noise(2)
    losses = {0: plain, 1: best, 2: close}
    assert make_folds(losses, {0: 0, 1: 3, 2: 1}).choose() == 2
    assert make_folds(losses, {0: 0, 1: 1, 2: 1}).choose() == 1
    worse = {**losses, 2: best + 0.05 + 0.1 * noise(2)}
    assert make_folds(worse, {0: 0, 1: 3, 2: 1}).choose() == 1


def test_who_lies_two_standard_errors_behind_is_not_folded_but_the_plain_one_is():
    best = 0.6 + noise(0)
    wobble = noise(1) - noise(1).mean()
    error = wobble.std(ddof=1) / 20
    far, near = (best + wobble + share * RACE * error for share in (1.1, 0.9))
    assert contenders({0: far, 1: best, 2: near, 3: far}, 0, None) == [0, 1, 2]
    assert contenders({0: best, 1: far}, 0, None) == [0]
    by_group = np.repeat(noise(1, 20) - noise(1, 20).mean(), 20)
    behind = best + by_group + 1.5 * RACE * by_group.std(ddof=1) / 20
    groups = np.repeat(np.arange(20), 20)
    assert contenders({0: best, 1: behind}, 0, None) == [0]
    assert contenders({0: best, 1: behind}, 0, groups) == [0, 1]


@pytest.mark.parametrize("sign", [1, -1])
def test_ahead_is_who_gains_half_of_the_guards_share_on_all_rows_or_on_the_last_fold(sign):
    plain = sign * 0.6 + noise(0)
    plain -= np.tile([plain[0::2].mean(), plain[1::2].mean()], 200) - sign * 0.6
    gains = {1: (0.04, 0), 2: (0.02, 0), 3: (-0.2, 0.016), 4: (-0.2, 0.014)}
    losses = {n: plain - 0.6 * np.tile(of_fold, 200) for n, of_fold in gains.items()}
    assert sorted(make_folds({**losses, 0: plain}, folds=2).ahead()) == [0, 1, 3]


def test_a_plainer_one_that_does_not_pass_the_guard_itself_is_not_taken():
    plain = 0.6 + noise(0)
    best = plain - 0.02
    vague = plain - 0.019 + 3 * (noise(3) - noise(3).mean())
    assert make_folds({0: plain, 1: best, 2: vague}, {0: 0, 1: 3, 2: 1}).choose() == 1


def test_each_fold_is_estimated_by_what_the_others_choose():
    losses = {0: np.full(8, 1.0), 1: np.full(8, 1.0)}
    losses[1][[0, 4]] = 0.0  # the first fold alone speaks for the other setting
    table = make_folds(losses)
    assert table.choose() in (0, 1)
    # Choosing without fold 0 keeps the plain one there; with it the other one elsewhere.
    chosen = {fold: table.choose(table.fold != fold) for fold in range(4)}
    assert chosen[0] == 0
    expected = np.concatenate([losses[chosen[f]][table.fold == f] for f in (1, 2, 3)])
    assert table.estimate([1, 2, 3]).value == pytest.approx(expected.mean())
