"""Models of transformers that keep dropout rates as plain numbers, or as layers."""

import copy

import pytest
import torch
from torch import nn

from fitwell.treatment import regularize

transformers = pytest.importorskip("transformers", reason="transformers is not installed")

SIZES = {
    "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 16, "num_labels": 3,
}  # fmt: skip
WORDS = {**SIZES, "max_position_embeddings": 16, "pad_token_id": 0}
PIXELS = {**SIZES, "image_size": 8, "patch_size": 4, "num_channels": 1}
NO_END = {"bos_token_id": None, "eos_token_id": None}


def words():
    return {"input_ids": torch.randint(1, 20, (4, 6))}


def pixels():
    return {"pixel_values": torch.randn(4, 1, 8, 8)}


def quiet(config, keys):
    """Set rates of a configuration to zero."""
    for key in keys:
        assert hasattr(config, key)
        setattr(config, key, 0.0)
    return config


def bert():
    config = transformers.BertConfig(**WORDS)
    config = quiet(config, ["hidden_dropout_prob", "attention_probs_dropout_prob"])
    return transformers.BertForSequenceClassification(config)


def roberta():
    config = transformers.RobertaConfig(**{**WORDS, "max_position_embeddings": 20})
    config = quiet(config, ["hidden_dropout_prob", "attention_probs_dropout_prob"])
    return transformers.RobertaForSequenceClassification(config)


def vit():
    config = transformers.ViTConfig(**PIXELS)
    config = quiet(config, ["hidden_dropout_prob", "attention_probs_dropout_prob"])
    return transformers.ViTForImageClassification(config)


def deit():
    config = transformers.DeiTConfig(**PIXELS)
    config = quiet(config, ["hidden_dropout_prob", "attention_probs_dropout_prob"])
    return transformers.DeiTForImageClassification(config)


def gpt():
    config = transformers.GPT2Config(
        vocab_size=20, n_embd=8, n_layer=2, n_head=2, n_positions=16, num_labels=3, pad_token_id=0,
        **NO_END,
    )  # fmt: skip
    config = quiet(config, ["attn_pdrop", "embd_pdrop", "resid_pdrop"])
    return transformers.GPT2ForSequenceClassification(config)


def distilbert():
    config = transformers.DistilBertConfig(
        vocab_size=20, dim=8, n_layers=2, n_heads=2, hidden_dim=16, max_position_embeddings=16
    )
    config = quiet(config, ["dropout", "attention_dropout", "seq_classif_dropout"])
    return transformers.DistilBertForSequenceClassification(config)


def llama():
    config = transformers.LlamaConfig(**WORDS, **NO_END)
    return transformers.LlamaForSequenceClassification(quiet(config, ["attention_dropout"]))


def bart():
    config = transformers.BartConfig(
        vocab_size=20, d_model=8, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16,
        decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2,
        max_position_embeddings=16,
    )  # fmt: skip
    config = quiet(config, ["dropout", "attention_dropout", "activation_dropout"])
    return transformers.BartForConditionalGeneration(config)


MODELS = {
    "bert": (bert, words, "bert.encoder.layer.0.attention.self", ".dropout", "p"),
    "roberta": (roberta, words, "roberta.encoder.layer.1.attention.self", ".dropout", "p"),
    "vit": (vit, pixels, "vit.layers.0.attention", "", "attention_dropout"),
    "deit": (deit, pixels, "deit.layers.1.attention", "", "attention_dropout"),
    "gpt": (gpt, words, "transformer.h.1.attn.attn_dropout", "", "p"),
    "distilbert": (distilbert, words, "distilbert.transformer.layer.0.attention", ".dropout", "p"),
    "llama": (llama, words, "model.layers.1.self_attn", "", "attention_dropout"),
    "bart": (bart, words, "model.encoder.layers.0.self_attn", "", "dropout"),
}
"""How each is made, its input, an attention layer, and where in it which attribute is the rate."""


class Case:
    def __init__(self, name):
        make, make_input, self.layer, below, self.attribute = MODELS[name]
        self.holder = self.layer + below
        torch.manual_seed(0)
        self.network, self.x = make(), make_input()

    def rate(self, network):
        return getattr(network.get_submodule(self.holder), self.attribute)

    def output(self, network):
        return network(**self.x).logits


@pytest.fixture(params=MODELS, ids=str)
def case(request):
    return Case(request.param)


def test_a_rule_turns_on_the_attention_dropout_of_one_layer_alone(case):
    assert torch.equal(case.output(case.network.train()), case.output(case.network))
    treated = regularize(case.network, rules={case.layer: {"dropout": 0.5}})
    assert case.rate(treated.module) == 0.5
    done = [c for c in treated.changes if "left alone" not in c.what]
    word = "Dropout" if case.attribute == "p" else case.attribute
    assert [str(c) for c in done] == [f"{case.holder}: existing {word} set to 0.5"]
    treated.module.train()
    assert not torch.equal(case.output(treated.module), case.output(treated.module))
    assert torch.equal(case.output(treated.module.eval()), case.output(case.network.eval()))


def test_the_schedule_scales_it_and_zero_is_the_network_without(case):
    treated = regularize(case.network, rules={case.layer: {"dropout": 0.5}})
    treated.set_dropout_(0.25)
    assert case.rate(treated.module) == 0.125
    treated.set_dropout_(0.0)
    torch.testing.assert_close(
        case.output(treated.module.train()), case.output(case.network.eval())
    )


def test_the_number_comes_back_and_the_original_keeps_its_own(case):
    config, before = copy.deepcopy(case.network.config.to_dict()), str(case.network)
    treated = regularize(case.network, dropout=0.4)
    assert case.rate(treated.module) == 0.4
    assert case.rate(case.network) == 0.0
    assert case.network.config.to_dict() == treated.module.config.to_dict() == config
    bare = treated.remove()
    assert case.rate(bare) == 0.0
    assert str(bare) == str(case.network) == before
    assert torch.equal(case.output(bare.train()), case.output(bare))


def test_a_rate_of_zero_by_a_rule_leaves_the_number(case):
    treated = regularize(case.network, dropout=0.4, rules={case.layer: {"dropout": 0.0}})
    assert case.rate(treated.module) == 0.0


def test_an_activation_that_its_layer_drops_by_a_number_is_not_dropped_twice():
    treated = regularize(bart(), dropout=0.4)
    assert not any(layer._forward_hooks for layer in treated.module.modules())
    assert "model.encoder.layers.0: existing dropout and activation_dropout set to 0.4" in [
        str(change) for change in treated.changes
    ]


def test_activations_of_transformers_are_activations():
    treated = regularize(bert(), dropout=0.4)
    after = [change.layer for change in treated.changes if "after it" in change.what]
    stem = "bert.encoder.layer.{}.intermediate.intermediate_act_fn"
    assert after == [stem.format(0), stem.format(1)]


def test_projections_of_attention_with_dropout_are_not_named_as_left_alone():
    for make in (bert, gpt, llama, deit):
        treated = regularize(make(), dropout=0.4)
        assert not any("no activation found" in change.what for change in treated.changes)


def test_a_number_that_nothing_reads_is_left_alone():
    """FalconAttention keeps ``hidden_dropout`` and uses it nowhere."""
    config = transformers.FalconConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2
    )
    treated = regularize(transformers.FalconForCausalLM(config), dropout=0.4)
    attention = treated.module.transformer.h[0].self_attention
    assert attention.hidden_dropout == 0.0
    assert isinstance(attention.attention_dropout, nn.Dropout)
    assert attention.attention_dropout.p == 0.4


def test_a_rate_that_is_read_from_the_config_at_each_call_is_named():
    config = transformers.PersimmonConfig(**WORDS, attention_dropout=0.1, **NO_END)
    network = transformers.PersimmonForCausalLM(config)
    treated = regularize(network, dropout=0.4)
    assert [str(c) for c in treated.changes if "config" in c.what] == [
        f"model.layers.{number}.self_attn: left alone: reads config.attention_dropout (0.1) at"
        " each call, which all layers share; set it there"
        for number in (0, 1)
    ]
    assert treated.module.config.attention_dropout == network.config.attention_dropout == 0.1


def test_a_dropout_behind_the_output_layer_is_named():
    treated = regularize(distilbert(), dropout=0.4)
    assert "dropout: left alone: it is registered behind the output layer" in [
        str(change) for change in treated.changes
    ]
