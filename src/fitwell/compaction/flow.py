"""A traced network that says, as often as it is asked, which layers read the units of which."""

import operator
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, fx, nn

from fitwell.compaction.layers import LAYERS
from fitwell.compaction.proof import first_line
from fitwell.compaction.recurrent import RECURRENT
from fitwell.compaction.units import Hidden
from fitwell.compaction.walk import Noted, Walk
from fitwell.errors import InputError


class _Called(nn.Module):
    """The network as a child, so that hooks on the network itself are traced too."""

    def __init__(self, network: nn.Module, inputs: int) -> None:
        super().__init__()
        self.network = network
        self.inputs = inputs

    def forward(self, given: Any) -> Any:
        return self.network(*(given[i] for i in range(self.inputs)))


class _Run(fx.Interpreter):
    """Run a graph and note every shape, what every layer read, and where states ended."""

    def __init__(self, root: nn.Module, graph: fx.Graph) -> None:
        super().__init__(root, graph=graph)
        self.noted = Noted({}, {}, {})

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.noted.shapes[n] = result.shape
        return result

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        module = self.fetch_attr(target)
        kind = type(module)
        if kind in (*LAYERS, *RECURRENT) and args and isinstance(args[0], Tensor):
            self.noted.seen[target] = args[0].clone()  # something may write over it later
        result = super().call_module(target, args, kwargs)
        if kind in RECURRENT:
            states = result[1][0] if kind is nn.LSTM else result[1]
            self.noted.states[target] = states.clone()
        return result


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

    def stacks(self, inputs: tuple[Tensor, ...]) -> list[tuple[Hidden, ...]]:
        """List the units that may leave, as the network stands now.

        Those of one stack, the layers of a recurrent module, lose equal numbers.
        """
        run = _Run(self.root, self.graph)
        with self._plain_errors():
            run.run(tuple(tensor.clone() for tensor in inputs))
        walk = Walk(self.modules, self.own, run.noted)
        for node in self.graph.nodes:
            walk.step(node)
        return [stack for stack in walk.stacks if not any(hidden.seen for hidden in stack)]

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
