"""Arms of several networks: who is in them, what they cost, and what is shipped."""

from dataclasses import replace

import numpy as np
import pytest

import fitwell
from fitwell.comparison.arms import BAG, EARLY_STOPPING, GREEDY, PLAIN_BAG, TREATMENT
from fitwell.data.tables import make_table
from fitwell.runs.ensembles import FOLDS, trainings_of
from fitwell.runs.launch import make_task
from fitwell.runs.perform import perform
from fitwell.runs.question import Question
from fitwell.runs.watch import Silent
from fitwell.statistics import paired_difference
from fitwell.training.loop import probabilities, restore
from fitwell.training.outcome import Job
from fitwell.training.workers import Crew
from fitwell.tuning.greedy import greedy_weights
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.together import Together
from toys import make_frame, make_noisy


class Counting(Silent):
    """Adds up what is planned and what is done."""

    planned, done = 0, 0.0

    def plan(self, trainings):
        self.planned = trainings

    def advance(self, trainings=1.0):
        self.done += trainings

    def trial(self, trial):
        pass


def run(frame, source_options=None, watch=None, **options):
    base = {"verb": "tune", "trials": 6, "seeds": 2, "epochs": 25, "widths": (64,), "patience": 5}
    question = Question(**{**base, **options})
    task = make_task(question, make_table(frame, "bought", **(source_options or {})))
    done = perform(question, task, crew=Crew(), ledger=Ledger(), watch=watch or Silent())
    return done, task, {arm.name: arm for arm in done.result.comparison.arms}


@pytest.fixture(scope="module")
def bagged():
    return run(make_noisy(), bag=True)


@pytest.fixture(scope="module")
def weighted():
    """A run, and how many finalists it had: all of them begin on the first fold."""
    begun, fold = {}, Together.fold

    def counting(self, name, folds, first, recipes):
        begun[first] = len(recipes)
        return fold(self, name, folds, first, recipes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Together, "fold", counting)
        return (*run(make_noisy(rows=800), greedy=True), begun[1])


def trained(task, material, recipe, seed):
    """Train one network by itself and let it speak about the test rows."""
    ((_, outcome),) = Crew().finish("x", material, [Job(0, recipe, seed)])
    x = task.inputs(task.split.test)
    return probabilities(restore(task.material, recipe, outcome), x), outcome


def losses_of(task, said):
    y = task.targets(task.split.test)
    return -np.log(said[np.arange(len(y)), y])


def test_a_bag_is_the_mean_of_the_networks_of_all_cuts_trained_one_by_one(bagged):
    done, task, arms = bagged
    assert not done.result.regularization.kept_untreated
    cuts = [task.material, *task.folds(FOLDS, 0)]
    means = {}
    for name in (BAG, PLAIN_BAG):
        recipe = replace(task.recipe, **arms[name].settings)
        of_seeds = [
            np.mean([trained(task, cut, recipe, seed)[0] for cut in cuts], axis=0)
            for seed in (0, 1)
        ]
        means[name] = np.array(of_seeds)
        losses = np.array([losses_of(task, said) for said in of_seeds])
        assert arms[name].test.log_loss.value == pytest.approx(losses.mean(), abs=1e-6)
    shipped = probabilities(done.network, task.inputs(task.split.test))
    np.testing.assert_allclose(shipped, means[BAG][0], atol=1e-6)
    assert done.result.after.network == BAG
    assert done.result.after.test.log_loss.value == pytest.approx(
        losses_of(task, means[BAG][0]).mean(), abs=1e-6
    )
    # Paired by seed and row, bag against bag.
    assert [d.baseline for d in arms[BAG].against] == [EARLY_STOPPING, "untreated", PLAIN_BAG]
    gained = [[losses_of(task, said) for said in means[name]] for name in (BAG, PLAIN_BAG)]
    expected = paired_difference(np.array(gained[0]) - np.array(gained[1])).interval
    found = arms[BAG].against[2].log_loss
    assert (found.value, found.low, found.high) == pytest.approx(
        (expected.value, expected.low, expected.high), abs=1e-6
    )
    assert len(arms[PLAIN_BAG].against) == 2


def test_a_bag_is_of_the_arms_own_recipe_and_ships_four_members(bagged):
    done, _, arms = bagged
    assert arms[BAG].settings == arms[TREATMENT].settings
    assert arms[PLAIN_BAG].settings == {"early_stopping": True}
    members = done.result.members
    assert [(m.cut, m.weight) for m in members] == [(cut, 0.25) for cut in range(4)]
    assert all(m.settings == arms[TREATMENT].settings for m in members)
    assert done.result.regularization.dropout == arms[BAG].settings.get("dropout", 0)
    assert len(done.network.members) == 4


def test_training_scores_of_a_bag_are_of_all_rows_that_a_member_was_trained_on(bagged):
    done, task, _ = bagged
    rows = np.concatenate([task.split.train, task.split.validation])
    after = done.result.after
    assert after.train.rows == len(rows)
    said = probabilities(done.network, task.inputs(rows))
    hits = (said.argmax(axis=1) == task.targets(rows)).mean()
    assert after.train.accuracy.value == pytest.approx(hits)
    # Each of these rows was held out by exactly one member.
    held = [len(cut.validation_y) for cut in (task.material, *task.folds(FOLDS, 0))]
    assert sum(held) == len(rows)


def test_what_a_bag_needs_is_counted_in_its_arm_and_once_in_the_cost(bagged):
    done, task, arms = bagged
    assert arms[PLAIN_BAG].trainings == 4 * arms[EARLY_STOPPING].trainings == 8
    assert arms[BAG].trainings == arms[TREATMENT].trainings + 6
    assert arms[BAG].seconds > arms[TREATMENT].seconds
    assert arms[PLAIN_BAG].seconds > arms[EARLY_STOPPING].seconds
    assert arms[BAG].parameters == 4 * arms[TREATMENT].parameters
    plain, _, others = run(make_noisy())
    assert {name: others[name].test for name in others} == {n: arms[n].test for n in others}
    added = sum(
        trained(task, cut, replace(task.recipe, **arms[name].settings), seed)[1].epochs
        for name in (BAG, PLAIN_BAG)
        for cut in task.folds(FOLDS, 0)
        for seed in (0, 1)
    )
    assert done.result.cost.epochs == plain.result.cost.epochs + added
    assert [c.arm for c in done.result.curves] == list(others)


def test_where_nothing_is_chosen_both_bags_share_their_networks():
    watch = Counting()
    done, _, arms = run(make_frame(rows=200), watch=watch, trials=1, epochs=4, bag=True)
    assert done.result.regularization.kept_untreated
    assert arms[BAG].test == arms[PLAIN_BAG].test
    assert arms[BAG].against[2].log_loss.value == 0
    assert watch.done == pytest.approx(watch.planned)
    assert fitwell_says(done).startswith("Stopped early, as the mean of 4 networks")


def fitwell_says(done):
    from fitwell.report.text import answer_sentences

    return answer_sentences(done.result)[2]


def test_greedy_ships_the_weighted_mean_of_finalists_trained_one_by_one(weighted):
    done, task, arms, _ = weighted
    members = done.result.members
    assert sum(m.weight for m in members) == 1
    assert all(8 * m.weight == int(8 * m.weight) > 0 for m in members)
    assert {m.cut for m in members} == {0}
    recipes = [replace(task.recipe, **m.settings) for m in members]
    said = [trained(task, task.material, recipe, 0)[0] for recipe in recipes]
    expected = np.tensordot([m.weight for m in members], said, 1)
    shipped = probabilities(done.network, task.inputs(task.split.test))
    np.testing.assert_allclose(shipped, expected, atol=1e-6)
    assert done.result.after.network == GREEDY
    assert done.result.after.train.rows == len(task.split.train)
    assert arms[GREEDY].settings == {"early_stopping": True}
    assert arms[GREEDY].parameters == len(members) * arms[TREATMENT].parameters
    chosen = replace(task.recipe, **arms[TREATMENT].settings)
    assert done.result.regularization.dropout == chosen.dropout
    assert done.result.regularization.decay_epochs == chosen.decay_epochs


def test_greedy_does_best_on_the_validation_rows_that_weighted_it(weighted):
    done, task, arms, finalists = weighted
    material = task.material
    y = material.validation_y
    said = probabilities(done.network, material.validation_x)
    mixed = -np.log(said[np.arange(len(y)), y]).mean()
    ended = [t for t in done.result.trials if not t.dropped]
    singles = []
    for trial in ended:
        recipe = replace(task.recipe, early_stopping=True, **trial.settings)
        ((_, outcome),) = Crew().finish("x", material, [Job(0, recipe, 0)])
        singles.append(min(outcome.validation_log_loss))
    assert mixed < min(singles) - 1e-4
    assert 2 <= len(done.result.members) <= finalists <= len(ended)
    # The plain recipe's and the choice's networks are there already.
    assert arms[GREEDY].trainings == arms[TREATMENT].trainings - 2 + 2 * finalists


def test_an_arm_counts_what_it_needs_beside_other_arms():
    plans = {a.name: a for a in plans_of(bag=True, greedy=True)}
    assert [trainings_of(plans[n]) for n in (TREATMENT, BAG, GREEDY)] == [1, FOLDS, 5]
    assert [a.name for a in plans_of()] == [n for n in plans if not plans[n].ensemble]


def plans_of(**options):
    from fitwell.comparison.arms import plan_arms

    return plan_arms("tune", batch_norm=False, scalable=True, **options)


def test_networks_that_are_trained_one_by_one_are_bagged_too():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 120)
    x = (rng.normal(size=(120, 1, 8, 8)) + y[:, None, None, None]).astype(np.float32)
    options = {"trials": 1, "epochs": 2, "seeds": 1, "widths": (4,), "bag": True}
    answer = fitwell.tune("cnn", (x, y), **options)
    each = [probabilities(member, x) for member in answer.module.members]
    assert len(each) == 4
    assert all(np.abs(one - each[0]).max() > 1e-3 for one in each[1:])
    np.testing.assert_allclose(answer.predictor.predict_proba(x), np.mean(each, axis=0), atol=1e-6)
    bag, plain = (answer.result.comparison.arms[n] for n in (-1, 1))
    assert bag.parameters == 4 * plain.parameters


def test_balanced_class_weights_weight_the_picks_too():
    frame = make_noisy(rows=300, columns=10)
    rare = np.random.default_rng(0).random(300) < 0.8
    frame["bought"] = np.where(rare, "no", frame.bought)
    done, task, _ = run(frame, greedy=True, class_weights="balanced")
    material, y = task.material, task.material.validation_y
    recipes = [
        replace(task.recipe, early_stopping=True, **trial.settings)
        for trial in done.result.trials
        if not trial.dropped
    ]
    right = []
    for recipe in recipes:
        ((_, outcome),) = Crew().finish("x", material, [Job(0, recipe, 0)])
        said = probabilities(restore(material, recipe, outcome), material.validation_x)
        right.append(said[np.arange(len(y)), y])
    counts = np.bincount(material.train_y)
    counted = (counts.sum() / (2 * counts))[y]
    weights = greedy_weights(np.array(right), counted)
    assert [m.weight for m in done.result.members] == [w for w in weights if w]
    assert weights.tolist() != greedy_weights(np.array(right)).tolist()


def refused(frame, source_options=None, **options):
    question = Question(verb="tune", **options)
    source = make_table(frame, "bought", **(source_options or {}))
    with pytest.raises(fitwell.InputError) as caught:
        make_task(question, source)
    return str(caught.value)


def test_a_bag_of_rows_without_folds_is_refused_with_the_reason_and_the_way_out():
    frame = make_frame(rows=100).assign(day=np.arange(100), shop=np.arange(100) % 7)
    assert refused(frame, {"time": "day"}, bag=True) == (
        "--bag trains on cuts of the rows, but with --time some networks would learn from the"
        " future and stop by the past. Leave out --bag, or --time if order does not matter."
    )
    assert refused(frame, {"group": "shop"}, bag=True) == (
        "--bag cuts the training rows into 3 folds, but 44 rows in 3 groups are too few for that."
        " Leave out --bag, or give more rows."
    )
    many = make_frame(rows=26).assign(bought=np.arange(26) // 2)
    assert refused(many, bag=True) == (
        "--bag cuts the training rows into 3 folds, but 16 rows are too few for that. Leave out"
        " --bag, or give more rows."
    )
    for options in ({"time": "day"}, {"group": "shop"}):
        make_task(Question(verb="tune"), make_table(frame, "bought", **options))


def test_two_models_to_ship_are_refused_and_so_is_a_bag_of_a_diagnosis():
    with pytest.raises(fitwell.InputError) as caught:
        Question(verb="tune", bag=True, greedy=True)
    assert str(caught.value) == (
        "--bag and --greedy are both given, but one model is shipped. Choose one; a second run"
        " with the other has the same parts, seeds and search."
    )
    for name in ("bag", "greedy"):
        with pytest.raises(fitwell.InputError) as caught:
            Question(verb="diagnose", **{name: True})
        assert str(caught.value) == f"--{name} is for tune and compare. Leave it out, or tune."
