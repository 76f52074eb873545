"""A model behind HTTP: GET /ping says it is ready, POST /invocations predicts."""

from pathlib import Path
from typing import TYPE_CHECKING

from fitwell.errors import InputError
from fitwell.model_files import Predictor, load_model
from fitwell.serving.bodies import Unacceptable, Unsupported, read_rows, write_answer
from fitwell.storage import read_json

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.responses import PlainTextResponse

MAX_BODY = 20 * 2**20
"""Bytes; a longer body is refused with 413."""


def make_app(predictor: Predictor) -> "FastAPI":
    """Build the ASGI app.

    ``POST /invocations`` takes ``text/csv`` (with a header) or ``application/json`` (a list
    of objects, or ``{"instances": [...]}``) and answers in the type that ``Accept`` names:
    JSON by default, CSV on request, with one probability per class for every row.
    400 a body that does not fit, 406 an ``Accept`` and 415 a content type that it does not
    speak, 413 a body that is too long: each with one clear line.
    """
    try:
        from fastapi import FastAPI, Request, Response
    except ModuleNotFoundError as error:
        raise InputError("serve needs FastAPI. Install it: pip install 'fitwell[serve]'") from error
    from starlette.concurrency import run_in_threadpool

    app = FastAPI(title="fitwell", docs_url="/docs")

    @app.get("/ping")
    def ping() -> Response:
        return Response(status_code=200)

    async def invocations(request: Request) -> Response:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY:
                return _refusal(413, f"the body is over {MAX_BODY:,} bytes; send fewer rows")
        kind = request.headers.get("content-type", "text/csv")
        accept = request.headers.get("accept", "application/json")
        try:
            return Response(
                *await run_in_threadpool(_predict, predictor, bytes(body), kind, accept)
            )
        except Unsupported as error:
            return _refusal(415, str(error))
        except Unacceptable as error:
            return _refusal(406, str(error))
        except InputError as error:
            return _refusal(400, str(error))

    # The annotation of a nested function is a name that FastAPI could not resolve later.
    invocations.__annotations__ = {"request": Request, "return": Response}
    app.post("/invocations")(invocations)
    return app


def _refusal(status: int, message: str) -> "PlainTextResponse":
    from starlette.responses import PlainTextResponse

    return PlainTextResponse(" ".join(message.split()) + "\n", status_code=status)


def _predict(
    predictor: Predictor, body: bytes, kind: str, accept: str
) -> tuple[bytes, int, None, str]:
    rows = read_rows(body, kind)
    content, media_type = write_answer(predictor.predict_proba(rows), predictor.classes, accept)
    return content, 200, None, media_type


def serve_run(run: Path, *, host: str, port: int, factory: str | None = None) -> None:
    """Load a run folder's model and serve it until the process is told to stop.

    Raises:
        InputError: the folder holds no model that can be served.
    """
    if not (run / "run.json").is_file():
        raise InputError(f"{run} is not a run folder: it has no run.json. Name one.")
    read_json(run / "run.json")
    app = make_app(load_model(run / "model", factory))
    import uvicorn

    uvicorn.run(app, host=host, port=port, log_level="warning")
