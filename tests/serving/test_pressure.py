"""Many requests at once: company changes no answer, too many are refused, none is lost."""

import json
import select
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from fitwell.errors import InputError
from fitwell.runs.prediction import load_predictor
from fitwell.serving import batches
from fitwell.serving.batches import Call, Model
from fitwell.serving.limits import Busy
from serving.live import served


class Answers:
    """Collects what is told; a call of its own for each body."""

    def __init__(self):
        self.found = {}

    def call(self, name, body, kind="text/csv", accept="text/csv"):
        def told(result):
            self.found[name] = result

        return Call(body=body.encode(), kind=kind, accept=accept, told=told)


def asked(run, calls):
    """Ask a model everything at once: the line is full before the thread starts."""
    model = Model(load_predictor(run))
    for call in calls:
        model.ask(call)
    model.start()
    model.close()


@pytest.fixture(scope="module")
def bodies(rows):
    header, *lines = rows.to_csv(index=False).splitlines()
    records = json.loads(rows.to_json(orient="records", double_precision=15))
    one = {f"csv {n}": (f"{header}\n{line}\n", "text/csv") for n, line in enumerate(lines[:30])}
    two = {
        f"json {n}": (json.dumps([record]), "application/json")
        for n, record in enumerate(records[:30])
    }
    three = {"both": ("\n".join([header, *lines[3:5]]) + "\n", "text/csv")}
    return {**one, **two, **three}


def test_an_answer_does_not_depend_on_who_asks_beside_it_by_a_bit(run, bodies, monkeypatch):
    together, alone = Answers(), Answers()
    asked(run, [together.call(name, *body) for name, body in bodies.items()])
    encoded = []
    predictor = load_predictor(run)
    for name, (body, kind) in bodies.items():
        asked(run, [alone.call(name, body, kind)])
    assert together.found == alone.found
    assert len({text for text, _ in together.found.values()}) == 31  # JSON says what CSV says
    # And they were in company: the encoder was called a few times only.
    real = type(predictor).encode
    monkeypatch.setattr(
        type(predictor), "encode", lambda self, x: encoded.append(len(x)) or real(self, x)
    )
    asked(run, [together.call(name, *body) for name, body in bodies.items()])
    assert sum(encoded) == 1 + len(bodies) + 1  # the warm-up, and two rows in one body
    assert len(encoded) < 20


def test_one_that_does_not_fit_spoils_nobody_elses(run, bodies):
    names = list(bodies)[:6]
    answers = Answers()
    header = bodies["csv 0"][0].splitlines()[0]
    calls = [answers.call(name, *bodies[name]) for name in names]
    calls.insert(3, answers.call("bad", f"{header}\nold,,,,,,\n"))
    calls.insert(4, answers.call("odd", bodies["csv 0"][0], accept="image/png"))
    asked(run, calls)
    assert "'old' is no number" in str(answers.found.pop("bad"))
    assert isinstance(answers.found.pop("odd"), InputError)
    alone = Answers()
    for name in names:
        asked(run, [alone.call(name, *bodies[name])])
    assert answers.found == alone.found


def test_a_network_that_fails_on_a_row_fails_that_request_alone(run, bodies, monkeypatch):
    predictor = load_predictor(run)
    real = type(predictor).answer

    def answer(self, x):
        if len(x) == 2:
            raise RuntimeError("two rows are too many")
        return real(self, x)

    monkeypatch.setattr(type(predictor), "answer", answer)
    answers = Answers()
    asked(run, [answers.call(name, *bodies[name]) for name in ("csv 0", "both", "csv 1")])
    assert isinstance(answers.found["both"], RuntimeError)
    assert isinstance(answers.found["csv 0"], tuple)
    assert isinstance(answers.found["csv 1"], tuple)


def test_a_full_line_is_told_at_once(run, bodies, monkeypatch):
    monkeypatch.setattr(batches, "MAX_WAITING", 3)
    model, answers = Model(load_predictor(run)), Answers()
    for number in range(3):
        model.ask(answers.call(number, *bodies["csv 0"]))
    with pytest.raises(Busy, match="3 requests are waiting; send this one again in a second"):
        model.ask(answers.call(3, *bodies["csv 0"]))
    model.start()
    model.close()
    assert set(answers.found) == {0, 1, 2}


def test_bodies_that_together_exceed_the_room_are_refused_with_503(run):
    """Eight slow senders of 19 MiB each: 128 MiB hold six of them."""
    size = 19 * 2**20
    with served(run) as server:
        port = int(server.url.rpartition(":")[2])
        senders = []
        for _ in range(8):
            sender = socket.create_connection(("127.0.0.1", port))
            sender.sendall(
                b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
                + f"Content-Length: {size + 1}\r\n\r\n".encode()
            )
            sender.sendall(b"x" * size)  # the last byte never comes
            senders.append(sender)
        until, told = time.monotonic() + 30, []
        while len(told) < 2 and time.monotonic() < until:
            told = select.select(senders, [], [], 0.2)[0]
        time.sleep(1)
        told = select.select(senders, [], [], 0)[0]  # the other six wait for their last byte
        assert [sender.recv(20) for sender in told] == [b"HTTP/1.1 503 Service"] * 2
        for sender in senders:
            sender.close()
        until = time.monotonic() + 10
        while (answer := server.post(b"age\n1\n")).status_code == 503:
            assert time.monotonic() < until
        assert answer.status_code == 400  # there is room again, and columns are missing


def test_sigterm_under_load_loses_no_accepted_request(run, rows):
    body = rows.to_csv(index=False)
    outcomes, lock = [], threading.Lock()
    with served(run) as server:
        expected = server.post(body, accept="text/csv").text
        ending = threading.Event()

        def keep_asking():
            with httpx.Client(timeout=30) as client:
                while not ending.is_set():
                    try:
                        answer = client.post(
                            f"{server.url}/invocations", content=body,
                            headers={"content-type": "text/csv", "accept": "text/csv"},
                        )  # fmt: skip
                    except httpx.ConnectError:
                        return  # not accepted any more
                    except httpx.TransportError as error:
                        with lock:
                            outcomes.append(repr(error))
                        return
                    with lock:
                        outcomes.append(answer.status_code if answer.text != expected else "right")

        with ThreadPoolExecutor(8) as crowd:
            asking = [crowd.submit(keep_asking) for _ in range(8)]
            time.sleep(2)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(30) == 0
            ending.set()
            for one in asking:
                one.result()
    assert len(outcomes) > 20
    lost = [outcome for outcome in outcomes if outcome != "right"]
    # A kept-open connection that the server closes before it has read a request is no loss;
    # the client hears of it as an end of the stream or, with the request under way, as a reset.
    unread = ("disconnected without sending", "Connection reset by peer")
    assert all(any(text in str(outcome) for text in unread) for outcome in lost), lost


def test_a_request_half_read_at_sigterm_is_answered_in_full(run, rows):
    body = rows.to_csv(index=False).encode()
    with served(run) as server:
        expected = server.post(body, accept="text/csv").content
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as sender:
            sender.sendall(
                b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
                b"Accept: text/csv\r\nConnection: close\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body[:-5]
            )
            time.sleep(0.5)  # until the head has been read
            server.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            sender.sendall(body[-5:])
            answer = b"".join(iter(lambda: sender.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert answer.endswith(expected)
        assert server.process.wait(30) == 0


@pytest.mark.slow
def test_worker_processes_answer_alike_and_add_up_their_figures(run, rows):
    body = rows.to_csv(index=False)
    with served(run, "--workers", "2") as server:
        texts = {server.post(body, accept="text/csv").text for _ in range(40)}
        assert len(texts) == 1
        counted = httpx.get(f"{server.url}/metrics").text
        assert 'fitwell_requests_total{status="200"} 40.0' in counted
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
