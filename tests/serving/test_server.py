"""A real server, a real socket: what goes in, what comes out, and how it ends."""

import csv
import io
import json
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from fitwell.cli import main
from serving.live import FITWELL, free_port, served


@pytest.fixture(scope="session")
def predicted(run, rows, tmp_path_factory):
    """What `fitwell predict` writes for the rows."""
    path = tmp_path_factory.mktemp("new") / "rows.csv"
    rows.to_csv(path, index=False)
    return CliRunner().invoke(main, ["predict", str(run), str(path)]).stdout


def exact(text):
    """Read probabilities as they were written; pandas may be off in the last digit."""
    header, *lines = csv.reader(io.StringIO(text))
    return pd.DataFrame([map(float, line) for line in lines], columns=header)


def close(one, other):
    """Whether probabilities agree but for float32's rounding, which hangs on the batch."""
    return np.allclose(one, other, rtol=0, atol=1e-6)


def records(rows):
    return json.loads(rows.to_json(orient="records", double_precision=15))


def probabilities(answer):
    assert answer.status_code == 200, answer.text
    return pd.DataFrame([row["probabilities"] for row in answer.json()["predictions"]])


def test_ping_answers_200_with_an_empty_body(server):
    answer = httpx.get(f"{server.url}/ping")
    assert (answer.status_code, answer.content) == (200, b"")


def test_csv_gives_what_fitwell_predict_gives_bit_for_bit(server, rows, predicted):
    answer = server.post(rows.to_csv(index=False), accept="text/csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == "text/csv"
    assert answer.text == predicted
    assert len(set(predicted.splitlines())) > 100


def test_csv_without_a_header_gives_the_same(server, rows, predicted):
    assert server.post(rows.to_csv(index=False, header=False), accept="text/csv").text == predicted


def test_the_order_of_columns_under_a_header_does_not_matter(server, rows, predicted):
    turned = rows[rows.columns[::-1]].assign(another=1)
    assert server.post(turned.to_csv(index=False), accept="text/csv").text == predicted


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_give_the_same(server, rows, predicted, separator):
    text = rows.to_csv(index=False, sep=separator)
    assert server.post(text, accept="text/csv").text == predicted


def test_json_objects_give_the_same_bit_for_bit(server, rows, predicted):
    for body in (records(rows), {"instances": records(rows)}, {"instances": rows_as_lists(rows)}):
        answer = server.post(json.dumps(body), "application/json")
        pd.testing.assert_frame_equal(probabilities(answer), exact(predicted), check_exact=True)


def rows_as_lists(rows):
    return [list(record.values()) for record in records(rows)]


def test_json_names_the_likeliest_class(server, rows):
    for row in server.post(rows.to_csv(index=False)).json()["predictions"]:
        assert row["class"] == max(row["probabilities"], key=row["probabilities"].get)


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("text/csv", "text/csv"),
        ("image/png, text/csv;q=0.5", "text/csv"),
        ("text/csv;q=0.5, application/json", "application/json"),
    ],
)
def test_accept_is_honoured(server, rows, accept, given):
    answer = server.post(rows.to_csv(index=False), accept=accept)
    assert answer.headers["content-type"].split(";")[0] == given


def test_missing_values_and_unseen_categories_are_accepted(server):
    body = "age,income,city,code,member,since,7\n40,,Paris,ZZ,,,\n,,,,,,\n"
    chances = probabilities(server.post(body))
    assert len(chances) == 2
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-12)
    assert chances.iloc[0].tolist() != chances.iloc[1].tolist()


def one(server, **changes):
    row = {"age": 40, "income": 9.5, "city": "Jeju", "code": "A", "member": True,
           "since": "2024-02-03", "7": 0.25}  # fmt: skip
    return probabilities(server.post(json.dumps([{**row, **changes}]), "application/json"))


def test_a_category_of_digits_is_the_same_in_every_spelling_of_a_body(server):
    three, other = one(server, code="3"), one(server, code="A")
    assert not close(three, other)
    assert close(one(server, code=3), three)
    header = "age,income,city,code,member,since,7\n"
    row = "40,9.5,Jeju,{},True,2024-02-03,0.25\n"
    # Read on its own, such a column would become numbers: 3.0 and not a number, or 7.
    with_gap = probabilities(server.post(header + row.format("3") + row.format("")))
    assert close(with_gap.iloc[[0]], three)
    assert close(probabilities(server.post(header + row.format("07"))), one(server, code="07"))
    assert not close(one(server, code="07"), one(server, code="7"))


def test_truth_values_may_be_spelled_as_in_any_file(server):
    header = "age,income,city,code,member,since,7\n"
    for spelling in ("True", "TRUE", "true"):
        body = f"{header}40,9.5,Jeju,A,{spelling},2024-02-03,0.25\n"
        assert close(probabilities(server.post(body)), one(server, member=True))
    assert not close(one(server, member=True), one(server, member=False))


def test_a_header_can_be_declared(server):
    row = "40,9.5,Jeju,A,True,2024-02-03,7\n"
    without = server.post(row, "text/csv; header=absent")
    assert len(probabilities(without)) == 1
    # The value 7 is also the name of a column, and still no header.
    assert server.post(row).text == without.text
    assert server.post(row, "text/csv; header=present").status_code == 400


def test_a_client_that_hangs_up_leaves_no_traceback(run, rows, predicted):
    with served(run) as server:
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(
                b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nage"
            )
        assert server.post(rows.to_csv(index=False), accept="text/csv").text == predicted


def test_many_requests_at_once_get_each_their_own_answer(server, rows, predicted):
    expected = exact(predicted).to_numpy()
    header, *fields = rows.to_csv(index=False).splitlines()

    def ask(number):
        return probabilities(server.post(f"{header}\n{fields[number]}\n"))

    with ThreadPoolExecutor(8) as crowd:
        for number, answer in enumerate(crowd.map(ask, range(40))):
            assert close(answer, expected[number])


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_signal_ends_the_server_with_exit_code_0_within_seconds(run, number):
    with served(run) as server:
        with httpx.Client() as client:  # a connection that is kept open must not hold it up
            client.get(f"{server.url}/ping")
            start = time.monotonic()
            server.process.send_signal(number)
            assert server.process.wait(10) == 0
            assert time.monotonic() - start < 5


def refused(*arguments):
    command = [FITWELL, "serve", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_port_that_is_taken_gives_one_line(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = refused(run, "--port", port)
    assert ended.returncode == 2
    assert ended.stderr == (
        f"fitwell: --port {port} on --host 127.0.0.1 cannot be used: Address already in use."
        " Choose another.\n"
    )


def test_a_run_that_was_not_finished_is_not_served(tmp_path, run):
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "run.json").write_bytes((run / "run.json").read_bytes())
    ended = refused(tmp_path / "cut", "--port", free_port())
    assert ended.returncode == 2
    assert ended.stderr == (
        f"fitwell: {tmp_path / 'cut'} holds a run that was not finished. Run the same command"
        " with --resume.\n"
    )
