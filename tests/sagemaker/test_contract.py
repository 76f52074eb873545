"""How a job reads its hyperparameters and channels, and how it says what is wrong."""

import json

import pytest

from fitwell.sagemaker.contract import JobFolders, unquoted
from fitwell.sagemaker.entry import main
from fitwell.sagemaker.hyperparameters import HYPERPARAMETERS, as_options
from fitwell.sagemaker.job import read_job
from toys import make_frame


def asked(job, **hyperparameters):
    job.config("hyperparameters", {"target": "bought", **hyperparameters})
    return read_job(JobFolders.from_environment())


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("adam", "adam"),
        ('"adam"', "adam"),
        ('"\\"0\\""', "0"),
        ("32", "32"),
        (32, "32"),
        (True, "true"),
        ("1e5", "1e5"),
        ("[64, 32]", "[64, 32]"),
        ("null", "null"),
    ],
)
def test_a_hyperparameter_is_freed_of_its_quotes_and_of_nothing_else(written, text):
    assert unquoted(written) == text


@pytest.mark.parametrize("encode", [json.dumps, str], ids=["SDK 2", "SDK 3"])
def test_every_hyperparameter_is_read_in_either_encoding(encode):
    given = {
        "verb": "compare", "target": "1e5", "group": "true", "time": "when", "ignore": "a,b",
        "task": "binary", "model": "mlp", "widths": "64,32", "activation": "gelu", "trials": 8,
        "seeds": 2, "resamples": 3, "seed": 7, "epochs": 9, "batch-size": 64, "learning_rate": 1e-05,
        "schedule": "flat-cosine", "patience": 3, "class_weights": "balanced",
        "batch_norm": True, "bag": True, "greedy": False, "l1": 1e-05, "decay-epochs": 30.0,
        "dropout": 0.25, "layers": "0,head", "outside_is_off": True, "budget": "10m",
        "device": "cpu", "workers": 1, "lang": "ko",
    }  # fmt: skip
    expected = {k.replace("-", "_"): v for k, v in given.items()}
    expected |= {"ignore": ("a", "b"), "widths": ("64", "32"), "layers": ("0", "head")}
    found = as_options({name: unquoted(encode(value)) for name, value in given.items()})
    assert found == expected
    assert set(found) == set(HYPERPARAMETERS)


def test_the_options_reach_the_run(here):
    job = asked(here, widths="[64, 32]", ignore='["city"]', budget="90", trials="32.0", lang="ko")
    assert job.question.verb == "tune"
    assert (job.question.widths, job.question.budget, job.question.trials) == ((64, 32), 90, 32)
    assert (job.data.target, job.data.ignore, job.place.lang) == ("bought", ("city",), "ko")
    assert job.data.path == str(here.base / "input/data/train/table.csv")
    assert job.data.test is None
    assert job.place.out == here.base / "checkpoints" / "job"
    assert not job.place.resume
    assert job.remarks == ()


def test_null_means_that_a_hyperparameter_was_not_given(here):
    assert asked(here, group="null", trials="null") == asked(here)


def test_what_sagemaker_adds_is_no_hyperparameter(here):
    added = {"sagemaker_program": "train.py", "_tuning_objective_metric": "val_loss"}
    assert asked(here, **added) == asked(here)


def test_channels_of_code_and_files_of_spark_hold_no_data(here):
    (here.base / "input/data/train/_SUCCESS").touch()
    (here.base / "input/data/train/.crc").touch()
    here.channel("code", make_frame())
    here.channel("sm_drivers", make_frame())
    assert asked(here).data.path.endswith("train/table.csv")


def test_a_channel_of_folders_is_one_of_images(here):
    (here.base / "input/data/train/table.csv").unlink()
    (here.base / "input/data/train/sick").mkdir()
    assert asked(here).data.path == str(here.base / "input/data/train")


def no_train(job):
    (job.base / "input/data/train").rename(job.base / "input/data/trainn")


def no_channel(job):
    no_train(job)
    (job.base / "input/data/trainn").rename(job.base / "input/data/code")


BAD = {
    "a name that is near another": (
        {"trails": "3"},
        None,
        "hyperparameter 'trails' is unknown. Did you mean trials?",
    ),
    "a name that is near no other": (
        {"zzz": "3"},
        None,
        "hyperparameter 'zzz' is unknown. Known are verb, target, group, time, ignore, task, model, widths, activation, trials, seeds, resamples, seed, epochs, batch_size, learning_rate, schedule, patience, class_weights, batch_norm, bag, greedy, l1, decay_epochs, dropout, layers, outside_is_off, budget, device, workers, lang.",
    ),
    "a whole number that is none": (
        {"trials": "many"},
        None,
        "hyperparameter trials is 'many', but a whole number is expected. Correct it.",
    ),
    "a fraction": (
        {"trials": "2.5"},
        None,
        "hyperparameter trials is '2.5', but a whole number is expected. Correct it.",
    ),
    "an infinite number of trials": (
        {"trials": "inf"},
        None,
        "hyperparameter trials is 'inf', but a whole number is expected. Correct it.",
    ),
    "a number that is none": (
        {"learning_rate": "fast"},
        None,
        "hyperparameter learning_rate is 'fast', but a number is expected. Correct it.",
    ),
    "a truth value that is none": (
        {"batch_norm": "yes"},
        None,
        "hyperparameter batch_norm is 'yes', but true or false is expected. Correct it.",
    ),
    "an unknown verb": (
        {"verb": "tun"},
        None,
        "hyperparameter verb is 'tun', but diagnose, tune or compare is expected. Correct it.",
    ),
    "an unknown task": (
        {"task": "regression"},
        None,
        "hyperparameter task is 'regression', but auto, binary or multiclass is expected. Correct it.",
    ),
    "widths that are no numbers": (
        {"widths": "a,b"},
        None,
        "hyperparameter widths is 'a,b', but a list such as 64,32 is expected. Correct it.",
    ),
    "trials below one": ({"trials": "-1"}, None, "--trials is -1, but at least 1 is expected."),
    "a target that is not there": (
        {"target": "bougth"},
        None,
        "--target: there is no column 'bougth'. Did you mean 'bought'?",
    ),
    "no train channel, but one of a near name": (
        {},
        no_train,
        "channel 'trainn' is unknown. Did you mean train?",
    ),
    "no channel": (
        {},
        no_channel,
        "the job has no channel 'train'. Give one of them, with one data file.",
    ),
    "both train channels": (
        {},
        lambda job: job.channel("training", make_frame()),
        "the job has both 'train' and 'training'. Give one of them, with one data file.",
    ),
    "two files in a channel": (
        {},
        lambda job: job.channel("train", make_frame(), "more.csv"),
        "channel train holds 2 files, but one CSV, Parquet or npz file, or one folder per class, is expected. Put the rows into one file.",
    ),
    "two machines": (
        {},
        lambda job: job.config("resourceconfig", {"hosts": ["algo-1", "algo-2"]}),
        "the job has 2 instances, but fitwell trains on one. Set its instance count to 1, and take a larger instance for more workers.",
    ),
    "a table without rows": (
        {},
        lambda job: job.channel("train", make_frame(0)),
        "DATA: {train}/table.csv holds a header only. Give rows below it.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_job_writes_one_clear_line_and_ends_with_2(here, capsys, case):
    hyperparameters, prepare, line = BAD[case]
    here.config("hyperparameters", {"target": "bought", **hyperparameters})
    if prepare:
        prepare(here)
    with pytest.raises(SystemExit) as ended:
        main(["train"])
    line = line.replace("{train}", str(here.base / "input/data/train"))
    assert ended.value.code == 2
    assert here.failure.read_text() == line
    assert capsys.readouterr().out.splitlines()[-1] == f"fitwell: {line}"
    assert not here.model.exists()


def test_hyperparameters_that_are_no_json_are_named(here):
    here.config("hyperparameters", {})
    (here.base / "input/config/hyperparameters.json").write_text("{")
    with pytest.raises(SystemExit) as ended:
        main(["train"])
    assert ended.value.code == 2
    assert here.failure.read_text() == (
        "hyperparameters.json is not a JSON file: Expecting property name enclosed in double"
        " quotes: line 1 column 2 (char 1). Write it anew."
    )


def test_a_bug_is_named_in_the_failure_file_and_keeps_its_trace(here, monkeypatch):
    def broken(folders):
        raise ZeroDivisionError("a bug\nof ours")

    monkeypatch.setattr("fitwell.sagemaker.entry.train_job", broken)
    with pytest.raises(ZeroDivisionError):
        main(["train"])
    assert here.failure.read_text() == "ZeroDivisionError: a bug of ours"


def test_the_failure_file_holds_at_most_what_sagemaker_shows(here):
    JobFolders.from_environment().fail("x" * 2000)
    assert len(here.failure.read_text()) == 1024


def test_another_command_is_refused(here, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["deploy"])
    assert ended.value.code == 2
    assert capsys.readouterr().out == (
        "fitwell-sagemaker: 'deploy' is unknown; 'train' or 'serve' is expected.\n"
    )
