"""Pieces of a population as tasks of a Ray cluster."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from fitwell.population.course import Course
from fitwell.population.job import State
from fitwell.population.piece import Piece, taken_up, work
from fitwell.population.ray_tasks import connect, shared, tasks
from fitwell.population.store import Store
from fitwell.task import Material


@dataclass(frozen=True)
class RayPool:
    """Each piece is a task of one core, done again by Ray where its process or node is lost.

    Files are read and written here, by the driver: a node may have another disk. So a piece
    that is lost is done again from its beginning.

    Attributes:
        address: of the cluster, as `connect` takes it.
    """

    address: str

    def run(
        self, pieces: Sequence[Piece], store: Store, on_epochs: Callable[[int], None]
    ) -> list[State]:
        """Do every piece and give the results in the pieces' order."""
        connect(self.address)
        done: dict[int, State] = {}
        left: list[tuple[int, Piece]] = []
        for place, piece in enumerate(pieces):
            state = taken_up(piece, store)
            on_epochs((state.epoch - piece.state.epoch) * len(state.tracks))
            if state.epoch == piece.until:
                done[place] = state
            else:
                left.append((place, replace(piece, state=state)))
        for number, result in tasks(_work, _calls(left)):
            place, piece = left[number]
            store.put(piece.name, result)
            on_epochs((piece.until - piece.state.epoch) * len(piece.state.tracks))
            done[place] = result
        return [done[place] for place in range(len(pieces))]


def _calls(pieces: Sequence[tuple[int, Piece]]) -> Iterator[tuple[Any, ...]]:
    """Take the rows out of each piece: they travel once, whatever is trained on them."""
    for _, piece in pieces:
        rest = {f.name: getattr(piece.course, f.name) for f in fields(piece.course)}
        material = shared(rest.pop("material"))
        yield material, type(piece.course), rest, piece.name, piece.state, piece.until


def _work(
    material: Material,
    course: type[Course],
    rest: dict[str, Any],
    name: str,
    state: State,
    until: int,
) -> State:
    """Put a piece together again, on a node, and do it."""
    whole = course(material=material, **rest)
    return work(Piece(name=name, course=whole, state=state, until=until), Store())
