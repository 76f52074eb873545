"""Classifiers of transformers, built from a config, tuned by the command and from Python."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner

import fitwell
from fitwell.cli import main

transformers = pytest.importorskip("transformers")

VIT = """
from torch import nn
from transformers import ViTConfig, ViTForImageClassification


class Logits(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x).logits


def make(shape, outputs):
    config = ViTConfig(
        image_size=shape[1], patch_size=4, num_channels=shape[0], num_labels=outputs,
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
    )
    return Logits(ViTForImageClassification(config))
"""


@pytest.mark.slow
def test_a_vision_transformer_is_tuned_by_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "tiny_vit.py").write_text(VIT, encoding="utf-8")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 240)
    images = rng.integers(0, 120, (240, 12, 12)) + 100 * labels[:, None, None]
    np.savez("images.npz", train_images=images.astype(np.uint8), train_labels=labels)
    done = CliRunner().invoke(
        main,
        ["tune", "images.npz", "--model", "tiny_vit:make", "--trials", "4", "--epochs", "6",
         "--seeds", "1", "--batch-size", "32", "--json", "--quiet", "--out", "run"],
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    result = json.loads(done.stdout)
    path = "a population of single networks: Logits is not a Sequential"
    assert result["search_paths"]["treatment"] == path
    assert len(result["trials"]) == 4
    assert result["after"]["test"]["accuracy"]["value"] > 0.8


@pytest.mark.slow
def test_a_text_classifier_is_tuned_from_python():
    from torch import nn

    class Words(nn.Module):
        """Word numbers come as columns of numbers."""

        def __init__(self, outputs):
            super().__init__()
            config = transformers.BertConfig(
                vocab_size=30, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                intermediate_size=24, max_position_embeddings=8, num_labels=outputs,
            )  # fmt: skip
            self.model = transformers.BertForSequenceClassification(config)

        def forward(self, x):
            return self.model(x.long()).logits

    rng = np.random.default_rng(0)
    words = rng.integers(0, 30, (300, 6)).astype(np.float32)
    tuned = fitwell.tune(
        lambda _inputs, outputs: Words(outputs),
        (words, (words == 7).any(axis=1).astype(np.int64)),
        trials=4,
        epochs=8,
        seeds=1,
        learning_rate=3e-3,
        batch_size=32,
    )
    assert len(tuned.result.trials) == 4
    assert tuned.result.regularization.estimated_log_loss is not None
    assert not tuned.module.training
