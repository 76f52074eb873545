"""Where pieces are done: in threads of this process, or elsewhere."""

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from fitwell.population.job import State
from fitwell.population.piece import Piece, work
from fitwell.population.store import Store


def processes(count: int, run: int, results: str) -> Any:
    """Give joblib's worker processes of a run, for its tasks.

    Each run has its own: a worker that has imported the user's network keeps it as it was, and
    looks for modules where they were, whatever he has changed in his notebook since.

    Args:
        count: of the processes.
        run: another number for another run.
        results: joblib's ``return_as``.
    """
    from joblib import Parallel

    return Parallel(
        n_jobs=count,
        return_as=results,
        mmap_mode="c",  # copy on write: torch complains about arrays that cannot be written
        idle_worker_timeout=86_400,  # joblib warns of a worker that has left
        initializer=_begin,
        initargs=(run,),
    )


def _begin(_run: int) -> None:
    """Let Ctrl-C, which a terminal sends to every process, be the main process's matter."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
    """So many worker processes of a run, for networks whose steps are short calls from Python."""

    count: int
    number: int = 0

    def run(
        self, pieces: Sequence[Piece], store: Store, on_epochs: Callable[[int], None]
    ) -> list[State]:
        """Do every piece and give the results in the pieces' order."""
        from joblib import delayed

        pool = processes(self.count, self.number, "generator")
        found = []
        for piece, state in zip(
            pieces, pool(delayed(work)(piece, store) for piece in pieces), strict=True
        ):
            on_epochs((state.epoch - piece.state.epoch) * len(piece.state.tracks))
            found.append(state)
        return found
