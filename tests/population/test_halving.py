from itertools import pairwise

import numpy as np
import pytest

from fitwell.population.halving import FEWEST, expected, promoted, rungs
from fitwell.population.job import Member, Track


def make_track(number, train, validation, every=2):
    at = tuple(range(every, every * len(validation) + 1, every))
    return Track(
        member=Member(number=number),
        train=(train,) * at[-1],
        read_at=at,
        validation=tuple(validation),
        best=(min(validation), 0.0, 0.0),
    )


@pytest.mark.parametrize("settings", [1, 2, 4, 5, 8, 9, 16, 31, 32, 64, 100, 256])
@pytest.mark.parametrize("epochs", [1, 2, 5, 12, 60, 300])
@pytest.mark.parametrize("every", [1, 2])
def test_rungs_rise_and_leave_fewer_settings_each_time(settings, epochs, every):
    found = rungs(settings, epochs, every)
    at, kept = [epoch for epoch, _ in found], [settings, *(keep for _, keep in found)]
    assert at == sorted(set(at))
    assert all(1 <= epoch < epochs and epoch % every == 0 for epoch in at)
    assert all(later < earlier for earlier, later in pairwise(kept))
    if found:
        assert kept[-1] >= FEWEST


def test_what_still_falls_is_expected_to_go_on_for_as_long_again():
    falling = make_track(0, 1.0, [1.0, 0.9, 0.8, 0.7, 0.6, 0.5])
    # 0.05 an epoch, 12 epochs done, 48 ahead: believed for 12.
    assert expected(falling, 60) == pytest.approx(0.5 - 12 * 0.05)
    assert expected(falling, 14) == pytest.approx(0.5 - 2 * 0.05)


def test_what_rises_is_expected_to_keep_its_minimum():
    assert expected(make_track(0, 1.0, [0.6, 0.4, 0.5, 0.7, 0.9, 1.1]), 60) == 0.4


def test_a_slow_starter_survives_beside_quick_ones():
    """Its loss is the highest at the rung, but among those that learn as slowly it is best."""
    quick = [make_track(n, 0.1 + n / 100, [0.7, 0.6, 0.55, 0.5 + n / 1000]) for n in range(12)]
    slow = [make_track(12 + n, 0.9, [1.4, 1.3, 1.2, 1.1 + n / 10]) for n in range(4)]
    kept = promoted(quick + slow, 8, 60)
    assert 12 in kept
    assert len(kept) == 8
    by_loss_alone = sorted(quick + slow, key=lambda t: t.validation[-1])[:8]
    assert 12 not in [track.member.number for track in by_loss_alone]


def test_what_diverged_is_not_promoted():
    tracks = [make_track(n, 0.5, [0.5, 0.4]) for n in range(6)]
    tracks[2] = make_track(2, float("nan"), [0.1, 0.1])
    tracks[4] = make_track(4, 0.5, [0.1, float("inf")])
    assert promoted(tracks, 4, 60) == [0, 1, 3, 5]
    assert promoted([tracks[2]], 4, 60) == []


def test_the_order_in_which_settings_come_changes_nothing():
    rng = np.random.default_rng(0)
    tracks = [make_track(n, rng.uniform(), rng.uniform(0.3, 1, 5)) for n in range(20)]
    shuffled = [tracks[i] for i in rng.permutation(20)]
    assert promoted(tracks, 10, 60) == promoted(shuffled, 10, 60)


def test_strata_are_of_training_loss():
    """The better of each two that have learned as much stays, however the others do."""
    losses = {0.1: (0.2, 0.9), 0.2: (0.3, 0.8), 0.3: (0.4, 0.7), 0.4: (0.5, 0.6)}
    tracks = [
        make_track(2 * place + side, train, [loss] * 4)
        for place, (train, pair) in enumerate(losses.items())
        for side, loss in enumerate(pair)
    ]
    assert promoted(tracks, 4, 60) == [0, 2, 4, 6]
