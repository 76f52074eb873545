"""Where activations that are functions, not modules, lead to: read from traced graphs."""

import operator
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import fx, nn
from torch.nn import functional as F

from fitwell.surgery import DROPOUTS, NORMS, RECURRENT, WEIGHTED, is_activation

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


SUMS = {operator.add, operator.iadd, operator.sub, torch.add, torch.sub}
CLOSED = (*DROPOUTS, *RECURRENT, nn.MultiheadAttention)
CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


@dataclass(frozen=True, eq=False)
class Part:
    """A module of the network that was traced by itself.

    Attributes:
        name: its name in ``named_modules``; empty for the whole network.
        module: the module.
        graph: its graph, or in a few words why it cannot be traced.
    """

    name: str
    module: nn.Module
    graph: fx.Graph | str

    @property
    def layers(self) -> dict[str, nn.Module]:
        """Its layers by their names in it."""
        return dict(self.module.named_modules(remove_duplicate=False))

    def full(self, name: str) -> str:
        """Give the full name of one of its layers."""
        return f"{self.name}.{name}" if self.name else name


@dataclass(frozen=True)
class Reading:
    """What reads an activation function's output.

    Attributes:
        layer: the name in ``named_modules`` of the layer with weights that reads it; of the
            part where it is the part that gives it back.
        function: the activation's name.
        source: the name of the layer whose output was activated; empty if there is none.
        mixed: whether what is activated is a sum, as behind a residual path, or what is given
            back is one of several things.
    """

    layer: str
    function: str
    source: str
    mixed: bool = False


@dataclass(frozen=True)
class Activated:
    """What the graph shows of an activation module.

    Attributes:
        source: the name of the layer whose output it activates; empty if there is none.
        dropped: whether a dropout layer comes before the next weights; None where its
            readers are outside of the part.
    """

    source: str
    dropped: bool | None


class _Tracer(fx.Tracer):
    """Looks into no activation: transformers' own are known as modules."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return is_activation(m) or super().is_leaf_module(m, module_qualified_name)


def trace(module: nn.Module) -> fx.Graph | str:
    """Trace a module; where that fails, say why in a few words."""
    held = [(layer, dict(vars(layer))) for layer in module.modules()]
    try:
        return _Tracer().trace(module)
    except Exception as error:  # whatever a forward raises when fed with proxies
        return " ".join(f"{type(error).__name__}: {error}".split()).split(". ")[0][:160]
    finally:  # a forward that keeps what it computed would be left with proxies
        for layer, attributes in held:
            vars(layer).clear()
            vars(layer).update(attributes)


def parts(module: nn.Module, name: str = "") -> Iterator[Part]:
    """Trace the network; where that fails, its children each by itself, and so on.

    Torch's own layers are known: not they are traced, but what they are made of.
    """
    part = Part(name, module, "" if known(module) else trace(module))
    if not known(module):
        yield part
    if isinstance(part.graph, str):
        for child_name, child in module.named_children():
            yield from parts(child, part.full(child_name))


def known(layer: nn.Module) -> bool:
    """Whether it is torch's own or an activation, so that nothing in its forward is missed."""
    own = type(layer).__module__.startswith("torch.nn.")
    return is_activation(layer) or (own and not isinstance(layer, nn.Sequential))


def readings(part: Part) -> list[Reading]:
    """List which layers read an activation function's output, through shape changes alone.

    What else reads it, such as the sum of a residual path, is not listed: dropout there
    belongs into the branch (Zagoruyko and Komodakis, Wide Residual Networks, 2016).
    """
    layers = part.layers
    found: dict[str, Reading] = {}
    for node in filter(_activates, _nodes(part)):
        source, of_sum = _source(node, layers)
        for layer in _readers(node, layers):
            reading = Reading(part.full(layer), _name(node), source and part.full(source), of_sum)
            found.setdefault(layer, reading)
    return list(found.values())


def given_back(part: Part) -> list[Reading]:
    """List the activation functions whose output a part gives back."""
    layers, found = part.layers, []
    for node in _given(part):
        while not _activates(node) and _passes(node, layers) and node.all_input_nodes:
            node = node.all_input_nodes[0]
        if _activates(node):
            source, of_sum = _source(node, layers)
            mixed = of_sum or not _gives_one(part)
            found.append(Reading(part.name, _name(node), source and part.full(source), mixed))
    return found


def activated(part: Part) -> dict[str, Activated]:
    """Say for activation modules, at their first call, what they follow and what follows."""
    layers, found = part.layers, dict[str, Activated]()
    for node in _nodes(part):
        if node.op == "call_module" and is_activation(layers[str(node.target)]):
            ends = [isinstance(layers[str(n.target)], DROPOUTS) for n in _ends(node, layers)]
            source = _source(node, layers)[0]
            how = Activated(source and part.full(source), any(ends) if ends else None)
            found.setdefault(part.full(str(node.target)), how)
    return found


def open_ends(part: Part) -> set[str]:
    """Name the layers with weights whose output a part gives back without an activation."""
    layers, found, seen, left = part.layers, set(), set(), _given(part)
    while left:
        node = left.pop()
        if node in seen or _activates(node):
            continue
        seen.add(node)
        layer = layers[str(node.target)] if node.op == "call_module" else None
        if isinstance(layer, WEIGHTED):
            found.add(part.full(str(node.target)))
        elif layer is None or not (isinstance(layer, CLOSED) or is_activation(layer)):
            left += node.all_input_nodes
    return found


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


def _ends(node: fx.Node, layers: dict[str, nn.Module]) -> Iterator[fx.Node]:
    """Find the layers with weights and the dropout layers that read, through norms too."""
    for user in node.users:
        layer = layers[str(user.target)] if user.op == "call_module" else None
        if isinstance(layer, (*WEIGHTED, *DROPOUTS)):
            yield user
        elif isinstance(layer, NORMS) or _passes(user, layers):
            yield from _ends(user, layers)


def _readers(node: fx.Node, layers: dict[str, nn.Module]) -> list[str]:
    readers = []
    for user in node.users:
        if user.op == "call_module" and isinstance(layers[str(user.target)], WEIGHTED):
            readers.append(str(user.target))
        elif _passes(user, layers):
            readers += _readers(user, layers)
    return readers


def _source(node: fx.Node, layers: dict[str, nn.Module]) -> tuple[str, bool]:
    """Find the nearest layer with weights upstream along first arguments; say if past a sum."""
    of_sum = False
    while node.all_input_nodes:
        node = node.all_input_nodes[0]
        of_sum = of_sum or node.target in SUMS
        if node.op == "call_module" and isinstance(layers[str(node.target)], WEIGHTED):
            return str(node.target), of_sum
    return "", of_sum


def _nodes(part: Part) -> list[fx.Node]:
    return [] if isinstance(part.graph, str) else list(part.graph.nodes)


def _given(part: Part) -> list[fx.Node]:
    """List what the part gives back."""
    return [n for node in _nodes(part) if node.op == "output" for n in node.all_input_nodes]


def _gives_one(part: Part) -> bool:
    return all(isinstance(n.args[0], fx.Node) for n in _nodes(part) if n.op == "output")


def _name(node: fx.Node) -> str:
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
