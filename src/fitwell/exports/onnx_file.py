"""A network as an ONNX file, and onnxruntime's answers from it."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fitwell.errors import InputError
from fitwell.exports.network import INPUT, OUTPUT, cannot, quietly

Answers = Callable[[NDArray[np.float32]], NDArray[np.float32]]
LARGEST = 2**31 - 1
"""Bytes; protobuf holds no more."""


def onnx_file(network: nn.Module, example: Tensor, about: Mapping[str, str]) -> bytes:
    """Give the file: axis 0 of input and output is ``batch``, of any length.

    Args:
        network: from rows to probabilities, in eval mode.
        example: two rows.
        about: written into the file's ``metadata_props``.

    Raises:
        InputError: a package is missing, or the network cannot be exported.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputError(
            f"export --format onnx needs {error.name}. Install it: pip install 'fitwell[export]'"
        ) from error
    try:
        with quietly():
            program = torch.onnx.export(
                network,
                (example,),
                dynamo=True,
                external_data=False,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
            assert program is not None
            model = program.model_proto
    except Exception as error:  # exporters raise many kinds
        raise cannot("onnx", error) from error
    _clean(model)
    for key, value in about.items():
        model.metadata_props.add(key=key, value=value)
    if model.ByteSize() > LARGEST:
        raise InputError("--format onnx: the network has over 2 GiB. Use --format torch.")
    return bytes(model.SerializeToString())


def _clean(model: Any) -> None:
    """Name the free axis, and take out the paths and code lines of this machine."""
    graph = model.graph
    free = graph.input[0].type.tensor_type.shape.dim[0].dim_param
    for value in (*graph.input, *graph.output, *graph.value_info):
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param == free:
                axis.dim_param = "batch"
        del value.metadata_props[:]
    for part in (*graph.node, *graph.initializer, *model.functions, graph):
        part.doc_string = ""
        del part.metadata_props[:]


def onnx_answers(content: bytes) -> Answers:
    """Give what onnxruntime answers from a file, as a function of rows.

    Raises:
        InputError: it cannot read the file.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its warnings go to the terminal past Python
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises kinds of its own
        raise cannot("onnx", error) from error

    def answer(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(session.run([OUTPUT], {INPUT: rows})[0])

    return answer
