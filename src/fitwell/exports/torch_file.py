"""A network as a program of torch.export, and its answers once it is loaded again."""

import io
import json
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fitwell.exports.network import cannot, quietly
from fitwell.exports.onnx_file import Answers

ABOUT = "fitwell.json"
"""The name of the facts among the file's ``extra_files``."""


def torch_file(network: nn.Module, example: Tensor, about: Mapping[str, str]) -> bytes:
    """Give the ``.pt2`` file; axis 0 of input and output is of any length.

    Args:
        network: from rows to probabilities, in eval mode.
        example: two rows.
        about: written into the file as ``extra_files["fitwell.json"]``.

    Raises:
        InputError: the network cannot be exported.
    """
    stream = io.BytesIO()
    try:
        with quietly(), torch.no_grad():
            batch = torch.export.Dim("batch")
            program = torch.export.export(network, (example,), dynamic_shapes=({0: batch},))
            for node in program.graph.nodes:
                node.meta.pop("stack_trace", None)  # paths and code lines of this machine
            extra = {ABOUT: json.dumps(dict(about), ensure_ascii=False)}
            torch.export.save(program, stream, extra_files=extra)
    except Exception as error:  # torch.export raises many kinds
        raise cannot("torch", error) from error
    return stream.getvalue()


def torch_answers(content: bytes) -> Answers:
    """Load a program and give its answers as a function of rows.

    Raises:
        InputError: torch cannot load what it has just written.
    """
    try:
        with quietly():
            module = torch.export.load(io.BytesIO(content)).module()
    except Exception as error:  # torch.export raises many kinds
        raise cannot("torch", error) from error

    def answer(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.no_grad():
            return np.asarray(module(torch.from_numpy(rows)).numpy())

    return answer
