from dataclasses import replace

import numpy as np
import optuna
import pytest
from torch import nn

from fitwell.errors import TrainingFailed
from fitwell.models.blueprint import Blueprint
from fitwell.population.store import Store
from fitwell.recipe import Recipe
from fitwell.remedies import all_remedies
from fitwell.statistics import row_log_losses, standard_error
from fitwell.task import Material
from fitwell.training.loop import probabilities, restore
from fitwell.training.outcome import Job
from fitwell.training.workers import Crew
from fitwell.tuning.apart import Apart
from fitwell.tuning.candidates import candidates, parameters_of
from fitwell.tuning.choice import Folds, Guard
from fitwell.tuning.ledger import Entry, Ledger
from fitwell.tuning.search import Search
from fitwell.tuning.together import Together

BASE = Recipe(epochs=12, batch_size=16, learning_rate=0.01, early_stopping=True, patience=4)
DRUGS = [all_remedies()[name] for name in ("l1", "decoupled L2", "dropout")]
PATHS = {
    "together": "fused: ",
    "singly": "a population of single networks: layer 1 is a GELU(approximate='tanh')",
    "apart": "each training by itself: the loss is not",
}
"""Stacks are fused, others a population of single networks, and where rows have weights each
is trained to its end by itself.
"""


def network(way, width):
    if way == "together":
        return Blueprint(kind="mlp", widths=(width,))

    def make(inputs, outputs):
        bend = nn.GELU(approximate="tanh")
        return nn.Sequential(nn.Linear(inputs, width), bend, nn.Linear(width, outputs))

    return Blueprint(kind="custom", factory=make)


@pytest.fixture(params=["together", pytest.param("singly", marks=pytest.mark.slow), "apart"])
def way(request):
    return request.param


def make_material(noise, way="apart", rows=300, columns=30, seed=0):
    """Two classes told apart by one column of many, so that a wide network overfits."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)).astype(np.float32)
    y = (x[:, 0] + noise * rng.normal(size=rows) > 0).astype(np.int64)
    cut = rows // 2
    return Material(
        train_x=x[:cut],
        train_y=y[:cut],
        validation_x=x[cut:],
        validation_y=y[cut:],
        outputs=2,
        blueprint=network(way, 32),
        train_weights=np.ones(cut, np.float32) if way == "apart" else None,
    )


def make_folds(material):
    """Two more cuts of the same rows, without an encoder."""
    x = np.concatenate([material.train_x, material.validation_x])
    y = np.concatenate([material.train_y, material.validation_y])
    folds = []
    for fold in range(2):
        held = np.arange(len(x)) % 4 == fold
        folds.append(
            replace(
                material,
                train_x=x[~held],
                train_y=y[~held],
                validation_x=x[held],
                validation_y=y[held],
                train_weights=material.train_weights
                if material.train_weights is None
                else np.ones((~held).sum(), np.float32),
            )
        )
    return folds


def search(folder=None, trials=6, **options):
    store = Store(folder / "population" if folder else None)
    ledger = Ledger(folder)
    return Search(trials=trials, seed=0, crew=Crew(store=store), ledger=ledger, **options)


def test_the_first_candidate_is_plain_the_second_the_defaults_and_the_rest_do_not_hang_on_the_number():
    found = candidates(DRUGS, 16, seed=3)
    assert found[0] == {}
    assert found[1] == {p.name: p.default for p in parameters_of(DRUGS)}
    assert candidates(DRUGS, 5, seed=3) == found[:5]
    assert candidates(DRUGS, 5, seed=4) != found[:5]


def test_candidates_cover_every_parameter_evenly():
    found = candidates(DRUGS, 258, seed=0)[2:]
    rates = np.array([settings["dropout"] for settings in found])
    parameter = next(p for p in parameters_of(DRUGS) if p.name == "dropout")
    on = rates[rates > 0]
    assert np.mean(rates == 0) == pytest.approx(parameter.off, abs=0.01)
    assert np.median(on) == pytest.approx(parameter.high / 2, abs=0.02)
    assert np.mean([settings["fades"] for settings in found]) == pytest.approx(0.5, abs=0.01)
    for p in parameters_of(DRUGS):
        if p.choices:
            continue
        values = [settings[p.name] for settings in found]
        assert all(v == p.off_value or p.low <= v <= p.high for v in values)


def test_the_lowest_mean_loss_wins_when_it_clears_the_guard(way, tmp_path):
    material = make_material(0.5, way, rows=600, columns=60)
    choice = search(tmp_path, 16).run("treatment", material, DRUGS, BASE)
    assert choice.path.startswith(PATHS[way])
    rows = {
        trial.number: np.load(tmp_path / "trials" / f"treatment-{trial.number}.npy").astype(float)
        for trial in choice.trials
        if not trial.dropped
    }
    best = min(rows, key=lambda number: rows[number].mean())
    gain = rows[0] - rows[best]
    assert gain.mean() > Guard().rows * standard_error(gain)[0]
    assert not choice.kept_plain
    chosen = [n for n in rows if choice.trials[n].settings == choice.settings]
    # The plainest of those that pass the guard and do not lose to the best.
    assert len(choice.settings) <= len(choice.trials[best].settings)
    lost = rows[chosen[0]] - rows[best]
    assert lost.mean() <= Guard().rows * standard_error(lost)[0]
    assert choice.promised.value == pytest.approx(rows[chosen[0]].mean(), abs=1e-6)
    assert choice.estimate is None


def test_finalists_are_judged_on_every_fold_and_estimated_without_a_say(way):
    material = make_material(1.0, way)
    choice = search(folds=make_folds(material)).run("treatment", material, DRUGS, BASE)
    assert choice.estimate is not None
    assert choice.estimate.low < choice.estimate.value < choice.estimate.high
    alone = search().run("treatment", material, DRUGS, BASE)
    assert [t.settings for t in choice.trials] == [t.settings for t in alone.trials]
    assert choice.epochs > alone.epochs


def test_on_a_fold_a_finalist_is_trained_as_its_refit_will_be(way):
    material = make_material(1.0, way)
    [fold, _] = make_folds(material)
    slow = replace(BASE, learning_rate=0.002)  # so that not all are best at one epoch
    choice = search(folds=[fold]).run("treatment", material, DRUGS, slow)
    epochs = {str(trial.settings): trial.best_epoch for trial in choice.trials}
    assert len(set(epochs.values())) > 1
    for number, recipe in zip(choice.table.losses, choice.finalists, strict=True):
        best = epochs[str(recipe.differences(choice.finalists[0]))]
        so_long = replace(recipe, early_stopping=False, stop_after=best)
        [(_, outcome)] = Crew().finish("one", fold, [Job(0, so_long, 0)])
        assert outcome.epochs == best
        held = probabilities(restore(fold, so_long, outcome), fold.validation_x)
        expected = row_log_losses(held, fold.validation_y)
        found = choice.table.losses[number][choice.table.fold == 1]
        np.testing.assert_allclose(found, expected, atol=2e-4)


@pytest.fixture
def folded(way, monkeypatch):
    """From each first fold to how many folds are trained from there on, and with whom."""
    kind, seen = (Apart if way == "apart" else Together), {}
    fold = kind.fold

    def counting(self, name, folds, first, recipes):
        seen[first] = (len(folds), sorted(recipes))
        return fold(self, name, folds, first, recipes)

    monkeypatch.setattr(kind, "fold", counting)
    return seen


def test_who_is_not_ahead_after_the_first_fold_is_spared_the_others(way, folded):
    material = make_material(1.0, way)
    folds = [*make_folds(material), *make_folds(material)[:1]]
    choice = search(trials=16, folds=folds).run("treatment", material, DRUGS, BASE)
    (_, begun), (others, left) = folded[1], folded[2]
    assert others == 2
    assert list(choice.table.losses) == left
    assert set(left) < set(begun) <= {t.number for t in choice.trials if not t.dropped}
    assert len(begun) == len(choice.finalists)
    assert choice.trainings == len(choice.trials) + len(begun) + 2 * len(left)
    # The first fold has spoken: only the others estimate.
    spared = choice.table.estimate([2, 3])
    assert choice.estimate == spared != choice.table.estimate([1, 2, 3])


def test_where_only_the_plain_network_is_left_one_other_fold_estimates_it(way, folded, monkeypatch):
    monkeypatch.setattr(Folds, "ahead", lambda table: [table.plain])
    material = make_material(1.0, way)
    folds = [*make_folds(material), *make_folds(material)[:1]]
    choice = search(folds=folds).run("treatment", material, DRUGS, BASE)
    assert folded[2] == (1, [0])
    assert choice.kept_plain
    assert set(choice.table.fold) == {0, 1, 2}
    assert choice.estimate == choice.table.estimate([2])


def test_where_nobody_rivals_the_plain_network_the_first_fold_estimates_it(
    way, folded, monkeypatch
):
    monkeypatch.setattr("fitwell.tuning.search.contenders", lambda _, plain, __: [plain])
    material = make_material(1.0, way)
    folds = make_folds(material)
    choice = search(folds=folds).run("treatment", material, DRUGS, BASE)
    assert folded == {1: (1, [0])}
    assert choice.kept_plain
    held = choice.table.losses[0][choice.table.fold == 1]
    assert len(held) == len(folds[0].validation_y)
    assert choice.estimate.value == pytest.approx(held.mean())


@pytest.mark.parametrize("rivals", [True, False])
def test_a_fold_on_which_the_plain_network_diverged_has_no_say(rivals, monkeypatch):
    if not rivals:
        monkeypatch.setattr("fitwell.tuning.search.contenders", lambda _, plain, __: [plain])
    material = make_material(1.0, "together")
    folds = make_folds(material)
    whole = search(folds=folds).run("treatment", material, DRUGS, BASE)
    fold = Together.fold

    def diverging(self, name, folds, first, recipes):
        one, *others = fold(self, name, folds, first, recipes)
        return [replace(one, losses={**one.losses, 0: None}) if first == 1 else one, *others]

    without = search(folds=folds[1:]).run("treatment", material, DRUGS, BASE)
    monkeypatch.setattr(Together, "fold", diverging)
    cut = search(folds=folds).run("treatment", material, DRUGS, BASE)
    assert cut.settings == without.settings
    assert cut.estimate == without.estimate
    assert [set(choice.table.fold) for choice in (cut, whole)] == [
        {0, 2},
        {0, 1, 2} if rivals else {0, 1},
    ]
    assert (cut.lost_folds, whole.lost_folds) == (1, 0)


def test_folds_that_the_user_cut_off_have_no_say(way):
    material = make_material(1.0, way)
    asked = []

    class StopsWhenRead(list):
        def __iter__(self):
            asked.append(True)
            return super().__iter__()

    folds = StopsWhenRead(make_folds(material))
    slow = replace(BASE, learning_rate=0.002)  # so that a fold is not done at one go
    cut = search(folds=folds, stopped=lambda: bool(asked)).run("treatment", material, DRUGS, slow)
    alone = search().run("treatment", material, DRUGS, slow)
    assert (cut.cut, cut.estimate) == ("stopped", None)
    assert cut.settings == alone.settings
    whole = search(folds=make_folds(material)).run("treatment", material, DRUGS, slow)
    assert (whole.cut, whole.estimate is None) == ("", False)
    assert cut.epochs < whole.epochs


def test_nothing_is_chosen_where_nothing_can_be_learned(way):
    rng = np.random.default_rng(1)
    kept = []
    for seed in range(6):
        material = make_material(0.0, way, rows=80, columns=2, seed=seed)
        easy = replace(
            material,
            train_y=rng.permutation(material.train_y),
            validation_y=rng.permutation(material.validation_y),
            blueprint=network(way, 2),
        )
        kept.append(search(trials=4).run("treatment", easy, DRUGS, BASE).kept_plain)
    # Without the guard the best of four would be the plain one about one time in four.
    assert sum(kept) >= 3


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param(1, marks=pytest.mark.slow),
        14,
        *(pytest.param(calls, marks=pytest.mark.slow) for calls in (5, 20)),
    ],
)
def test_a_search_that_was_cut_off_goes_on_and_ends_alike(way, calls, tmp_path):
    material = make_material(1.0, way)
    folds = make_folds(material)
    counted = []
    whole = search(folds=folds, on_training=counted.append).run("treatment", material, DRUGS, BASE)

    class CutOff(Exception):
        pass

    done = []

    def stop(_):
        done.append(1)
        if len(done) == calls:
            raise CutOff

    broken = search(tmp_path, folds=folds, on_training=stop)
    if calls <= len(counted):
        with pytest.raises(CutOff):
            broken.run("treatment", material, DRUGS, BASE)
    else:
        broken.run("treatment", material, DRUGS, BASE)
    resumed = search(tmp_path, folds=folds).run("treatment", material, DRUGS, BASE)
    assert resumed.settings == whole.settings
    assert resumed.promised == whole.promised
    assert resumed.estimate == whole.estimate
    timeless = [[replace(t, seconds=0) for t in choice.trials] for choice in (resumed, whole)]
    assert timeless[0] == timeless[1]
    states = [t.state.name for t in Ledger(tmp_path).study("treatment").get_trials()]
    assert states.count("COMPLETE") == sum(not t.dropped for t in whole.trials)
    assert states.count("PRUNED") == sum(t.dropped for t in whole.trials)


@pytest.mark.parametrize(
    "way",
    ["together", *(pytest.param(way, marks=pytest.mark.slow) for way in ("singly", "apart"))],
    indirect=True,
)
def test_the_number_of_workers_changes_nothing(way):
    material = make_material(1.0, way)
    choices = [
        replace(search(folds=make_folds(material)), crew=Crew(workers=workers)).run(
            "treatment", material, DRUGS, BASE
        )
        for workers in (1, 2)
    ]
    timeless = [
        replace(choice, seconds=0, trials=tuple(replace(t, seconds=0) for t in choice.trials))
        for choice in choices
    ]
    assert timeless[0] == timeless[1]
    np.testing.assert_equal(vars(choices[0].table), vars(choices[1].table))


def test_a_trial_that_was_running_when_the_run_was_killed_is_run_again(way, tmp_path):
    ledger = Ledger(tmp_path)
    ledger.ask("treatment", parameters_of(DRUGS), 0, {})
    choice = search(tmp_path, trials=3).run("treatment", make_material(1.0, way), DRUGS, BASE)
    assert [t.number for t in choice.trials] == [0, 1, 2]
    states = [t.state.name for t in Ledger(tmp_path).study("treatment").get_trials()]
    assert states == ["FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]


def test_a_trial_that_was_killed_while_it_was_told_is_run_again(tmp_path):
    ledger = Ledger(tmp_path)
    trial = ledger.ask("treatment", parameters_of(DRUGS), 0, {})
    for name in ("best_epoch", "epochs", "seconds"):
        trial.set_user_attr(name, 1)
    ledger = Ledger(tmp_path)
    ledger.drop_unfinished("treatment")
    assert ledger.finished("treatment", [{}]) == {}


def test_a_trial_that_diverged_is_remembered(tmp_path):
    material = make_material(1.0)
    ledger = Ledger(tmp_path)
    trial = ledger.ask("treatment", parameters_of(DRUGS), 1, {})
    ledger.tell(
        "treatment",
        trial,
        Entry(number=1, settings={}, judged=None, best_epoch=0, epochs=0, seconds=0.5),
    )
    choice = search(tmp_path, trials=3).run("treatment", material, DRUGS, BASE)
    assert [t.validation_log_loss is None for t in choice.trials] == [False, True, False]


def test_a_setting_that_diverges_is_dropped_and_the_others_go_on(monkeypatch):
    material = make_material(1.0, "together")
    wild = [{}, {"decay_epochs": 1e-30}, {"dropout": 0.2}]
    monkeypatch.setattr("fitwell.tuning.search.candidates", lambda *_: wild)
    choice = search(trials=3).run("treatment", material, DRUGS, BASE)
    assert [t.validation_log_loss is None for t in choice.trials] == [False, True, False]
    assert choice.trials[1].epochs < BASE.epochs


def test_the_storage_opens_with_optuna_itself(way, tmp_path):
    choice = search(tmp_path, trials=12).run("treatment", make_material(1.0, way), DRUGS, BASE)
    study = optuna.load_study(study_name="treatment", storage=f"sqlite:///{tmp_path / 'trials.db'}")
    told = {t.user_attrs["candidate"]: t for t in study.trials}
    for trial in choice.trials:
        stored = told[trial.number]
        expected = {"l1": 0.0, "decay_epochs": 0.0, "dropout": 0.0, **trial.settings}
        expected["fades"] = trial.settings.get("fades", "as is")
        assert {k: stored.params[k] for k in expected} == expected
        assert stored.state.name == ("PRUNED" if trial.dropped else "COMPLETE")
        if not trial.dropped:
            assert stored.value == trial.validation_log_loss
    assert way == "apart" or any(trial.dropped for trial in choice.trials)
    assert len({tuple(t.params.values()) for t in study.trials}) == len(choice.trials) >= 11


def test_a_budget_that_is_spent_leaves_the_plain_candidate_or_ends_at_the_first_rung(way):
    choice = search(budget=0.0).run("treatment", make_material(1.0, way), DRUGS, BASE)
    if way == "apart":
        assert [t.number for t in choice.trials] == [0]
        assert choice.kept_plain
    else:
        assert {t.epochs for t in choice.trials} == {4}
    assert choice.cut


def test_a_plain_network_that_diverges_fails_the_search(way):
    hot = replace(BASE, epochs=3, learning_rate=1e30)
    with pytest.raises(TrainingFailed, match="untreated network's loss became infinite or NaN"):
        search().run("treatment", make_material(1.0, way), DRUGS, hot)
