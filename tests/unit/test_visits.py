"""Built-in visits: bounds on what is random are multiples of the standard error."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from pandas.testing import assert_frame_equal
from scipy.stats import chi2_contingency, norm

from fitwell.data import visits as site
from fitwell.data.visits import (
    CAMPAIGNS,
    CHANNELS,
    CLASSES,
    DEVICES,
    DWELL_STEPS,
    TARGET,
    USELESS,
    VARIANTS,
    WEAK,
    best_reachable_accuracy,
    complete_visits,
    true_probabilities,
    visits,
    visits_with_truth,
)
from fitwell.errors import InputError

FAR = 4.5
"""Standard errors; chance of one normal draw beyond: 1 in 150,000."""

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def drawn() -> tuple[pd.DataFrame, Floats]:
    return visits_with_truth(10_000, seed=0)


@pytest.fixture(scope="module")
def complete() -> pd.DataFrame:
    return complete_visits(10_000, seed=0)


def one_visit() -> pd.DataFrame:
    """Give a visit that is not settled by its dwell time or pages."""
    visit = complete_visits(1, seed=0)
    settled = {
        "channel": "search",
        "device": "desktop",
        "campaign": "campaign_001",
        "variant": "A",
        "hour": 12,
        "pages": 3,
        "dwell_seconds": 60.0,
        "returning": True,
        "scroll_depth": 0.5,
        "load_seconds": 2.0,
        "price_viewed": 60.0,
        "discount_percent": 5,
        "reviews_read": 1,
    }
    return visit.assign(**settled, **dict.fromkeys(WEAK, 0.0))


def logits(**changes: object) -> Floats:
    """Give log-odds of each class against the first, where one visit is changed."""
    rows = max((len(v) for v in changes.values() if isinstance(v, (list, tuple))), default=1)
    visit = pd.concat([one_visit()] * rows, ignore_index=True).assign(**changes)
    log = np.log(true_probabilities(visit))
    return log - log[:, :1]


def test_the_same_seed_gives_the_same_frame_whatever_was_drawn_before() -> None:
    first = visits(200, seed=7)
    np.random.seed(1)  # the global state must not matter
    visits(10, seed=1)
    assert_frame_equal(first, visits(200, seed=7))


def test_another_seed_gives_other_visits_to_the_same_site(complete: pd.DataFrame) -> None:
    before = true_probabilities(complete)
    other = complete_visits(10_000, seed=1)
    assert (other["dwell_seconds"] != complete["dwell_seconds"]).mean() > 0.9
    np.testing.assert_array_equal(true_probabilities(complete), before)


def test_drawing_leaves_the_global_generator_alone() -> None:
    np.random.seed(3)
    expected = np.random.random()
    np.random.seed(3)
    visits(50)
    assert np.random.random() == expected


def test_columns_have_the_documented_types_and_ranges(complete: pd.DataFrame) -> None:
    assert {"channel", "device", "campaign", "variant"} <= set(
        complete.columns[[pd.api.types.is_string_dtype(t) for t in complete.dtypes]]
    )
    for name in ("hour", "pages", "discount_percent", "reviews_read"):
        assert complete[name].dtype == np.int64
    assert complete["returning"].dtype == np.bool_
    assert complete["hour"].between(0, 23).all()
    assert complete["hour"].nunique() == 24
    assert complete["pages"].min() == 1
    assert complete["dwell_seconds"].min() > 0
    assert complete["dwell_seconds"].skew() > 2
    assert set(complete["channel"]) == set(CHANNELS)
    assert set(complete["device"]) == set(DEVICES)
    assert set(complete["variant"]) == set(VARIANTS)
    assert len(WEAK) + len(USELESS) == 40
    assert len(complete.columns) == 53


def test_campaigns_are_many_and_long_tailed(complete: pd.DataFrame) -> None:
    counts = complete["campaign"].value_counts()
    assert len(counts) == len(CAMPAIGNS) == 120
    assert counts.head(12).sum() > 0.4 * len(complete)
    assert counts.tail(60).sum() < 0.2 * len(complete)


def test_the_four_classes_are_imbalanced(drawn: tuple[pd.DataFrame, Floats]) -> None:
    share = drawn[0][TARGET].value_counts(normalize=True)
    assert set(share.index) == set(CLASSES)
    assert 0.44 < share["bounce"] < 0.50
    assert 0.28 < share["browse"] < 0.34
    assert 0.08 < share["cart"] < 0.13
    assert 0.09 < share["purchase"] < 0.14
    assert drawn[0].columns[-1] == TARGET


def test_probabilities_sum_to_one(drawn: tuple[pd.DataFrame, Floats]) -> None:
    assert drawn[1].shape == (10_000, 4)
    assert drawn[1].min() > 0
    np.testing.assert_allclose(drawn[1].sum(axis=1), 1)


def test_probabilities_are_those_of_the_complete_rows(
    drawn: tuple[pd.DataFrame, Floats], complete: pd.DataFrame
) -> None:
    np.testing.assert_array_equal(true_probabilities(complete), drawn[1])
    shown = drawn[0].drop(columns=TARGET)
    assert list(shown.columns) == list(complete.columns)
    for name in shown:
        seen = shown[name].notna()
        assert (shown.loc[seen, name] == complete.loc[seen, name]).all()


def test_outcomes_come_as_often_as_the_probabilities_say() -> None:
    frame, probabilities = visits_with_truth(40_000, seed=0)
    for number, name in enumerate(CLASSES):
        p = probabilities[:, number]
        hit = (frame[TARGET] == name).to_numpy()
        order = np.argsort(p)
        for part in (order, *np.array_split(order, 10)):
            expected, error = p[part].sum(), np.sqrt((p[part] * (1 - p[part])).sum())
            # half a row: the normal bound is too narrow where next to nothing is expected
            assert abs(hit[part].sum() - expected) <= FAR * error + 0.5


def test_the_best_class_is_right_as_often_as_the_bayes_accuracy_says(
    drawn: tuple[pd.DataFrame, Floats],
) -> None:
    frame, probabilities = drawn
    best = probabilities.max(axis=1)
    right = np.array(CLASSES)[probabilities.argmax(axis=1)] == frame[TARGET].to_numpy()
    error = np.sqrt((best * (1 - best)).sum()) / len(best)
    assert abs(right.mean() - best_reachable_accuracy()) < FAR * error


def test_the_bayes_accuracy_lies_in_the_documented_range() -> None:
    for seed in range(3):
        assert 0.81 < best_reachable_accuracy(10_000, seed=seed) < 0.825


def test_a_few_percent_of_some_columns_are_missing(
    drawn: tuple[pd.DataFrame, Floats],
) -> None:
    missing = drawn[0].isna().mean()
    share = site.MISSING_SHARE
    for name in site.MISSING:
        assert abs(missing[name] - share) < FAR * np.sqrt(share * (1 - share) / 10_000)
    assert set(missing[missing > 0].index) == {*site.MISSING, "dwell_seconds"}
    assert 0.02 < missing["dwell_seconds"] < 0.06


def test_dwell_time_is_lost_more_often_on_long_visits(
    drawn: tuple[pd.DataFrame, Floats], complete: pd.DataFrame
) -> None:
    lost = drawn[0]["dwell_seconds"].isna()
    long = complete["dwell_seconds"] > site.LONG_DWELL
    for part, share in ((long, site.LONG_DWELL_LOST), (~long, site.DWELL_LOST)):
        error = np.sqrt(share * (1 - share) / part.sum())
        assert abs(lost[part].mean() - share) < FAR * error


def far_from_independent(values: pd.Series, outcome: pd.Series) -> float:
    """Give how surely two columns hang together, in standard errors of a normal."""
    if not pd.api.types.is_numeric_dtype(values):
        table = pd.crosstab(values, outcome)
        return float(norm.isf(max(chi2_contingency(table).pvalue / 2, 1e-300)))
    ranks = values.rank()
    return max(abs(ranks.corr(outcome == name)) * np.sqrt(ranks.count()) for name in CLASSES)


def test_useless_columns_are_independent_of_the_outcome(
    drawn: tuple[pd.DataFrame, Floats],
) -> None:
    frame = drawn[0]
    for name in USELESS:
        assert far_from_independent(frame[name], frame[TARGET]) < FAR
    for name in ("channel", "variant", "pages", "dwell_seconds"):
        assert far_from_independent(frame[name], frame[TARGET]) > 2 * FAR


def test_the_truth_reads_every_column_but_the_useless_ones(complete: pd.DataFrame) -> None:
    some = complete.head(300)
    before = true_probabilities(some)
    for name in some:
        mixed = some.assign(**{str(name): some[name].sample(frac=1, random_state=0).to_numpy()})
        same = np.array_equal(true_probabilities(mixed), before)
        assert same == (name in USELESS)


def test_a_change_of_device_pulls_campaigns_in_opposite_directions() -> None:
    on_desktop = logits(campaign=CAMPAIGNS, device="desktop")
    on_mobile = logits(campaign=CAMPAIGNS, device="mobile")
    before, after = on_desktop.argmax(axis=1), on_mobile.argmax(axis=1)
    browse, cart = CLASSES.index("browse"), CLASSES.index("cart")
    assert ((before == browse) & (after == cart)).any()
    assert ((before == cart) & (after == browse)).any()
    purchase = (on_mobile - on_desktop)[:, CLASSES.index("purchase")]
    assert (purchase > 0.2).sum() > 30
    assert (purchase < -0.2).sum() > 30


def test_dwell_time_acts_in_steps() -> None:
    for step in DWELL_STEPS:
        within = logits(dwell_seconds=[step - 5, step - 0.1])
        across = logits(dwell_seconds=[step - 0.1, step])
        np.testing.assert_allclose(within[0], within[1])
        assert np.abs(across[0] - across[1]).max() > 0.5


def test_every_channel_has_a_daily_cycle_with_a_peak_of_its_own() -> None:
    midnight = [logits(channel=channel, hour=list(range(25))) for channel in CHANNELS]
    for cycle in midnight:
        np.testing.assert_allclose(cycle[0], cycle[24])
        assert np.ptp(cycle, axis=0).max() > 0.5
    peaks = {int(cycle[:24, CLASSES.index("purchase")].argmax()) for cycle in midnight}
    assert len(peaks) >= 5


def test_the_variant_best_for_new_visitors_is_not_best_for_returning_ones() -> None:
    new = logits(variant=VARIANTS, returning=False)
    back = logits(variant=VARIANTS, returning=True)
    assert (new.argmax(axis=0) != back.argmax(axis=0)).any()
    assert np.ptp(new - back, axis=0).max() > 0.5


def test_the_truth_is_a_softmax_of_scores_that_differ_by_table_entries() -> None:
    effect = np.diff(site.DWELL_EFFECTS[:2], axis=0)[0] * site.SHARPNESS
    found = np.diff(logits(dwell_seconds=[10.0, 20.0]), axis=0)[0]
    np.testing.assert_allclose(found, effect - effect[0])


@pytest.mark.parametrize(
    ("rows", "seed", "message"),
    [
        (0, 0, "rows is 0, but at least 1 is needed. Ask for more."),
        (5, -1, "seed is -1, but 0 or more is expected. Change the seed."),
    ],
)
def test_impossible_sizes_and_seeds_are_refused(rows: int, seed: int, message: str) -> None:
    with pytest.raises(InputError) as error:
        visits(rows, seed=seed)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            {"device": [None]},
            "frame, column 'device', row 1: the value is missing, but the truth is known for"
            " complete rows only. Use complete_visits or visits_with_truth.",
        ),
        (
            {"device": ["watch"]},
            "frame, column 'device', row 1: 'watch' is unknown, but one of 'desktop' to 'tablet'"
            " is expected. Correct it.",
        ),
    ],
)
def test_rows_without_a_known_truth_are_refused(spoil: dict[str, list], message: str) -> None:
    with pytest.raises(InputError) as error:
        true_probabilities(one_visit().assign(**spoil))
    assert str(error.value) == message


def test_a_frame_of_other_columns_is_refused() -> None:
    with pytest.raises(InputError) as error:
        true_probabilities(one_visit().drop(columns="pages"))
    assert str(error.value) == "frame has no column 'pages', but visits need it. Add it."


def test_importing_visits_imports_neither_torch_nor_scikit_learn() -> None:
    code = (
        "import sys, fitwell.data.visits as v; v.visits(5);"
        "sys.exit(bool({'torch', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
