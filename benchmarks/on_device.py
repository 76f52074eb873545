"""What a search of 64 settings costs on a graphics card, and on a processor beside it.

Rows are the built-in visits, or digits of scikit-learn for the convolutional network, split and
encoded as ``fitwell tune`` does: 60 epochs at most, batches of 128. The price of the whole
default procedure (search, folds, guard) is its wall-clock in ordinary single trainings *on the
same device*: an eager loop in plain PyTorch with AdamW, rows already on the device, the median
of three around the search. Searches on both devices alternate with their units.

    python benchmarks/on_device.py [--device cuda] [--nets 2x64 2x128 3x256 cnn] [--rounds 2]

Each line is printed when it is measured, with the choice that was made. The first search on a
device, which sets its libraries up, is run before and not counted.
"""

import argparse
import statistics
import time

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn import functional as F

from fitwell.data.arrays import make_arrays
from fitwell.data.tables import make_table
from fitwell.data.visits import TARGET, visits
from fitwell.models.blueprint import Blueprint
from fitwell.recipe import Recipe
from fitwell.remedies import all_remedies
from fitwell.runs.ensembles import FOLDS
from fitwell.runs.launch import make_task
from fitwell.runs.question import Question
from fitwell.task import Material, Task
from fitwell.training.workers import Crew
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.search import Choice, Search

EPOCHS, BATCH, TRIALS = 60, 128, 64
REMEDIES = [all_remedies()[name] for name in ("l1", "decoupled L2", "dropout")]
BASE = Recipe(epochs=EPOCHS, batch_size=BATCH, learning_rate=1e-3, early_stopping=True)


def problem(net: str) -> Task:
    """Make the task of a network: an MLP on visits, or the built-in CNN on digits."""
    question = Question(verb="tune", device="cpu")
    if net == "cnn":
        images, target = load_digits(return_X_y=True)
        pixels = images.reshape(-1, 8, 8, 1).repeat(2, 1).repeat(2, 2)
        source = make_arrays((pixels.astype(np.float32), target), None)
        return make_task(question, source, Blueprint(kind="cnn", widths=(16, 32)))
    count, width = map(int, net.split("x"))
    source = make_table(visits(), target=TARGET)
    return make_task(question, source, Blueprint(kind="mlp", widths=(width,) * count))


def single(material: Material, device: str) -> float:
    """Time one ordinary training, reading the validation rows after each epoch."""
    network = material.blueprint.build(material.shape, material.outputs).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0, fused=True)
    x, y, held, classes = (
        torch.from_numpy(array).to(device)
        for array in (
            material.train_x, material.train_y, material.validation_x, material.validation_y
        )
    )  # fmt: skip
    begun = time.perf_counter()
    for _ in range(EPOCHS):
        network.train()
        for batch in torch.randperm(len(x), device=device).split(BATCH):
            loss = F.cross_entropy(network(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            F.cross_entropy(network(held), classes).item()
    return time.perf_counter() - begun


def search(task: Task, device: str) -> tuple[float, Choice]:
    """Time the whole default procedure."""
    begun = time.perf_counter()
    whole = Search(
        trials=TRIALS,
        seed=0,
        crew=Crew(device=device),
        ledger=Ledger(),
        folds=task.folds(FOLDS, 0),
        groups=task.material.validation_groups,
    )
    choice = whole.run("treatment", task.material, REMEDIES, BASE)
    return time.perf_counter() - begun, choice


def measure(task: Task, net: str, device: str) -> None:
    """Print what a search costs, and what it chose."""
    units = [single(task.material, device)]
    seconds, choice = search(task, device)
    units += [single(task.material, device) for _ in range(2)]
    unit = statistics.median(units)
    print(
        f"{net:6} {device:5} search {seconds:7.2f} s, single training {unit:6.2f} s"
        f" ({min(units):.2f} to {max(units):.2f}): price {seconds / unit:5.2f};"
        f" {choice.trainings} trainings of {choice.epochs} epochs in all; chose"
        f" {choice.settings or 'the untreated network'}, promised {choice.promised.value:.4f}"
        f" ({choice.path})",
        flush=True,
    )


def main() -> None:
    """Measure each network on each device."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--nets", nargs="*", default=["2x64", "2x128", "3x256", "cnn"])
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(1)
    devices = dict.fromkeys([given.device, "cpu"])
    name = torch.cuda.get_device_name() if given.device == "cuda" else "processor"
    print(f"torch {torch.__version__}, {name}; one thread")
    for device in devices:
        search(problem("2x64"), device)
    for net in given.nets:
        task = problem(net)
        for _ in range(given.rounds):
            for device in devices:
                measure(task, net, device)


if __name__ == "__main__":
    main()
