"""Units of recurrent layers leave, and units that recurrent layers read."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_compaction import checked, constant, stirred, unread
from torch import nn

from fitwell.compaction import Removed, compact

RECURRENT = [nn.RNN, nn.GRU, nn.LSTM]
SEQUENCES = (4, 6, 5)

READS = {
    "the last step": lambda output, h: output[:, -1],
    "the last step of the second axis": lambda output, h: output[-1],
    "every step": lambda output, h: output,
    "the mean over time": lambda output, h: torch.relu(output).mean(dim=1),
    "the last state": lambda output, h: h[-1],
    "the only state": lambda output, h: h.squeeze(0),
    "a step in between": lambda output, h: output[:, 2].clone(),
}


class Reading(nn.Module):
    """A recurrent layer and a linear one that reads some of its results."""

    def __init__(self, kind, read="the last step", bias=True, layers=1, hidden=6, **how):
        super().__init__()
        how = {"batch_first": True} | how
        self.rnn = kind(5, hidden, num_layers=layers, bias=bias, **how)
        self.head = nn.Linear(hidden, 3)
        self.read = READS[read]
        self.double()

    def forward(self, x):
        if isinstance(self.rnn, nn.LSTM):
            output, (h, _) = self.rnn(x)
        else:
            output, h = self.rnn(x)
        return self.head(self.read(output, h))


@torch.no_grad()
def deaf(rnn, *units, layer=0):
    """These units get nothing but their biases."""
    for way in ("ih", "hh"):
        weight = getattr(rnn, f"weight_{way}_l{layer}")
        weight.view(-1, rnn.hidden_size, weight.shape[1])[:, list(units)] = 0


@torch.no_grad()
def mute(rnn, *units, layer=0):
    """No unit of the layer reads these at the next step."""
    getattr(rnn, f"weight_hh_l{layer}")[:, list(units)] = 0


@torch.no_grad()
def plugged(rnn, *columns, layer=0):
    """The layer does not read these of its inputs."""
    getattr(rnn, f"weight_ih_l{layer}")[:, list(columns)] = 0


def left(network, shape=SEQUENCES):
    """Say for each layer that became smaller what is left."""
    result = checked(network.double(), torch.randn(shape).double())
    for layer in result.module.modules():
        if isinstance(layer, nn.RNNBase):
            tensors_fit(layer)
    return {removed.layer: removed.after for removed in result.removed}


def tensors_fit(rnn):
    """A module made anew with the same sizes has tensors of the same shapes."""
    projected = {"proj_size": rnn.proj_size} if rnn.proj_size else {}
    anew = type(rnn)(
        rnn.input_size, rnn.hidden_size, rnn.num_layers, bias=rnn.bias,
        bidirectional=rnn.bidirectional, **projected,
    )  # fmt: skip
    assert [(n, p.shape) for n, p in rnn.named_parameters()] == [
        (n, p.shape) for n, p in anew.named_parameters()
    ]


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("bias", [True, False])
def test_units_that_nobody_reads_leave(kind, read, bias):
    net = Reading(kind, read, bias, batch_first=read != "the last step of the second axis")
    unread(net.head, 1, 4)
    mute(net.rnn, 1, 2, 4)
    assert left(net) == {"rnn": 4}


@pytest.mark.parametrize("kind", RECURRENT)
def test_units_that_only_read_themselves_and_each_other_leave(kind):
    net = Reading(kind)
    unread(net.head, 0, 1, 2, 3)
    with torch.no_grad():
        weight = net.rnn.weight_hh_l0.view(-1, 6, 6)
        weight[:, :, :4] = 0
        weight[:, 0, 0] = 2  # itself
        weight[:, 1, 2] = weight[:, 2, 1] = 1  # each other
        weight[-1, 5, 3] = 1e-3  # a living unit reads this one, in one gate
    assert left(net) == {"rnn": 3}


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_unit_that_a_living_unit_reads_across_another_stays(kind):
    net = Reading(kind)
    unread(net.head, 0, 1, 2)
    with torch.no_grad():
        weight = net.rnn.weight_hh_l0.view(-1, 6, 6)
        weight[:, :, :3] = 0
        weight[0, 1, 0] = weight[0, 4, 1] = 0.5
    assert left(net) == {"rnn": 5}


def test_the_smaller_recurrent_layer_has_the_numbers_worked_out_by_hand():
    net = Reading(nn.GRU, hidden=2)
    with torch.no_grad():
        for start, tensor in enumerate(net.parameters()):
            tensor.copy_(torch.arange(tensor.numel()).reshape(tensor.shape) + 100 * start)
    unread(net.head, 0)
    mute(net.rnn, 0)
    state = compact(net, torch.zeros(1, 2, 5)).module.state_dict()
    assert {name: value.flatten().tolist() for name, value in state.items()} == {
        "rnn.weight_ih_l0": [*range(5, 10), *range(15, 20), *range(25, 30)],
        "rnn.weight_hh_l0": [103, 107, 111],
        "rnn.bias_ih_l0": [201, 203, 205],
        "rnn.bias_hh_l0": [301, 303, 305],
        "head.weight": [401, 403, 405],
        "head.bias": [500, 501, 502],
    }


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_a_plain_unit_without_weights_is_constant_for_those_who_read_results(nonlinearity):
    net = Reading(nn.RNN, nonlinearity=nonlinearity)
    deaf(net.rnn, 0, 1)
    with torch.no_grad():
        net.rnn.bias_ih_l0[:2] = 1
    mute(net.rnn, 1)
    # The first step reads zero in place of unit 0, so no bias of the layer can take it.
    assert left(net) == {"rnn": 5}


def test_one_constant_plain_unit_carries_the_others_from_step_to_step():
    net = Reading(nn.RNN, "every step")
    deaf(net.rnn, 0, 1, 3)
    assert left(net) == {"rnn": 4}


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
@pytest.mark.parametrize("bias", [True, False])
def test_a_unit_whose_candidate_is_zero_rests_at_zero_and_leaves(kind, bias):
    net = Reading(kind, bias=bias)
    with torch.no_grad():
        for name, tensor in net.rnn.named_parameters():
            gates = tensor.view(-1, 6, *tensor.shape[1:])
            gates[2, :3] = 0
            if name == "bias_ih_l0":
                gates[2, 1] = 0.1
            if name == "bias_hh_l0":
                gates[2, 2] = 0.1
    assert left(net) == {"rnn": 5 if bias else 3}


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_a_gated_unit_without_weights_moves_from_step_to_step_and_stays(kind):
    net = Reading(kind)
    deaf(net.rnn, 0, 1)
    assert left(net) == {}
    # After one step alone it looks like a constant.
    assert left(net, (4, 1, 5)) == {}


def test_a_plain_unit_that_reads_its_own_layer_alone_is_no_constant():
    net = Reading(nn.RNN)
    with torch.no_grad():
        net.rnn.weight_ih_l0[:2] = 0
    # In one step from zero it looks like one.
    assert left(net, (4, 1, 5)) == {}


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize("read", ["the last step", "the last state"])
def test_the_layers_of_a_stack_lose_equal_numbers(kind, read):
    net = Reading(kind, read, layers=3, dropout=0.5)
    for layer, units in enumerate([(0, 1), (2, 3, 4), (1, 5)]):
        mute(net.rnn, *units, layer=layer)
        if layer < 2:
            plugged(net.rnn, *units, layer=layer + 1)
    unread(net.head, 1, 5)
    assert left(net) == {"rnn": 4}


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_spare_unit_of_a_stack_stays_and_reads_nothing(kind):
    net = Reading(kind, layers=2)
    unread(net.head, 1)
    mute(net.rnn, 1, layer=1)
    with torch.no_grad():  # only that unit reads unit 4 of the layer below
        mute(net.rnn, 4)
        net.rnn.weight_ih_l1.view(-1, 6, 6)[:, [0, 2, 3, 4, 5], 4] = 0
    assert left(net) == {"rnn": 5}


def test_a_constant_of_a_lower_layer_goes_into_the_bias_of_the_next():
    net = Reading(nn.RNN, layers=2)
    deaf(net.rnn, 0)
    mute(net.rnn, 0)
    unread(net.head, 3)
    mute(net.rnn, 3, layer=1)
    assert left(net) == {"rnn": 5}


def test_a_constant_of_a_layer_in_between_is_read_from_its_own_states():
    net = Reading(nn.RNN, layers=3)
    mute(net.rnn, 1)
    plugged(net.rnn, 1, layer=1)
    deaf(net.rnn, 0, layer=1)
    mute(net.rnn, 0, layer=1)
    unread(net.head, 3)
    mute(net.rnn, 3, layer=2)
    assert left(net) == {"rnn": 5}


class States(nn.Module):
    """The head reads states of an LSTM, layer by layer."""

    def __init__(self, pick, wide=6):
        super().__init__()
        self.rnn = nn.LSTM(5, 6, num_layers=2, batch_first=True)
        self.head, self.pick = nn.Linear(wide, 3), pick

    def forward(self, x):
        return self.head(self.pick(self.rnn(x)))


PICKED = {
    "cell of the last layer": (lambda r: r[1][1][-1], 1),
    "hidden state of the last layer": (lambda r: r[1][0][1], 1),
    "hidden state of the first layer": (lambda r: r[1][0][0], 0),
    "cell of the first layer": (lambda r: r[1][1][-2], 0),
}


@pytest.mark.parametrize("picked", PICKED)
def test_the_states_of_each_layer_are_told_apart(picked):
    pick, layer = PICKED[picked]
    net = States(pick)
    unread(net.head, 2)
    mute(net.rnn, 2, layer=layer)
    if layer:
        mute(net.rnn, 3)
        plugged(net.rnn, 3, layer=1)
        assert left(net) == {"rnn": 5}
    else:  # nobody reads the upper layer, nor the unit below
        plugged(net.rnn, 2, layer=1)
        assert left(net) == {"rnn": 5}


UNKNOWN = {
    "both layers at once": (lambda r: r[1][0].mean(dim=0), 6),
    "a slice of the layers": (lambda r: r[1][0][1:].squeeze(0), 6),
    "more than one index": (lambda r: r[1][0][-1, :, :], 6),
    "states side by side": (lambda r: torch.cat([r[1][0][0], r[1][0][1]], dim=1), 12),
    "the units counted": (lambda r: r[0].reshape(-1, 6), 6),
    "some of the units": (lambda r: r[0][..., :4], 4),
}


@pytest.mark.parametrize("picked", UNKNOWN)
def test_units_of_a_stack_that_are_read_in_another_way_stay(picked):
    net = States(*UNKNOWN[picked])
    for layer in (0, 1):
        mute(net.rnn, 2, layer=layer)
    plugged(net.rnn, 2, layer=1)
    unread(net.head, 2)
    assert left(net) == {}


class Started(nn.Module):
    """A recurrent layer that is given its first state, in one of several ways."""

    def __init__(self, call):
        super().__init__()
        self.before, self.rnn, self.head = nn.Linear(5, 4), nn.GRU(4, 4), nn.Linear(4, 3)
        self.call = call

    def forward(self, x):
        x = torch.sigmoid(self.before(x))
        return self.head(self.call(self.rnn, x)[0])


STARTS = {
    "zeros": (lambda rnn, x: rnn(x, torch.zeros(1, 6, 4).double()), {"before": 3}),
    "ones by name": (lambda rnn, x: rnn(x, hx=torch.ones(1, 6, 4).double()), {"before": 3}),
    "nothing": (lambda rnn, x: rnn(x, None), {"before": 3, "rnn": 3}),
    "units as states": (lambda rnn, x: rnn(x, x[:1]), {}),
    "input by name": (lambda rnn, x: rnn(input=x), {}),
}


@pytest.mark.parametrize("start", STARTS)
def test_units_stay_where_the_first_state_is_given(start):
    call, smaller = STARTS[start]
    net = Started(call)
    plugged(net.rnn, 1)
    unread(net.head, 2)
    mute(net.rnn, 2)
    assert left(net) == smaller


KEPT = {
    "both directions": (nn.GRU, {"bidirectional": True}, 12),
    "projection": (nn.LSTM, {"proj_size": 6, "hidden_size": 8}, 6),
}


class Before(nn.Module):
    """A recurrent layer of any kind that reads a linear one."""

    def __init__(self, kind, wide=6, **how):
        super().__init__()
        self.before = nn.Linear(5, 7)
        self.rnn = kind(7, **({"hidden_size": 6, "batch_first": True} | how))
        self.head = nn.Linear(wide, 3)

    def forward(self, x):
        return self.head(self.rnn(torch.sigmoid(self.before(x)))[0])


@pytest.mark.parametrize("kept", KEPT)
def test_units_of_other_kinds_stay_and_those_in_front_leave(kept):
    kind, how, wide = KEPT[kept]
    net = Before(kind, wide, **how)
    unread(net.head, *range(wide))
    constant(net.before, 0)
    with torch.no_grad():
        for name, weight in net.rnn.named_parameters():
            if name.startswith("weight_ih_l0"):
                weight[:, 1] = 0
    plugged(net.rnn, 3)
    assert left(net) == {"before": 4 if kept == "projection" else 5}


def test_the_state_of_one_direction_and_the_cell_of_a_projected_layer_keep_their_units():
    class Ends(nn.Module):
        def __init__(self, pick, wide, **how):
            super().__init__()
            self.rnn, self.head, self.pick = nn.LSTM(5, 6, **how), nn.Linear(wide, 3), pick

        def forward(self, x):
            return self.head(self.pick(self.rnn(x)))

    ends = Ends(lambda r: r[1][0][-1], 6, bidirectional=True)
    cell = Ends(lambda r: r[1][1][-1], 6, proj_size=4)
    for net in (ends, cell):
        unread(net.head, 1)
        mute(net.rnn, 1)
        assert left(net) == {}


@pytest.mark.parametrize("kind", RECURRENT)
@pytest.mark.parametrize(("bias", "units"), [(True, 4), (False, 5)])
def test_constants_in_front_go_into_the_bias_of_every_gate(kind, bias, units):
    net = Before(kind, bias=bias)
    constant(net.before, 0, 2)
    plugged(net.rnn, 5)
    # Without a bias one constant carries the other.
    assert left(net) == {"before": units}


def test_a_recurrent_layer_reads_another_and_the_one_behind_it_is_gone_first():
    class Chain(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.GRU(5, 6), nn.LSTM(6, 7)
            self.head = nn.Linear(7, 3)

        def forward(self, x):
            return self.head(self.two(torch.tanh(self.one(x)[0]))[0][-1])

    net = Chain()
    unread(net.head, 0)
    mute(net.two, 0)
    mute(net.one, 3)
    with torch.no_grad():  # only the unit that leaves reads this one
        net.two.weight_ih_l0.view(4, 7, 6)[:, 1:, 3] = 0
    assert left(net) == {"one": 5, "two": 6}


class Turned(nn.Module):
    """A convolution over time in front of an LSTM, which wants channels last."""

    def __init__(self, turn):
        super().__init__()
        self.conv, self.norm = nn.Conv1d(5, 4, 3), nn.BatchNorm1d(4)
        self.rnn, self.head = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 3)
        self.turn = turn

    def forward(self, x):
        return self.head(self.rnn(self.turn(torch.relu(self.norm(self.conv(x)))))[1][0][-1])


TURNS = {
    "transpose": lambda x: x.transpose(1, 2),
    "transpose by name": lambda x: torch.transpose(x, dim0=-1, dim1=-2),
    "permute": lambda x: x.permute(0, 2, 1),
    "permute a tuple": lambda x: torch.permute(x, (0, -1, 1)),
    "permute in a circle": lambda x: x.permute(2, 0, 1),
    "an ellipsis": lambda x: x[..., 1:].transpose(1, 2),
    "squeeze": lambda x: x.unsqueeze(1).transpose(1, 3).squeeze(3),
    "squeeze nothing": lambda x: x.swapaxes(2, 1).squeeze(1),
    "index": lambda x: x[:, None, ..., 1:].permute(0, 1, 3, 2)[:, 0],
}


@pytest.mark.parametrize("turn", TURNS)
def test_channels_of_a_convolution_leave_in_front_of_a_recurrent_layer(turn):
    net = stirred(Turned(TURNS[turn]))
    constant(net.conv, 0)
    plugged(net.rnn, 2)
    unread(net.head, 5)
    mute(net.rnn, 5)
    assert left(net, (3, 5, 8)) == {"conv": 2, "rnn": 5}


def test_steps_of_one_channel_are_not_taken_for_the_channels():
    class Single(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.head = nn.Conv1d(5, 4, 3), nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.conv(x)[:, 0])  # four steps, and four channels

    net = Single()
    unread(net.head, 1)
    assert left(net, (4, 5, 6)) == {}


class Overwritten(nn.Module):
    """One step is written over, in a view."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Linear(5, 4), nn.Linear(4, 3)

    def forward(self, x):
        x = self.first(x)
        x[:, -1].relu_()
        return self.head(x)


def test_a_constant_that_is_written_over_at_one_step_stays():
    net = Overwritten()
    constant(net.first, 0, 1)
    with torch.no_grad():
        net.first.bias[:2] = torch.tensor([-1.0, 1.0])
    assert left(net) == {"first": 3}


@pytest.mark.parametrize("kind", RECURRENT)
def test_sequences_without_a_batch_axis_are_read_too(kind):
    net = Reading(kind, "every step")
    unread(net.head, 1)
    mute(net.rnn, 1)
    assert left(net, (6, 5)) == {"rnn": 5}


def test_a_layer_with_two_readers_keeps_what_either_needs():
    class Both(Reading):
        def forward(self, x):
            output, h = self.rnn(x)
            return self.head(output[:, 0]) + self.other(h[0])

    net = Both(nn.GRU)
    net.other = nn.Linear(6, 3)
    unread(net.head, 0, 1)
    unread(net.other, 1, 2)
    mute(net.rnn, 0, 1, 2)
    assert left(net) == {"rnn": 5}


@pytest.mark.parametrize("kind", RECURRENT)
def test_one_unit_stays_of_a_recurrent_layer_that_nobody_reads(kind):
    net = Reading(kind, layers=2)
    unread(net.head, *range(6))
    result = checked(net, torch.randn(SEQUENCES).double())
    assert result.removed == (Removed("rnn", 6, 1),)


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_smaller_recurrent_network_of_single_precision_trains_on(kind):
    net = Reading(kind).float()
    unread(net.head, 1)
    mute(net.rnn, 1)
    x = torch.randn(SEQUENCES)
    small = checked(net, x).module
    assert compact(small, x).removed == ()
    small.train()(x).sum().backward()
    assert all(p.grad is not None and p.grad.shape == p.shape for p in small.parameters())


@settings(max_examples=60)
@given(st.data())
def test_random_zeros_in_random_recurrent_networks_leave_the_outputs_equal(data):
    torch.manual_seed(data.draw(st.integers(0, 2**31)))
    net = Reading(
        data.draw(st.sampled_from(RECURRENT)), data.draw(st.sampled_from(["every step", "the last state"])),
        bias=data.draw(st.booleans()), layers=data.draw(st.integers(1, 2)), hidden=4,
    )  # fmt: skip
    some = st.sets(st.integers(0, 3))
    for layer in range(net.rnn.num_layers):
        deaf(net.rnn, *data.draw(some), layer=layer)
        mute(net.rnn, *data.draw(some), layer=layer)
        if layer:
            plugged(net.rnn, *data.draw(some), layer=layer)
    unread(net.head, *data.draw(some))
    if net.rnn.bias and data.draw(st.booleans()):
        with torch.no_grad():
            for layer in range(net.rnn.num_layers):
                getattr(net.rnn, f"bias_ih_l{layer}").zero_()
                getattr(net.rnn, f"bias_hh_l{layer}").zero_()
    # One step alone must not make a constant of what moves later.
    short, long = torch.randn(4, 1, 5).double(), torch.randn(4, 7, 5).double()
    torch.testing.assert_close(checked(net, short).module(long), net(long))
