"""`tune --from`: the user's own weights as a start, and every way in which they do not fit."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import fitwell
from fitwell.errors import InputError
from toys import QUICK, timeless

STARTS = ["treatment, continued", "treatment, shrunk and perturbed", "as given"]
WAY_OUT = (
    "The inputs of a table's network follow from the columns and the categories of its training"
    " rows: use the data, --seed, --widths and --ignore that the weights were trained with."
)


def read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


@pytest.fixture
def first(fitwell, table):
    """A run of fitwell, and the weights that it shipped."""
    assert fitwell("tune", table, "--target", "bought", "--out", "a", *QUICK).exit_code == 0
    return Path("a/model/weights.safetensors")


@pytest.fixture
def own(table):
    """Weights of the user's own that fit the table, written by safetensors alone."""
    save_file(make_network(5, 2).state_dict(), "own.safetensors")
    return "own.safetensors"


def tune_from(fitwell, weights, *more):
    return fitwell("tune", "table.csv", "--target", "bought", "--from", weights, *more, *QUICK)


def test_weights_of_a_run_are_a_start_and_what_is_shipped_is_trained_anew(fitwell, first):
    done = tune_from(fitwell, first, "--out", "b")
    assert done.exit_code == 0, done.stderr
    assert "Your weights read " in done.stdout
    a, b = read("a/result.json"), read("b/result.json")
    assert Path("b/model/weights.safetensors").read_bytes() == first.read_bytes()
    assert b["regularization"] == a["regularization"]
    assert timeless(b["trials"]) == timeless(a["trials"])
    assert a["start"] is None
    names = [arm["name"] for arm in b["comparison"]["arms"]]
    assert names == [*(arm["name"] for arm in a["comparison"]["arms"]), *STARTS]
    arms = {arm["name"]: arm for arm in b["comparison"]["arms"]}
    assert {tuple(arm["seeds"]) for arm in arms.values()} == {(0, 1)}
    # The weights were shipped by the first run, which has read them on the same rows.
    assert arms["as given"]["test"]["log_loss"]["value"] == pytest.approx(
        a["after"]["test"]["log_loss"]["value"]
    )
    start = b["start"]
    assert start["test_log_loss"] == a["after"]["test"]["log_loss"]
    assert start["weights"] == str(first)
    assert start["sha256"] == hashlib.sha256(first.read_bytes()).hexdigest()
    assert [d["arm"] for d in start["differences"]] == STARTS[:2]
    for difference in start["differences"]:
        for kind in ("accuracy", "log_loss"):
            own, anew = (
                arms[name]["test"][kind]["value"] for name in (difference["arm"], start["baseline"])
            )
            assert difference[kind]["value"] == pytest.approx(own - anew)
    options = read("b/run.json")["options"]
    assert (options["from_weights"], options["from_sha256"]) == (str(first), start["sha256"])
    report = Path("b/report.html").read_text(encoding="utf-8")
    assert "Your weights read " in report
    assert b["notes"][-1] in report


@pytest.mark.slow
def test_a_run_that_was_cut_off_ends_with_the_same_result(fitwell, own):
    assert tune_from(fitwell, own, "--out", "b").exit_code == 0
    whole = read("b/result.json")
    Path("b/result.json").unlink()
    assert tune_from(fitwell, own, "--out", "b", "--resume").exit_code == 0
    assert timeless(read("b/result.json")) == timeless(whole)


def test_a_resume_with_other_weights_under_the_same_name_is_refused(fitwell, own):
    assert tune_from(fitwell, own, "--out", "b").exit_code == 0
    before = hashlib.sha256(Path(own).read_bytes()).hexdigest()
    Path("copy.safetensors").write_bytes(Path(own).read_bytes())
    save_file(make_network(5, 2).state_dict(), own)
    after = hashlib.sha256(Path(own).read_bytes()).hexdigest()
    done = tune_from(fitwell, own, "--out", "b", "--resume")
    assert done.exit_code == 2
    assert done.stderr == (
        f"fitwell: --resume: b was begun with from_sha256 = {before!r}, not {after!r}."
        " Repeat the first command, or choose another --out.\n"
    )
    done = tune_from(fitwell, "copy.safetensors", "--out", "b", "--resume")
    assert done.stderr == (
        "fitwell: --resume: b was begun with from_weights = 'own.safetensors', not"
        " 'copy.safetensors'. Repeat the first command, or choose another --out.\n"
    )


def changed(change):
    state = load_file("own.safetensors")
    change(state)
    save_file(state, "own.safetensors")


MISFITS = {
    "a key is missing": (
        lambda: changed(lambda s: s.pop("2.bias")),
        "does not fit the network: it has no 2.bias, of shape (2,). " + WAY_OUT,
    ),
    "a layer has another shape": (
        lambda: changed(lambda s: s.update({"0.weight": torch.zeros(8, 7)})),
        "does not fit the network: 0.weight has shape (8, 7), but (8, 5) is expected. " + WAY_OUT,
    ),
    "a key is too much": (
        lambda: changed(lambda s: s.update({"4.weight": torch.zeros(2, 2)})),
        "does not fit the network: the network has no 4.weight, of shape (2, 2). " + WAY_OUT,
    ),
    "a number is NaN": (
        lambda: changed(lambda s: s["2.weight"].view(-1)[3:4].fill_(torch.nan)),
        None,
    ),
    "it is another file": (
        lambda: Path("own.safetensors").write_text("age,bought\n"),
        "is not a safetensors file. Write one with"
        " safetensors.torch.save_file(network.state_dict(), 'weights.safetensors').",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_weights_that_do_not_fit_are_refused_in_one_line(fitwell, own, name):
    make, expected = MISFITS[name]
    make()
    done = tune_from(fitwell, "own.safetensors", "--out", "b")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr == "fitwell: --from own.safetensors" + (
        f" {expected}\n"
        if expected
        else ": 2.weight holds NaN or infinite numbers. Give weights of a training that did not"
        " diverge.\n"
    )
    assert not Path("b").exists()


def test_a_file_that_is_not_there_and_a_folder_are_refused(fitwell, own):
    done = tune_from(fitwell, "nowhere.safetensors", "--out", "b")
    assert (done.exit_code, done.stderr) == (
        2,
        "fitwell: --from nowhere.safetensors: there is no such file. Name a safetensors file of"
        " the network's weights.\n",
    )
    Path("folder").mkdir()
    done = tune_from(fitwell, "folder", "--out", "b")
    assert (done.exit_code, done.stderr) == (
        2,
        "fitwell: --from folder is a folder. Name the file in it: of a run of fitwell"
        " folder/model/weights.safetensors.\n",
    )
    assert not Path("b").exists()


PYTHON = {"trials": 3, "epochs": 4, "seeds": 2, "workers": 1}


def make_network(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, outputs))


def make_arrays():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5)).astype(np.float32)
    return x, (x[:, 0] + 0.3 * rng.normal(size=200) > 0).astype(int)


def test_a_state_dict_in_python_is_as_good_as_a_file(tmp_path):
    state = make_network(5, 2).state_dict()
    save_file(state, tmp_path / "own.safetensors")
    by_file = fitwell.tune(
        make_network, make_arrays(), from_weights=tmp_path / "own.safetensors", **PYTHON
    ).result
    by_state = fitwell.tune(make_network, make_arrays(), from_weights=state, **PYTHON).result
    assert by_state.start.weights == "given in Python"
    assert by_file.start.weights == str(tmp_path / "own.safetensors")
    assert by_state.start.differences == by_file.start.differences
    assert by_state.start.test_log_loss == by_file.start.test_log_loss


def test_half_precision_is_read_and_a_misfit_of_the_users_own_network_names_the_model():
    state = make_network(5, 2).state_dict()
    half = {name: value.bfloat16() for name, value in state.items()}
    started = fitwell.tune(make_network, make_arrays(), from_weights=half, **PYTHON).result.start
    whole = fitwell.tune(make_network, make_arrays(), from_weights=state, **PYTHON).result.start
    assert started.test_log_loss.value == pytest.approx(whole.test_log_loss.value, abs=0.01)
    assert started.sha256 != whole.sha256
    del state["0.bias"]
    with pytest.raises(InputError) as caught:
        fitwell.tune(make_network, make_arrays(), from_weights=state, **PYTHON)
    assert str(caught.value) == (
        "--from given in Python does not fit the network: it has no 0.bias, of shape (8,). Use the"
        " --model that the weights were trained with."
    )


def test_a_network_that_is_not_fused_starts_there_too():
    """Layer norm: its members are trained one by one."""

    def make(inputs, outputs):
        return nn.Sequential(
            nn.Linear(inputs, 8), nn.LayerNorm(8), nn.Tanh(), nn.Linear(8, outputs)
        )

    state = make(5, 2).state_dict()
    result = fitwell.tune(make, make_arrays(), from_weights=state, **PYTHON).result
    arms = {arm.name: arm for arm in result.comparison.arms}
    assert arms["treatment, continued"].test != arms["treatment"].test
    assert arms["treatment, shrunk and perturbed"].test != arms["treatment, continued"].test


def test_a_network_in_the_place_of_its_weights_is_refused():
    with pytest.raises(InputError) as caught:
        fitwell.tune(make_network, make_arrays(), from_weights=make_network(5, 2))
    assert str(caught.value) == (
        "from_weights is a Sequential, but a safetensors file or a state_dict is expected, such as"
        " network.state_dict()."
    )


@pytest.mark.parametrize("verb", ["diagnose", "compare"])
def test_only_tune_starts_from_weights(verb):
    with pytest.raises(InputError) as caught:
        getattr(fitwell, verb)(make_network, make_arrays(), from_weights="own.safetensors")
    assert str(caught.value) == "--from is 'own.safetensors', but the verb tune is expected."
