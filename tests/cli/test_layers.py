"""`--layers`: strengths of some layers, from the command line to the report."""

import json
from pathlib import Path

import pytest

from fitwell import tune
from fitwell.report.chosen import settings_phrase
from fitwell.runs.folder import RunFolder
from fitwell.tuning.choice import Folds
from toys import make_frame


def test_a_run_searches_strengths_of_a_layer_and_tells_them(fitwell, table, quick, monkeypatch):
    """The guard would keep the network as it is, which has nothing to tell; a finalist is taken."""
    monkeypatch.setattr(Folds, "choose", lambda table, _=None: max(table.losses))
    done = fitwell(
        "tune", table, "--target", "bought", *quick, "--trials", 12, "--layers", "0", "--out", "run"
    )
    assert done.exit_code == 0
    result = json.loads(Path("run/result.json").read_text())
    tried = {key for trial in result["trials"] for key in trial["settings"]}
    assert {"l1[0]", "decay_epochs[0]", "dropout[0]"} <= tried
    for arm in result["comparison"]["arms"]:
        if arm["name"] in ("treatment", "treatment, refitted"):
            by_layer = {key: value for key, value in arm["settings"].items() if "[" in key}
            assert result["regularization"]["by_layer"] == by_layer != {}
    assert json.loads(Path("run/run.json").read_text())["options"]["layers"] == ["0"]
    told = settings_phrase(RunFolder.open(Path("run")).result().regularization)
    assert "0: " in told
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
        ("0,*", "--layers: '*' fits all layers with weights; a pattern that fits some of 0, 2 is"),
    ],
)
def test_a_pattern_that_makes_no_difference_is_refused(fitwell, table, quick, pattern, told):
    done = fitwell("tune", table, "--target", "bought", *quick, "--layers", pattern)
    assert done.exit_code == 2
    assert f"fitwell: {told} expected.\n" in done.stderr


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
