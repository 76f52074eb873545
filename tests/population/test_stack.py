"""Which networks are a stack, and why the others are none."""

import pytest
import torch
from torch import nn

from fitwell.models.mlp import mlp
from fitwell.population.course import chunk_size
from fitwell.population.stack import Stack, stack_of


def frozen():
    network = mlp(4, 2, widths=(3,))
    network[0].weight.requires_grad_(False)
    return network


def shared(kind, *behind):
    one = nn.Linear(3, 3)
    bends = [kind()] * 2
    return nn.Sequential(
        nn.Linear(4, 3), bends[0], *behind, one, bends[1], one, nn.Tanh(), nn.Linear(3, 2)
    )  # fmt: skip


def hooked():
    network = mlp(4, 2, widths=(3,), activation="tanh")
    network[1].register_forward_hook(lambda *_: None)
    return network


def with_buffer():
    network = mlp(4, 2, widths=(3,))
    network.register_buffer("mean", torch.zeros(3))
    return network


def three(*between):
    return nn.Sequential(nn.Linear(4, 3), *between, nn.Linear(3, 2))


BENT_TWICE = nn.Tanh()


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        (three(nn.GELU(approximate="tanh")), "layer 1 is a GELU(approximate='tanh')"),
        (three(nn.LeakyReLU(0.2)), "layer 1 is a LeakyReLU(negative_slope=0.2)"),
        (three(nn.Softplus()), "layer 1 is a Softplus"),
        (three(nn.ReLU(), nn.BatchNorm1d(3)), "layer 2 is a BatchNorm1d"),
        (three(nn.LayerNorm(3), nn.ReLU()), "layer 1 is a LayerNorm"),
        (three(nn.ReLU(), nn.AlphaDropout()), "layer 2 is a AlphaDropout"),
        (three(nn.ReLU(), nn.Dropout(1.0)), "layer 2 drops everything"),
        (
            three(nn.BatchNorm1d(3, affine=False), nn.ReLU()),
            "layer 1 has no scale, no shift or no running statistics",
        ),
        (
            three(nn.BatchNorm1d(3, track_running_stats=False), nn.ReLU()),
            "layer 1 has no scale, no shift or no running statistics",
        ),
        (three(nn.ReLU(), nn.Linear(3, 3), nn.BatchNorm1d(3)), "layer 4 is a Linear"),
        (nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)), "it ends in a batch norm"),
        (nn.Sequential(nn.Linear(4, 3), nn.ReLU()), "it has no hidden layer, or ends in an activation"),
        (nn.Sequential(nn.Linear(4, 3)), "it has no hidden layer, or ends in an activation"),
        (frozen(), "layer 0 is not trained"),
        (hooked(), "layer 1 has hooks"),
        (with_buffer(), "mean belongs to no layer"),
        (shared(nn.ReLU), "two layers share weights"),
        (
            three(BENT_TWICE, nn.Dropout(), nn.Linear(3, 3), BENT_TWICE),
            "two layers share an activation, and there is dropout",
        ),
    ],
)  # fmt: skip
def test_what_is_not_fused_is_named(network, reason):
    assert stack_of(network) == reason


def test_one_activation_in_two_places_is_fused_where_there_is_no_dropout():
    stack = stack_of(three(BENT_TWICE, nn.Linear(3, 3), BENT_TWICE))
    assert isinstance(stack, Stack)


def test_chunks_make_room_for_gains_and_batch_norm():
    sizes = [
        chunk_size(stack_of(three_wide(*between)), 128)
        for between in ([nn.ReLU()], [nn.Tanh()], [nn.BatchNorm1d(512), nn.Tanh()])
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def three_wide(*between):
    return nn.Sequential(nn.Linear(4, 512), *between, nn.Linear(512, 2))
