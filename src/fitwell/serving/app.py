"""A model behind HTTP, as Amazon SageMaker asks for it: /ping and /invocations."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fitwell.errors import InputError
from fitwell.model_files import Predictor
from fitwell.serving.answers import Unacceptable
from fitwell.serving.batches import Answer, Call, Model
from fitwell.serving.bodies import Unsupported
from fitwell.serving.limits import MAX_BODY, MAX_HELD, PATIENCE, Busy, TooLarge
from fitwell.serving.measures import Measures
from fitwell.serving.openapi import described
from fitwell.version import __version__

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

STATUS: dict[type[InputError], int] = {
    Unacceptable: 406,
    TooLarge: 413,
    Unsupported: 415,
    Busy: 503,
}
"""All other errors of the client are 400."""


def make_app(predictor: Predictor) -> "FastAPI":
    """Build the ASGI app; the model has answered once before it is given back.

    ``POST /invocations`` takes ``text/csv`` (with or without a header), ``application/json``
    (a list of objects, or ``{"instances": [...]}``), ``application/jsonlines`` and Parquet;
    for images and arrays ``application/x-npy``, nested JSON lists, and one image as PNG or
    JPEG. It answers in the type that ``Accept`` names: JSON by default, CSV, JSON lines or
    NPY. 400 a body that does not fit, 406 an ``Accept`` and 415 a content type that it does
    not speak, 413 a body that is too long, 503 when too much is waiting: each with one line.

    Raises:
        InputError: the model does not answer, or a package is not installed.
    """
    try:
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
        from fastapi import FastAPI, Request
    except ModuleNotFoundError as error:
        raise InputError(
            f"serve needs {error.name}. Install it: pip install 'fitwell[serve]'"
        ) from error
    from starlette.responses import JSONResponse, Response

    model = Model(predictor)
    model.start()
    measures = Measures()
    desk = _Desk(model, measures)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(model.close)

    app = FastAPI(title="fitwell", version=__version__, lifespan=lifespan)

    async def ping() -> Response:
        return Response(status_code=200)

    async def invocations(request: Request) -> Response:
        return await desk.respond(request)

    async def parameters() -> Response:
        return JSONResponse(
            {
                "MaxConcurrentTransforms": 8,
                "BatchStrategy": "MULTI_RECORD",
                "MaxPayloadInMB": MAX_BODY // 2**20,
            }
        )

    async def metrics() -> Response:
        content, kind = measures.text()
        return Response(content, media_type=kind)

    # The annotations of nested functions are names that FastAPI could not resolve later.
    for function in (ping, parameters, metrics):
        function.__annotations__ = {"return": Response}
    invocations.__annotations__ = {"request": Request, "return": Response}
    app.get("/ping", summary="Whether the model is ready")(ping)
    app.post("/invocations", **described(model.reader, predictor.classes))(invocations)
    app.get("/execution-parameters", summary="For a batch transform job")(parameters)
    app.get("/metrics", summary="For Prometheus")(metrics)
    return app


class _Desk:
    """Takes requests to the model and brings answers back; counts what it holds."""

    def __init__(self, model: Model, measures: Measures) -> None:
        self._model = model
        self._measures = measures
        self._held = 0

    async def respond(self, request: "Request") -> "Response":
        from starlette.responses import PlainTextResponse, Response

        start, held = time.perf_counter(), _Held(self)
        try:
            content, kind = await self._answer(request, held)
            response = Response(content, media_type=kind)
        except InputError as error:
            status = STATUS.get(type(error), 400)
            line = " ".join(str(error).split()) + "\n"
            response = PlainTextResponse(line, status_code=status)
            if status == 503:
                response.headers["Retry-After"] = "1"
        except Exception:
            self._measures.done(500, time.perf_counter() - start)
            raise
        finally:
            held.let_go()
        self._measures.done(response.status_code, time.perf_counter() - start)
        return response

    async def _answer(self, request: "Request", held: "_Held") -> Answer:
        body = await _body(request, held)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()

        def told(result: Answer | Exception) -> None:
            loop.call_soon_threadsafe(_settle, answer, result)

        headers = request.headers
        self._model.ask(
            Call(
                body=body,
                kind=headers.get("content-type", ""),
                accept=headers.get("accept", ""),
                told=told,
            )
        )
        return await answer


class _Held:
    """What one request holds of the server's room for bodies."""

    def __init__(self, desk: _Desk) -> None:
        self._desk, self._bytes = desk, 0

    def more(self, count: int) -> None:
        if self._bytes + count > MAX_BODY:
            raise TooLarge(f"the body is over {MAX_BODY:,} bytes; send fewer rows")
        if self._desk._held + count > MAX_HELD:
            raise Busy("the server holds as many bodies as it can; send this one again in a second")
        self._bytes += count
        self._desk._held += count

    def let_go(self) -> None:
        self._desk._held -= self._bytes
        self._bytes = 0


async def _body(request: "Request", held: _Held) -> bytes:
    """Read a body, within the limits of size, room and time."""
    from starlette.requests import ClientDisconnect

    body = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                held.more(len(part))
                body += part
    except ClientDisconnect as error:
        raise InputError("the client hung up") from error
    except TimeoutError as error:
        raise InputError(f"the body did not arrive within {PATIENCE} seconds") from error
    return bytes(body)


def _settle(answer: "asyncio.Future[Answer]", result: Answer | Exception) -> None:
    if answer.done():  # the client hung up
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)
