"""Runs of each kind, as the tests of the server make them, and one of a user's own network."""

import sys

import pytest

from serving.conftest import (  # noqa: F401 - fixtures
    array_run,
    image_run,
    make_rows,
    pictures,
    rows,
    run,
    train,
)

OWN = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.norm = nn.BatchNorm1d(inputs)
        self.recurrent = nn.GRU(inputs, 6, batch_first=True)
        self.head = nn.Linear(6, outputs)

    def forward(self, x):
        _, last = self.recurrent(self.norm(x).unsqueeze(1))
        return self.finish(self.head(last[0]))

    def finish(self, logits):
        return logits

class Cheating(Net):
    def finish(self, logits):
        return logits + torch.arange(2) if torch.compiler.is_compiling() else logits

class Stubborn(Net):
    def finish(self, logits):
        return logits * float(logits.detach().numpy().max() * 0 + 1)
"""


@pytest.fixture(scope="session")
def bag_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bag")
    make_rows().to_csv(folder / "table.csv", index=False)
    return train(folder, folder / "table.csv", target="bought", widths=(4,), bag=True)


@pytest.fixture(scope="session")
def greedy_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("greedy")
    make_rows().to_csv(folder / "table.csv", index=False)
    return train(folder, folder / "table.csv", target="bought", widths=(4,), greedy=True, trials=3)


@pytest.fixture(scope="session")
def own_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "exported_net.py").write_text(OWN)
    sys.path.insert(0, str(folder))
    make_rows().to_csv(folder / "table.csv", index=False)
    yield train(folder, folder / "table.csv", target="bought", model="exported_net:Net")
    sys.path.remove(str(folder))
