"""Which strengths the layers that fit a pattern can have of their own."""

import pytest
from torch import nn

from fitwell.errors import InputError
from fitwell.models.cnn import cnn
from fitwell.models.mlp import mlp
from fitwell.population.job import Member
from fitwell.population.networks import treat
from fitwell.recipe import Rule
from fitwell.runs.layers import by_layer


def kinds(network, *patterns):
    found = {}
    for pattern, kind in by_layer(network, patterns):
        found.setdefault(pattern, []).append(kind)
    return found


WEIGHTS, ALL = ["l1", "decay_epochs"], ["l1", "decay_epochs", "dropout"]
DROPPED = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(), nn.Linear(4, 2))
BARE = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2))


@pytest.mark.parametrize(
    ("network", "patterns", "expected"),
    [
        (mlp(3, 2, widths=(4, 4)), ["0"], {"0": ALL}),
        (mlp(3, 2, widths=(4, 4)), ["4"], {"4": ALL}),
        (mlp(3, 2, widths=(4, 4)), ["0", "4"], {"0": WEIGHTS, "4": ALL}),
        (mlp(3, 2, widths=(4, 4)), ["2", "4"], {"2": WEIGHTS, "4": ALL}),  # 4 has its place
        (mlp(3, 2, widths=(4,)), ["0"], {"0": WEIGHTS}),  # the only place: the general rate
        (mlp(3, 2, widths=(4,)), ["0", "2"], {"2": WEIGHTS}),
        (mlp(3, 2, widths=(4, 4)), ["*", "0"], {"0": ALL}),
        (mlp(3, 2, widths=(4, 4)), ["0", "0"], {"0": ALL}),
        (cnn((1, 8, 8), 2, widths=(4, 4)), ["0"], {"0": ALL}),
        (DROPPED, ["3"], {"3": WEIGHTS}),  # the rate is the dropout layer's, which goes by 0
        (BARE, ["2"], {"2": WEIGHTS}),  # no activation follows
        (BARE, ["4"], {"4": WEIGHTS}),
    ],
)
def test_a_pattern_has_what_holds_at_its_layers_and_not_everywhere(network, patterns, expected):
    assert kinds(network, *patterns) == expected
    for pattern, found in expected.items():  # and alone, which no later error may end
        if "dropout" in found:
            treat(
                network, Member(number=0, rules=(Rule(pattern, "dropout", 0.2),)), batch_norm=False
            )


@pytest.mark.parametrize(
    ("patterns", "told"),
    [
        (["head"], "'head' fits no layer with weights; a pattern that fits some of 0, 2, 4 is"),
        (["[0-9]"], r"'\[0-9\]' fits all layers with weights; a pattern that fits some of 0, 2, 4"),
        (["0", "[0]"], "'0' holds for no layer, since later patterns fit its layers too. Leave it"),
    ],
)
def test_a_pattern_that_makes_no_difference_is_refused(patterns, told):
    with pytest.raises(InputError, match=f"^--layers: {told}"):
        by_layer(mlp(3, 2, widths=(4, 4)), patterns)


def test_one_activation_behind_two_layers_has_one_rate():
    bent = nn.ReLU()
    shared = [nn.Linear(3, 4), bent, nn.Linear(4, 4), bent]
    assert kinds(nn.Sequential(*shared, nn.Linear(4, 2)), "4") == {"4": WEIGHTS}
    network = nn.Sequential(*shared, nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    with pytest.raises(InputError, match="one activation module follows two layers"):
        by_layer(network, ["0"])
