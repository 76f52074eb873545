"""Requests per second and their slowest hundredth, beside other servers of the same model.

    python benchmarks/serving.py [--rounds 3] [--seconds 5] [--peers "fitwell serve" LitServe]

All serve one model, a network of two layers of 256 units on the built-in visits (53 columns),
in one worker with one torch thread, on loopback, and are asked in JSON by wrk. One server runs
at a time; the order is turned in each round. `wrk` comes from the operating system.
"""

import argparse
import json
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from serving_peers import Peer, all_peers, end

import fitwell
from fitwell.data.visits import visits

CONNECTIONS = (1, 16, 64)
ROWS = (1, 1000)
PATIENCE = 120
LUA = """wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json"
local file = io.open("{body}", "rb")
wrk.body = file:read("*a")
"""

Found = dict[tuple[int, int], tuple[float, float]]
"""Requests per second and the 99th percentile in milliseconds, by rows and connections."""


def train(folder: Path) -> tuple[Path, dict[int, Path]]:
    """Make a run and the bodies that it is asked with."""
    frame = visits(4000)
    run = folder / "run"
    fitwell.tune("mlp", frame, target="outcome", trials=1, epochs=3, seeds=1, out=run)
    records = json.loads(frame.drop(columns="outcome").to_json(orient="records"))
    bodies = {}
    for rows in ROWS:
        bodies[rows] = folder / f"{rows}.json"
        bodies[rows].write_text(json.dumps({"instances": records[:rows]}), encoding="utf-8")
    return run, bodies


def free_port() -> int:
    """Find a port of the loopback that nobody uses; multi-model-server takes none above 32767."""
    for port in range(21_000, 32_768):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError("no port is free")


def wait(url: str, body: bytes) -> None:
    """Wait until a server answers a prediction."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert "predictions" in json.load(answer)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError(f"{url} does not answer")


def load(url: str, lua: Path, connections: int, seconds: int) -> tuple[float, float]:
    """Ask for some seconds; give requests per second and the 99th percentile, ms."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "60s",
               "-s", str(lua), url]  # fmt: skip
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if failed := re.search(r"Non-2xx or 3xx responses: (\d+)", text):
        raise RuntimeError(f"{url}: {failed[1]} requests were refused")
    [rate] = re.findall(r"Requests/sec:\s+([\d.]+)", text)
    [(slowest, unit)] = re.findall(r"99%\s+([\d.]+)(us|ms|s)\b", text)
    return float(rate), float(slowest) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def measure(peer: Peer, run: Path, bodies: dict[int, Path], folder: Path, seconds: int) -> Found:
    """Start a server, ask it at every size and number of connections, end it."""
    port = free_port()
    process = peer.start(run, port, folder)
    url = f"http://127.0.0.1:{port}{peer.route}"
    found = {}
    try:
        for rows, body in bodies.items():
            wait(url, body.read_bytes())
            lua = folder / f"{rows}.lua"
            lua.write_text(LUA.format(body=body), encoding="utf-8")
            load(url, lua, 4, 1)  # the first requests of a process are slower
            for connections in CONNECTIONS:
                found[rows, connections] = load(url, lua, connections, seconds)
    finally:
        end(process)
    return found


def show(results: dict[str, list[Found]]) -> None:
    """Print medians with their range, and the ratio to the best of the others."""
    names = list(results)
    for rows in ROWS:
        print(f"\n{rows} row{'s' * (rows > 1)} a request: requests per second [range], p99 in ms")
        print("| server | " + " | ".join(f"{c} connections" for c in CONNECTIONS) + " |")
        print("|---" * (1 + len(CONNECTIONS)) + "|")
        for name in names:
            cells = []
            for connections in CONNECTIONS:
                rates = [found[rows, connections][0] for found in results[name]]
                slow = [found[rows, connections][1] for found in results[name]]
                cells.append(
                    f"{statistics.median(rates):,.0f} [{min(rates):,.0f}, {max(rates):,.0f}],"
                    f" {statistics.median(slow):,.1f}"
                )
            print(f"| {name} | " + " | ".join(cells) + " |")
        if len(names) > 1:
            ratios = []
            for connections in CONNECTIONS:
                medians = {
                    name: statistics.median(found[rows, connections][0] for found in results[name])
                    for name in names
                }
                best = max(rate for name, rate in medians.items() if name != names[0])
                ratios.append(f"{medians[names[0]] / best:.2f}")
            print(f"| {names[0]} / best of the others | " + " | ".join(ratios) + " |")


def main() -> None:
    """Measure all servers in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--peers", nargs="+", help="those of them; the first leads")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk is not installed; it is a package of most systems (apt install wrk)")
    peers = [peer for peer in all_peers() if not given.peers or peer.name in given.peers]
    results: dict[str, list[Found]] = {peer.name: [] for peer in peers}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run, bodies = train(folder)
        for number in range(given.rounds):
            turned = peers[number % len(peers) :] + peers[: number % len(peers)]
            for place, peer in enumerate(turned):
                at = folder / f"{number}-{place}"
                results[peer.name].append(measure(peer, run, bodies, at, given.seconds))
                print(f"round {number + 1}: {peer.name} done", flush=True)
        show(results)


if __name__ == "__main__":
    main()
