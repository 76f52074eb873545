"""Surgery on several architectures: the copy computes the same, the original is untouched."""

import copy
import pickle

import pytest
import torch
from architectures import NETWORKS, Tied
from torch import nn

from fitwell.errors import InputError
from fitwell.models.cnn import cnn
from fitwell.models.mlp import mlp
from fitwell.remedies.dropout import noise
from fitwell.surgery import DROPOUTS
from fitwell.treatment import regularize

pytestmark = pytest.mark.filterwarnings("ignore:dropout in front of a batch norm:UserWarning")


def rates_of(network):
    """Every rate that a layer has of its own."""
    attention = (nn.MultiheadAttention, nn.RNNBase)
    own = [m.p for m in network.modules() if isinstance(m, DROPOUTS)]
    return own + [m.dropout for m in network.modules() if isinstance(m, attention)]


@pytest.fixture(params=NETWORKS, ids=str)
def case(request):
    if request.param in ("bert", "gpt", "vit"):
        pytest.importorskip("transformers", reason="transformers is not installed")
    make, make_input = NETWORKS[request.param]
    torch.manual_seed(0)
    return make(), make_input()


def test_keys_and_eval_output_are_those_of_the_original(case):
    network, x = case
    treated = regularize(network, l1=1e-4, l2=1e-4, dropout=0.5)
    assert list(treated.module.state_dict()) == list(network.state_dict())
    assert torch.equal(treated.module.eval()(x), network.eval()(x))


def test_dropout_is_active_in_training_only(case):
    network, x = case
    treated = regularize(network, dropout=0.5).module.train()
    assert not torch.equal(treated(x), treated(x))
    treated.eval()
    assert torch.equal(treated(x), treated(x))


def test_the_original_is_left_alone(case):
    network, x = case
    before, rates = copy.deepcopy(network.state_dict()), rates_of(network)
    treated = regularize(network, l1=1e-4, dropout=0.5)
    with torch.no_grad():
        for parameter in treated.module.parameters():
            parameter.add_(1)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    network.train()
    assert rates_of(network) == rates
    if not any(rates):
        assert torch.equal(network(x), network(x))


def test_remove_gives_the_bare_network_with_the_trained_weights(case):
    network, x = case
    treated = regularize(network, dropout=0.5)
    with torch.no_grad():
        for parameter in treated.module.parameters():
            parameter.mul_(1.5)
    bare = treated.remove()
    assert list(bare.state_dict()) == list(network.state_dict())
    assert torch.equal(bare.eval()(x), treated.module.eval()(x))
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in bare.modules())
    assert rates_of(bare) == rates_of(network)


def test_saved_weights_go_into_the_users_own_network(case, tmp_path):
    """Trained with fitwell, loaded without it: the names and shapes are the user's."""
    network, x = case
    treated = regularize(network, l1=1e-4, dropout=0.5)
    with torch.no_grad():
        for parameter in treated.module.parameters():
            parameter.mul_(1.5)
    torch.save(treated.module.state_dict(), tmp_path / "weights.pt")
    network.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(network.eval()(x), treated.module.eval()(x))


def test_the_treated_network_can_be_copied_and_pickled(case):
    network, x = case
    treated = regularize(network, dropout=0.5)
    again = pickle.loads(pickle.dumps(copy.deepcopy(treated.module)))
    assert torch.equal(again.eval()(x), network.eval()(x))
    again.train()
    assert not torch.equal(again(x), again(x))


def test_a_shared_weight_is_penalized_once():
    tied = Tied()
    expected = tied.encode.weight.abs().sum() + tied.out.weight.abs().sum()
    torch.testing.assert_close(regularize(tied, l1=1.0).penalty(), expected)


def test_biases_and_norms_are_not_penalized():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
    weights = regularize(net, l2=1.0).weights
    assert [tuple(w.shape) for w in weights] == [(3, 2), (1, 3)]


def test_batch_norm_starts_as_the_identity_and_folds_away_exactly():
    torch.manual_seed(0)
    network, x = mlp(5, 3, widths=(8, 8)).double(), torch.randn(16, 5).double()
    treated = regularize(network, batch_norm=True)
    torch.testing.assert_close(treated.module.eval()(x), network.eval()(x), rtol=1e-4, atol=1e-5)
    treated.module.train()
    for _ in range(5):
        treated.module(x + 1)
    bare = treated.remove()
    assert list(bare.state_dict()) == list(network.state_dict())
    torch.testing.assert_close(bare.eval()(x), treated.module.eval()(x))


def test_batch_norm_of_a_convolution_folds_away_exactly():
    torch.manual_seed(0)
    network = cnn((2, 8, 8), 3, widths=(4, 4), hidden=6).double()
    x = torch.randn(16, 2, 8, 8).double()
    treated = regularize(network, batch_norm=True)
    treated.module.train()
    for _ in range(5):
        treated.module(2 * x + 1)
    torch.testing.assert_close(treated.remove().eval()(x), treated.module.eval()(x))


def test_an_existing_dropout_is_set_and_not_doubled():
    net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3))
    treated = regularize(net, dropout=0.4)
    assert [str(change) for change in treated.changes] == ["2: existing Dropout set to 0.4"]
    assert not treated.module[1]._forward_hooks


def test_convolutions_drop_whole_channels():
    treated = regularize(cnn((1, 8, 8), 3, widths=(16,), hidden=6), dropout=0.5).module.train()
    activation = treated[1]
    dropped = activation(torch.ones(4, 16, 8, 8))
    by_channel = dropped.flatten(2)
    assert ((by_channel == by_channel[..., :1]).all(dim=-1)).all()
    assert 0 < (by_channel[..., 0] == 0).sum() < 64


def test_nothing_follows_the_output_layer():
    net = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3), nn.Sigmoid())
    treated = regularize(net, dropout=0.9).module.train()
    assert not treated[3]._forward_hooks
    assert treated[1]._forward_hooks


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.9])
def test_dropout_noise_is_zero_or_the_inverse_of_the_share_kept(rate):
    torch.manual_seed(0)
    draws = noise((400, 500), rate, torch.zeros(1, dtype=torch.float64))
    kept = draws[draws > 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - rate)), rtol=1e-4, atol=0)
    share = float((draws == 0).double().mean())
    error = (rate * (1 - rate) / draws.numel()) ** 0.5
    assert abs(share - rate) < 5 * error + 1 / 65_536


def test_neighbouring_draws_of_dropout_noise_are_independent():
    """Four draws come from one random number; 5 standard errors for each of three lags."""
    torch.manual_seed(0)
    dropped = (noise((400_000,), 0.5, torch.zeros(1, dtype=torch.float64)) == 0).double() - 0.5
    for lag in (1, 2, 3):
        correlation = float((dropped[lag:] * dropped[:-lag]).mean()) / 0.25
        assert abs(correlation) < 5 / 400_000**0.5


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (nn.ReLU(), {"l1": 0.1}, "model: ReLU has no Linear or Conv layer, so there is nothing to regularize. Give a network with at least one."),
        (nn.Linear(2, 2), {"dropout": 0.5}, "dropout: the network has no hidden activation to put it after. Use dropout=0."),
        (nn.Linear(2, 2), {"l1": -1.0}, "l1 is -1.0, but a number from 0 up is expected."),
        (nn.Linear(2, 2), {"l2": float("nan"), "dropout": 1.0}, "l2 is nan, but a number from 0 up is expected; dropout is 1.0, but a rate from 0 to below 1 is expected."),
        (nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2)), {"batch_norm": True}, "batch_norm: layer '0' has no bias, so the normalization could not be folded into it afterwards. Give it a bias or use batch_norm=False."),
    ],
)  # fmt: skip
def test_what_cannot_be_treated_is_refused_in_one_line(network, options, message):
    with pytest.raises(InputError) as caught:
        regularize(network, **options)
    assert str(caught.value) == message


def test_dropout_in_front_of_a_batch_norm_warns():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
    with pytest.warns(UserWarning, match="shifts the variance"):
        regularize(net, dropout=0.2)


def test_shrinking_twice_is_refused():
    treated = regularize(nn.Linear(2, 2), l1=0.1)
    with pytest.raises(InputError, match="would count twice"):
        treated.shrink_(torch.optim.SGD(treated.module.parameters(), lr=0.1))


def test_a_layer_that_is_not_known_is_named_and_left_alone():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.randn(2, 2))

        def forward(self, x):
            return x @ self.table

    treated = regularize(nn.Sequential(Own(), nn.Linear(2, 1)), l2=0.1)
    assert [str(change) for change in treated.changes] == [
        "1: L2 0.1 on 2 weights",
        "0: left alone: Own is no layer that fitwell knows",
    ]


def test_gpts_own_linear_layers_are_penalized_and_embeddings_are_not():
    pytest.importorskip("transformers", reason="transformers is not installed")
    network = NETWORKS["gpt"][0]()
    treated = regularize(network, l2=1.0)
    linear = [
        p
        for name, p in network.named_parameters()
        if p.dim() == 2 and "wte" not in name and "wpe" not in name
    ]
    torch.testing.assert_close(treated.penalty(), sum(p.square().sum() for p in linear))
