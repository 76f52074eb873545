"""The skorch callback against the loop by hand, and inside scikit-learn's tools."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn

from adapters.plain import (
    PENALTY,
    ZEROS,
    assert_same,
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

skorch = pytest.importorskip("skorch", reason="skorch is not installed")
from skorch.callbacks import Callback, GradientNormClipping, LRScheduler  # noqa: E402
from skorch.utils import TeeGenerator  # noqa: E402

from fitwell.adapters.skorch import Regularize  # noqa: E402

X, Y = (array.numpy() for array in data())


class Accumulating(skorch.NeuralNetClassifier):
    """skorch's own recipe for steps that take several batches."""

    accumulate = 1

    def get_loss(self, *args, **kwargs):
        return super().get_loss(*args, **kwargs) / self.accumulate

    def train_step(self, batch, **options):
        if self.accumulate == 1:
            return super().train_step(batch, **options)
        step = self.train_step_single(batch, **options)
        if len(self.history[-1, "batches"]) % self.accumulate == 0:
            named = TeeGenerator(self.module_.named_parameters())
            self.notify("on_grad_computed", named_parameters=named, batch=batch)
            self.optimizer_.step()
            self.optimizer_.zero_grad()
        return step


class Falling(Callback):
    """A learning rate that changes after each step."""

    def on_train_begin(self, net, **kwargs):
        self.schedule_ = falling(net.optimizer_)
        self.seen_ = 0

    def on_batch_end(self, net, training=None, **kwargs):
        self.seen_ += 1
        if training and self.seen_ % net.accumulate == 0:
            self.schedule_.step()


def make(options, module=None, kind="sgd", accumulate=1, clip=None, more=(), **settings):
    callbacks = [("regularize", Regularize(**options))] if options is not None else []
    if clip:
        callbacks.append(GradientNormClipping(clip))
    own = {"max_epochs": 5, "batch_size": 8, "train_split": None, "verbose": 0}
    net = Accumulating(
        module or network(),
        criterion=nn.CrossEntropyLoss,
        optimizer=lambda parameters, lr: optimizer_of(kind, parameters),
        callbacks=[*callbacks, *more],
        **own | settings,
    )
    net.accumulate = accumulate
    return net


@every_case
def test_the_callback_trains_to_the_weights_of_the_loop_by_hand(case):
    options, kind, accumulate, clip = case
    settings = {"kind": kind, "accumulate": accumulate, "clip": clip, "more": [Falling()]}
    net = make(options, **settings).fit(X, Y)
    assert_same(net.module_, train(network(), case))

    bare = make(None, **settings).fit(X, Y)
    assert difference(bare.module_, net.module_) > 1e-3


class Net(nn.Sequential):
    """Built by skorch itself, with weights that a seed fixes."""

    def __init__(self):
        super().__init__(*network())


def simple(options, **settings):
    """A net that can be pickled."""
    own = {"max_epochs": 2, "batch_size": 8, "train_split": None, "verbose": 0, "lr": 0.1}
    return skorch.NeuralNetClassifier(
        Net,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        optimizer__momentum=0.9,
        callbacks=[("regularize", Regularize(**options))],
        **own | settings,
    )


def test_a_network_handed_over_as_an_instance_stays_as_it_was():
    given = network()
    net = make(PENALTY | {"dropout": 0.3}, given)
    torch.manual_seed(1)
    first = copy.deepcopy(net.fit(X, Y).module_)
    assert difference(given, network()) == 0
    assert not given[1]._forward_hooks
    torch.manual_seed(1)
    assert difference(net.fit(X, Y).module_, first) == 0


def test_dropout_is_put_in_once_however_often_training_goes_on():
    net = simple({"dropout": 0.3}).fit(X, Y)
    treated = net.treated_
    net.partial_fit(X, Y)
    assert net.treated_ is treated
    assert len(net.module_[1]._forward_hooks) == 1
    assert not treated.remove()[1]._forward_hooks


@pytest.mark.parametrize("options", [PENALTY, ZEROS], ids=["penalty", "zeros"])
def test_a_clone_trains_to_the_same_weights(options):
    net = simple(options).fit(X, Y)
    again = clone(net).fit(X, Y)
    assert again.treated_ is not net.treated_
    assert difference(again.module_, net.module_) == 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
@pytest.mark.parametrize(
    "options", [PENALTY, ZEROS | {"batch_norm": True}], ids=["penalty", "zeros"]
)
def test_a_copy_goes_on_training_as_the_net_itself_would(options, copied):
    net = simple(options).fit(X, Y)
    other = copied(net)
    assert other.treated_.module is other.module_
    net.partial_fit(X, Y)
    other.partial_fit(X, Y)
    assert difference(other.module_, net.module_) == 0
    assert other.treated_.zeros() == net.treated_.zeros()


class Pickles(Callback):
    def on_epoch_end(self, net, **kwargs):
        self.copy_ = pickle.dumps(net)


def test_a_net_can_be_pickled_in_the_middle_of_a_training():
    net = simple(ZEROS)
    net.set_params(callbacks=[("regularize", Regularize(**ZEROS)), ("pickles", Pickles())])
    net.fit(X, Y)
    pickles = dict(net.callbacks_)["pickles"].copy_
    assert difference(pickle.loads(pickles).module_, net.module_) == 0


def test_a_grid_search_finds_its_way_to_the_strengths():
    strengths = [0.0, 0.01, 1.0]
    search = GridSearchCV(
        simple({"l1": 1e-4, "dropout": 0.1}, max_epochs=10),
        {"callbacks__regularize__l2": strengths, "callbacks__regularize__dropout": [0.0]},
        cv=2,
        scoring="accuracy",
    ).fit(X, Y)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert search.best_params_["callbacks__regularize__l2"] < 1.0

    best = {key.split("__")[-1]: value for key, value in search.best_params_.items()}
    by_hand = simple({"l1": 1e-4} | best, max_epochs=10).fit(X, Y)
    assert difference(search.best_estimator_.module_, by_hand.module_) == 0

    sizes = []
    for strength in strengths:
        net = clone(search.estimator).set_params(callbacks__regularize__l2=strength).fit(X, Y)
        sizes.append(sum(float(w.detach().square().sum()) for w in net.treated_.weights))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 0.01 * sizes[0]


def test_options_that_change_need_a_new_start():
    net = simple(PENALTY).fit(X, Y)
    net.set_params(callbacks__regularize__l2=0.5)
    with pytest.raises(InputError) as caught:
        net.partial_fit(X, Y)
    assert (
        str(caught.value)
        == "the options of Regularize have changed since its network was treated. Call fit, which starts anew, or set them back."
    )
    expected = simple(PENALTY | {"l2": 0.5}).fit(X, Y)
    assert difference(net.fit(X, Y).module_, expected.module_) == 0


def test_the_state_of_an_optimizer_that_was_loaded_is_kept(tmp_path):
    net = simple(PENALTY).fit(X, Y)
    files = {"f_params": tmp_path / "params", "f_optimizer": tmp_path / "optimizer"}
    net.save_params(**files)
    other = simple(PENALTY).initialize()
    other.load_params(**files)
    assert difference(other.partial_fit(X, Y).module_, net.partial_fit(X, Y).module_) == 0


def test_the_learning_rate_of_a_scheduler_that_comes_later_is_the_one_used():
    net = simple(PENALTY)
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.1)
    net.set_params(callbacks=[("regularize", Regularize(**PENALTY)), ("schedule", schedule)])
    net.fit(X, Y)
    assert net.optimizer_.param_groups[0]["lr"] == pytest.approx(0.1 * 0.1**2)


def test_the_terms_stand_in_the_history():
    net = simple(PENALTY).fit(X, Y)
    assert len(net.history) == 2
    assert net.history[-1, ("penalty_l1", "penalty_l2")] == net.treated_.terms()


def test_the_optimizer_has_no_hooks_left_afterwards():
    assert not simple(ZEROS).fit(X, Y).optimizer_._optimizer_step_post_hooks


def test_a_training_that_broke_off_leaves_no_second_hook():
    class Breaks(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise RuntimeError("broken off")

    net = simple(ZEROS)
    net.set_params(callbacks=[("regularize", Regularize(**ZEROS)), ("breaks", Breaks())])
    for _ in range(2):
        with pytest.raises(RuntimeError, match="broken off"):
            net.partial_fit(X, Y)
    assert len(net.optimizer_._optimizer_step_post_hooks) == 1


def test_predictions_come_from_the_treated_network():
    net = simple({"dropout": 0.5} | PENALTY).fit(X, Y)
    with torch.no_grad():
        expected = net.treated_.remove().eval()(torch.from_numpy(X)).argmax(1).numpy()
    np.testing.assert_array_equal(net.predict(X), expected)


def test_an_unknown_option_is_refused():
    with pytest.raises(InputError) as caught:
        Regularize(l3=1.0)
    assert str(caught.value).startswith("l3 is no option of fitwell.regularize. Options: l1, l2, ")


def test_a_callback_that_comes_first_is_refused():
    net = simple(PENALTY)
    net.set_params(callbacks=[("clip", GradientNormClipping(1.0)), Regularize(**PENALTY)])
    with pytest.raises(InputError) as caught:
        net.fit(X, Y)
    assert (
        str(caught.value)
        == "callbacks: 'clip' comes before Regularize and may hold the network or the optimizer that Regularize replaces. Put Regularize first."
    )


def test_an_optimizer_that_reads_the_loss_is_refused():
    net = skorch.NeuralNetClassifier(
        Net, optimizer=torch.optim.LBFGS, callbacks=[Regularize(**PENALTY)], verbose=0
    )
    with pytest.raises(InputError, match="optimizer is LBFGS, which reads the loss"):
        net.fit(X, Y)


def test_a_net_of_accelerate_is_refused():
    net = simple(PENALTY)
    net.accelerator = object()
    with pytest.raises(InputError) as caught:
        net.fit(X, Y)
    assert (
        str(caught.value)
        == "NeuralNetClassifier has an accelerator, which has wrapped the network before Regularize can treat it. Use a net without one."
    )


def test_the_example_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names = {"__name__": "example"}
    exec(page_block("skorch"), names)
    assert isinstance(names["trained"], torch.nn.Module)
