"""A treated network under what else torch offers."""

import copy
import os
import pickle
import socket
import subprocess
import sys
import textwrap

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fitwell.errors import InputError
from fitwell.models.mlp import mlp
from fitwell.treatment import regularize

# torch's own, when its compiler is imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning"),
]

STRENGTHS = {"l1": 0.01, "l2": 0.02, "group_lasso": 0.005}


def made(**options):
    torch.manual_seed(0)
    return regularize(mlp(5, 3, widths=(8,)), **{**STRENGTHS, **options})


def batch(rows=16):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(rows, 5, generator=generator), torch.randint(0, 3, (rows,))


def test_torch_func_sees_the_penalty_of_the_parameters_it_is_given():
    treated = made()
    parameters = {n: p.detach() for n, p in treated.module.named_parameters()}
    x, y = batch()

    def objective(values):
        output = torch.func.functional_call(treated.module, values, (x,))
        return F.cross_entropy(output, y) + treated.penalty(values)

    by_func = torch.func.grad(objective)(parameters)
    (F.cross_entropy(treated.module(x), y) + treated.penalty()).backward()
    for name, parameter in treated.module.named_parameters():
        torch.testing.assert_close(by_func[name], parameter.grad)


def test_a_population_by_vmap_has_a_penalty_each():
    first, second = made(), made()
    with torch.no_grad():
        for parameter in second.module.parameters():
            parameter.mul_(2)
    stacked, _ = torch.func.stack_module_state([first.module, second.module])
    both = torch.func.vmap(first.penalty)(stacked)
    torch.testing.assert_close(both, torch.stack([first.penalty(), second.penalty()]))


def test_gradients_accumulated_over_parts_equal_those_of_the_whole():
    whole, parts = made(), made()
    x, y = batch()
    (F.cross_entropy(whole.module(x), y) + whole.penalty()).backward()
    for rows in (slice(0, 8), slice(8, 16)):
        (F.cross_entropy(parts.module(x[rows]), y[rows]) / 2).backward()
    parts.add_penalty_gradient_()
    for one, other in zip(whole.module.parameters(), parts.module.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_autocast_leaves_the_penalty_in_full_precision():
    treated = made()
    x, y = batch()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = F.cross_entropy(treated.module(x), y) + treated.penalty()
        inside = treated.penalty()
    loss.backward()
    torch.testing.assert_close(inside, treated.penalty())
    assert all(torch.isfinite(p.grad).all() for p in treated.module.parameters())


def test_a_copy_and_a_pickle_are_independent_and_alike():
    treated = made(dropout=0.3)
    for again in (copy.deepcopy(treated), pickle.loads(pickle.dumps(treated))):
        torch.testing.assert_close(again.penalty(), treated.penalty())
        with torch.no_grad():
            again.module[0].weight.add_(1)
        assert again.penalty() != treated.penalty()
        again.set_dropout_(0.0)
        x = batch()[0]
        assert torch.equal(again.module.train()(x), again.module(x))
        assert not torch.equal(treated.module.train()(x), treated.module(x))


def test_a_treated_network_moves_to_another_precision():
    treated = made(dropout=0.3)
    before = treated.penalty()
    treated.module.double()
    assert treated.penalty().dtype == torch.float64
    torch.testing.assert_close(treated.penalty().float(), before)
    assert treated.module.train()(batch()[0].double()).dtype == torch.float64


@pytest.mark.slow
def test_a_compiled_network_and_penalty_equal_the_eager_ones():
    """On the backend that generates no machine code, so that no compiler is needed."""
    treated = made()
    x, y = batch()

    def objective(x, y):
        return F.cross_entropy(treated.module(x), y) + treated.penalty()

    compiled = torch.compile(objective, backend="aot_eager", fullgraph=True)
    compiled(x, y).backward()
    found = [p.grad.clone() for p in treated.module.parameters()]
    treated.module.zero_grad()
    objective(x, y).backward()
    for gradient, parameter in zip(found, treated.module.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad)


@pytest.mark.slow
def test_compiled_dropout_is_active_and_follows_its_schedule():
    treated = made(dropout=0.5)
    compiled = torch.compile(treated.module.train(), backend="aot_eager")
    x = batch()[0]
    assert not torch.equal(compiled(x), compiled(x))
    treated.set_dropout_(0.0)
    torch.testing.assert_close(compiled(x), treated.module.eval()(x))


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            lambda: torch.compile(mlp(2, 2, widths=(3,)), backend="aot_eager"),
            "model is compiled. Give the original module; compile treated.module.",
        ),
        (
            lambda: nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.Linear(3, 1)),
            "model: layer '0' is a LazyLinear whose weights do not exist yet. Pass a batch through"
            " the network first.",
        ),
        (
            lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(2, 3))),
            "model: layer '0' computes its weight by a parametrization, so it has none to"
            " penalize. Remove it, for example with remove_parametrizations.",
        ),
    ],
)
def test_what_cannot_be_copied_faithfully_is_refused(network, message):
    with pytest.raises(InputError) as caught:
        regularize(network(), l2=0.1)
    assert str(caught.value) == message


def test_a_network_that_cannot_be_traced_and_has_no_place_is_refused_with_the_reason():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(2, 3), nn.Linear(3, 1)

        def forward(self, x):
            return self.two(torch.relu(self.one(x))) if x.sum() > 0 else self.two(self.one(x))

    with pytest.raises(InputError) as caught:
        regularize(Branching(), dropout=0.1)
    assert "no hidden activation to put it after (it cannot be traced: TraceError" in str(
        caught.value
    )


WORKER = """
    import os, sys, torch, torch.distributed as dist
    from torch.nn import functional as F
    from torch.nn.parallel import DistributedDataParallel
    from fitwell.models.mlp import mlp
    from fitwell.treatment import regularize

    dist.init_process_group("gloo", rank=int(os.environ["RANK"]), world_size=2)
    torch.manual_seed(0)
    treated = regularize(mlp(5, 3, widths=(8,)), l1=0.01, l2=0.02, exact_zeros=True)
    x = torch.randn(16, 5, generator=torch.Generator().manual_seed(1))
    y = torch.arange(16) % 3
    network = DistributedDataParallel(treated.module)
    optimizer = torch.optim.Adam(treated.module.parameters(), lr=0.05)
    rows = slice(8 * dist.get_rank(), 8 * dist.get_rank() + 8)
    for _ in range(10):
        optimizer.zero_grad()
        F.cross_entropy(network(x[rows]), y[rows]).backward()
        treated.step_(optimizer)
    torch.save(treated.module.state_dict(), sys.argv[1] + os.environ["RANK"])
    dist.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_by_ddp_end_where_one_ends(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    base = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WORKER), str(tmp_path / "weights")],
            env={**base, "RANK": str(rank)},
        )
        for rank in (0, 1)
    ]
    assert [process.wait(120) for process in running] == [0, 0]
    torch.manual_seed(0)
    alone = regularize(mlp(5, 3, widths=(8,)), l1=0.01, l2=0.02, exact_zeros=True)
    x = torch.randn(16, 5, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.Adam(alone.module.parameters(), lr=0.05)
    for _ in range(10):
        optimizer.zero_grad()
        F.cross_entropy(alone.module(x), torch.arange(16) % 3).backward()
        alone.step_(optimizer)
    for rank in (0, 1):
        weights = torch.load(tmp_path / f"weights{rank}", weights_only=True)
        for name, value in alone.module.state_dict().items():
            # Means over halves are added in another order.
            torch.testing.assert_close(weights[name], value, rtol=1e-4, atol=1e-5)
