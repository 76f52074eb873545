"""Requests to answers: one thread has the model, and encodes what waits together.

Encoding a row of a table costs several times what the network costs, and most of it is the
same for one row and for fifty. So whatever has come in while the model was busy is encoded
together. The network reads each request by itself: an answer never depends on who asked
beside it, not by a bit.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fitwell.errors import InputError
from fitwell.model_files import Predictor
from fitwell.serving.answers import choose, write_answer
from fitwell.serving.bodies import Reader
from fitwell.serving.limits import MAX_WAITING, Busy

TOGETHER = 64
"""At most so many requests are encoded together."""

SHORT = 64 * 2**10
"""Bytes; longer bodies are encoded alone, since little is saved by company."""

Answer = tuple[bytes, str]
Told = Callable[[Answer | Exception], None]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request.

    Attributes:
        body: as it came.
        kind: its content type.
        accept: the types that its answer may have.
        told: receives the answer, or why there is none.
    """

    body: bytes
    kind: str
    accept: str
    told: Told


class Model:
    """A model in a thread of its own, with a line of requests before it."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._reader = Reader(predictor.encoder, predictor.shape)
        self._line: queue.Queue[Call | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._work, name="model", daemon=True)

    @property
    def reader(self) -> Reader:
        """What reads the bodies."""
        return self._reader

    def start(self) -> None:
        """Let the model answer one row, then take requests.

        Raises:
            InputError: it does not answer.
        """
        warm_up(self._predictor, self._reader.example())
        self._thread.start()

    def ask(self, call: Call) -> None:
        """Put a request at the end of the line.

        Raises:
            Busy: the line is full.
        """
        try:
            self._line.put_nowait(call)
        except queue.Full as error:
            raise Busy(
                f"{MAX_WAITING} requests are waiting; send this one again in a second"
            ) from error

    def close(self) -> None:
        """Answer what waits, then end the thread."""
        if self._thread.is_alive():
            self._line.put(None)
            self._thread.join()

    def waiting(self) -> int:
        """Count the requests in the line."""
        return self._line.qsize()

    def _work(self) -> None:
        while (first := self._line.get()) is not None:
            calls, ended = self._company(first)
            self._answer(calls)
            if ended:
                return

    def _company(self, first: Call) -> tuple[list[Call], bool]:
        """Take what waits beside a short request; say whether the line ends there."""
        calls = [first]
        while len(calls) < TOGETHER and len(calls[-1].body) <= SHORT:
            try:
                call = self._line.get_nowait()
            except queue.Empty:
                break
            if call is None:
                return calls, True
            calls.append(call)
        return calls, False

    def _answer(self, calls: Sequence[Call]) -> None:
        for group in _alike(list(self._read(calls))):
            for call, x in self._encoded(group):
                try:
                    probabilities = self._predictor.answer(x)
                    call.told(write_answer(probabilities, self._predictor.classes, call.accept))
                except Exception as error:  # a network of the user's own may raise anything
                    call.told(error)

    def _read(self, calls: Sequence[Call]) -> Iterator[tuple[Call, Any]]:
        for call in calls:
            try:
                choose(call.accept)
                yield call, self._reader.read(call.body, call.kind)
            except Exception as error:
                call.told(error)

    def _encoded(
        self, group: Sequence[tuple[Call, Any]]
    ) -> Iterator[tuple[Call, NDArray[np.float32]]]:
        """Encode the rows of several requests at once; one by one if any does not fit."""
        if len(group) > 1:
            try:
                together = pd.concat([rows for _, rows in group], ignore_index=True)
                x = self._predictor.encode(together)
            except Exception:  # of one of them; alone each hears its own
                for one in group:
                    yield from self._encoded([one])
                return
            ends = np.cumsum([len(rows) for _, rows in group])
            yield from zip((call for call, _ in group), np.split(x, ends[:-1]), strict=True)
            return
        [(call, rows)] = group
        try:
            yield call, self._predictor.encode(rows)
        except Exception as error:
            call.told(error)


def _alike(read: Sequence[tuple[Call, Any]]) -> list[list[tuple[Call, Any]]]:
    """Group tables of the same columns and types; arrays and images stay alone."""
    groups: dict[Any, list[tuple[Call, Any]]] = {}
    for number, (call, rows) in enumerate(read):
        table = isinstance(rows, pd.DataFrame)
        key = (tuple(rows.columns), tuple(map(str, rows.dtypes))) if table else number
        groups.setdefault(key, []).append((call, rows))
    return list(groups.values())


def warm_up(predictor: Predictor, example: Any) -> None:
    """Let a model answer once.

    Raises:
        InputError: it raises, or its answer is not one probability per class.
    """
    try:
        first = predictor.predict_proba(example)
    except Exception as error:  # whatever a network of the user's own may raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"the model does not answer: {reason}. Make the run anew.") from error
    if first.shape != (1, len(predictor.classes)) or not np.isfinite(first).all():
        raise InputError(
            f"the model does not answer with one probability for each of its"
            f" {len(predictor.classes)} classes, but with {first.tolist()}. Make the run anew."
        )
