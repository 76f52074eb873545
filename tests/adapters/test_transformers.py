"""The Hugging Face callback against the loop by hand, on a tiny BERT with random weights."""

import os
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional as F
from torch.utils.data import IterableDataset

from adapters.plain import (
    CASES,
    PENALTY,
    ZEROS,
    assert_same,
    difference,
    every_case,
    falling,
    optimizer_of,
    page_block,
    train,
)
from fitwell.errors import InputError
from fitwell.treatment import regularize

os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
transformers = pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="the Trainer needs accelerate")
from fitwell.adapters.transformers import Regularize  # noqa: E402

SIZE, STEPS = 8, 24


class Rows(IterableDataset):
    """Rows in one order: an iterable is not shuffled."""

    def __iter__(self):
        generator = torch.Generator().manual_seed(1)
        for _ in range(SIZE * STEPS):
            words = torch.randint(20, (5,), generator=generator)
            yield {"input_ids": words, "labels": (words > 9).sum() // 2}


def bert():
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=20, hidden_size=12, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=8, num_labels=3,
        initializer_range=0.3, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    model.accepts_loss_kwargs = False  # so the Trainer averages over accumulated batches
    return model


def fit(model, folder, case, *callbacks, **options):
    _, kind, accumulate, clip = case
    optimizer = optimizer_of(kind, model.parameters())
    args = transformers.TrainingArguments(
        output_dir=str(folder), report_to="none", use_cpu=True, disable_tqdm=True,
        save_strategy="no", per_device_train_batch_size=SIZE, max_steps=STEPS // accumulate,
        gradient_accumulation_steps=accumulate, max_grad_norm=clip or 0.0, logging_steps=4,
        **options,
    )  # fmt: skip
    trainer = transformers.Trainer(
        model,
        args,
        train_dataset=Rows(),
        optimizers=(optimizer, falling(optimizer)),
        callbacks=list(callbacks),
    )
    trainer.train()
    return trainer


def by_hand(case):
    rows = list(Rows())
    steps = [
        {key: torch.stack([row[key] for row in rows[i : i + SIZE]]) for key in rows[0]}
        for i in range(0, len(rows), SIZE)
    ]

    def loss_of(net, batch):
        return F.cross_entropy(net(input_ids=batch["input_ids"]).logits, batch["labels"])

    return train(bert().train(), case, loss_of, steps)


@every_case
def test_the_callback_trains_to_the_weights_of_the_loop_by_hand(case, tmp_path):
    treated = regularize(bert(), **case[0])
    fit(treated.module, tmp_path, case, Regularize(treated))
    assert_same(treated.module, by_hand(case))

    bare = bert()
    fit(bare, tmp_path, case)
    assert difference(bare, treated.module) > 1e-3


def test_the_terms_stand_beside_each_training_loss(tmp_path, capsys):
    treated = regularize(bert(), **PENALTY)
    trainer = fit(treated.module, tmp_path, CASES["penalty"], Regularize(treated))
    logs = [log for log in trainer.state.log_history if "loss" in log]
    assert len(logs) == STEPS / 4
    last = (logs[-1]["penalty_l1"], logs[-1]["penalty_l2"])
    assert last == pytest.approx(treated.terms())
    assert capsys.readouterr().out.count("penalty_l1") == len(logs)


def test_a_log_of_an_evaluation_is_left_alone():
    logs = {"eval_loss": 1.0}
    state = SimpleNamespace(log_history=[dict(logs)])
    Regularize(regularize(bert(), **PENALTY)).on_log(None, state, None, logs)
    assert logs == state.log_history[0] == {"eval_loss": 1.0}


def test_the_optimizer_has_no_hooks_left_afterwards(tmp_path):
    treated = regularize(bert(), **ZEROS)
    trainer = fit(treated.module, tmp_path, CASES["exact zeros"], Regularize(treated))
    optimizer = trainer.optimizer.optimizer
    assert not optimizer._optimizer_step_post_hooks
    assert not optimizer._optimizer_step_pre_hooks


def test_the_trainers_own_optimizer_serves(tmp_path):
    treated = regularize(bert(), **ZEROS)
    args = transformers.TrainingArguments(
        str(tmp_path), report_to="none", use_cpu=True, disable_tqdm=True, save_strategy="no",
        max_steps=20, learning_rate=0.01,
    )  # fmt: skip
    callbacks = [Regularize(treated)]
    transformers.Trainer(treated.module, args, train_dataset=Rows(), callbacks=callbacks).train()
    assert treated.zeros() > 0.05


def test_under_a_gradient_scaler_the_gradient_is_laid_down_scaled():
    """What accelerate makes of ``fp16=True``, which it refuses on a processor."""
    treated = regularize(bert(), **ZEROS | {"decoupled_l2": 0.1})
    model = treated.module
    optimizer = optimizer_of("sgd", model.parameters())
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    wrapped = SimpleNamespace(optimizer=optimizer, scaler=scaler)
    callback = Regularize(treated)
    args = SimpleNamespace(fsdp=None, deepspeed=None)
    callback.on_train_begin(args, None, None, optimizer=wrapped)
    callback.on_step_begin(args, None, None, optimizer=wrapped)
    scaler.scale(torch.ones(()))  # stands for the backward pass
    scaler.unscale_(optimizer)
    for weight in treated.weights:
        torch.testing.assert_close(weight.grad, 0.02 * weight.detach())

    before = [weight.detach().clone() for weight in treated.weights]
    optimizer.zero_grad()
    scaler.update(2.0**10)
    callback.on_step_begin(args, None, None, optimizer=wrapped)
    treated.weights[0].grad[0, 0] = torch.inf
    scaler.step(optimizer)
    assert all(map(torch.equal, before, treated.weights))


def test_another_network_is_refused(tmp_path):
    with pytest.raises(InputError) as caught:
        fit(bert(), tmp_path, CASES["penalty"], Regularize(regularize(bert(), **PENALTY)))
    assert (
        str(caught.value)
        == "treated: the optimizer holds no weight of treated.module, so another network is being trained. Build the training from treated.module."
    )


@pytest.mark.parametrize("name", ["fsdp", "deepspeed"])
def test_a_setup_that_cuts_weights_is_refused(name):
    args = SimpleNamespace(**{"fsdp": None, "deepspeed": None, name: "full_shard"})
    with pytest.raises(InputError) as caught:
        Regularize(regularize(bert(), **PENALTY)).on_train_begin(args, None, None)
    assert (
        str(caught.value)
        == f"{name} cuts the weights into pieces that the penalty cannot see. Use one device or plain data parallelism."
    )


def test_the_example_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names = {"__name__": "example"}
    exec(page_block("transformers"), names)
    assert isinstance(names["trained"], torch.nn.Module)
