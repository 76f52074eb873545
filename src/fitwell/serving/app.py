"""A model behind HTTP: GET /ping says it is ready, POST /invocations predicts."""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fitwell.errors import InputError
from fitwell.model_files import Predictor
from fitwell.runs.prediction import load_predictor
from fitwell.serving.answers import Unacceptable, choose, write_answer
from fitwell.serving.bodies import Reader, Unsupported

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

MAX_BODY = 20 * 2**20
"""Bytes; a longer body is refused with 413."""

GRACE = 20
"""Seconds that requests under way may take after SIGTERM; SageMaker kills after 30."""

Answer = Callable[[bytes, str, str], tuple[bytes, str]]


def make_app(predictor: Predictor) -> "FastAPI":
    """Build the ASGI app; the model has answered once before it is given back.

    ``POST /invocations`` takes ``text/csv`` (with or without a header) or
    ``application/json`` (a list of objects, or ``{"instances": [...]}``), for images and
    arrays ``application/x-npy`` or nested JSON lists. It answers in the type that
    ``Accept`` names: JSON by default, CSV on request, with one probability per class for
    every row. 400 a body that does not fit, 406 an ``Accept`` and 415 a content type that
    it does not speak, 413 a body that is too long: each with one clear line.

    Raises:
        InputError: the model does not answer, or FastAPI is not installed.
    """
    try:
        from fastapi import FastAPI, Request
    except ModuleNotFoundError as error:
        raise InputError("serve needs FastAPI. Install it: pip install 'fitwell[serve]'") from error
    from starlette.responses import Response

    answer = _warmed(predictor, Reader(predictor.encoder, predictor.shape))
    app = FastAPI(title="fitwell")

    async def ping() -> Response:
        return Response(status_code=200)

    async def invocations(request: Request) -> Response:
        return await _respond(request, answer)

    # The annotations of nested functions are names that FastAPI could not resolve later.
    ping.__annotations__ = {"return": Response}
    invocations.__annotations__ = {"request": Request, "return": Response}
    app.get("/ping")(ping)
    app.post("/invocations")(invocations)
    return app


async def _respond(request: "Request", answer: Answer) -> "Response":
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import ClientDisconnect
    from starlette.responses import Response

    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                return _refusal(413, f"the body is over {MAX_BODY:,} bytes; send fewer rows")
    except ClientDisconnect:
        return _refusal(400, "the client hung up")
    kind = request.headers.get("content-type", "")
    accept = request.headers.get("accept", "")
    try:
        content, media_type = await run_in_threadpool(answer, bytes(body), kind, accept)
    except InputError as error:
        return _refusal(_status(error), str(error))
    return Response(content, media_type=media_type)


def _warmed(predictor: Predictor, reader: Reader) -> Answer:
    """Let the model answer once, and give what answers a request."""
    try:
        first = predictor.predict_proba(reader.example())
    except Exception as error:  # whatever a network of the user's own may raise
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"the model does not answer: {reason}. Make the run anew.") from error
    if first.shape != (1, len(predictor.classes)) or not np.isfinite(first).all():
        raise InputError(
            f"the model does not answer with one probability for each of its"
            f" {len(predictor.classes)} classes, but with {first.tolist()}. Make the run anew."
        )
    # torch's number of threads, set while predicting, belongs to the whole process.
    one_at_a_time = threading.Lock()

    def answer(body: bytes, kind: str, accept: str) -> tuple[bytes, str]:
        choose(accept)
        rows = reader.read(body, kind)
        with one_at_a_time:
            probabilities = predictor.predict_proba(rows)
        return write_answer(probabilities, predictor.classes, accept)

    return answer


def _status(error: InputError) -> int:
    return {Unsupported: 415, Unacceptable: 406}.get(type(error), 400)


def _refusal(status: int, message: str) -> "Response":
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(" ".join(message.split()) + "\n", status_code=status)


def serve_run(run: Path, *, host: str, port: int, factory: str | None = None) -> None:
    """Load a run folder's model and serve it until SIGTERM or Ctrl-C; then return.

    Raises:
        InputError: the folder holds no model that can be served, or the port is taken.
    """
    with _ended_by_signals():
        app = make_app(load_predictor(run, factory))
        import uvicorn

        config = uvicorn.Config(app, access_log=False, timeout_graceful_shutdown=GRACE)
        with _listening(host, port) as listener:
            uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end what is inside, quietly.

    uvicorn raises a signal again once it has shut down, which would kill the process; and a
    container's first process ignores SIGTERM unless it says what to do.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, signal.default_int_handler) for number in numbers]
    with suppress(KeyboardInterrupt):
        yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = str(error.strerror).split(" (")[0]
        raise InputError(
            f"--port {port} on --host {host} cannot be used: {reason}. Choose another."
        ) from error
