import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from fitwell.data.columns import TableEncoder, infer_columns
from fitwell.errors import InputError
from fitwell.model_files import load_model, save_model
from fitwell.models.blueprint import Blueprint
from fitwell.models.ensemble import Ensemble
from fitwell.training.loop import probabilities
from toys import make_frame


@pytest.fixture
def saved(tmp_path):
    """A small network with its encoder, in a folder."""
    frame = make_frame().drop(columns="bought")
    encoder = TableEncoder.fit(frame, infer_columns(frame))
    blueprint = Blueprint(kind="mlp", widths=(7, 5), activation="gelu")
    torch.manual_seed(0)
    network = blueprint.build(encoder.shape, 2)
    save_model(
        tmp_path / "model",
        network=network,
        blueprint=blueprint,
        shape=encoder.shape,
        classes=("no", "yes"),
        encoder=encoder,
    )
    return tmp_path / "model", network, encoder, frame


def test_a_reload_predicts_the_same_bit_for_bit(saved):
    folder, network, encoder, frame = saved
    expected = probabilities(network.eval(), encoder.transform(frame))
    loaded = load_model(folder)
    assert np.array_equal(loaded.predict_proba(frame), expected)
    assert loaded.classes == ("no", "yes")
    assert not loaded.network.training


def test_probabilities_are_softmax_of_the_networks_output_in_float64(saved):
    folder, network, encoder, frame = saved
    with torch.no_grad():
        logits = network.eval()(torch.from_numpy(encoder.transform(frame))).double()
    expected = logits.softmax(dim=1).numpy()
    # float32 products in batches of another size differ in their last bits.
    np.testing.assert_allclose(load_model(folder).predict_proba(frame), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["weights.safetensors", "encoder.json"])
def test_a_changed_file_is_refused_by_name(saved, name):
    folder = saved[0]
    raw = bytearray((folder / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / name).write_bytes(raw)
    with pytest.raises(InputError, match=f"{name} was changed since the run"):
        load_model(folder)


@pytest.mark.parametrize("name", ["weights.safetensors", "encoder.json", "model.json"])
def test_a_missing_file_is_named(saved, name):
    folder = saved[0]
    (folder / name).unlink()
    with pytest.raises(InputError, match=name):
        load_model(folder)


def test_another_format_is_refused(saved):
    folder = saved[0]
    about = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**about, "format": 1}))
    with pytest.raises(InputError, match="has format 1, but this fitwell reads format 2"):
        load_model(folder)


def test_a_network_of_ones_own_is_built_only_by_a_factory_that_is_named(tmp_path, monkeypatch):
    (tmp_path / "their_net.py").write_text(
        "from torch import nn\ndef make(i, o):\n    return nn.Sequential(nn.Linear(i, o))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    blueprint = Blueprint(
        kind="custom",
        factory=lambda i, o: nn.Sequential(nn.Linear(i, o)),
        name="their_net:make",
    )
    network = blueprint.build((3,), 2)
    save_model(
        tmp_path / "model",
        network=network,
        blueprint=blueprint,
        shape=(3,),
        classes=("a", "b"),
        encoder=None,
    )
    with pytest.raises(InputError, match="Name it again with --model module:factory"):
        load_model(tmp_path / "model")
    x = np.ones((2, 3), dtype=np.float32)
    loaded = load_model(tmp_path / "model", "their_net:make")
    assert np.array_equal(loaded.predict_proba(x), probabilities(network.eval(), x))


def test_every_shape_of_the_built_in_networks_comes_back(tmp_path):
    plain = Blueprint(kind="mlp", widths=(16, 8))
    cnn = Blueprint(kind="cnn", widths=(4, 8))
    for number, (blueprint, shape) in enumerate(
        [(replace(plain, width=0.5), (5,)), (replace(plain, removed=1), (5,)), (cnn, (1, 12, 12))]
    ):
        network = blueprint.build(shape, 3)
        folder = tmp_path / str(number)
        save_model(
            folder, network=network, blueprint=blueprint, shape=shape, classes="abc", encoder=None
        )
        x = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
        expected = probabilities(network.eval(), x)
        assert np.array_equal(load_model(folder).predict_proba(x), expected)


def test_rows_are_predicted_alike_alone_and_together(saved):
    folder, _, _, frame = saved
    model = load_model(folder)
    together = model.predict_proba(frame)
    alone = np.concatenate([model.predict_proba(frame.iloc[[i]]) for i in range(len(frame))])
    np.testing.assert_allclose(alone, together, atol=1e-6)
    assert model.predict_proba(pd.DataFrame(columns=frame.columns)).shape == (0, 2)


def test_rows_of_another_width_are_refused(tmp_path):
    blueprint = Blueprint(kind="mlp", widths=(4,))
    network = blueprint.build((3,), 2)
    save_model(
        tmp_path, network=network, blueprint=blueprint, shape=(3,), classes="ab", encoder=None
    )
    with pytest.raises(InputError) as caught:
        load_model(tmp_path).predict_proba(np.ones((2, 4), dtype=np.float32))
    assert str(caught.value) == (
        "a row has shape (4,), but the model was trained on (3,). Give the columns of training, in"
        " their order."
    )


def test_a_mean_of_networks_comes_back_and_a_single_one_has_no_members(saved, tmp_path):
    folder, network, encoder, frame = saved
    assert "members" not in json.loads((folder / "model.json").read_text())["network"]
    blueprint = Blueprint(kind="mlp", widths=(7, 5), activation="gelu")
    mean = Ensemble([network, blueprint.build(encoder.shape, 2)], [0.625, 0.375])
    save_model(
        tmp_path / "mean",
        network=mean,
        blueprint=blueprint,
        shape=encoder.shape,
        classes=("no", "yes"),
        encoder=encoder,
    )
    assert json.loads((tmp_path / "mean/model.json").read_text())["network"]["members"] == 2
    loaded = load_model(tmp_path / "mean")
    expected = probabilities(mean.eval(), encoder.transform(frame))
    assert np.array_equal(loaded.predict_proba(frame), expected)
    assert not np.allclose(load_model(folder).predict_proba(frame), expected, atol=1e-4)
    assert loaded.network.weights.tolist() == [0.625, 0.375]
