"""The same model behind other servers, each written as its own documentation shows.

Every peer decodes JSON, asks fitwell's predictor, and answers one object of probabilities per
row, so that what differs is the server. Each runs one worker with one torch thread.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

LITSERVE = """
import sys

import litserve
import pandas as pd

from fitwell.runs.prediction import load_predictor


class Api(litserve.LitAPI):
    def setup(self, device):
        self.predictor = load_predictor(Path(RUN))

    def decode_request(self, request):
        return pd.DataFrame(request["instances"])

    def predict(self, rows):
        return self.predictor.predict_proba(rows)

    def encode_response(self, probabilities):
        names = self.predictor.classes
        return {"predictions": [dict(zip(names, row)) for row in probabilities.tolist()]}


class Batched(Api):
    def batch(self, inputs):
        self.ends = [len(rows) for rows in inputs]
        return pd.concat(inputs, ignore_index=True)

    def unbatch(self, output):
        starts = [sum(self.ends[:place]) for place in range(len(self.ends))]
        return [output[s : s + rows] for s, rows in zip(starts, self.ends)]


if __name__ == "__main__":
    api = Batched(max_batch_size=64, batch_timeout=0.001) if BATCHED else Api()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port=PORT, num_api_servers=1, generate_client_file=False, log_level="error")
"""

BENTOML = """
import bentoml
import pandas as pd

from fitwell.runs.prediction import load_predictor


@bentoml.service(workers=1)
class Service:
    def __init__(self):
        self.predictor = load_predictor(Path(RUN))

    @bentoml.api(route="/predict")
    def predict(self, instances: list[dict]) -> dict:
        probabilities = self.predictor.predict_proba(pd.DataFrame(instances))
        names = self.predictor.classes
        return {"predictions": [dict(zip(names, row)) for row in probabilities.tolist()]}
"""

INFERENCE = """
import json

import pandas as pd

from fitwell.runs.prediction import load_predictor


def model_fn(model_dir):
    return load_predictor(Path(RUN))


def input_fn(body, content_type):
    return pd.DataFrame(json.loads(body)["instances"])


def predict_fn(rows, predictor):
    probabilities = predictor.predict_proba(rows)
    return [dict(zip(predictor.classes, row)) for row in probabilities.tolist()]


def output_fn(found, accept):
    return json.dumps({"predictions": found})
"""

MMS = """
from sagemaker_inference import model_server

if __name__ == "__main__":
    model_server.MMS_CONFIG_FILE = str(HERE / "mms.properties")
    written = model_server._generate_mms_config_properties

    def on_loopback(env, handler=None):
        return written(env, handler).replace("0.0.0.0", "127.0.0.1")

    model_server._generate_mms_config_properties = on_loopback
    model_server.start_model_server()
"""


@dataclass(frozen=True)
class Peer:
    """A server: how it is started, and where it answers."""

    name: str
    start: Callable[[Path, int, Path], subprocess.Popen[bytes]]
    route: str = "/invocations"


def one_thread() -> dict[str, str]:
    """Give an environment in which no library takes more than one thread."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def begin(command: list[str], folder: Path, **more: str) -> subprocess.Popen[bytes]:
    """Start a server; its words go to a file in ``folder``."""
    with open(folder / "log.txt", "wb") as log:
        return subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env={**one_thread(), **more},
            start_new_session=True,
        )  # fmt: skip


def script(folder: Path, name: str, text: str, run: Path, **values: object) -> Path:
    """Write a program with its settings on top."""
    folder.mkdir(parents=True, exist_ok=True)
    head = ["from pathlib import Path", f"RUN = {str(run)!r}", "HERE = Path(__file__).parent"]
    head += [f"{key} = {value!r}" for key, value in values.items()]
    file = folder / name
    file.write_text("\n".join(head) + text, encoding="utf-8")
    return file


def fitwell(run: Path, port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start ``fitwell serve``."""
    folder.mkdir(parents=True, exist_ok=True)
    code = "from fitwell.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", str(run), "--port", str(port)]
    return begin(command, folder)


def litserve(batched: bool) -> Callable[[Path, int, Path], subprocess.Popen[bytes]]:
    """Give what starts LitServe, with its batching or without."""

    def start(run: Path, port: int, folder: Path) -> subprocess.Popen[bytes]:
        file = script(folder, "server.py", LITSERVE, run, PORT=port, BATCHED=batched)
        return begin([sys.executable, str(file)], folder)

    return start


def bentoml(run: Path, port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start BentoML."""
    script(folder, "service.py", BENTOML, run)
    command = [sys.executable, "-m", "bentoml", "serve", "service:Service"]
    more = {"BENTOML_DO_NOT_TRACK": "1", "BENTOML_HOME": str(folder)}
    return begin([*command, "--host", "127.0.0.1", "--port", str(port)], folder, **more)


def mms(run: Path, port: int, folder: Path) -> subprocess.Popen[bytes]:
    """Start AWS's own toolkit in script mode: sagemaker-inference over multi-model-server."""
    code = folder / "ml" / "model" / "code"
    script(code, "inference.py", INFERENCE, run)
    file = script(folder, "server.py", MMS, run)
    return begin(
        [sys.executable, str(file)],
        folder,
        SAGEMAKER_BASE_DIR=str(folder / "ml"),
        SAGEMAKER_PROGRAM="inference.py",
        SAGEMAKER_BIND_TO_PORT=str(port),
        SAGEMAKER_MODEL_SERVER_WORKERS="1",
        PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    )


def all_peers() -> list[Peer]:
    """Give fitwell and those of its peers that are installed."""
    peers = [Peer("fitwell serve", fitwell)]
    if find_spec("litserve"):
        peers.append(Peer("LitServe", litserve(batched=False), "/predict"))
        peers.append(Peer("LitServe, batched", litserve(batched=True), "/predict"))
    if find_spec("bentoml"):
        peers.append(Peer("BentoML", bentoml, "/predict"))
    if find_spec("sagemaker_inference") and find_spec("mms") and shutil.which("java"):
        peers.append(Peer("sagemaker-inference + MMS", mms))
    return peers


def end(process: subprocess.Popen[bytes]) -> None:
    """End a server and the processes that it started."""
    for number in (15, 9):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
            if number == 15:
                continue
