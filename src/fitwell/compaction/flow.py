"""Which layers read the units of which: a traced network, followed from layer to layer."""

import operator
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, fx, nn

from fitwell.compaction.passing import PER_UNIT, Place, passed, reads_another_size
from fitwell.compaction.proof import first_line
from fitwell.errors import InputError
from fitwell.surgery import CONVOLUTIONS

LAYERS = (nn.Linear, *CONVOLUTIONS)
Weighted = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d


@dataclass(frozen=True)
class Reader:
    """A layer that reads the units of another.

    Attributes:
        layer: the layer that reads.
        place: where the units lie in what it reads.
        seen: what it read on the example.
    """

    layer: Weighted
    place: Place
    seen: Tensor


@dataclass(frozen=True)
class Hidden:
    """A layer whose units nobody sees but the readers.

    Attributes:
        layer: the layer.
        readers: every layer that reads its units.
        norms: the batch norms and PReLUs on the way, with entries per unit.
    """

    layer: Weighted
    readers: tuple[Reader, ...]
    norms: tuple[tuple[nn.Module, int], ...]


class _Called(nn.Module):
    """The network as a child, so that hooks on the network itself are traced too."""

    def __init__(self, network: nn.Module, inputs: int) -> None:
        super().__init__()
        self.network = network
        self.inputs = inputs

    def forward(self, given: Any) -> Any:
        return self.network(*(given[i] for i in range(self.inputs)))


class _Run(fx.Interpreter):
    """Run a graph and note every shape, and what every layer with weights read."""

    def __init__(self, root: nn.Module, graph: fx.Graph) -> None:
        super().__init__(root, graph=graph)
        self.shapes: dict[fx.Node, torch.Size] = {}
        self.seen: dict[str, Tensor] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.shapes[n] = result.shape
        return result

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if isinstance(self.fetch_attr(target), LAYERS) and args:
            self.seen[target] = args[0].clone()  # something may write over it later
        return super().call_module(target, args, kwargs)


class Flow:
    """A traced network, ready to say again and again which layers read which.

    Raises:
        InputError: torch.fx cannot trace the network.
    """

    def __init__(self, network: nn.Module, inputs: int) -> None:
        self.root = _Called(network, inputs)
        with self._plain_errors():
            self.graph = fx.Tracer().trace(self.root)
        self.modules = dict(self.root.named_modules(remove_duplicate=False))
        self.own = _own_modules(self.root, self.graph, self.modules)

    def hidden(self, inputs: tuple[Tensor, ...]) -> list[Hidden]:
        """List the layers whose units may leave, as the network stands now."""
        run = _Run(self.root, self.graph)
        with self._plain_errors():
            run.run(tuple(tensor.clone() for tensor in inputs))
        walk = _Walk(self, run.shapes)
        for node in self.graph.nodes:
            walk.step(node)
        return [
            Hidden(
                cast(Weighted, self.modules[maker]),
                tuple(
                    Reader(cast(Weighted, self.modules[name]), place, run.seen[name])
                    for name, place in walk.readers[maker]
                ),
                tuple(walk.norms[maker]),
            )
            for maker in walk.makers
            if maker not in walk.kept
        ]

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Say in one line what the network's own code raised on a proxy."""
        try:
            yield
        except Exception as error:
            raise InputError(
                f"model: {type(self.root.network).__name__} cannot be traced by torch.fx:"
                f" {first_line(error)}. Take branches on values out of its forward, or compact"
                " the part that can be traced."
            ) from error


class _Walk:
    """One walk through the graph, from inputs to outputs."""

    def __init__(self, flow: Flow, shapes: Mapping[fx.Node, torch.Size]) -> None:
        self.flow = flow
        self.shapes = shapes
        self.places: dict[fx.Node, Place] = {}
        self.makers: list[str] = []
        self.kept: set[str] = set()
        self.readers: dict[str, list[tuple[str, Place]]] = defaultdict(list)
        self.norms: dict[str, list[tuple[nn.Module, int]]] = defaultdict(list)

    def step(self, node: fx.Node) -> None:
        sources = [source for source in node.all_input_nodes if source in self.places]
        module, kind = self._kind(node)
        if _is_layer(node, module):
            if sources:
                self._read(node, sources[0], module)
            self.makers.append(str(node.target))
            self.places[node] = Place(str(node.target), _unit_axis(module, self.shapes[node]))
        elif len(sources) == 1 and self._passes(node, module, kind, sources[0]):
            return
        else:
            self.kept |= {self.places[source].maker for source in sources}

    def _kind(self, node: fx.Node) -> tuple[Any, object]:
        """Give the module called, if any, and what is called; neither if it is not its own."""
        if node.op != "call_module":
            return None, node.target if node.op.startswith("call_") else None
        module = self.flow.modules[str(node.target)]
        return (module, type(module)) if id(module) in self.flow.own else (None, None)

    def _read(self, node: fx.Node, source: fx.Node, layer: Weighted) -> None:
        place, shape = self.places[source], self.shapes[source]
        units = cast(Weighted, self.flow.modules[place.maker]).weight.shape[0]
        if place.axis == _unit_axis(layer, shape) and shape[place.axis] == units * place.block:
            self.readers[place.maker].append((str(node.target), place))
        else:
            self.kept.add(place.maker)

    def _passes(self, node: fx.Node, module: Any, kind: object, source: fx.Node) -> bool:
        place, old = self.places[source], self.shapes[source]
        if reads_another_size(node, kind, place.axis, len(old)):
            return True
        if node not in self.shapes or (
            len(node.all_input_nodes) > 1 and node.args[0] is not source
        ):
            return False
        moved = passed(node, kind, module, place, old, self.shapes[node])
        if moved is None:
            return False
        if kind in PER_UNIT and not (isinstance(module, nn.PReLU) and module.num_parameters == 1):
            self.norms[place.maker].append((module, place.block))
        self.places[node] = moved
        return True


def _is_layer(node: fx.Node, module: Any) -> bool:
    """Whether a node calls a linear layer or convolution, ungrouped, on one tensor."""
    return (
        type(module) in LAYERS
        and getattr(module, "groups", 1) == 1
        and len(node.args) == 1
        and not node.kwargs
    )


def _unit_axis(layer: Weighted, shape: torch.Size) -> int:
    """Say which axis holds the units or channels, with or without a batch axis."""
    return len(shape) + 1 - layer.weight.dim()


def _own_modules(root: nn.Module, graph: fx.Graph, modules: Mapping[str, nn.Module]) -> set[int]:
    """Find the modules called once, hooked by nobody, whose tensors no other module uses."""
    calls: Counter[int] = Counter()
    users = Counter(
        id(tensor)
        for module in root.modules()
        for tensor in (*module._parameters.values(), *module._buffers.values())
    )
    for node in graph.nodes:
        if node.op == "call_module":
            calls.update(id(module) for module in modules[str(node.target)].modules())
        elif node.op == "get_attr":
            users[id(operator.attrgetter(str(node.target))(root))] += 1
    return {
        id(module)
        for module in root.modules()
        if _untouched(module)
        and (calls[id(module)] == 1 or not _tensors(module))
        and all(users[id(tensor)] == 1 for tensor in _tensors(module))
    }


def _untouched(module: nn.Module) -> bool:
    hooks = (*module._forward_hooks.values(), *module._forward_pre_hooks.values())
    return not hooks and "forward" not in vars(module)


def _tensors(module: nn.Module) -> list[Tensor]:
    tensors = (*module._parameters.values(), *module._buffers.values())
    return [tensor for tensor in tensors if tensor is not None]
