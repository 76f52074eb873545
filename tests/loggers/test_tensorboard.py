"""What TensorBoard itself reads of a run."""

import json
import shutil

import pytest

from told import QUESTION, At, interrupt, run

accumulator = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator",
    reason="tensorboard is not installed: pip install 'fitwell[tensorboard]'",
)


def read(folder):
    found = accumulator.EventAccumulator(str(folder))
    found.Reload()
    return found


def scalars(folder):
    """Every tag with its steps and values."""
    events = read(folder)
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def hparams(folder):
    from tensorboard.plugins.hparams import plugin_data_pb2

    content = read(folder).SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    found = data.session_start_info.hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in found.items()}


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    here = tmp_path_factory.mktemp("told")
    seen = []
    folder = here / "logs"

    def look():
        seen.extend(path.name for path in folder.glob("*/trials/*"))

    result = run(here / "out", f"tensorboard:{folder}", watch=At("final trainings", look))
    return here / "out", folder, result, seen


def close(value):
    return pytest.approx(value, rel=1e-6, abs=1e-9)  # TensorBoard stores float32


def test_a_run_has_one_folder_named_after_its_own_and_its_id(told):
    out, folder, _, _ = told
    name = json.loads((out / "run.json").read_text())["id"]
    assert [path.name for path in folder.iterdir()] == [f"out-{name}"]


def test_the_final_numbers_are_those_of_the_result(told):
    _, folder, result, _ = told
    found = scalars(next(folder.iterdir()))
    before, after, chosen = result.before, result.after, result.regularization
    for tag, value in {
        "before/test_accuracy": before.test.accuracy.value,
        "before/gap_low": before.gap.low,
        "after/test_log_loss_high": after.test.log_loss.high,
        "after/train_accuracy": after.train.accuracy.value,
        "chosen/dropout": chosen.dropout,
        "chosen/promised_log_loss": chosen.promised_log_loss.value,
        "cost/epochs": result.cost.epochs,
    }.items():
        assert found[tag] == [(0, close(value))], tag


def test_the_options_are_there_as_text(told):
    _, folder, _, _ = told
    events = read(next(folder.iterdir()))
    texts = {
        tag: events.Tensors(tag)[0].tensor_proto.string_val[0].decode()
        for tag in events.Tags()["tensors"]
    }
    assert texts["asked/epochs/text_summary"] == str(QUESTION.epochs)
    assert texts["asked/widths/text_summary"] == "8"
    assert texts["asked/data/text_summary"] == "table.csv"


def test_every_trial_is_an_entry_with_its_settings_and_its_loss(told):
    _, folder, result, _ = told
    assert len(result.trials) == QUESTION.trials
    for trial in result.trials:
        place = next(folder.iterdir()) / "trials" / f"{trial.arm}-{trial.number}"
        assert scalars(place) == {
            "validation_log_loss": [(0, close(trial.validation_log_loss))],
            "epochs": [(0, trial.epochs)],
            "best_epoch": [(0, trial.best_epoch)],
            "seconds": [(0, close(trial.seconds))],
        }
        expected = {"arm": trial.arm, "number": trial.number, "dropped": trial.dropped}
        assert hparams(place) == {**expected, **trial.settings}


def test_trials_are_told_as_they_end(told):
    _, _, result, seen = told
    assert sorted(seen) == sorted(f"{t.arm}-{t.number}" for t in result.trials)


def test_the_curves_of_the_arms_are_there_epoch_by_epoch(told):
    _, folder, result, _ = told
    for curve in result.curves:
        name = curve.arm.replace(",", "").replace(" ", "-")
        found = scalars(next(folder.iterdir()) / "arms" / name)
        for tag in ("train_log_loss", "validation_log_loss"):
            values = getattr(curve, tag)
            expected = [(epoch, close(value)) for epoch, value in enumerate(values, 1)]
            assert found.get(tag, []) == expected


@pytest.mark.slow
def test_a_run_that_was_cut_off_and_resumed_is_told_once(tmp_path):
    out, log = tmp_path / "out", f"tensorboard:{tmp_path / 'logs'}"
    with pytest.raises(KeyboardInterrupt):
        run(out, log, watch=At("final trainings", interrupt))
    result = run(out, log, resume=True)
    (folder,) = (tmp_path / "logs").iterdir()
    trials = list(folder.glob("trials/*"))
    assert len(trials) == len(result.trials)
    assert all(len(list(trial.iterdir())) == 1 for trial in trials)
    assert len(list(folder.glob("arms/*"))) == len(result.curves)


@pytest.mark.slow
def test_trials_that_ended_without_a_logger_are_told_when_the_run_is_resumed_with_one(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(out, watch=At("final trainings", interrupt))
    result = run(out, f"tensorboard:{tmp_path / 'logs'}", resume=True)
    assert len(list((tmp_path / "logs").glob("*/trials/*"))) == len(result.trials)


@pytest.mark.slow
def test_a_logger_that_fails_is_noted_once_and_the_run_goes_on(tmp_path):
    folder = tmp_path / "logs"

    def lose():
        shutil.rmtree(folder)
        folder.write_text("a file where the folder was")

    watch = At("tuning: treatment", lose)
    result = run(tmp_path / "out", f"tensorboard:{folder}", watch=watch)
    (note,) = (note for note in result.notes if "logger" in note)
    assert note.startswith("The logger tensorboard failed and was left out from then on: ")
    stored = json.loads((tmp_path / "out" / "result.json").read_text())
    assert stored["notes"] == list(result.notes)
    assert stored["before"]["gap"]["value"] == run(tmp_path / "other").before.gap.value
