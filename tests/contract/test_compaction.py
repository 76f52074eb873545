"""Dead units leave, living ones stay, and the outputs are those of the given network."""

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune

from fitwell.compaction import Removed, compact
from fitwell.errors import FitwellError, InputError
from fitwell.models.cnn import cnn
from fitwell.models.mlp import mlp
from fitwell.treatment import regularize


@torch.no_grad()
def unread(layer, *columns):
    """Nobody reads these inputs of the layer."""
    layer.weight[:, list(columns)] = 0


@torch.no_grad()
def constant(layer, *rows):
    """These units get nothing but their bias."""
    layer.weight[list(rows)] = 0


@torch.no_grad()
def stirred(network):
    """Batch norms with statistics and affine parameters unlike those they start with."""
    for layer in network.modules():
        if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            for tensor in (layer.weight, layer.running_var):
                tensor.uniform_(0.5, 2)
            for tensor in (layer.bias, layer.running_mean):
                tensor.normal_()
    return network.double()


def checked(network, x):
    """Compact, and look at everything that holds for every network."""
    before = copy.deepcopy(network.state_dict())
    modes = [layer.training for layer in network.modules()]
    result = compact(network, x)
    assert [layer.training for layer in network.modules()] == modes
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert list(result.module.state_dict()) == list(before)
    assert [t.dtype for t in result.module.state_dict().values()] == [
        t.dtype for t in before.values()
    ]
    assert [type(m) for m in result.module.modules()] == [type(m) for m in network.modules()]
    assert not any(layer.training for layer in result.module.modules())
    expected = copy.deepcopy(network).eval()
    for inputs in (x, torch.randn(x.shape).to(x) * 3):
        torch.testing.assert_close(result.module(inputs.clone()), expected(inputs.clone()))
    for layer in result.module.modules():
        sizes_match_the_weights(layer)
    assert result.parameters_after == sum(p.numel() for p in result.module.parameters())
    return result


def sizes_match_the_weights(layer):
    if isinstance(layer, nn.Linear):
        assert layer.weight.shape == (layer.out_features, layer.in_features)
    elif isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        assert layer.weight.shape[:2] == (layer.out_channels, layer.in_channels // layer.groups)
    elif isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
        assert layer.weight.shape[:2] == (layer.in_channels, layer.out_channels // layer.groups)
    elif isinstance(layer, nn.RNNBase):
        rows = layer.hidden_size * (len(layer.weight_hh_l0) // layer.hidden_size)
        assert layer.weight_ih_l0.shape == (rows, layer.input_size)
    elif isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
        assert layer.weight.shape == layer.running_var.shape == (layer.num_features,)
    elif isinstance(layer, nn.PReLU):
        assert layer.weight.shape == (layer.num_parameters,)


def widths(result):
    return [
        len(layer.weight)
        for layer in result.module.modules()
        if isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d))
    ]


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def perceptron(activation, bias=True):
    return nn.Sequential(
        nn.Linear(5, 8, bias=bias), activation(), nn.Dropout(0.5),
        nn.Linear(8, 7, bias=bias), activation(), nn.Linear(7, 3, bias=bias),
    ).double()  # fmt: skip


ACTIVATIONS = [nn.ReLU, nn.GELU, nn.Sigmoid, nn.Softplus, nn.PReLU, nn.Identity]


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_units_that_nobody_reads_and_constant_units_leave_a_perceptron(activation):
    net = perceptron(activation)
    unread(net[3], 0, 5)
    constant(net[0], 2, 5)
    constant(net[3], 6)
    result = checked(net, torch.randn(4, 5).double())
    assert result.removed == (Removed("0", 8, 5), Removed("3", 7, 6))
    assert "Linear(in_features=5, out_features=6, bias=True)" in repr(result.module)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.GELU, nn.Identity])
def test_without_biases_a_constant_of_zero_leaves(activation):
    net = perceptron(activation, bias=False)
    constant(net[0], 2, 5)
    assert widths(checked(net, torch.randn(4, 5).double())) == [6, 7, 3]


def test_without_biases_one_constant_unit_carries_the_others():
    """A sigmoid of zero is one half, and there is no bias to take it."""
    net = perceptron(nn.Sigmoid, bias=False)
    constant(net[0], 2, 5, 6)
    constant(net[3], 1)
    assert widths(checked(net, torch.randn(4, 5).double())) == [6, 7, 3]


def test_the_smaller_perceptron_has_the_numbers_worked_out_by_hand():
    net = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 1))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[3.0], [0.0]]))
        net[0].bias.copy_(torch.tensor([1.0, 2.0]))
        net[2].weight.copy_(torch.tensor([[5.0, 7.0]]))
        net[2].bias.copy_(torch.tensor([11.0]))
    state = compact(net, torch.zeros(1, 1)).module.state_dict()
    assert {name: value.flatten().tolist() for name, value in state.items()} == {
        "0.weight": [3.0],
        "0.bias": [1.0],
        "2.weight": [5.0],
        "2.bias": [25.0],  # 11 + 7 * 2
    }


def test_a_network_of_single_precision_stays_equal_and_single():
    net = perceptron(nn.GELU).float()
    constant(net[0], 1, 2)
    assert widths(checked(net, torch.randn(4, 5))) == [6, 7, 3]


def test_the_report_says_what_was_removed():
    net = mlp(5, 3, widths=(8, 8))
    constant(net[0], 2, 5)
    result = compact(net, torch.randn(4, 5))
    assert str(result) == "0: 8 units, now 6\n147 parameters, now 119 (81.0%)"
    assert (result.parameters_before, result.parameters_after) == (147, 119)


def test_a_network_with_nothing_dead_is_unchanged():
    net = cnn((1, 8, 8), 3, widths=(4, 4), hidden=6)
    result = checked(net, torch.randn(2, 1, 8, 8))
    assert result.removed == ()
    assert str(result) == f"no unit can be removed: {result.parameters_before:,} parameters"
    for name, value in net.state_dict().items():
        assert torch.equal(value, result.module.state_dict()[name])


def test_one_unit_stays_of_a_layer_that_is_dead_as_a_whole():
    net = perceptron(nn.Sigmoid)
    constant(net[0], *range(8))
    # The second layer then sees constants only, so it is constant itself.
    assert widths(checked(net, torch.randn(4, 5).double())) == [1, 1, 3]


def test_one_unit_stays_of_a_layer_that_nobody_reads():
    net = perceptron(nn.ReLU)
    unread(net[5], *range(7))
    # What the one unit reads does not matter, so the layer before it goes too.
    assert widths(checked(net, torch.randn(4, 5).double())) == [1, 1, 3]


def test_removing_units_makes_the_units_before_them_removable():
    net = perceptron(nn.ReLU)
    unread(net[5], 0, 1)
    with torch.no_grad():
        net[3].weight[2:, 4] = 0  # only the second layer's units 0 and 1 read it
    assert widths(checked(net, torch.randn(4, 5).double())) == [7, 5, 3]


def convolutions(padding=1, bias=True, pool=nn.MaxPool2d, padding_mode="zeros"):
    return stirred(
        nn.Sequential(
            nn.Conv2d(2, 6, 3, padding=1, bias=bias), nn.BatchNorm2d(6), nn.Sigmoid(), pool(2),
            nn.Conv2d(6, 5, 3, padding=padding, padding_mode=padding_mode, bias=bias),
            nn.BatchNorm2d(5), nn.ReLU(), nn.Dropout2d(0.2), nn.Flatten(),
            nn.Linear(5 * (2 + 2 * padding) ** 2, 7), nn.BatchNorm1d(7), nn.Tanh(), nn.Linear(7, 3),
        )
    )  # fmt: skip


IMAGES = (3, 2, 8, 8)


@pytest.mark.parametrize("pool", [nn.MaxPool2d, nn.AvgPool2d])
def test_channels_leave_with_their_batch_norm_and_their_block_of_columns(pool):
    net = convolutions(padding=0, pool=pool)
    unread(net[4], 1)
    constant(net[0], 3)
    constant(net[4], 0, 2)
    unread(net[9], *range(4, 8))  # all four pixels of the second channel
    unread(net[9], 12, 13, 14)  # one pixel short of a channel
    unread(net[12], 6)
    result = checked(net, torch.randn(IMAGES).double())
    assert [str(removed) for removed in result.removed] == [
        "0: 6 units, now 4",
        "4: 5 units, now 2",
        "9: 7 units, now 6",
    ]
    assert "BatchNorm2d(4, " in repr(result.module)
    assert "Conv2d(4, 2, " in repr(result.module)


def test_a_constant_channel_stays_if_its_reader_pads_with_zeros():
    net = convolutions(padding=1)
    constant(net[0], 3)
    assert checked(net, torch.randn(IMAGES).double()).removed == ()


def test_one_constant_channel_carries_the_others_across_a_padded_border():
    net = convolutions(padding=1)
    constant(net[0], 1, 3, 4)
    assert widths(checked(net, torch.randn(IMAGES).double())) == [4, 5, 7, 3]


def test_a_constant_channel_of_zero_leaves_despite_padding():
    net = convolutions(padding=1)
    net[2] = nn.ReLU()
    with torch.no_grad():
        net[1].bias.fill_(-50)
    constant(net[0], 3)
    assert widths(checked(net, torch.randn(IMAGES).double()))[0] == 5


def test_a_constant_channel_leaves_if_its_reader_repeats_the_border():
    net = convolutions(padding=1, padding_mode="replicate")
    constant(net[0], 3)
    assert widths(checked(net, torch.randn(IMAGES).double()))[0] == 5


@pytest.mark.parametrize(("kernel", "padding", "left"), [(1, "same", 4), (3, "same", 5), (3, "valid", 4)])  # fmt: skip
def test_padding_in_words_is_understood(kernel, padding, left):
    net = nn.Sequential(
        nn.Conv1d(2, 5, 3), nn.Softplus(), nn.Conv1d(5, 4, kernel, padding=padding)
    ).double()  # fmt: skip
    constant(net[0], 0)
    assert widths(checked(net, torch.randn(3, 2, 9).double())) == [left, 4]


def test_an_average_over_padding_is_no_constant():
    net = nn.Sequential(
        nn.Conv2d(2, 5, 3), nn.Sigmoid(), nn.AvgPool2d(3, 2, padding=1), nn.Conv2d(5, 4, 2)
    ).double()
    constant(net[0], 0)
    assert checked(net, torch.randn(IMAGES).double()).removed == ()


def test_a_constant_holds_for_images_of_another_size_too():
    """On 2x2 pixels every window lies half in the padding; on larger images some do not."""
    net = nn.Sequential(
        nn.Conv2d(2, 5, 1), nn.Sigmoid(), nn.AvgPool2d(2, padding=1), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(5, 3),
    ).double()  # fmt: skip
    constant(net[0], 0)
    small, larger = (checked(net, torch.randn(3, 2, 2, 2).double()).module, torch.randn(3, 2, 6, 6))
    torch.testing.assert_close(small(larger.double()), net(larger.double()))


class Residual(nn.Module):
    """A stem, a block with an identity path, an average over the pixels and a head."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.first = nn.Conv2d(6, 8, 3, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(8)
        self.second = nn.Conv2d(8, 6, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU(inplace=True)
        self.last = nn.Conv2d(6, 9, 1)
        self.head = nn.Linear(9, 3)

    def forward(self, x):
        x = self.relu(self.norm(self.stem(x)))
        inside = self.relu(self.first_norm(self.first(x)))
        x = self.relu(x + self.second_norm(self.second(inside)))
        return self.head(F.silu(self.last(x)).mean(dim=(2, 3)))


def test_inner_channels_leave_a_residual_block_and_outer_ones_stay():
    net = stirred(Residual())
    constant(net.stem, 0)
    unread(net.first, 1)
    unread(net.second, 2, 3)
    constant(net.second, 4)
    constant(net.last, 5)
    result = checked(net, torch.randn(IMAGES).double())
    assert result.removed == (Removed("first", 8, 6), Removed("last", 9, 8))


class Functional(nn.Module):
    """Nothing but the layers is a module."""

    def __init__(self, flat):
        super().__init__()
        self.conv = nn.Conv2d(2, 6, 3)
        self.flat = flat
        self.first, self.second = nn.Linear(54, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.conv(x)), 2)
        x = F.dropout(self.flat(x), 0.5, self.training)
        return F.log_softmax(self.second(2 * F.gelu(self.first(x)) + 1), dim=-1)


FLATS = {
    "torch.flatten": lambda x: torch.flatten(x, 1),
    "flatten": lambda x: x.flatten(start_dim=1),
    "view with size": lambda x: x.view(x.size(0), -1),
    "view with shape": lambda x: x.view(x.shape[0], -1),
    "view with a tuple": lambda x: x.view((x.size(0), -1)),
    "reshape in two": lambda x: x.flatten(2).reshape(len(IMAGES) - 1, -1),
    "unpacked": lambda x: (lambda n, *_: torch.reshape(x, (n, -1)))(*(x.shape[i] for i in (0, 2))),
}


@pytest.mark.parametrize("flat", FLATS)
def test_functions_between_layers_are_followed(flat):
    net = Functional(FLATS[flat]).double()
    constant(net.conv, 0)
    unread(net.first, *range(9, 18))
    unread(net.second, 5)
    constant(net.first, 6)
    assert widths(checked(net, torch.randn(IMAGES).double())) == [4, 6, 3]


WRITTEN_OUT = {
    "view": lambda x: x.view(-1, 54),
    "reshape": lambda x: x.reshape(3, 54),
    "every size": lambda x: x.view(x.size(0), x.size(1) * 9),
    "whole shape": lambda x: x.view(x.shape).flatten(1),
}


@pytest.mark.parametrize("flat", WRITTEN_OUT)
def test_channels_stay_if_their_number_is_written_out(flat):
    net = Functional(WRITTEN_OUT[flat]).double()
    constant(net.conv, 0)
    unread(net.second, 5)
    assert widths(checked(net, torch.randn(IMAGES).double())) == [6, 7, 3]


class Tied(nn.Module):
    """Two layers share one weight; a third one reads the second."""

    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Linear(5, 5, bias=False), nn.Linear(5, 5, bias=False)
        self.decode.weight = self.encode.weight
        self.wide, self.out = nn.Linear(5, 6), nn.Linear(6, 3)

    def forward(self, x):
        x = torch.relu(self.decode(torch.relu(self.encode(x))))
        return self.out(torch.relu(self.wide(x)))


class Twice(nn.Module):
    """One layer is called twice."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.out = nn.Linear(5, 4), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        x = self.again(torch.relu(self.first(x)))
        return self.out(torch.relu(self.again(torch.relu(x))))


class Transposed(nn.Module):
    """The decoder is the encoder's weight, turned."""

    def __init__(self):
        super().__init__()
        self.encode, self.out = nn.Linear(5, 4), nn.Linear(5, 2)

    def forward(self, x):
        return self.out(F.linear(torch.relu(self.encode(x)), self.encode.weight.t()))


class Weighed(nn.Module):
    """The weight of a layer is read past the layer."""

    def __init__(self):
        super().__init__()
        self.first, self.out = nn.Linear(5, 4), nn.Linear(4, 3)

    def forward(self, x):
        return self.out(torch.relu(self.first(x))) + self.first.weight.mean()


class Counted(nn.Module):
    """The number of units is a number in the network."""

    def __init__(self):
        super().__init__()
        self.first, self.out = nn.Linear(5, 4), nn.Linear(4, 3)

    def forward(self, x):
        hidden = torch.relu(self.first(x))
        return self.out(hidden) / hidden.shape[-1] ** 0.5


class Joined(nn.Module):
    """Two layers are concatenated."""

    def __init__(self):
        super().__init__()
        self.left, self.right, self.out = nn.Linear(5, 4), nn.Linear(5, 4), nn.Linear(8, 3)

    def forward(self, x):
        return self.out(torch.cat([self.left(x), self.right(x)], dim=1))


class Seen(nn.Module):
    """The hidden units are an output too."""

    def __init__(self):
        super().__init__()
        self.first, self.out = nn.Linear(5, 4), nn.Linear(4, 3)

    def forward(self, x):
        hidden = torch.relu(self.first(x))
        return hidden, {"out": self.out(hidden)}


class Normed(nn.Module):
    """Layer norm mixes the units, softmax too."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.second = nn.Linear(5, 4), nn.LayerNorm(4), nn.Linear(4, 4)
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        return self.out(torch.softmax(self.second(self.norm(self.first(x))), dim=1))


def hooked():
    net = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    net[1].register_forward_hook(lambda _module, _inputs, output: output.flip(1))
    return net


def one_norm_for_two():
    norm = nn.BatchNorm1d(4)
    return nn.Sequential(nn.Linear(5, 4), norm, nn.Linear(4, 4), norm, nn.Linear(4, 3))


KEPT = {
    "tied": Tied, "called twice": Twice, "transposed": Transposed, "concatenated": Joined,
    "weight read": Weighed, "units counted": Counted,
    "output": Seen, "layer norm": Normed, "hook": hooked, "shared norm": one_norm_for_two,
    "own class": lambda: nn.Sequential(type("Own", (nn.Linear,), {})(5, 4), nn.Linear(4, 3)),
    "parametrized": lambda: nn.Sequential(
        nn.utils.parametrizations.weight_norm(nn.Linear(5, 4)), nn.Linear(4, 3)
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KEPT)
def test_units_whose_way_is_not_understood_stay(kind):
    net = KEPT[kind]()
    layers = [layer for layer in net.modules() if isinstance(layer, nn.Linear)]
    constant(layers[0], 0)
    for layer in layers[1:]:
        if layer.in_features < 6:
            unread(layer, 1)
    assert checked(net.double(), torch.randn(3, 5).double()).removed == ()


def test_a_layer_beside_tied_ones_still_shrinks():
    net = Tied().double()
    constant(net.wide, 2)
    assert checked(net, torch.randn(3, 5).double()).removed == (Removed("wide", 6, 5),)


def test_a_linear_layer_on_sequences_shrinks_and_a_norm_over_time_keeps_it():
    """Batch norm takes the second axis for channels; here that is time."""
    plain = nn.Sequential(nn.Linear(5, 4), nn.GELU(), nn.Linear(4, 3)).double()
    normed = stirred(nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)))
    for net, left in ((plain, 3), (normed, 4)):
        unread(net[-1], 0)
        assert widths(checked(net, torch.randn(2, 4, 5).double())) == [left, 3]


def test_a_prelu_and_a_batch_norm_behind_flatten_shrink_by_blocks():
    net = stirred(
        nn.Sequential(
            nn.Conv1d(2, 4, 3), nn.PReLU(4), nn.Flatten(), nn.BatchNorm1d(20), nn.Linear(20, 3)
        )
    )
    with torch.no_grad():
        net[1].weight.uniform_(0.1, 0.9)
    unread(net[4], *range(5, 10))
    result = checked(net, torch.randn(3, 2, 7).double())
    assert (widths(result), result.module[3].num_features) == ([3, 3], 15)


class Two(nn.Module):
    """Two inputs, indices among them, and one layer with two readers."""

    def __init__(self):
        super().__init__()
        self.embed, self.first = nn.Embedding(7, 5), nn.Linear(5, 6)
        self.left, self.right = nn.Linear(6, 3), nn.Linear(6, 2, bias=False)

    def forward(self, index, x, scale=None):
        if scale is not None:
            x = x * scale
        hidden = torch.sigmoid(self.first(self.embed(index) + x))
        return {"left": self.left(hidden), "right": self.right(torch.relu(hidden - 10))}


def test_a_unit_leaves_only_if_every_reader_can_do_without():
    net = Two().double()
    constant(net.first, 0)  # the second reader sees zero there
    unread(net.left, 1, 2)
    unread(net.right, 2, 3)
    inputs = (torch.tensor([0, 6, 3, 3]), torch.randn(4, 5).double())
    result = compact(net, inputs)
    assert result.removed == (Removed("first", 6, 4),)  # 0 and 2 leave; one reader needs 1 and 3
    for name, output in result.module(*inputs).items():
        torch.testing.assert_close(output, net(*inputs)[name])


def test_an_example_that_the_network_writes_over_is_left_alone():
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)).double()
    constant(net[1], 0)
    x = torch.randn(4, 5).double()
    before = x.clone()
    assert widths(compact(net, x)) == [3, 3]
    assert torch.equal(x, before)


@pytest.mark.parametrize("kind", [mlp, cnn])
def test_a_compacted_network_trains_on_and_compacts_to_itself(kind):
    net, x = (
        (mlp(5, 3, widths=(8, 8)), torch.randn(4, 5))
        if kind is mlp
        else (cnn((1, 8, 8), 3, widths=(4, 4), hidden=6), torch.randn(4, 1, 8, 8))
    )
    constant(net[0], 1, 2)
    small = compact(net, x).module
    assert compact(small, x).removed == ()
    small.train()(x).sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in small.parameters())


def test_a_network_trained_with_exact_zeros_becomes_much_smaller():
    """Three of twenty columns say anything; the target needs few units."""
    x = torch.randn(256, 20)
    y = torch.relu(x[:, :1]) - torch.relu(x[:, 1:2] + x[:, 2:3])
    treated = regularize(mlp(20, 1, widths=(32, 32)), l1=3e-3, exact_zeros=True)
    optimizer = torch.optim.Adam(treated.module.parameters(), lr=1e-2)
    for _ in range(300):
        optimizer.zero_grad()
        F.mse_loss(treated.module(x), y).backward()
        optimizer.step()
        treated.shrink_(optimizer)
    bare = treated.remove()
    result = checked(bare, x)
    assert F.mse_loss(result.module(x), y) < 0.1 * y.var()
    assert result.parameters_after < 0.3 * result.parameters_before


@settings(max_examples=60)
@given(st.data())
def test_random_zeros_in_random_networks_leave_the_outputs_equal(data):
    seed = data.draw(st.integers(0, 2**31))
    torch.manual_seed(seed)
    make = data.draw(st.sampled_from([_random_mlp, _random_cnn]))
    net, shape = make(data.draw)
    net = stirred(net)
    for layer in net:
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            rows, columns = layer.weight.shape[:2]
            constant(layer, *data.draw(st.sets(st.integers(0, rows - 1))))
            unread(layer, *data.draw(st.sets(st.integers(0, columns - 1))))
    checked(net, torch.randn(shape).double())


def _random_mlp(draw):
    layers, inputs = [], 3
    for width in draw(st.lists(st.integers(1, 6), min_size=1, max_size=3)):
        layers.append(nn.Linear(inputs, width, bias=draw(st.booleans())))
        if draw(st.booleans()):
            layers.append(nn.BatchNorm1d(width))
        layers.append(draw(st.sampled_from(ACTIVATIONS))())
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 2, bias=draw(st.booleans()))), (4, 3)


def _random_cnn(draw):
    layers, channels, side = [], 2, 8
    for width in draw(st.lists(st.integers(1, 4), min_size=1, max_size=2)):
        padding = draw(st.sampled_from([0, 1]))
        layers.append(nn.Conv2d(channels, width, 3, padding=padding, bias=draw(st.booleans())))
        if draw(st.booleans()):
            layers.append(nn.BatchNorm2d(width))
        layers.append(draw(st.sampled_from(ACTIVATIONS))())
        side += 2 * padding - 2
        if draw(st.booleans()):
            layers.append(draw(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]))(2))
            side //= 2
        channels = width
    layers += [nn.Flatten(), nn.Linear(channels * side * side, 4), nn.ReLU(), nn.Linear(4, 2)]
    return nn.Sequential(*layers), (2, 2, 8, 8)


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class Noisy(nn.Module):
    def forward(self, x):
        return F.dropout(x, 0.5)


class Wordy(nn.Module):
    def forward(self, x):
        return x, "words"


@pytest.mark.parametrize(
    ("network", "example", "message"),
    [
        (nn.Linear(2, 2), [torch.zeros(1, 2)], "example is list, but a tensor or a tuple of tensors with rows is expected. Give one batch of the network's input."),
        (nn.Linear(2, 2), torch.zeros(0, 2), "example is Tensor, but a tensor or a tuple of tensors with rows is expected. Give one batch of the network's input."),
        (nn.Linear(2, 2), torch.zeros(1, 3), "example: Linear cannot run on it in float64: mat1 and mat2 shapes cannot be multiplied (1x3 and 2x2). Give one batch in the shape that the network takes."),
        (Branching(), torch.zeros(1, 3), "model: Branching cannot be traced by torch.fx: symbolically traced variables cannot be used as inputs to control flow. Take branches on values out of its forward, or compact the part that can be traced."),
        (Wordy(), torch.zeros(1, 3), "model: str is among its outputs, but tensors in tuples, lists or dictionaries are expected, to be compared. Compact the part that gives tensors."),
    ],
)  # fmt: skip
def test_what_cannot_be_compacted_is_refused_in_one_line(network, example, message):
    with pytest.raises(InputError) as caught:
        compact(network, example)
    assert str(caught.value) == message


def test_a_network_whose_outputs_differ_is_not_returned():
    with pytest.raises(FitwellError) as caught:
        compact(Noisy(), torch.ones(1, 100))
    assert str(caught.value) == (
        "compact: the smaller Noisy gives other outputs on the example, so it is not returned."
        " Keep the network as it is; one that draws random numbers in eval mode cannot be compared."
    )


def test_a_pruned_network_must_be_made_permanent_first():
    net = nn.Sequential(prune.identity(nn.Linear(2, 2), "weight"))
    with pytest.raises(InputError, match=r"^model: Sequential cannot be copied: .*permanent first"):
        compact(net, torch.zeros(1, 2))
