"""AWS's inference toolkit in script mode answers as our own server does."""

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from fitwell.serving.script_mode import model_fn, transform_fn
from fitwell.vetting.pack import pack
from serving.live import Server, wait_until_ready

CODE = "from fitwell.serving.script_mode import model_fn, transform_fn\n"

LOOPBACK = """
from pathlib import Path

from sagemaker_inference import model_server

# The toolkit has no setting for the address that it listens on, nor for where this file lies.
model_server.MMS_CONFIG_FILE = str(Path(__file__).with_name("mms.properties"))
written = model_server._generate_mms_config_properties


def on_loopback(*given):
    return written(*given).replace("0.0.0.0", "127.0.0.1")


model_server._generate_mms_config_properties = on_loopback
model_server.start_model_server()
"""


def parquet(rows):
    stream = io.BytesIO()
    rows.to_parquet(stream)
    return stream.getvalue()


BODIES = {
    "text/csv": lambda rows: rows.to_csv(index=False),
    "application/json": lambda rows: rows.to_json(orient="records"),
    "application/jsonlines": lambda rows: rows.to_json(orient="records", lines=True),
    "application/x-parquet": parquet,
}
ACCEPTED = ("application/json", "text/csv", "application/jsonlines", "application/x-npy")


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("accept", ACCEPTED)
def test_the_functions_answer_as_the_server_does(server, run, rows, kind, accept):
    body = BODIES[kind](rows)
    found, media = transform_fn(model_fn(str(run)), body, kind, accept)
    answer = server.post(body, kind, accept)
    assert (answer.status_code, found) == (200, answer.content)
    assert answer.headers["content-type"].partition(";")[0] == media == accept


def low_port():
    """Find a free port below 32768; multi-model-server takes no higher one."""
    for port in range(20_000, 32_768):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")


@pytest.fixture(scope="module")
def toolkit(run, tmp_path_factory):
    """The archive unpacked with a script beside it, behind multi-model-server."""
    for name in ("sagemaker_inference", "mms"):
        pytest.importorskip(name, reason="the extra mms is not installed")
    if shutil.which("java") is None:
        pytest.skip("multi-model-server needs Java")
    base = tmp_path_factory.mktemp("ml")
    pack(run, base / "model.tar.gz")
    with tarfile.open(base / "model.tar.gz") as archive:
        archive.extractall(base / "model", filter="data")
    (base / "model" / "code").mkdir()
    (base / "model" / "code" / "inference.py").write_text(CODE)
    (base / "server.py").write_text(LOOPBACK)
    port = low_port()
    environment = {
        **os.environ,
        "SAGEMAKER_BASE_DIR": str(base),
        "SAGEMAKER_PROGRAM": "inference.py",
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
        "TEMP": str(base),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    process = subprocess.Popen(
        [sys.executable, base / "server.py"], env=environment, cwd=base, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        server = Server(f"http://127.0.0.1:{port}", process)
        wait_until_ready(server)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # Java and its workers too
        process.wait()


@pytest.mark.slow
def test_multi_model_server_answers_as_our_own_server_does(toolkit, server, rows):
    assert httpx.get(f"{toolkit.url}/ping").status_code == 200
    for kind, write in BODIES.items():
        for accept in ACCEPTED:
            theirs = toolkit.post(write(rows), kind, accept)
            ours = server.post(write(rows), kind, accept)
            assert (theirs.status_code, theirs.content) == (200, ours.content), (kind, accept)
            assert theirs.headers["content-type"].startswith(accept)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "kind", "accept"),
    [
        ("age\n1\n", "text/csv", "*/*"),
        ("{", "application/json", "*/*"),
        ("x", "image/tiff", "*/*"),
        ("age\n1\n", "text/csv", "image/png"),
    ],
)
def test_it_refuses_with_the_status_and_the_line_of_our_own(toolkit, server, body, kind, accept):
    theirs, ours = toolkit.post(body, kind, accept), server.post(body, kind, accept)
    assert theirs.status_code == ours.status_code >= 400
    assert theirs.text.startswith(ours.text.strip())
