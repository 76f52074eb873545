"""What L1 and L2 cost in one training step, beside ways that people write by hand.

For each network the step with dropout alone is the base; the others add L1 and L2 to it.
All run in one process on one thread and alternate in short blocks, so that what else the
machine does hits all alike. Printed are ratios to the base: the median over the rounds,
and their middle half.

    python benchmarks/overhead.py [--rounds 200]

- fitwell, terms in the loss: `Treated.step_`, gradients added directly.
- fitwell, exact zeros: the same with the proximal step of L1 in Adam's metric.
- penalty(): fitwell's differentiable penalty, added to the loss.
- by hand: a loop over ``named_parameters`` that adds ``abs().sum()`` and
  ``pow(2).sum()`` to the loss, as forum answers show it.
- two norms: the same by ``torch.norm(p, 1)`` and ``torch.norm(p, 2) ** 2``.
- torchlayers: its wrappers ``L1(L2(layer))`` around every layer with weights, if it is
  installed (``make bench`` does that). It acts by backward hooks.

A way that is quick because it does nothing is no rival, so the last column says in how
many of the penalized tensors the gradient of L1 and that of L2 arrive.
"""

import argparse
import copy
import itertools
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fitwell.surgery import WEIGHTED
from fitwell.treatment import Treated, regularize

L1, L2, BATCH, CLASSES = 1e-5, 1e-4, 128, 10
RIVALS = (
    "dropout alone",
    "fitwell, terms in the loss",
    "fitwell, exact zeros",
    "penalty()",
    "by hand",
    "two norms",
    *(["torchlayers"] if find_spec("torchlayers") else []),
)
Step = Callable[[], object]


class Block(nn.Module):
    """Two convolutions beside a skip."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm_one, self.act_one = nn.BatchNorm2d(channels), nn.ReLU()
        self.two = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm_two, self.act_two = nn.BatchNorm2d(channels), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Add the branch to its input."""
        inner = self.norm_two(self.two(self.act_one(self.norm_one(self.one(x)))))
        result: Tensor = self.act_two(x + inner)
        return result


def mlp(inputs: int, *widths: int) -> nn.Sequential:
    """Build hidden layers with ReLU."""
    layers: list[nn.Module] = []
    for one, other in itertools.pairwise((inputs, *widths)):
        layers += [nn.Linear(one, other), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], CLASSES))


def resnet() -> nn.Sequential:
    """Build a small ResNet for grey images of 28 pixels."""
    stem = (nn.Conv2d(1, 16, 3, padding=1, stride=2), nn.BatchNorm2d(16), nn.ReLU())
    tail = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, CLASSES))
    return nn.Sequential(*stem, Block(16), Block(16), Block(16), *tail)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "MLP 2x64": (lambda: mlp(64, 64, 64), (64,)),
    "MLP 3x256": (lambda: mlp(64, 256, 256, 256), (64,)),
    "small ResNet": (resnet, (1, 28, 28)),
}


@dataclass
class Rival:
    """A network with a penalty of one kind.

    Attributes:
        name: one of `RIVALS`.
        treated: the network with dropout, and with fitwell's penalty where that is meant.
        l1: strength of L1.
        l2: strength of L2.
    """

    name: str
    treated: Treated
    l1: float
    l2: float

    @classmethod
    def build(cls, name: str, network: nn.Module, l1: float = L1, l2: float = L2) -> "Rival":
        """Treat a copy of a network."""
        ours = name.startswith(("fitwell", "penalty"))
        strengths = {"l1": l1, "l2": l2} if ours else {}
        exact = name == "fitwell, exact zeros"
        treated = regularize(network, dropout=0.3, exact_zeros=exact, **strengths)
        if name == "torchlayers":
            _wrap(treated.module, l1, l2)
        return cls(name, treated, l1, l2)

    def backward(self, x: Tensor, y: Tensor) -> None:
        """Make the gradients, but for what fitwell adds in `Treated.step_`."""
        loss = F.cross_entropy(self.treated.module(x), y)
        if self.name == "penalty()":
            loss = loss + self.treated.penalty()
        elif self.name in ("by hand", "two norms"):
            named = self.treated.module.named_parameters()
            weights = [p for n, p in named if "weight" in n]
            if self.name == "by hand":
                loss = loss + self.l1 * sum(w.abs().sum() for w in weights)
                loss = loss + self.l2 * sum(w.pow(2).sum() for w in weights)
            else:
                for w in weights:
                    loss = loss + self.l1 * torch.norm(w, 1) + self.l2 * torch.norm(w, 2) ** 2
        loss.backward()

    def step(self, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
        """Train on one batch."""
        optimizer.zero_grad(set_to_none=True)
        self.backward(x, y)
        if self.name.startswith("fitwell"):
            self.treated.step_(optimizer)
        else:
            optimizer.step()


def _wrap(module: nn.Module, l1: float, l2: float) -> None:
    import torchlayers

    for name, layer in list(module.named_children()):
        if isinstance(layer, WEIGHTED):
            inner = torchlayers.L2(layer, 2 * l2, "weight") if l2 else layer
            setattr(module, name, torchlayers.L1(inner, l1, "weight") if l1 else inner)
        else:
            _wrap(layer, l1, l2)


def steps(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> dict[str, Step]:
    """Build the base and its rivals, each with a network and an optimizer of its own."""
    x, y = _batch(shape)

    def build(name: str) -> Step:
        torch.manual_seed(0)
        rival = Rival.build(name, make())
        parameters = rival.treated.module.parameters()
        optimizer = torch.optim.Adam(parameters, lr=1e-3, fused=True)
        return lambda: rival.step(optimizer, x, y)

    return {name: build(name) for name in RIVALS}


def arrivals(make: Callable[[], nn.Module], shape: tuple[int, ...], name: str) -> str:
    """Count the penalized tensors in which L1 and L2 arrive when both are asked for."""
    x, y = _batch(shape)
    network = make()

    def gradients(l1: float, l2: float) -> list[Tensor]:
        rival = Rival.build(name, copy.deepcopy(network), l1, l2)
        rival.treated.module.eval()  # no dropout: the difference is the penalty's
        weights = _weights(rival.treated.module)
        before = [w.detach().clone() for w in weights]
        if rival.treated.shrinks:
            # What is not in the gradient is seen in the weights, after one step of SGD.
            rival.step(torch.optim.SGD(rival.treated.module.parameters(), lr=1.0), x, y)
            return [b - w.detach() for b, w in zip(before, weights, strict=True)]
        rival.backward(x, y)
        if name.startswith("fitwell"):
            rival.treated.add_penalty_gradient_()
        return [w.grad.clone() for w in weights]

    # Strong enough to stand out from rounding, and each small beside the weights.
    l1, l2 = 1e-3, 1e-2
    both, bare, weights = gradients(l1, l2), gradients(0.0, 0.0), _weights(network)
    there = {"L1": 0, "L2": 0}
    for gradient, plain, weight in zip(both, bare, weights, strict=True):
        # Regress the difference on what the two terms should add.
        columns = torch.stack([l1 * weight.sign().flatten(), 2 * l2 * weight.flatten()], dim=1)
        shares = torch.linalg.lstsq(columns, (gradient - plain).flatten()[:, None]).solution
        for kind, share in zip(there, shares.flatten().tolist(), strict=True):
            there[kind] += abs(share - 1) < 0.2
    return ", ".join(f"{kind} in {found} of {len(weights)}" for kind, found in there.items())


def _weights(module: nn.Module) -> list[nn.Parameter]:
    return [layer.weight for layer in module.modules() if isinstance(layer, WEIGHTED)]


def _batch(shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    return torch.randn(BATCH, *shape), torch.randint(0, CLASSES, (BATCH,))


def measure(rivals: dict[str, Step], rounds: int) -> dict[str, list[float]]:
    """Time blocks of steps in turn; give each rival's ratios to the base, round by round."""
    base = next(iter(rivals))
    for step in rivals.values():
        for _ in range(5):
            step()
    one = _seconds(rivals[base], 5) / 5
    block = max(1, round(0.03 / one))
    ratios: dict[str, list[float]] = {name: [] for name in rivals}
    for number in range(rounds):
        # Every other round backwards, so that no rival always follows the same one.
        order = list(rivals) if number % 2 else list(rivals)[::-1]
        taken = {name: _seconds(rivals[name], block) for name in order}
        for name in rivals:
            ratios[name].append(taken[name] / taken[base])
    return ratios


def _seconds(step: Step, repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return time.perf_counter() - start


def main() -> None:
    """Print one table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", UserWarning)  # dropout before batch norm, hooks of rivals
    print(f"torch {torch.__version__}, one thread, batch {BATCH}, {rounds} rounds, Adam (fused)")
    for network, (make, shape) in NETWORKS.items():
        print(f"\n{network}: step / step with dropout alone, median [middle half]")
        for name, ratios in measure(steps(make, shape), rounds).items():
            low, middle, high = statistics.quantiles(ratios, n=4)
            found = arrivals(make, shape, name) if name != RIVALS[0] else ""
            print(f"  {name:28}{middle:6.3f} [{low:.3f}, {high:.3f}]  {found}")


if __name__ == "__main__":
    main()
