"""`--bag` and `--greedy` from the command line to predictions."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file

from cli.test_commands import read
from fitwell.cli import main
from fitwell.models.ensemble import Ensemble
from fitwell.runs.prediction import load_predictor
from fitwell.vetting.hashes import write_manifest
from toys import make_frame, timeless

OPTIONS = ("--trials", 4, "--epochs", 8, "--seeds", 2, "--widths", "8", "--workers", 1, "--quiet")


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def by_hand(run, frame):
    """The weighted mean of the members, in numpy, from the file of weights alone."""
    state = load_file(run / "model" / "weights.safetensors")
    x = load_predictor(run).encoder.transform(frame).astype(np.float64)
    mean = 0
    for number, weight in enumerate(state["weights"].astype(np.float64)):
        layers = sorted({name.split(".")[2] for name in state if f"members.{number}." in name})
        hidden = x
        for place, layer in enumerate(layers):
            w, b = (state[f"members.{number}.{layer}.{part}"] for part in ("weight", "bias"))
            hidden = hidden @ w.T.astype(np.float64) + b
            hidden = hidden if place == len(layers) - 1 else np.maximum(hidden, 0)
        mean = mean + weight * softmax(hidden)
    return mean


@pytest.fixture(scope="module", params=["bag", "greedy"])
def made(request, tmp_path_factory):
    """A finished run, what it printed, and the command that made it."""
    folder = tmp_path_factory.mktemp(request.param)
    make_frame(rows=200).to_csv(folder / "table.csv", index=False)
    command = ["tune", folder / "table.csv", "--target", "bought", f"--{request.param}", *OPTIONS]
    done = CliRunner().invoke(main, [str(a) for a in [*command, "--out", folder / "run"]])
    assert done.exit_code == 0, done.stderr
    return folder / "run", done.stdout, command, request.param


def test_the_shipped_mean_predicts_as_its_members_do_by_hand(fitwell, made):
    run, printed, _, option = made
    new = make_frame(rows=50, seed=3)
    new.to_csv("new.csv", index=False)
    predicted = fitwell("predict", run, "new.csv")
    assert predicted.exit_code == 0
    found = pd.read_csv(io.StringIO(predicted.stdout)).to_numpy()
    np.testing.assert_allclose(found, by_hand(run, new), atol=1e-6)
    np.testing.assert_allclose(found, load_predictor(run).predict_proba(new), atol=1e-15)
    members = read(run / "result.json")["members"]
    assert read(run / "model/model.json")["network"]["members"] == len(members)
    weights = load_file(run / "model" / "weights.safetensors")["weights"]
    assert [m["weight"] for m in members] == weights.tolist()
    assert read(run / "result.json")["after"]["network"] == f"treatment, {option}"
    assert ("Mean against mean, " in " ".join(printed.split())) == (option == "bag")


def test_a_bag_differs_from_every_member(made):
    run, _, _, option = made
    predictor = load_predictor(run)
    assert isinstance(predictor.network, Ensemble)
    if option == "bag":
        assert len(predictor.network.members) == 4
        new = make_frame(rows=50, seed=3)
        for member in predictor.network.members:
            alone = replace(predictor, network=member).predict_proba(new)
            assert np.abs(alone - predictor.predict_proba(new)).max() > 1e-4


def test_a_run_that_is_resumed_ends_alike(fitwell, made):
    run, _, command, _ = made
    shutil.copytree(
        run, "cut", ignore=shutil.ignore_patterns("result.json", "model", "report.html")
    )
    resumed = fitwell(*command, "--out", "cut", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert timeless(read("cut/result.json")) == timeless(read(run / "result.json"))
    weights = [(folder / "model/weights.safetensors").read_bytes() for folder in (run, Path("cut"))]
    assert weights[0] == weights[1]


def test_a_mean_with_another_number_of_members_is_refused(fitwell, made):
    shutil.copytree(made[0], "run")
    path = Path("run/model/model.json")
    about = json.loads(path.read_text())
    about["network"]["members"] += 1
    path.write_text(json.dumps(about))
    write_manifest(Path("run"))  # somebody who knows that there are hashes
    make_frame().to_csv("table.csv", index=False)
    done = fitwell("predict", "run", "table.csv")
    assert done.exit_code == 2
    assert "weights.safetensors does not fit the network" in done.stderr


def test_the_two_together_and_a_bag_over_time_leave_nothing_behind(fitwell):
    make_frame(rows=200).assign(day=range(200)).to_csv("table.csv", index=False)
    command = ("tune", "table.csv", "--target", "bought", "--out", "run", *OPTIONS)
    both = fitwell(*command, "--bag", "--greedy")
    over_time = fitwell(*command, "--bag", "--time", "day")
    assert (both.exit_code, over_time.exit_code) == (2, 2)
    assert both.stderr == (
        "fitwell: --bag and --greedy are both given, but one model is shipped. Choose one; a"
        " second run with the other has the same parts, seeds and search.\n"
    )
    assert over_time.stderr == (
        "fitwell: --bag trains on cuts of the rows, but with --time some networks would learn from"
        " the future and stop by the past. Leave out --bag, or --time if order does not matter.\n"
    )
    assert not Path("run").exists()
