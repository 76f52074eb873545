"""Where pieces are done: in threads of this process, or elsewhere."""

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import current_process
from typing import Protocol

from fitwell.population.job import State
from fitwell.population.piece import Piece, work
from fitwell.population.store import Store

WORKERS = {"mmap_mode": "c", "idle_worker_timeout": 86_400}
"""For joblib: copy-on-write maps, since torch complains about arrays that cannot be written; and
a worker that has nothing to do for a while waits, since joblib warns of one that has left."""


class Pool(Protocol):
    """Does pieces, in any order and anywhere; what comes out does not depend on it."""

    def run(
        self, pieces: Sequence[Piece], store: Store, on_epochs: Callable[[int], None]
    ) -> list[State]:
        """Do every piece and give the results in the pieces' order."""
        ...


@dataclass(frozen=True)
class Threads:
    """So many pieces at once; torch and numba leave Python's lock while they compute."""

    count: int = 1

    def run(
        self, pieces: Sequence[Piece], store: Store, on_epochs: Callable[[int], None]
    ) -> list[State]:
        """Do every piece and give the results in the pieces' order."""
        with ThreadPoolExecutor(self.count) as pool:
            return list(pool.map(lambda piece: work(piece, store, on_epochs), pieces))


@dataclass(frozen=True)
class Processes:
    """So many worker processes, for networks whose steps are short calls from Python."""

    count: int

    def run(
        self, pieces: Sequence[Piece], store: Store, on_epochs: Callable[[int], None]
    ) -> list[State]:
        """Do every piece and give the results in the pieces' order."""
        from joblib import Parallel, delayed

        pool = Parallel(n_jobs=self.count, return_as="generator", **WORKERS)
        found = []
        for piece, state in zip(
            pieces, pool(delayed(_work)(piece, store) for piece in pieces), strict=True
        ):
            on_epochs((state.epoch - piece.state.epoch) * len(piece.state.tracks))
            found.append(state)
        return found


def leave_interrupts() -> None:
    """Let Ctrl-C, which a terminal sends to every process, be the main process's matter."""
    if current_process().name != "MainProcess":
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _work(piece: Piece, store: Store) -> State:
    leave_interrupts()
    return work(piece, store)
