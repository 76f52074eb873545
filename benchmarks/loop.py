"""What fitwell's training loop costs beside a loop written by hand in plain PyTorch.

Both train the same network on the same rows for the same epochs, one thread each, and
measure the same curves after every epoch; they alternate, so that what else the machine
does hits both. Printed are ratios fitwell / plain: median and range over the rounds.

    python benchmarks/loop.py [--rounds 7]
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from fitwell.models.blueprint import Blueprint
from fitwell.recipe import Recipe
from fitwell.task import Material
from fitwell.training.loop import train

EPOCHS, BATCH, COLUMNS, ROWS, CLASSES = 5, 128, 150, 6_000, 4


def make_material() -> Material:
    """Make rows of the size of the built-in demo."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS + 2_000, COLUMNS)).astype(np.float32)
    y = rng.integers(0, CLASSES, len(x))
    return Material(
        train_x=x[:ROWS],
        train_y=y[:ROWS],
        validation_x=x[ROWS:],
        validation_y=y[ROWS:],
        outputs=CLASSES,
        blueprint=Blueprint(kind="mlp", widths=(256, 256)),
    )


def plain(material: Material, recipe: Recipe, *, loader: bool) -> None:
    """Train as a user would by hand: batches by index, or torch's own DataLoader."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    sizes = (COLUMNS, 256, 256)
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
        if recipe.dropout:
            layers.append(nn.Dropout(recipe.dropout))
    network = nn.Sequential(*layers, nn.Linear(256, CLASSES))
    weights = [m.weight for m in network if isinstance(m, nn.Linear)]
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    x, y = torch.from_numpy(material.train_x), torch.from_numpy(material.train_y)
    new_x, new_y = torch.from_numpy(material.validation_x), torch.from_numpy(material.validation_y)
    dataset = DataLoader(TensorDataset(x, y), batch_size=BATCH, shuffle=True)
    for _ in range(EPOCHS):
        network.train()
        parts = dataset if loader else ((x[i], y[i]) for i in torch.randperm(len(x)).split(BATCH))
        for rows, target in parts:
            optimizer.zero_grad()
            loss = F.cross_entropy(network(rows), target)
            if recipe.l1:
                loss = loss + recipe.l1 * sum(w.abs().sum() for w in weights)
            if recipe.l2:
                loss = loss + recipe.l2 * sum(w.square().sum() for w in weights)
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            F.cross_entropy(network(new_x), new_y).item()
            F.cross_entropy(network(x[:2_000]), y[:2_000]).item()


def seconds(run: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def main() -> None:
    """Print one line per recipe and rival."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    material = make_material()
    base = {"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": 1e-3}
    recipes = {
        "untreated": Recipe(**base),
        "L2": Recipe(**base, l2=1e-4),
        "dropout": Recipe(**base, dropout=0.3),
        "L1": Recipe(**base, l1=1e-5),
        "L1, L2, dropout": Recipe(**base, l1=1e-5, l2=1e-4, dropout=0.3),
    }
    print(
        f"torch {torch.__version__}, one thread, {rounds} rounds; fitwell / plain, below 1: faster"
    )
    print(f"{'recipe':18}{'index loop':>24}{'DataLoader loop':>24}")
    for name, recipe in recipes.items():
        ratios: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(rounds):
            ours = seconds(lambda recipe=recipe: train(material, recipe, 0))
            for loader, kept in ratios.items():
                theirs = seconds(lambda r=recipe, way=loader: plain(material, r, loader=way))
                kept.append(ours / theirs)
        cells = [
            f"{statistics.median(k):.2f} [{min(k):.2f}, {max(k):.2f}]" for k in ratios.values()
        ]
        print(f"{name:18}{cells[0]:>24}{cells[1]:>24}")


if __name__ == "__main__":
    main()
