"""Strengths that are given: off beyond the weakest, and trained as they are."""

import json

import pytest

from fitwell.cli import main
from fitwell.errors import InputError
from fitwell.remedies import all_remedies
from fitwell.runs.question import Question
from fitwell.sagemaker.entry import main as job_main
from fitwell.sagemaker.strengths import strengths, switched
from sagemaker.test_job import run_locally, same_predictions, same_result
from toys import make_frame

GIVEN = {"target": "bought", "trials": 1, "epochs": 3, "seeds": 1, "widths": "8", "seed": 5,
         "workers": 1, "l1": 3e-5, "dropout": 0.25}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "then"),
    [
        ("l1", 9.9e-7, 0.0), ("l1", 1e-6, 1e-6), ("l1", 1e-8, 0.0), ("l1", 0.5, 0.5),
        ("decay_epochs", 2001, 0.0), ("decay_epochs", 2000, 2000), ("decay_epochs", 5, 5),
        ("dropout", 0.0, 0.0), ("dropout", 0.01, 0.01),
    ],
)  # fmt: skip
def test_what_lies_beyond_the_weakest_strength_is_off(name, value, then):
    options, remarks = switched({name: value, "outside_is_off": True, "epochs": 3})
    assert options == {name: then, "epochs": 3}
    assert len(remarks) == (value != then)
    assert switched({name: value}) == ({name: value}, ())


def test_a_range_has_as_much_room_for_off_as_the_candidates_have():
    import math

    for name, strength in strengths().items():
        own = next(p for r in all_remedies().values() for p in r.parameters if p.name == name)
        if strength.log:
            ends = [math.log(v) for v in (strength.low, strength.high)]
            room = abs(math.log(strength.weakest) - ends[0 if name == "l1" else 1])
            assert room / (ends[1] - ends[0]) == pytest.approx(own.off, abs=0.01)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"l1": -1.0}, "--l1 is -1.0, but a number from 0 up is expected."),
        ({"decay_epochs": -1.0}, "--decay-epochs is -1.0, but a number from 0 up is expected."),
        ({"dropout": 1.0}, "--dropout is 1.0, but a rate from 0 to below 1 is expected."),
        ({"l1": float("nan")}, "--l1 is nan, but a number from 0 up is expected."),
    ],
)
def test_a_strength_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(InputError) as caught:
        Question(verb="tune", **wrong)
    assert str(caught.value) == message


@pytest.mark.slow
def test_a_job_with_given_strengths_trains_by_them_as_a_local_run_does(here, tmp_path, capsys):
    """As a tuning job starts it: l1 and dropout are taken, a decay beyond the weakest is off."""
    sent = {**GIVEN, "decay_epochs": 50_000, "outside_is_off": "true"}
    here.config("hyperparameters", {name: str(value) for name, value in sent.items()})
    job_main(["train"])
    said = capsys.readouterr().out
    assert said.splitlines()[0] == ("fitwell: decay_epochs = 50000 lies beyond 2000: it is off")
    local = {name.replace("_", "-"): value for name, value in GIVEN.items()}
    run = run_locally(tmp_path, make_frame(), {**local, "decay-epochs": 0})
    assert same_result(here.model, run)
    assert same_predictions(here.model, run, make_frame(seed=9))
    found = json.loads((here.model / "result.json").read_text())
    chosen = found["regularization"]
    assert (chosen["l1"], chosen["dropout"], chosen["decay_epochs"]) == (3e-5, 0.25, 0.0)
    assert not chosen["kept_untreated"]
    assert len([t for t in found["trials"] if t["arm"] == "treatment"]) == 1
    assert f"fitwell_objective={chosen['promised_log_loss']['value']:.6g};" in said
    arms = {arm["name"]: arm["settings"] for arm in found["comparison"]["arms"]}
    assert arms["treatment"]["dropout"] == arms["treatment, refitted"]["dropout"] == 0.25
    assert "dropout" not in arms["early stopping"]


def test_what_is_given_is_not_searched_and_the_rest_is(tmp_path):
    from click.testing import CliRunner

    make_frame().to_csv(tmp_path / "table.csv", index=False)
    words = ["tune", tmp_path / "table.csv", "--target", "bought", "--trials", 4, "--epochs", 3,
             "--seeds", 1, "--widths", "8", "--workers", 1, "--quiet", "--dropout", "0.4",
             "--out", tmp_path / "run"]  # fmt: skip
    CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    trials = json.loads((tmp_path / "run" / "result.json").read_text())["trials"]
    assert len(trials) == 4
    assert not any("dropout" in trial["settings"] for trial in trials)
    assert any("l1" in t["settings"] or "decay_epochs" in t["settings"] for t in trials)
