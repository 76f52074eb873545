import numpy as np
import optuna
import pytest

from fitwell.errors import TrainingFailed
from fitwell.models.blueprint import Blueprint
from fitwell.recipe import Recipe
from fitwell.remedies import all_remedies
from fitwell.statistics import standard_error
from fitwell.task import Material
from fitwell.training.workers import Crew
from fitwell.tuning.candidates import candidates, parameters_of
from fitwell.tuning.ledger import Entry, Ledger
from fitwell.tuning.search import GUARD, Search

BASE = Recipe(epochs=12, batch_size=16, learning_rate=0.01, early_stopping=True, patience=4)
DRUGS = [all_remedies()[name] for name in ("l1", "l2", "dropout")]


def make_material(noise, rows=300, columns=30, seed=0):
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
        blueprint=Blueprint(kind="mlp", widths=(32,)),
    )


def search(folder=None, trials=6, **options):
    return Search(trials=trials, seed=0, crew=Crew(), ledger=Ledger(folder), **options)


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
    for p in parameters_of(DRUGS):
        values = [settings[p.name] for settings in found]
        assert all(v == p.off_value or p.low <= v <= p.high for v in values)


def test_the_lowest_mean_loss_wins_when_it_clears_the_guard(tmp_path):
    choice = search(tmp_path).run("treatment", make_material(1.0), DRUGS, BASE)
    rows = {
        number: np.load(tmp_path / "trials" / f"treatment-{number}.npy").astype(float)
        for number in range(6)
    }
    best = min(rows, key=lambda number: rows[number].mean())
    gain = rows[0] - rows[best]
    assert gain.mean() > GUARD * standard_error(gain)[0]
    assert not choice.kept_plain
    assert choice.settings == {
        name: value for name, value in choice.trials[best].settings.items() if value
    }
    assert choice.promised.value == pytest.approx(rows[best].mean(), abs=1e-6)


def test_nothing_is_chosen_where_nothing_can_be_learned():
    rng = np.random.default_rng(1)
    kept = []
    for seed in range(6):
        material = make_material(0.0, rows=80, columns=2, seed=seed)
        labels = rng.permutation(material.train_y)
        easy = Material(
            train_x=material.train_x,
            train_y=labels,
            validation_x=material.validation_x,
            validation_y=rng.permutation(material.validation_y),
            outputs=2,
            blueprint=Blueprint(kind="mlp", widths=(2,)),
        )
        kept.append(search(trials=4).run("treatment", easy, DRUGS, BASE).kept_plain)
    # Without the guard the best of four would be the plain one about one time in four.
    assert sum(kept) >= 3


def test_a_search_that_was_cut_off_goes_on_and_ends_alike(tmp_path):
    material = make_material(1.0)
    whole = search().run("treatment", material, DRUGS, BASE)

    class CutOff(Exception):
        pass

    done = []

    def stop_after_three():
        done.append(1)
        if len(done) == 3:
            raise CutOff

    with pytest.raises(CutOff):
        search(tmp_path, on_trial=stop_after_three).run("treatment", material, DRUGS, BASE)
    trained = []
    ledger = Ledger(tmp_path)
    before = ledger.finished("treatment", [{}] * 6)
    assert len(before) == 3
    resumed = Search(
        trials=6, seed=0, crew=Crew(), ledger=ledger, on_trial=lambda: trained.append(1)
    ).run("treatment", material, DRUGS, BASE)
    assert len(trained) == 6
    assert resumed.settings == whole.settings
    assert resumed.promised == whole.promised
    kept = {t.number: t.seconds for t in resumed.trials}
    assert all(kept[number] == entry.seconds for number, entry in before.items())


def test_a_trial_that_was_running_when_the_run_was_killed_is_run_again(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.ask("treatment", parameters_of(DRUGS), 0, {})
    choice = search(tmp_path, trials=3).run("treatment", make_material(1.0), DRUGS, BASE)
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
    hot = [all_remedies()["network size"]]
    material = make_material(1.0)
    ledger = Ledger(tmp_path)
    trial = ledger.ask("treatment", parameters_of(hot), 1, {})
    ledger.tell(
        "treatment",
        trial,
        Entry(number=1, settings={}, judged=None, best_epoch=0, epochs=0, seconds=0.5),
    )
    choice = search(tmp_path, trials=3).run("treatment", material, DRUGS, BASE)
    assert [t.validation_log_loss is None for t in choice.trials] == [False, True, False]


def test_the_storage_opens_with_optuna_itself(tmp_path):
    choice = search(tmp_path, trials=3).run("treatment", make_material(1.0), DRUGS, BASE)
    study = optuna.load_study(study_name="treatment", storage=f"sqlite:///{tmp_path / 'trials.db'}")
    assert [t.value for t in study.trials] == [t.validation_log_loss for t in choice.trials]
    full = {"l1": 0.0, "l2": 0.0, "dropout": 0.0}
    assert [t.params for t in study.trials] == [
        pytest.approx({**full, **t.settings}) for t in choice.trials
    ]
    assert len({tuple(t.params.values()) for t in study.trials}) == 3


def test_a_budget_that_is_spent_leaves_the_plain_candidate():
    choice = search(budget=0.0).run("treatment", make_material(1.0), DRUGS, BASE)
    assert [t.number for t in choice.trials] == [0]
    assert choice.kept_plain


def test_a_plain_network_that_diverges_fails_the_search():
    hot = Recipe(epochs=3, batch_size=16, learning_rate=1e30)
    with pytest.raises(TrainingFailed, match="untreated network's loss became infinite or NaN"):
        search().run("treatment", make_material(1.0), DRUGS, hot)
