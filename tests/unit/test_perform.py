"""One question to one result: the parts that a run puts together."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import fitwell
from fitwell.data.tables import make_table
from fitwell.runs.launch import make_task
from fitwell.runs.perform import perform
from fitwell.runs.question import Question
from fitwell.runs.watch import Silent
from fitwell.storage import result_from_dict, result_to_dict
from fitwell.training.workers import Crew
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.together import Together
from toys import make_frame, make_noisy


def run(frame, source_options=None, **options):
    base = {"verb": "tune", "trials": 3, "seeds": 2, "epochs": 4, "widths": (8,), "resamples": 0}
    question = Question(**{**base, **options})
    task = make_task(question, make_table(frame, "bought", **(source_options or {})))
    done = perform(question, task, crew=Crew(), ledger=Ledger(), watch=Silent())
    return done.result, task


def test_the_test_part_is_opened_once_and_no_training_sees_it():
    frame = make_frame(rows=200)
    result, task = run(frame)
    assert result.test_openings == 1
    seen = set(map(tuple, task.material.train_x)) | set(map(tuple, task.material.validation_x))
    tested = task.inputs(task.split.test)
    assert len(task.material.train_x) + len(task.material.validation_x) + len(tested) == 200
    assert not seen & set(map(tuple, tested))


def test_labels_of_the_test_part_change_scores_and_nothing_that_was_chosen():
    test = make_frame(rows=100, seed=1)
    other = test.assign(bought=np.random.default_rng(0).permutation(test.bought))
    plain, _ = run(make_frame(rows=300), {"test": test})
    changed, _ = run(make_frame(rows=300), {"test": other})
    assert changed.regularization == plain.regularization
    assert [t.validation_log_loss for t in changed.trials] == [
        t.validation_log_loss for t in plain.trials
    ]
    assert changed.before.train == plain.before.train
    assert changed.before.test != plain.before.test


def test_a_fold_that_had_no_say_is_told(monkeypatch):
    fold = Together.fold

    def diverging(self, *given):
        return [replace(one, losses={**one.losses, 0: None}) for one in fold(self, *given)]

    monkeypatch.setattr(Together, "fold", diverging)
    result, _ = run(make_frame())
    assert (
        "Folds on which the untreated network diverged have no say: lower the learning rate."
        " Searches: treatment."
    ) in result.notes
    assert result.regularization.estimated_log_loss is None


def test_a_result_comes_back_from_its_dictionary():
    result, _ = run(make_frame(), verb="compare")
    assert result_from_dict(result_to_dict(result)) == result


def test_all_arms_share_seeds_and_the_searched_ones_the_budget(monkeypatch):
    begun, went_on, folded, fold = {}, {}, Counter(), Together.fold

    def counting(self, name, folds, first, recipes):
        (begun if first == 1 else went_on)[name] = (len(folds), len(recipes))
        folded[name] += len(folds) * len(recipes)
        return fold(self, name, folds, first, recipes)

    monkeypatch.setattr(Together, "fold", counting)
    result, _ = run(make_frame(), verb="compare", seed=5)
    arms = {arm.name: arm for arm in result.comparison.arms}
    assert {arm.seeds for arm in arms.values()} == {(5, 6)}
    tuned = {"more shuffling", "smaller network", "treatment", "treatment with batch norm"}
    tried = {name: [t for t in result.trials if t.arm == name] for name in tuned}
    tried["treatment, refitted"] = tried["treatment, compacted"] = tried["treatment"]
    folded["treatment, refitted"] = folded["treatment, compacted"] = folded["treatment"]
    assert {name: arm.trainings for name, arm in arms.items()} == {
        name: 2 + len(tried.get(name, ())) + folded[name] for name in arms
    }
    # So few are all finalists; who goes on is on two more folds, the plain one alone on one.
    assert begun == {name: (1, len(tried[name])) for name in tuned}
    assert went_on == {name: (1 if left == 1 else 2, left) for name, (_, left) in went_on.items()}
    assert set(went_on) == tuned
    # Settings that come out alike are tried once.
    assert all(2 <= len(trials) <= 3 for trials in tried.values())


def test_what_the_search_chose_is_trained_reported_and_refitted_on_more_rows():
    result, task = run(make_noisy(), trials=6, epochs=25, widths=(64,), patience=5)
    chosen = result.regularization
    assert not chosen.kept_untreated
    arms = {arm.name: arm for arm in result.comparison.arms}
    names = ("l1", "decay_epochs", "dropout", "fades")
    drugs = {k: v for k, v in arms["treatment"].settings.items() if k in names}
    assert drugs in [trial.settings for trial in result.trials if not trial.dropped]
    again = arms["treatment, refitted"].settings
    assert {k: v for k, v in again.items() if k in names} == drugs
    off = {"l1": 0.0, "decay_epochs": 0.0, "dropout": 0.0, "fades": False}
    assert {name: getattr(chosen, name) for name in names} == {**off, **drugs}
    assert (chosen.weight_decay > 0) == (chosen.decay_epochs > 0)
    assert chosen.estimated_log_loss is not None
    assert result.before.train.rows == len(task.split.train)
    assert result.after.train.rows == len(task.split.train) + len(task.split.validation)
    assert arms["treatment"].test != arms["early stopping"].test


def test_a_smaller_network_has_fewer_parameters_and_nothing_is_removed_from_one_layer():
    result, _ = run(make_frame(), verb="compare", trials=8)
    arms = {arm.name: arm for arm in result.comparison.arms}
    searched = [t.settings for t in result.trials if t.arm == "smaller network"]
    assert all("removed_layers" not in settings for settings in searched)
    small = arms["smaller network"]
    if small.settings.get("width", 1) != 1:
        assert small.parameters < arms["untreated"].parameters


def test_one_epoch_shows_no_rise_of_the_validation_loss_even_with_class_weights():
    frame = make_frame(rows=400)
    frame["bought"] = np.where(frame.age > 70, "yes", "no")
    for weights in ("none", "balanced"):
        result, _ = run(frame, verb="diagnose", epochs=1, class_weights=weights)
        rise = next(e for e in result.diagnosis.evidence if e.check.startswith("rise"))
        assert rise.value == pytest.approx(0, abs=1e-6)


def test_a_weighted_network_is_held_against_a_weighted_linear_model():
    """On rare positives a weighted network fits worse in plain log-loss, which is no fault."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 3))
    rare = x[:, 0] + 0.5 * rng.normal(size=3000) > 2.1
    frame = pd.DataFrame(x, columns=list("abc")).assign(bought=np.where(rare, "yes", "no"))
    result, _ = run(frame, verb="diagnose", epochs=20, class_weights="balanced", widths=(32,))
    assert result.diagnosis.verdict != "underfitting"


def test_groups_stay_together_in_the_split_and_in_the_parts_of_its_validation_part():
    frame = make_frame(rows=400)
    frame["patient"] = np.repeat(np.arange(80), 5)
    result, task = run(frame, {"group": "patient"})
    groups = [set(task.groups(part)) for part in (task.split.train, task.split.validation,
                                                  task.split.test)]  # fmt: skip
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert result.comparison is not None
    from fitwell.remedies.early_stopping import split_parts

    held = task.material.validation_groups
    parts = split_parts(len(held), seed=0, groups=held)
    assert set(parts) == set(range(10))
    assert all(len(set(parts[held == group])) == 1 for group in held)


def test_a_part_of_one_group_is_refused():
    frame = make_frame(rows=100)
    frame["patient"] = np.repeat(np.arange(5), 20)
    with pytest.raises(fitwell.InputError, match="a part would hold one group only"):
        run(frame, {"group": "patient"})


def test_every_option_with_a_list_of_values_is_checked():
    with pytest.raises(fitwell.InputError) as caught:
        Question(verb="tune", schedule="cosin", class_weights="balance", task="regression")
    assert str(caught.value) == (
        "--task is 'regression', but auto, binary or multiclass is expected; --schedule is"
        " 'cosin', but constant or flat-cosine is expected; --class-weights is 'balance', but none"
        " or balanced is expected."
    )


def test_batch_norm_is_searched_where_asked_for_and_folded_away():
    result, _ = run(make_frame(rows=300), batch_norm=True, trials=6)
    assert any("batch_norm" in trial.settings for trial in result.trials)


def test_images_go_the_same_way():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 120)
    x = rng.normal(size=(120, 1, 10, 10)).astype(np.float32) + y[:, None, None, None]
    answer = fitwell.tune("cnn", (x, y), trials=2, epochs=3, seeds=2, widths=(4,))
    assert answer.result.data.inputs == (1, 10, 10)
    assert answer.predictor.predict_proba(x[:5]).shape == (5, 2)
