"""`--layers`: strengths of some layers, from the command line to the report."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fitwell import tune
from fitwell.errors import InputError
from fitwell.report.chosen import settings_phrase
from fitwell.report.search_chart import _is_chosen
from fitwell.runs.folder import RunFolder
from fitwell.tuning.choice import Folds
from toys import make_frame


def test_a_run_searches_strengths_of_a_layer_and_tells_them(fitwell, table, quick, monkeypatch):
    """The guard would keep the network as it is, which has nothing to tell: a finalist is taken."""
    monkeypatch.setattr("fitwell.tuning.search.contenders", lambda losses, *_: list(losses))
    monkeypatch.setattr(Folds, "ahead", lambda table: list(table.losses))
    monkeypatch.setattr(Folds, "choose", lambda table, _=None: max(table.losses))
    done = fitwell(
        "tune", table, "--target", "bought", *quick, "--widths", "8,8", "--trials", 12,
        "--layers", "0", "--out", "run",
    )  # fmt: skip
    assert done.exit_code == 0
    result = json.loads(Path("run/result.json").read_text())
    tried = {key for trial in result["trials"] for key in trial["settings"]}
    assert {"l1[0]", "decay_epochs[0]", "dropout[0]"} <= tried
    for arm in result["comparison"]["arms"]:
        if arm["name"] in ("treatment", "treatment, refitted"):
            by_layer = {key: value for key, value in arm["settings"].items() if "[" in key}
            assert result["regularization"]["by_layer"] == by_layer != {}
    assert json.loads(Path("run/run.json").read_text())["options"]["layers"] == ["0"]
    chosen = RunFolder.open(Path("run")).result()
    told = settings_phrase(chosen.regularization)
    [ringed] = [trial for trial in chosen.trials if _is_chosen(trial, chosen.regularization)]
    assert {k: v for k, v in ringed.settings.items() if "[" in k} == chosen.regularization.by_layer
    other = replace(ringed, settings={k: v for k, v in ringed.settings.items() if "[" not in k})
    assert not _is_chosen(other, chosen.regularization)
    assert "(layers 0" in told
    for file in ("run/report.html", "run/report.md"):
        assert told in Path(file).read_text()
    assert fitwell("report", "run", "--lang", "ko").exit_code == 0
    assert "층별 설정" in Path("run/report.html").read_text()


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (
            "head",
            "--layers: 'head' fits no layer with weights; a pattern that fits some of 0, 2 is",
        ),
        ("*", "--layers: '*' fits all layers with weights; a pattern that fits some of 0, 2 is"),
    ],
)
def test_a_pattern_that_makes_no_difference_is_refused(fitwell, table, quick, pattern, told):
    done = fitwell("tune", table, "--target", "bought", *quick, "--layers", pattern)
    assert done.exit_code == 2
    assert done.stderr == f"fitwell: {told} expected.\n"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--layers", ","], "--layers: '' is no pattern of layer names, such as 'head'."),
        (
            ["--layers", "0", "--trials", 2],
            "--layers: --trials is 2, but the first two settings are those without it. Give at"
            " least 3.",
        ),
        (
            ["--layers", "0", "--l1", 0, "--decay-epochs", 30, "--dropout", 0.1],
            "--layers: l1, decay_epochs and dropout are all given, so that nothing is left to"
            " search for these layers. Leave one out.",
        ),
    ],
)
def test_what_could_not_be_searched_is_refused(fitwell, table, quick, options, told):
    done = fitwell("tune", table, "--target", "bought", *quick, *options)
    assert done.exit_code == 2
    assert done.stderr == f"fitwell: {told}\n"


def test_what_is_given_is_searched_for_no_layer(fitwell, table, quick):
    done = fitwell(
        "tune", table, "--target", "bought", *quick, "--trials", 6, "--layers", "0",
        "--dropout", 0.2, "--json",
    )  # fmt: skip
    tried = {key for trial in json.loads(done.stdout)["trials"] for key in trial["settings"]}
    assert "l1[0]" in tried
    assert not any(key.startswith("dropout[") for key in tried)


def test_in_python_a_pattern_or_several():
    frame = make_frame()
    quick = {"epochs": 3, "seeds": 1, "widths": (8,), "trials": 6, "target": "bought"}
    one, several = (tune("mlp", frame, layers=given, **quick) for given in ("0", ["0"]))
    tried = [[trial.settings for trial in answer.result.trials] for answer in (one, several)]
    assert tried[0] == tried[1]
    assert any("l1[0]" in trial.settings for trial in one.result.trials)
    for given in ([0], 0):
        with pytest.raises(InputError, match="--layers: 0 is no pattern of layer names"):
            tune("mlp", frame, layers=given, **quick)
