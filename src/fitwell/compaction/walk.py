"""Follow units through a traced network: who makes them, what they pass, who reads them."""

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.fx.node import map_arg

from fitwell.compaction.layers import (
    LAYERS,
    Weighted,
    columns_of,
    hidden_of,
    is_depthwise,
    size_names,
    through_depthwise,
)
from fitwell.compaction.passing import PER_UNIT, Place, passed, reads_another_size
from fitwell.compaction.recurrent import (
    RECURRENT,
    Recurrent,
    columns_of_first,
    results_of,
    stack_of,
)
from fitwell.compaction.units import Hidden, Reader, Size, Slice, constants


@dataclass(frozen=True, eq=False)
class Noted:
    """What a run on the example showed.

    Attributes:
        shapes: of the tensor that each node gives.
        seen: what each layer with weights read.
        states: the last hidden states of each recurrent layer.
    """

    shapes: dict[fx.Node, torch.Size]
    seen: dict[str, Tensor]
    states: dict[str, Tensor]


class Walk:
    """One walk through the graph, from inputs to outputs.

    Attributes:
        stacks: the units found; those of one stack lose equal numbers.
    """

    def __init__(self, modules: Mapping[str, nn.Module], own: set[int], noted: Noted) -> None:
        self.modules = modules
        self.own = own
        self.noted = noted
        self.places: dict[fx.Node, Place] = {}
        self.nests: dict[fx.Node, Any] = {}
        self.stacks: list[tuple[Hidden, ...]] = []

    def step(self, node: fx.Node) -> None:
        """Take the next node; all that come before it have been taken."""
        for source in node.all_input_nodes:
            if source in self.nests:
                self._pick(node, source)
        if node in self.places or node in self.nests:
            return
        sources = [source for source in node.all_input_nodes if source in self.places]
        module, kind = self._kind(node)
        if kind in RECURRENT and node.args:
            self._recur(node, module, sources)
        elif kind in LAYERS and _on_one_tensor(node) and getattr(module, "groups", 1) == 1:
            for source in sources:
                self._read(node, source, module)
            hidden = hidden_of(module)
            self.stacks.append((hidden,))
            axis = _unit_axis(module, self.noted.shapes[node])
            self.places[node] = Place(hidden, axis, hidden.still)
        elif len(sources) != 1 or not self._passes(node, module, kind, sources[0]):
            self._see(sources)

    def _kind(self, node: fx.Node) -> tuple[Any, Any]:
        """Give the module called, if any, and what is called; neither if it is not its own."""
        if node.op != "call_module":
            return None, node.target if node.op.startswith("call_") else None
        module = self.modules[str(node.target)]
        return (module, type(module)) if id(module) in self.own else (None, None)

    def _see(self, sources: Iterable[fx.Node]) -> None:
        for source in sources:
            self.places[source].hidden.seen = True

    def _read(self, node: fx.Node, source: fx.Node, module: Weighted | Recurrent) -> None:
        place, hidden = self.places[source], self.places[source].hidden
        if not self._lies_right(source, module):
            hidden.seen = True
            return
        seen = self.noted.seen[str(node.target)]
        level, still = constants(seen, place.still, place.axis, place.block)
        if isinstance(module, RECURRENT):
            read = columns_of_first(module, place.block)
        else:
            read = columns_of(module, place.block)
        hidden.readers += [Reader(columns, bias, level, still) for columns, bias in read]
        hidden.sizes.append(Size(module, size_names(module)[0], place.block))

    def _lies_right(self, source: fx.Node, module: Weighted | Recurrent) -> bool:
        """Whether the units lie where a layer reads them, all of them and nothing else."""
        place, shape = self.places[source], self.noted.shapes[source]
        fits = shape[place.axis] == place.hidden.units * place.block
        return fits and place.axis == _unit_axis(module, shape)

    def _recur(self, node: fx.Node, module: Recurrent, sources: Iterable[fx.Node]) -> None:
        """Let a recurrent layer read, and make units if all states start at zero."""
        states: list[fx.Node] = []
        map_arg((node.args[1:], node.kwargs), states.append)
        for source in sources:
            if source in states:
                self._see([source])
            else:
                self._read(node, source, module)
        stack = () if states else stack_of(module, self.noted.states[str(node.target)])
        if stack:
            self.stacks.append(stack)
            self.nests[node] = results_of(module, stack)

    def _pick(self, node: fx.Node, source: fx.Node) -> None:
        """Follow a number as index into the results of a recurrent layer, and nothing else."""
        found, picked = self.nests[source], node.args[1:]
        if node.target is not operator.getitem or type(picked[0]) is not int:
            _first(found).seen = True
        elif isinstance(found := found[picked[0]], tuple):
            self.nests[node] = found
        elif node in self.noted.shapes:
            self.places[node] = Place(found, len(self.noted.shapes[node]) - 1, found.still)
        else:  # packed sequences
            found.seen = True

    def _passes(self, node: fx.Node, module: Any, kind: Any, source: fx.Node) -> bool:
        place, old = self.places[source], self.noted.shapes[source]
        if reads_another_size(node, kind, place.axis, len(old)):
            return True
        if node not in self.noted.shapes or (
            len(node.all_input_nodes) > 1 and node.args[0] is not source
        ):
            return False
        if kind in LAYERS:
            lies_right = _on_one_tensor(node) and self._lies_right(source, module)
            if not (lies_right and is_depthwise(module)):
                return False
            behind = through_depthwise(module, place, self.noted.seen[str(node.target)])
        else:
            found = passed(node, kind, module, place, old, self.noted.shapes[node])
            if found is None:
                return False
            behind = found
        if kind in PER_UNIT:
            _shrink_with(place, module)
        self.places[node] = behind
        return True


def _shrink_with(place: Place, module: Any) -> None:
    """Let a batch norm, or a PReLU with a slope per unit, shrink with the units that pass it."""
    if isinstance(module, nn.PReLU) and module.num_parameters == 1:
        return
    names = ("weight", "bias", "running_mean", "running_var")
    tensors = [getattr(module, name, None) for name in names]
    place.hidden.slices += [Slice(t, block=place.block) for t in tensors if t is not None]
    name = "num_parameters" if isinstance(module, nn.PReLU) else "num_features"
    place.hidden.sizes.append(Size(module, name, place.block))


def _first(nest: Any) -> Hidden:
    while isinstance(nest, tuple):
        nest = nest[0]
    found: Hidden = nest
    return found


def _on_one_tensor(node: fx.Node) -> bool:
    return len(node.args) == 1 and not node.kwargs


def _unit_axis(layer: Weighted | Recurrent, shape: torch.Size) -> int:
    """Say which axis holds the units or channels, with or without a batch axis."""
    pixels = 0 if isinstance(layer, (nn.Linear, nn.RNNBase)) else layer.weight.dim() - 2
    return len(shape) - 1 - pixels
