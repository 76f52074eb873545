"""What L1 and L2 cost in one training step, beside ways that people write by hand.

For each network the step with dropout alone is the base; the others add L1 and L2 to it.
All run in one process on one thread and alternate in short blocks, so that what else the
machine does hits all alike. Printed are ratios to the base: the median over the rounds,
and their middle half.

    python benchmarks/overhead.py [--rounds 40]

- fitwell, terms in the loss: `Treated.step_`, gradients added directly.
- fitwell, exact zeros: the same with the proximal step of L1 in Adam's metric.
- penalty(): fitwell's differentiable penalty, added to the loss.
- by hand: a loop over ``named_parameters`` that adds ``abs().sum()`` and
  ``pow(2).sum()`` to the loss, as forum answers show it.
- two norms: the same by ``torch.norm(p, 1)`` and ``torch.norm(p, 2) ** 2``.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fitwell.treatment import Treated, regularize

L1, L2, BATCH, CLASSES = 1e-5, 1e-4, 128, 10
RIVALS = (
    "dropout alone",
    "fitwell, terms in the loss",
    "fitwell, exact zeros",
    "penalty()",
    "by hand",
    "two norms",
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


def steps(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> dict[str, Step]:
    """Build the base and its rivals, each with a network and an optimizer of its own."""
    x, y = torch.randn(BATCH, *shape), torch.randint(0, CLASSES, (BATCH,))

    def build(penalty: str) -> Step:
        torch.manual_seed(0)
        strengths = {"l1": L1, "l2": L2} if penalty.startswith(("fitwell", "penalty")) else {}
        exact = penalty == "fitwell, exact zeros"
        treated = regularize(make(), dropout=0.3, exact_zeros=exact, **strengths)
        optimizer = torch.optim.Adam(treated.module.parameters(), lr=1e-3, fused=True)
        return lambda: _step(penalty, treated, optimizer, x, y)

    return {name: build(name) for name in RIVALS}


def _step(
    penalty: str, treated: Treated, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor
) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(treated.module(x), y)
    if penalty == "penalty()":
        loss = loss + treated.penalty()
    elif penalty in ("by hand", "two norms"):
        weights = [p for n, p in treated.module.named_parameters() if "weight" in n]
        if penalty == "by hand":
            loss = loss + L1 * sum(w.abs().sum() for w in weights)
            loss = loss + L2 * sum(w.pow(2).sum() for w in weights)
        else:
            loss = loss + sum(L1 * torch.norm(w, 1) + L2 * torch.norm(w, 2) ** 2 for w in weights)
    loss.backward()
    if penalty.startswith("fitwell"):
        treated.step_(optimizer)
    else:
        optimizer.step()


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
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread, batch {BATCH}, {rounds} rounds, Adam (fused)")
    for network, (make, shape) in NETWORKS.items():
        print(f"\n{network}: step / step with dropout alone, median [middle half]")
        for name, ratios in measure(steps(make, shape), rounds).items():
            low, middle, high = statistics.quantiles(ratios, n=4)
            print(f"  {name:28}{middle:6.3f} [{low:.3f}, {high:.3f}]")


if __name__ == "__main__":
    main()
