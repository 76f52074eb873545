"""The loop that every adapter must equal: the penalty as one more term of the loss."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fitwell.treatment import regularize

PAGE = Path(__file__).parents[2] / "docs" / "adapters.md"

# float32, about 40 steps: the terms are added in another order than in one backward pass,
# which costs some units of the last place (6e-8 of a weight near 1); 2.4e-7 was measured.
TOLERANCE = {"rtol": 0.0, "atol": 1e-6}

PENALTY = {"l1": 2e-3, "l2": 1e-2}
ZEROS = {"l1": 2e-2, "l2": 1e-2, "exact_zeros": True}
# options, optimizer, batches per step, norm that gradients are clipped to
CASES = {
    "penalty": (PENALTY, "sgd", 1, None),
    "penalty, adam": (PENALTY, "adam", 1, None),
    "penalty, accumulation": (PENALTY, "sgd", 2, None),
    "penalty, accumulation, clipping": (PENALTY, "sgd", 2, 0.2),
    "exact zeros": (ZEROS, "sgd", 1, None),
    "exact zeros, adamw, accumulation, clipping": (ZEROS, "adamw", 2, 0.2),
    "decoupled decay": ({"decoupled_l1": 2e-3, "decoupled_l2": 5e-2}, "adam", 1, None),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 3))


def data(rows=64):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(rows, 6, generator=generator)
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


def batches(epochs=5, size=8):
    x, y = data()
    return [pair for _ in range(epochs) for pair in zip(x.split(size), y.split(size), strict=True)]


def optimizer_of(kind, parameters):
    # The slope of an attention's key bias is 0 but for rounding, which Adam's own eps of 1e-8
    # would blow up to whole steps.
    return {
        "sgd": lambda: torch.optim.SGD(parameters, lr=0.1, momentum=0.9),
        "adam": lambda: torch.optim.Adam(parameters, lr=0.01, eps=1e-4),
        "adamw": lambda: torch.optim.AdamW(parameters, lr=0.01, eps=1e-4, weight_decay=0.01),
    }[kind]()


def falling(optimizer):
    """A learning rate that changes at each step, so that a proximal step too late is seen."""
    return torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.98)


def train(model, case, loss_of=lambda net, batch: F.cross_entropy(net(batch[0]), batch[1]),
          steps=None):  # fmt: skip
    """Train by hand; gives what `regularize` gave."""
    options, kind, accumulate, clip = case
    treated = regularize(model, **options)
    optimizer = optimizer_of(kind, treated.module.parameters())
    schedule = falling(optimizer)
    every = batches() if steps is None else steps
    shrinks = treated.exact_zeros or "decoupled_l1" in options
    for start in range(0, len(every), accumulate):
        optimizer.zero_grad()
        for batch in every[start : start + accumulate]:
            loss = loss_of(treated.module, batch) + treated.penalty()
            (loss / accumulate).backward()
        if clip:
            nn.utils.clip_grad_norm_(treated.module.parameters(), clip)
        treated.decay_(optimizer)
        optimizer.step()
        if shrinks:
            treated.shrink_(optimizer)
        schedule.step()
    return treated


def difference(one, other):
    """The largest over all entries of all tensors."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return max(float((a.double() - b.double()).abs().max()) for a, b in pairs)


def assert_same(trained, by_hand):
    """The same weights up to rounding, and exactly the same zeros."""
    for name, tensor in by_hand.module.state_dict().items():
        torch.testing.assert_close(trained.state_dict()[name], tensor, **TOLERANCE)
        assert torch.equal(trained.state_dict()[name] == 0, tensor == 0), name
    if by_hand.exact_zeros:
        assert 0.05 < by_hand.zeros() < 0.95


def page_block(framework):
    """The example of the page; test_pages.py leaves ``py`` to the tests that have the framework."""
    blocks = re.findall(r"^```py\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (block,) = [block for block in blocks if f"from fitwell.adapters.{framework} " in block]
    return block
