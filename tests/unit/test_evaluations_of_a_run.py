"""The detailed measures of a run belong to the networks and rows that its states are of."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import fitwell
from fitwell.results import Result
from fitwell.statistics import proportion_interval
from fitwell.storage import result_from_dict, result_to_dict, to_json

QUICK = {"trials": 3, "epochs": 4, "seeds": 2, "workers": 1}


def make_network(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, outputs))


def make_arrays(rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 5)).astype(np.float32)
    return x, (x[:, 0] + 0.5 * rng.normal(size=rows) > 0).astype(int)


@pytest.fixture(scope="module")
def tuned():
    test = make_arrays(150, 1)
    return fitwell.tune(make_network, make_arrays(300, 0), test, **QUICK), test


def right(evaluation):
    return np.trace(np.array(evaluation.confusion))


def test_each_evaluation_is_of_the_state_beside_it(tuned):
    answer, _ = tuned
    result = answer.result
    for state, evaluation in zip((result.before, result.after), result.evaluations, strict=True):
        assert evaluation.network == state.network
        assert evaluation.rows == state.test.rows == 150
        assert right(evaluation) / 150 == pytest.approx(state.test.accuracy.value)
        recalls = [c.recall.value for c in evaluation.classes]
        assert np.mean(recalls) == pytest.approx(state.test.balanced_accuracy.value)
        assert [c.name for c in evaluation.classes] == list(result.classes)


def test_the_last_evaluation_is_of_the_shipped_network(tuned):
    answer, (x, y) = tuned
    said = answer.predictor.predict_proba(x)
    evaluation = answer.result.evaluations[1]
    assert ((said[:, 1] - y) ** 2).mean() == pytest.approx(
        evaluation.calibration.brier.value, abs=1e-6
    )
    point = evaluation.ranking.at_specificity[0]
    called = said[:, 1] >= point.threshold - 1e-7
    assert called[y == 1].mean() == pytest.approx(point.sensitivity.value)


def test_the_test_part_is_opened_once_all_the_same(tuned):
    assert tuned[0].result.test_openings == 1


def test_the_layers_are_those_of_the_shipped_network(tuned):
    answer, _ = tuned
    layers = answer.result.layers
    assert [(x.name, x.shape) for x in layers] == [("0.weight", (8, 5)), ("2.weight", (2, 8))]
    assert layers[0].zeros == int((answer.module[0].weight == 0).sum())
    zeros = sum(layer.zeros for layer in layers) / sum(layer.weights for layer in layers)
    assert zeros == pytest.approx(answer.result.regularization.zeros)
    assert layers[1].norm == pytest.approx(
        float(torch.linalg.norm(answer.module[2].weight.detach()))
    )


def test_a_diagnosis_has_one_evaluation_and_the_layers_of_the_network_as_it_is(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 5)).astype(np.float32)
    answer = fitwell.diagnose(make_network, (x, rng.integers(0, 3, 300)), epochs=3)
    (evaluation,) = answer.result.evaluations
    assert evaluation.ranking is None
    assert evaluation.network == "untreated"
    assert len(answer.result.layers) == 2


def test_a_result_comes_back_from_json_as_it_was(tuned):
    result = tuned[0].result
    assert result_from_dict(json.loads(to_json(result_to_dict(result)))) == result


def test_a_result_of_an_older_run_has_no_details(tuned):
    data = json.loads(to_json(result_to_dict(tuned[0].result)))
    del data["evaluations"], data["layers"]
    found = result_from_dict(data)
    assert isinstance(found, Result)
    assert (found.evaluations, found.layers) == ((), ())


def test_groups_reach_the_intervals_of_the_details():
    x, y = make_arrays(150, 3)
    frame = pd.DataFrame(np.repeat(x, 5, axis=0), columns=list("abcde"))
    frame["y"], frame["patient"] = np.repeat(y, 5), np.repeat(np.arange(150), 5)
    together = fitwell.diagnose("mlp", frame, target="y", group="patient", epochs=8, widths=(8,))
    (found,) = together.result.evaluations
    checked = 0
    for c in found.classes:
        if c.recall and 0 < c.recall.value < 1:
            alone = proportion_interval(round(c.recall.value * c.rows), c.rows)
            assert c.recall.high - c.recall.low > alone.high - alone.low
            checked += 1
    assert checked  # the network is neither blind nor perfect
