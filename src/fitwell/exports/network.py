"""The network that is exported: probabilities out, dead units left out on request."""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO

from torch import Tensor, nn

from fitwell.compaction.compact import compact
from fitwell.errors import InputError
from fitwell.models.ensemble import Ensemble

INPUT, OUTPUT = "input", "probabilities"


class Probabilities(nn.Module):
    """A network with softmax behind it.

    >>> import torch
    >>> bool(Probabilities(nn.Linear(2, 3))(torch.zeros(1, 2)).sum().isclose(torch.tensor(1.0)))
    True
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, rows: Tensor) -> Tensor:
        """Give one probability per class, one row per row."""
        logits: Tensor = self.network(rows)
        return logits.softmax(dim=1)


def without_dead_units(network: nn.Module, example: Tensor) -> nn.Module:
    """Compact a network, or each member of an ensemble; the outputs stay equal.

    Raises:
        InputError: it cannot be traced.
    """
    if isinstance(network, Ensemble):
        members = [compact(member, example).module for member in network.members]
        return Ensemble(members, network.weights.tolist()).eval()
    return compact(network, example).module


@contextmanager
def quietly() -> Iterator[None]:
    """Keep what exporters warn of, log and print from the user's terminal."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(before)


def cannot(kind: str, error: Exception) -> InputError:
    """Say in one line why a network cannot be exported; its own words, without colours."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reason = f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
    other = "torch" if kind == "onnx" else "onnx"
    return InputError(
        f"--format {kind}: this network cannot be exported: {reason}. Try --format {other}, or"
        " fitwell serve, which needs no export."
    )
