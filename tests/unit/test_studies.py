"""Studies in a storage of one's own, read by Optuna's own interface."""

import json
from dataclasses import replace

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from fitwell.data.tables import make_table
from fitwell.runs.launch import launch_source
from fitwell.runs.place import Place
from fitwell.runs.watch import Silent
from told import QUESTION, At, interrupt
from toys import make_frame

WAYS = {"together": "Adam", "apart": "AdamW"}
"""Optimizers: with one that is asked for each setting is trained by itself."""


@pytest.fixture(params=["together", pytest.param("apart", marks=pytest.mark.slow)])
def question(request):
    return replace(QUESTION, optimizer=WAYS[request.param])


def run(question, storage, out=None, resume=False, watch=None):
    table = make_table(make_frame(), "bought", name="table.csv")
    place = Place(out=out, resume=resume, workers=1, storage=storage)
    return launch_source(question, table, place, watch or Silent(), options={"path": "made"})


def opened(address):
    return address if "://" in address else JournalStorage(JournalFileBackend(address))


@pytest.mark.parametrize("kind", ["database", "journal"])
def test_optuna_reads_the_trials_where_the_storage_is(tmp_path, question, kind):
    address = str(tmp_path / "trials.log")
    if kind == "database":
        address = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    result = run(question, address, out=tmp_path / "credit")
    (name,) = optuna.get_all_study_names(opened(address))
    asked = json.loads((tmp_path / "credit" / "run.json").read_text())
    assert name == f"credit-{asked['id']}/treatment"
    found = optuna.load_study(study_name=name, storage=opened(address)).trials
    told = {trial.user_attrs["candidate"]: trial for trial in found}
    assert len(told) == len(found) == len(result.trials) == question.trials
    for trial in result.trials:
        if told[trial.number].state == optuna.trial.TrialState.COMPLETE:
            assert told[trial.number].value == pytest.approx(trial.validation_log_loss)
    assert not (tmp_path / "credit" / "trials.db").exists()


@pytest.mark.slow
def test_runs_that_share_a_storage_and_a_folder_name_do_not_meet(tmp_path, question):
    address = f"sqlite:///{tmp_path / 'shared.db'}"
    first = run(question, address, out=tmp_path / "a" / "run")
    second = run(replace(question, seed=1), address, out=tmp_path / "b" / "run")
    assert len(set(optuna.get_all_study_names(address))) == 2
    alone = run(replace(question, seed=1), "")
    assert second.regularization == alone.regularization
    assert second.before == alone.before
    assert first.before != second.before
    in_memory = run(question, address)  # without a folder: by its verb
    assert in_memory.before == first.before
    assert len(set(optuna.get_all_study_names(address))) == 3


def test_a_run_that_was_cut_off_goes_on_with_what_the_storage_holds(tmp_path, question):
    address, out = f"sqlite:///{tmp_path / 'shared.db'}", tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(question, address, out=out, watch=At("final trainings", interrupt))
    (name,) = optuna.get_all_study_names(address)
    before = optuna.load_study(study_name=name, storage=address).trials
    result = run(question, address, out=out, resume=True)
    assert optuna.get_all_study_names(address) == [name]
    assert optuna.load_study(study_name=name, storage=address).trials == before
    assert result.regularization == run(question, "").regularization
