"""What MLflow's own client reads of a run."""

import os

import pytest

from told import QUESTION, At, interrupt, run

pytest.importorskip("mlflow", reason="mlflow is not installed: pip install 'fitwell[mlflow]'")

pytestmark = [
    pytest.mark.slow,  # a new database takes seconds
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # MLflow's use of SQLAlchemy
]


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Tell nobody."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    for name in ("MLFLOW_EXPERIMENT_NAME", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"):
        monkeypatch.delenv(name, raising=False)


def read(folder):
    """Give the client, the runs that are no one's child, and the children by kind."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("fitwell")
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    tops = [one for one in runs if "mlflow.parentRunId" not in one.data.tags]
    children = {}
    for one in runs:
        if one not in tops:
            assert one.data.tags["mlflow.parentRunId"] in {top.info.run_id for top in tops}
            tags = one.data.tags
            children.setdefault(tags["fitwell.kind"], {})[tags["fitwell.of"]] = one
    return client, tops, children


def test_a_run_has_a_nested_run_per_trial_and_per_arm(tmp_path):
    folder = tmp_path / "logs"
    result = run(tmp_path / "out", f"mlflow:{folder}")
    client, (top,), children = read(folder)
    assert top.info.status == "FINISHED"
    assert top.info.run_name.startswith("out-")
    assert top.data.params["epochs"] == str(QUESTION.epochs)
    assert top.data.params["data"] == "table.csv"
    assert top.data.metrics["before/test_accuracy"] == result.before.test.accuracy.value
    assert top.data.metrics["after/gap_high"] == result.after.gap.high
    assert top.data.metrics["chosen/decay_epochs"] == result.regularization.decay_epochs
    assert top.data.tags["fitwell.verdict"] == result.diagnosis.verdict

    trials = children["trial"]
    assert set(trials) == {f"{t.arm} {t.number}" for t in result.trials}
    for trial in result.trials:
        found = trials[f"{trial.arm} {trial.number}"]
        assert found.info.status == "FINISHED"
        assert found.data.metrics["validation_log_loss"] == trial.validation_log_loss
        assert found.data.metrics["epochs"] == trial.epochs
        settings = {name: str(value) for name, value in trial.settings.items()}
        assert settings.items() <= found.data.params.items()

    for curve in result.curves:
        child = children["arm"][curve.arm]
        history = client.get_metric_history(child.info.run_id, "train_log_loss")
        found = [(point.step, point.value) for point in sorted(history, key=lambda p: p.step)]
        assert found == list(enumerate(curve.train_log_loss, start=1))


def test_settings_of_some_layers_have_names_that_mlflow_takes(tmp_path):
    folder = tmp_path / "logs"
    result = run(tmp_path / "out", f"mlflow:{folder}", layers=("[0]*",))
    assert not any("logger" in note for note in result.notes)
    _, _, children = read(folder)
    found = [child.data.params for child in children["trial"].values()]
    tried = [trial.settings for trial in result.trials]
    values = [str(settings["l1[[0]*]"]) for settings in tried if "l1[[0]*]" in settings]
    assert sorted(p["l1  0_42"] for p in found if "l1  0_42" in p) == sorted(values) != []


def test_a_run_that_was_cut_off_and_resumed_is_told_once(tmp_path):
    out, folder = tmp_path / "out", tmp_path / "logs"
    with pytest.raises(KeyboardInterrupt):
        run(out, f"mlflow:{folder}", watch=At("final trainings", interrupt))
    _, (top,), children = read(folder)
    assert top.info.status == "KILLED"
    assert len(children["trial"]) == QUESTION.trials
    result = run(out, f"mlflow:{folder}", resume=True)
    client, (again,), children = read(folder)
    assert (again.info.run_id, again.info.status) == (top.info.run_id, "FINISHED")
    everything = client.search_runs([again.info.experiment_id], max_results=1000)
    assert len(everything) == 1 + len(result.trials) + len(result.curves)
    assert len(children["trial"]) == len(result.trials)


def test_a_database_that_is_lost_on_the_way_is_noted_and_the_run_goes_on(tmp_path):
    folder = tmp_path / "logs"

    def lose():
        (folder / "mlflow.db").write_bytes(b"no database any more" * 1000)

    watch = At("tuning: treatment", lose)
    result = run(tmp_path / "out", f"mlflow:{folder}", watch=watch)
    assert sum("The logger mlflow failed" in note for note in result.notes) == 1
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_server_that_is_not_there_is_refused_in_a_moment_and_its_password_not_shown(tmp_path):
    from fitwell.errors import InputError

    with pytest.raises(InputError) as caught:
        run(tmp_path / "out", "mlflow:http://ann:secret@127.0.0.1:9")
    message = str(caught.value)
    assert message.startswith("--log mlflow:http://ann:***@127.0.0.1:9 cannot be opened: ")
    assert message.endswith("Name a folder, or the address of an MLflow server that runs.")
    assert "secret" not in message
    assert not (tmp_path / "out").exists()
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ  # as it was
