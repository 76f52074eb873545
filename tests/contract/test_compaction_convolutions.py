"""Channels of transposed and of depthwise convolutions leave, where the outputs stay equal."""

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from test_compaction import checked, constant, stirred, unread
from torch import nn

from fitwell.compaction import Removed, compact

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
IMAGES = (3, 2, 6, 6)


@torch.no_grad()
def dead(layer, *units):
    """These units get nothing but their bias."""
    if not isinstance(layer, TRANSPOSED):
        constant(layer, *units)
    elif layer.groups == 1:
        layer.weight[:, list(units)] = 0
    else:
        layer.weight.flatten(0, 1)[list(units)] = 0


@torch.no_grad()
def ignored(layer, *units):
    """Nobody reads these inputs of the layer."""
    if isinstance(layer, TRANSPOSED):
        layer.weight[list(units)] = 0
    else:
        unread(layer, *units)


def left(network, x=None):
    """Say for each layer that became smaller what is left."""
    result = checked(network.double(), torch.randn(IMAGES if x is None else x).double())
    return {removed.layer: removed.after for removed in result.removed}


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


KINDS = {
    1: (nn.ConvTranspose1d, nn.Conv1d, nn.BatchNorm1d),
    2: (nn.ConvTranspose2d, nn.Conv2d, nn.BatchNorm2d),
    3: (nn.ConvTranspose3d, nn.Conv3d, nn.BatchNorm3d),
}


@pytest.mark.parametrize("axes", KINDS)
def test_channels_leave_transposed_convolutions_with_their_norm(axes):
    transposed, plain, norm = KINDS[axes]
    net = stirred(
        nn.Sequential(
            plain(2, 5, 2), nn.Sigmoid(),
            transposed(5, 6, 3, stride=2, padding=1, output_padding=1), norm(6), nn.Tanh(),
            transposed(6, 4, 2), nn.ReLU(), plain(4, 3, 2),
        )
    )  # fmt: skip
    ignored(net[2], 1)
    ignored(net[5], 0, 4)
    dead(net[5], 2)
    assert left(net, (3, 2, *[4] * axes)) == {"0": 4, "2": 4, "5": 3}


@pytest.mark.parametrize("bias", [True, False])
def test_a_transposed_convolution_without_weights_gives_its_bias_everywhere(bias):
    net = nn.Sequential(
        nn.ConvTranspose2d(2, 5, 3, stride=2, output_padding=1, bias=bias), nn.Softplus(),
        nn.Conv2d(5, 3, 2),
    )  # fmt: skip
    dead(net[0], 1, 3)
    assert left(net) == {"0": 3}


POINTS = {
    "one by one": ({"kernel_size": 1}, 5),
    "a larger kernel": ({"kernel_size": 3}, 6),
    "strides": ({"kernel_size": 1, "stride": 2}, 6),
    "tiles": ({"kernel_size": 2, "stride": 2}, 6),
    "cropped": ({"kernel_size": 1, "padding": 1}, 6),
    "one more": ({"kernel_size": 1, "dilation": 2, "output_padding": 1}, 6),
    "no bias": ({"kernel_size": 1, "bias": False}, 6),
}


@pytest.mark.parametrize("reader", POINTS)
def test_a_bias_takes_a_constant_only_where_every_output_gets_it_once(reader):
    how, units = POINTS[reader]
    net = nn.Sequential(nn.Conv2d(2, 6, 1), nn.Sigmoid(), nn.ConvTranspose2d(6, 3, **how))
    dead(net[0], 2)
    assert left(net) == ({"0": units} if units < 6 else {})


@pytest.mark.parametrize("reader", sorted(set(POINTS) - {"one by one"}))
def test_elsewhere_one_constant_channel_carries_the_others(reader):
    net = nn.Sequential(
        nn.Conv2d(2, 6, 1), nn.Sigmoid(), nn.ConvTranspose2d(6, 3, **POINTS[reader][0])
    )
    dead(net[0], 2, 3, 5)
    assert left(net) == {"0": 4}


def test_a_constant_of_zero_leaves_in_front_of_any_transposed_convolution():
    net = nn.Sequential(nn.Conv2d(2, 6, 1), nn.ReLU(), nn.ConvTranspose2d(6, 3, 3, stride=2))
    dead(net[0], 2, 3)
    with torch.no_grad():
        net[0].bias.fill_(-50)[3] = 1
    assert left(net) == {"0": 5}


def test_the_smaller_transposed_convolution_has_the_numbers_worked_out_by_hand():
    net = nn.Sequential(nn.ConvTranspose1d(1, 3, 1), nn.Identity(), nn.ConvTranspose1d(3, 1, 2))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[[3.0], [0.0], [0.0]]]))
        net[0].bias.copy_(torch.tensor([1.0, 2.0, 4.0]))
        net[2].weight.copy_(torch.tensor([[[5.0, 6.0]], [[7.0, 8.0]], [[9.0, 10.0]]]))
        net[2].bias.copy_(torch.tensor([11.0]))
    state = compact(net, torch.zeros(1, 1, 3)).module.state_dict()
    assert {name: value.tolist() for name, value in state.items()} == {
        "0.weight": [[[3.0], [0.0]]],
        "0.bias": [1.0, 4.0],
        "2.weight": [[[5.0, 6.0]], [[12.5, 14.0]]],  # 9 + 7 * 2 / 4, 10 + 8 * 2 / 4
        "2.bias": [11.0],
    }


@pytest.mark.parametrize("groups", [1, 5])
def test_a_transposed_convolution_told_its_output_size_keeps_the_channels_around_it(groups):
    class Sized(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.up, self.out = (
                nn.Conv2d(2, 5, 1), nn.ConvTranspose2d(5, 5, 3, stride=2, groups=groups),
                nn.Conv2d(5, 3, 1),
            )  # fmt: skip

        def forward(self, x):
            return self.out(self.up(self.one(x), output_size=[14, 14]))

    net = Sized()
    ignored(net.up, 0)
    ignored(net.out, 1)
    assert left(net) == {}


def mobile(multiplier=1, padding=1, stride=1, kind=nn.Conv2d, bias=True, activation=nn.ReLU):
    """A point by point convolution, a depthwise one, and a reader of both."""
    wide = 6 * multiplier
    return stirred(
        nn.Sequential(
            nn.Conv2d(2, 6, 1, bias=bias), nn.BatchNorm2d(6), activation(),
            kind(6, wide, 3, padding=padding, stride=stride, groups=6, bias=bias),
            nn.BatchNorm2d(wide), activation(),
            nn.Conv2d(wide, 4, 1, bias=bias), nn.ReLU(), nn.Conv2d(4, 3, 1),
        )
    )  # fmt: skip


@torch.no_grad()
def level(norm, unit, value):
    """What a constant zero is behind the batch norm."""
    norm.bias[unit] = value
    norm.running_mean[unit] = 0


DEPTHWISE = [nn.Conv2d, nn.ConvTranspose2d]


@pytest.mark.parametrize("kind", DEPTHWISE)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
def test_dead_channels_leave_along_the_whole_depthwise_chain(kind, stride, bias):
    net = mobile(kind=kind, stride=stride, bias=bias, activation=nn.ReLU)
    ignored(net[6], 0)  # behind
    dead(net[0], 2)  # in front
    dead(net[3], 4)  # in between
    for unit in (2, 4):
        level(net[1], unit, -9 if unit == 2 else 9)
        level(net[4], unit, -9)
    if bias:
        with torch.no_grad():
            net[0].bias.zero_()
            net[3].bias.zero_()
    result = checked(net, torch.randn(IMAGES).double())
    assert result.removed == (Removed("0", 6, 3), Removed("3", 6, 3))
    assert [result.module[i].num_features for i in (1, 4)] == [3, 3]
    assert (result.module[3].groups, result.module[3].in_channels) == (3, 3)


@pytest.mark.parametrize("kind", DEPTHWISE)
def test_a_constant_that_is_not_zero_stays_in_front_of_a_border(kind):
    net = mobile(kind=kind)
    dead(net[0], 2)
    level(net[1], 2, 5)
    assert left(net) == {}


def test_a_constant_leaves_through_a_depthwise_convolution_without_a_border():
    net = mobile(padding=0)
    dead(net[0], 2)
    level(net[1], 2, 5)
    assert left(net) == {"0": 5, "3": 5}


def test_a_constant_passes_a_depthwise_convolution_for_images_of_another_size_too():
    """On 2x2 pixels every window of equal weights sees the whole image."""
    net = nn.Sequential(
        nn.Conv2d(2, 5, 1), nn.Sigmoid(), nn.Conv2d(5, 5, 3, padding=1, groups=5),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3),
    ).double()  # fmt: skip
    dead(net[0], 0)
    with torch.no_grad():
        net[2].weight.fill_(0.5)
    larger = torch.randn(3, 2, 6, 6).double()
    small = checked(net, torch.randn(3, 2, 2, 2).double())
    torch.testing.assert_close(small.module(larger), net(larger))
    assert small.removed == ()


@pytest.mark.parametrize("kind", DEPTHWISE)
def test_a_channel_with_several_filters_leaves_if_all_of_them_are_dead(kind):
    net = mobile(multiplier=2, kind=kind, activation=nn.Sigmoid)
    ignored(net[6], 0, 1)  # both of the first channel
    ignored(net[6], 3, 4)  # one of the second, one of the third
    with torch.no_grad():
        weight = net[3].weight.view(6, 2, -1)
        weight[3] = 0  # both filters of the fourth
        weight[4, 0] = 0  # one of the fifth
    assert left(net) == {"0": 4, "3": 8}


@pytest.mark.parametrize(("bias", "units"), [(True, 3), (False, 4)])
def test_every_filter_of_a_constant_channel_has_its_own_constant(bias, units):
    net = mobile(multiplier=2, padding=0, activation=nn.Sigmoid)
    net[6] = nn.Conv2d(12, 4, 2, bias=bias).double()
    dead(net[0], 1, 3, 4)
    # Without a bias one of the three carries the others, filter by filter.
    assert left(net) == {"0": units, "3": 2 * units}


def test_a_channel_stays_if_only_one_of_its_filters_gives_zero():
    net = mobile(multiplier=2, padding=0)
    net[6] = nn.Conv2d(12, 4, 1, bias=False).double()
    dead(net[3], 2, 3)
    with torch.no_grad():
        net[4].bias[2:6] = torch.tensor([-50.0, 50.0, 50.0, -50.0])
    assert left(net) == {}
    dead(net[3], 4, 5)  # neither of the two can carry the other's
    assert left(net) == {}


def test_a_channel_is_no_constant_because_the_example_is_a_single_pixel():
    net = mobile(multiplier=2, padding=0)
    with torch.no_grad():
        net[3].weight[[1, 4]] = 0  # one of two filters, twice
    assert left(net, (1, 2, 3, 3)) == {}


def test_one_channel_stays_and_then_counts_as_an_ordinary_convolution():
    net = mobile(multiplier=2)
    ignored(net[6], *range(2, 12))
    ignored(net[8], *range(4))
    assert left(net) == {"0": 1, "3": 1, "6": 1}


def test_units_pass_several_depthwise_convolutions_and_a_flattening():
    net = nn.Sequential(
        nn.Conv1d(2, 5, 3), nn.PReLU(5), nn.Conv1d(5, 10, 3, groups=5), nn.GELU(),
        nn.ConvTranspose1d(10, 10, 2, groups=10), nn.Flatten(), nn.Linear(60, 3),
    )  # fmt: skip
    ignored(net[6], *range(12, 24))
    dead(net[4], 6, 7)
    dead(net[4], 8)  # the other filter of the same unit still varies
    dead(net[2], 4, 5)  # the last convolution makes something of that constant at its borders
    assert left(net, (3, 2, 9)) == {"0": 3, "2": 6, "4": 6}


def test_an_average_with_a_divisor_of_its_own_is_no_constant():
    net = nn.Sequential(
        nn.Conv2d(2, 5, 1), nn.Sigmoid(), nn.AvgPool2d(2, ceil_mode=True, divisor_override=3),
        nn.Conv2d(5, 4, 1),
    )  # fmt: skip
    dead(net[0], 0)
    assert left(net) == {}


def test_channels_that_nobody_reads_leave_through_an_average_over_padding():
    net = nn.Sequential(nn.Conv2d(2, 5, 1), nn.AvgPool2d(3, 1, padding=1), nn.Conv2d(5, 4, 1))
    ignored(net[2], 0)
    assert left(net) == {"0": 4}


class Forked(nn.Module):
    """Two depthwise branches read the same channels."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 6, 1)
        self.one, self.two = (nn.Conv2d(6, 6, 3, groups=6) for _ in range(2))
        self.left, self.right = (nn.Conv2d(6, 3, 1) for _ in range(2))

    def forward(self, x):
        x = torch.sigmoid(self.stem(x))
        return self.left(F.silu(self.one(x))) - self.right(self.two(x))


def test_a_channel_leaves_a_fork_only_if_it_is_dead_on_both_ways():
    net = Forked()
    dead(net.one, 0, 1, 2)
    dead(net.two, 1)
    ignored(net.right, 2, 3)
    ignored(net.left, 3)
    assert left(net) == {"stem": 3, "one": 3, "two": 3}


STAY = {
    "two groups": lambda: nn.Conv2d(6, 6, 3, groups=2),
    "three groups, transposed": lambda: nn.ConvTranspose2d(6, 9, 3, groups=3),
}


@pytest.mark.parametrize("kind", STAY)
def test_channels_around_a_convolution_of_few_groups_stay(kind):
    middle = STAY[kind]()
    net = nn.Sequential(
        nn.Conv2d(2, 6, 1), nn.ReLU(), middle, nn.ReLU(), nn.Conv2d(middle.out_channels, 4, 1),
        nn.ReLU(), nn.Conv2d(4, 2, 1),
    )  # fmt: skip
    dead(net[0], 0)
    ignored(net[4], 0)
    ignored(net[6], 0)
    assert left(net) == {"4": 3}


def test_a_depthwise_convolution_on_the_input_and_one_on_another_axis_stay():
    first = nn.Sequential(nn.Conv2d(2, 4, 3, groups=2), nn.ReLU(), nn.Conv2d(4, 3, 1))
    ignored(first[2], 0)
    # Without a batch axis the rows of a linear layer's output are channels.
    other = nn.Sequential(nn.Linear(6, 4), nn.Conv1d(2, 2, 1, groups=2), nn.Linear(4, 3))
    ignored(other[2], 0)
    assert left(first) == {}
    assert left(other, (2, 6)) == {}


@settings(max_examples=60)
@given(st.data())
def test_random_zeros_in_random_convolutions_leave_the_outputs_equal(data):
    torch.manual_seed(data.draw(st.integers(0, 2**31)))
    layers, channels = [], 2
    for _ in range(data.draw(st.integers(2, 3))):
        layers += _random_layer(data.draw, channels)
        channels = layers[-1].out_channels
        if data.draw(st.booleans()):
            layers.append(nn.BatchNorm2d(channels))
        layers.append(data.draw(st.sampled_from([nn.ReLU, nn.Sigmoid, nn.Identity]))())
    net = stirred(nn.Sequential(*layers, nn.Conv2d(channels, 2, 1)))
    for layer in net:
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            dead(layer, *data.draw(st.sets(st.integers(0, layer.out_channels - 1), max_size=3)))
            if layer.groups == 1:
                ignored(layer, *data.draw(st.sets(st.integers(0, layer.in_channels - 1))))
    small = checked(net, torch.randn(2, 2, 9, 9).double()).module
    larger = torch.randn(2, 2, 11, 11).double()
    torch.testing.assert_close(small(larger), copy.deepcopy(net).eval()(larger))


def _random_layer(draw, channels):
    kind = draw(st.sampled_from([nn.Conv2d, nn.ConvTranspose2d]))
    kernel = draw(st.integers(1, 3))
    how = {
        "kernel_size": kernel,
        "padding": draw(st.integers(0, kernel // 2)),
        "bias": draw(st.booleans()),
    }
    if kind is nn.ConvTranspose2d:
        how["stride"] = draw(st.integers(1, 2))
    if draw(st.booleans()):
        return [kind(channels, channels * draw(st.integers(1, 2)), groups=channels, **how)]
    return [kind(channels, draw(st.integers(1, 5)), **how)]
