"""The Lightning callback against the loop by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from adapters.plain import (
    CASES,
    PENALTY,
    ZEROS,
    assert_same,
    batches,
    data,
    difference,
    every_case,
    falling,
    network,
    optimizer_of,
    page_block,
    train,
)
from fitwell.errors import InputError
from fitwell.treatment import regularize

lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")
from fitwell.adapters.lightning import Regularize  # noqa: E402

# Lightning's own: it calls a torch name that is going away, and has advice on loading data.
pytestmark = [
    pytest.mark.filterwarnings(
        r"ignore:`isinstance\(treespec, LeafSpec\)` is deprecated:FutureWarning"
    ),
    pytest.mark.filterwarnings("ignore:The 'train_dataloader' does not have many workers"),
]

QUIET = {
    "accelerator": "cpu", "logger": False, "enable_checkpointing": False,
    "enable_progress_bar": False, "enable_model_summary": False,
}  # fmt: skip


class Classifier(lightning.LightningModule):
    def __init__(self, net, kind="sgd", empty=()):
        super().__init__()
        self.net, self.kind, self.empty = net, kind, empty

    def training_step(self, batch, number):
        if number in self.empty:
            return None
        return F.cross_entropy(self.net(batch[0]), batch[1])

    def configure_optimizers(self):
        optimizer = optimizer_of(self.kind, self.parameters())
        schedule = {"scheduler": falling(optimizer), "interval": "step"}
        return {"optimizer": optimizer, "lr_scheduler": schedule}


def loader():
    return DataLoader(TensorDataset(*data()), batch_size=8)


def fit(module, *callbacks, **options):
    trainer = lightning.Trainer(**QUIET | {"max_epochs": 5} | options, callbacks=list(callbacks))
    trainer.fit(module, loader())
    return trainer


@every_case
def test_the_callback_trains_to_the_weights_of_the_loop_by_hand(case):
    options, kind, accumulate, clip = case
    treated = regularize(network(), **options)
    steps = {"accumulate_grad_batches": accumulate, "gradient_clip_val": clip}
    fit(Classifier(treated.module, kind), Regularize(treated), **steps)
    assert_same(treated.module, train(network(), case))

    bare = Classifier(network(), kind)
    fit(bare, **steps)
    assert difference(bare.net, treated.module) > 1e-3


def test_the_two_terms_are_logged():
    treated = regularize(network(), **PENALTY)
    trainer = fit(Classifier(treated.module), Regularize(treated))
    logged = [float(trainer.callback_metrics[name]) for name in ("penalty_l1", "penalty_l2")]
    assert logged == pytest.approx(treated.terms())


def test_the_optimizer_has_no_hooks_left_afterwards():
    treated = regularize(network(), **ZEROS)
    trainer = fit(Classifier(treated.module), Regularize(treated))
    (optimizer,) = trainer.optimizers
    assert not optimizer._optimizer_step_post_hooks


def test_a_second_fit_goes_on_as_the_first():
    treated = regularize(network(), **ZEROS)
    callback, module = Regularize(treated), Classifier(treated.module)
    for _ in range(2):
        fit(module, callback, max_epochs=2)
    once = train(network(), CASES["exact zeros"], steps=batches(2))
    assert_same(treated.module, train(once.module, CASES["exact zeros"], steps=batches(2)))


def test_a_batch_without_a_loss_moves_nothing():
    treated = regularize(network(), **ZEROS | {"decoupled_l2": 0.1})
    module = Classifier(treated.module, empty=range(8))
    with pytest.warns(UserWarning, match="`training_step` returned `None`"):
        fit(module, Regularize(treated), max_epochs=1)
    assert difference(treated.module, network()) == 0


class Half(Classifier):
    """Computes in half precision; the optimizer may be fused, which unscales by itself."""

    def __init__(self, net, fused):
        super().__init__(net)
        self.fused = fused

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=0.01, fused=self.fused)


def half(scale):
    scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=1000)
    return lightning.plugins.MixedPrecision("16-mixed", device="cpu", scaler=scaler)


@pytest.mark.parametrize(
    "options", [PENALTY, ZEROS | {"decoupled_l2": 0.1}], ids=["penalty", "zeros"]
)
@pytest.mark.parametrize("fused", [False, True])
def test_under_a_gradient_scaler_the_penalty_is_a_term_of_the_loss_too(options, fused):
    treated = regularize(network(), **options)
    fit(Half(treated.module, fused), Regularize(treated), plugins=[half(2.0**10)], max_epochs=2)

    by_hand = regularize(network(), **options)
    optimizer = torch.optim.AdamW(by_hand.module.parameters(), lr=0.01, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    for x, y in batches(2):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.half):
            loss = F.cross_entropy(by_hand.module(x), y)
        scaler.scale(loss + by_hand.penalty()).backward()
        by_hand.decay_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        if by_hand.exact_zeros:
            by_hand.shrink_(optimizer)
    assert_same(treated.module, by_hand)
    assert difference(treated.module, network()) > 1e-3


@pytest.mark.parametrize("fused", [False, True])
def test_a_step_that_overflows_moves_nothing(fused):
    treated = regularize(network(), **ZEROS | {"decoupled_l2": 0.1})
    module = Half(treated.module, fused)
    fit(module, Regularize(treated), plugins=[half(2.0**60)], max_epochs=1)
    assert difference(treated.module, network()) == 0


class TwoOptimizers(lightning.LightningModule):
    """Steps its two optimizers by hand; only the second trains the treated network."""

    def __init__(self, first, second):
        super().__init__()
        self.first, self.second = first, second
        self.automatic_optimization = False

    def configure_optimizers(self):
        return [optimizer_of("sgd", net.parameters()) for net in (self.first, self.second)]

    def training_step(self, batch, number):
        for optimizer, net in zip(self.optimizers(), (self.first, self.second), strict=True):
            optimizer.zero_grad()
            self.manual_backward(F.cross_entropy(net(batch[0]), batch[1]))
            optimizer.step()


@pytest.mark.parametrize("options", [PENALTY, ZEROS, CASES["decoupled decay"][0]], ids=str)
def test_with_two_optimizers_only_the_treated_network_is_penalized(options):
    treated = regularize(network(), **options)
    module = TwoOptimizers(network(), treated.module)
    fit(module, Regularize(treated), max_epochs=2)
    alone = TwoOptimizers(network(), network())
    fit(alone, max_epochs=2)
    assert difference(module.first, alone.first) == 0
    assert difference(module.second, alone.second) > 1e-3


def test_another_network_is_refused():
    treated = regularize(network(), **PENALTY)
    with pytest.raises(InputError) as caught:
        fit(Classifier(network()), Regularize(treated))
    assert (
        str(caught.value)
        == "treated: the optimizer holds no weight of treated.module, so another network is being trained. Build the training from treated.module."
    )


def test_an_optimizer_that_reads_the_loss_is_refused(monkeypatch):
    treated = regularize(network(), **PENALTY)
    module = Classifier(treated.module)
    monkeypatch.setattr(
        module, "configure_optimizers", lambda: torch.optim.LBFGS(module.parameters())
    )
    with pytest.raises(InputError) as caught:
        fit(module, Regularize(treated))
    assert (
        str(caught.value)
        == "optimizer is LBFGS, which reads the loss, but the adapter adds the penalty to the gradient alone. Use another one, or add treated.penalty() to the loss yourself."
    )


def test_a_strategy_that_cuts_weights_is_refused(monkeypatch):
    treated = regularize(network(), **PENALTY)
    trainer = lightning.Trainer(**QUIET)
    monkeypatch.setattr(trainer.strategy, "__class__", lightning.strategies.FSDPStrategy)
    with pytest.raises(InputError) as caught:
        Regularize(treated).on_train_start(trainer, Classifier(treated.module))
    assert (
        str(caught.value)
        == "strategy is FSDPStrategy, which cuts the weights into pieces that the penalty cannot see. Use one device or DDP."
    )


def test_a_frozen_layer_stays():
    treated = regularize(network(), **PENALTY)
    treated.module[0].requires_grad_(False)
    fit(Classifier(treated.module), Regularize(treated), max_epochs=1)
    assert torch.equal(treated.module[0].weight, network()[0].weight)
    assert not torch.equal(treated.module[2].weight, network()[2].weight)


def test_a_layer_that_the_loss_misses_is_penalized_as_in_the_loop_by_hand():
    class Spare(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.spare = network(), nn.Linear(4, 4)

        def forward(self, x):
            return self.net(x)

    model = Spare()
    treated = regularize(model, **PENALTY)
    fit(Classifier(treated.module), Regularize(treated))
    assert_same(treated.module, train(model, CASES["penalty"]))
    assert not torch.equal(treated.module.spare.weight, model.spare.weight)


# And here, besides: a loader of 8 batches, and no folder for checkpoints in the arguments.
@pytest.mark.filterwarnings("ignore:The number of training batches")
def test_the_example_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names = {"__name__": "example"}
    exec(page_block("lightning"), names)
    assert isinstance(names["trained"], torch.nn.Module)
