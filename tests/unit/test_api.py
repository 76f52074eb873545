"""The four verbs in Python, on modules, factories, arrays, Datasets and DataFrames."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import fitwell
from fitwell.runs.api import Answer, Reading
from toys import make_frame

QUICK = {"trials": 3, "epochs": 4, "seeds": 2, "workers": 1}


def make_arrays(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 5)).astype(np.float32)
    return x, (x[:, 0] + 0.3 * rng.normal(size=rows) > 0).astype(int)


def make_network(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, outputs))


def test_a_factory_and_arrays_give_an_answer_with_a_bare_network():
    answer = fitwell.tune(make_network, make_arrays(), **QUICK)
    assert isinstance(answer, Answer)
    assert str(answer).startswith("Your network reads ")
    assert answer.regularization is not None
    assert list(answer.module.state_dict()) == list(make_network(5, 2).state_dict())
    assert not answer.module.training
    x, _ = make_arrays(rows=3, seed=1)
    with torch.no_grad():
        expected = answer.module(torch.from_numpy(x)).softmax(dim=1).numpy()
    np.testing.assert_allclose(answer.predictor.predict_proba(x), expected, atol=1e-6)


def test_a_module_is_copied_and_trained_anew():
    module = make_network(5, 2)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    answer = fitwell.tune(module, make_arrays(), **QUICK)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
    assert not torch.equal(answer.module[0].weight, module[0].weight)


def test_a_dataset_is_as_good_as_arrays():
    x, y = make_arrays()
    dataset = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
    assert (
        fitwell.tune(make_network, dataset, **QUICK).result.before
        == fitwell.tune(make_network, (x, y), **QUICK).result.before
    )


@pytest.mark.slow
def test_a_frame_and_the_command_line_give_the_same_result(tmp_path):
    from click.testing import CliRunner

    from fitwell.cli import main
    from fitwell.storage import read_json, result_to_dict, to_json

    frame = make_frame()
    frame.to_csv(tmp_path / "table.csv", index=False)
    options = {**QUICK, "widths": (8,)}
    answer = fitwell.compare("mlp", frame, target="bought", resamples=2, **options)
    given = [
        "--resamples",
        "2",
        "--trials",
        "3",
        "--epochs",
        "4",
        "--seeds",
        "2",
        "--workers",
        "1",
        "--widths",
        "8",
    ]
    out = tmp_path / "run"
    done = CliRunner().invoke(
        main,
        ["compare", str(tmp_path / "table.csv"), "--target", "bought", "--out", str(out), *given],
    )
    assert done.exit_code == 0
    import json

    mine, theirs = (
        json.loads(to_json(result_to_dict(answer.result))),
        read_json(out / "result.json"),
    )
    for part in ("before", "after", "diagnosis", "regularization"):
        assert mine[part] == theirs[part]


def test_a_file_name_and_a_folder_give_a_run_folder(tmp_path):
    make_frame().to_csv(tmp_path / "table.csv", index=False)
    fitwell.tune("mlp", str(tmp_path / "table.csv"), target="bought", out=tmp_path / "run", **QUICK)
    assert (tmp_path / "run" / "result.json").is_file()
    assert (tmp_path / "run" / "report.html").is_file()


def test_a_trained_network_is_judged_as_it_is():
    train, test = make_arrays(rows=20_000), make_arrays(rows=20_000, seed=1)
    network = make_network(5, 2)
    with torch.no_grad():
        network[0].weight.zero_()
        network[0].bias.zero_()
        network[0].weight[0, 0], network[0].weight[1, 0] = 1.0, -1.0
        network[2].weight.zero_()
        network[2].bias.zero_()
        network[2].weight[1, 0], network[2].weight[0, 1] = 5.0, 5.0
    network.train()
    reading = fitwell.diagnose(network, train, test)
    assert isinstance(reading, Reading)
    # The network says class 1 where the first column is above zero.
    expected = ((test[0][:, 0] > 0) == test[1]).mean()
    assert reading.state.test.accuracy.value == pytest.approx(expected, abs=1e-9)
    assert reading.diagnosis.verdict == "healthy"
    assert network.training


def test_diagnose_trains_a_factory_first():
    answer = fitwell.diagnose(make_network, make_arrays(), epochs=4)
    assert isinstance(answer, Answer)
    assert answer.regularization is None
    assert answer.diagnosis == answer.result.diagnosis


def test_a_test_set_of_ones_own_is_used_whole():
    answer = fitwell.tune(make_network, make_arrays(), make_arrays(rows=77, seed=1), **QUICK)
    assert answer.result.data.test == 77


def test_bad_input_leaves_no_folder_behind(tmp_path):
    with pytest.raises(fitwell.InputError, match="--workers is -1"):
        fitwell.tune(make_network, make_arrays(), out=tmp_path / "run", **{**QUICK, "workers": -1})
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: fitwell.diagnose(make_network(5, 2), make_arrays()),
            "test is missing: a trained network can only be judged on rows that it was not trained"
            " on. Give them, or give a function that builds the network.",
        ),
        (
            lambda: fitwell.tune(make_network, make_arrays(), trails=3),
            "trails is no option. Did you mean trials?",
        ),
        (
            lambda: fitwell.tune("mlp", make_frame()),
            "target is missing: name the column of the DataFrame to predict.",
        ),
        (
            lambda: fitwell.tune(make_network, make_arrays(), target="y"),
            "target is for tables, but train is not a DataFrame.",
        ),
        (
            lambda: fitwell.tune(3, make_arrays()),
            "model is int, but a module, a function that builds one, 'mlp' or 'cnn' is expected.",
        ),
    ],
)
def test_bad_arguments_are_input_errors(call, message):
    with pytest.raises(fitwell.InputError) as caught:
        call()
    assert str(caught.value) == message
