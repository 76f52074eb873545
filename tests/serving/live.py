"""`fitwell serve` as a process of its own, over a real socket."""

import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

FITWELL = Path(sys.executable).with_name("fitwell")
PATIENCE = 60
"""Seconds to start in; loading torch takes several on a busy machine."""


@dataclass
class Server:
    url: str
    process: subprocess.Popen

    def post(self, body, kind="text/csv", accept="application/json"):
        return httpx.post(
            f"{self.url}/invocations",
            content=body,
            headers={"content-type": kind, "accept": accept},
            timeout=30,
        )


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def served(run, *options):
    """Serve a run folder; see `running`."""
    port = free_port()
    with running([FITWELL, "serve", run, "--port", str(port), *options], port) as server:
        yield server


@contextmanager
def running(command, port, environment=None):
    """Run a server; at the end its log must hold no traceback."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            server = Server(f"http://127.0.0.1:{port}", process)
            wait_until_ready(server)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()
            log.seek(0)
            text = log.read()
        assert "Traceback" not in text, text


def wait_until_ready(server):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert server.process.poll() is None, "the server ended before it answered"
        try:
            if httpx.get(f"{server.url}/ping", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise TimeoutError(f"no answer within {PATIENCE} s")
