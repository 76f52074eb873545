"""Where activations that are functions, not modules, lead to: read from a traced graph."""

import operator
from dataclasses import dataclass

import torch
from torch import fx, nn
from torch.nn import functional as F

from fitwell.surgery import WEIGHTED

FUNCTIONS = {
    F.relu, F.relu6, F.leaky_relu, F.prelu, F.elu, F.celu, F.selu, F.gelu, F.silu, F.mish,
    F.tanh, F.sigmoid, F.hardswish, F.hardtanh, F.softplus, F.relu_, F.elu_, F.selu_,
    torch.relu, torch.relu_, torch.tanh, torch.sigmoid, torch.selu, torch.celu, torch.prelu,
}  # fmt: skip
METHODS = {"relu", "relu_", "tanh", "sigmoid"}

PASSING_FUNCTIONS = {
    torch.flatten, torch.reshape, torch.permute, torch.transpose, torch.squeeze,
    torch.unsqueeze, torch.mean, torch.cat, operator.getitem, F.dropout, F.max_pool1d,
    F.max_pool2d, F.max_pool3d, F.avg_pool1d, F.avg_pool2d, F.avg_pool3d,
    F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d,
    F.adaptive_max_pool2d, F.interpolate,
}  # fmt: skip
PASSING_METHODS = {
    "flatten", "view", "reshape", "permute", "transpose", "squeeze", "unsqueeze", "mean",
    "contiguous",
}  # fmt: skip
PASSING_MODULES = (
    nn.Flatten, nn.Unflatten, nn.Identity, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d,
    nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d,
    nn.AdaptiveAvgPool3d, nn.AdaptiveMaxPool2d, nn.Upsample,
)  # fmt: skip
"""What changes the shape of an activation, not what it says."""


@dataclass(frozen=True)
class Reading:
    """A layer with weights that reads an activation function's output as its input.

    Attributes:
        layer: its name in ``named_modules``.
        function: the activation's name.
        source: the name of the layer whose output was activated; empty if there is none.
    """

    layer: str
    function: str
    source: str


def trace(module: nn.Module) -> fx.Graph | str:
    """Trace a module; where that fails, say why in a few words."""
    try:
        return fx.Tracer().trace(module)
    except Exception as error:  # whatever a forward raises when fed with proxies
        return " ".join(f"{type(error).__name__}: {error}".split())[:160]


def readings(module: nn.Module, graph: fx.Graph) -> list[Reading]:
    """List which layers read an activation function's output, through shape changes alone.

    What else reads it, such as the sum of a residual path, is not listed: dropout there
    belongs into the branch (Zagoruyko and Komodakis, Wide Residual Networks, 2016).
    """
    layers = dict(module.named_modules(remove_duplicate=False))
    found: dict[str, Reading] = {}
    for node in graph.nodes:
        if not _activates(node):
            continue
        source = _source(node, layers)
        name = node.target if isinstance(node.target, str) else node.target.__name__
        for layer in _readers(node, layers):
            found.setdefault(layer, Reading(layer, name, source))
    return list(found.values())


def _activates(node: fx.Node) -> bool:
    if node.op == "call_function":
        return node.target in FUNCTIONS
    return node.op == "call_method" and node.target in METHODS


def _passes(node: fx.Node, layers: dict[str, nn.Module]) -> bool:
    if node.op == "call_function":
        return node.target in PASSING_FUNCTIONS
    if node.op == "call_method":
        return node.target in PASSING_METHODS
    return node.op == "call_module" and isinstance(layers[str(node.target)], PASSING_MODULES)


def _readers(node: fx.Node, layers: dict[str, nn.Module]) -> list[str]:
    readers = []
    for user in node.users:
        if user.op == "call_module" and isinstance(layers[str(user.target)], WEIGHTED):
            readers.append(str(user.target))
        elif _passes(user, layers):
            readers += _readers(user, layers)
    return readers


def _source(node: fx.Node, layers: dict[str, nn.Module]) -> str:
    """Find the nearest layer with weights upstream along first arguments."""
    while node.all_input_nodes:
        node = node.all_input_nodes[0]
        if node.op == "call_module" and isinstance(layers[str(node.target)], WEIGHTED):
            return str(node.target)
    return ""
