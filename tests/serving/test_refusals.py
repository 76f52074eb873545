"""Every body that does not fit: its status, and one whole line."""

import httpx
import pytest

LIST = "the JSON must be a list of objects, one per row, or {\"instances\": [...]}, with the columns as keys"  # fmt: skip
REFUSED = {
    "an empty body": (b"", "text/csv", 400, "the body is empty; send at least one row"),
    "blank lines": (b"\n \n", "text/csv", 400, "the body is empty; send at least one row"),
    "a header alone": (
        b"age,income,city,code,member,since,7\n",
        "text/csv",
        400,
        "the CSV has a header but no rows; send at least one row",
    ),
    "a missing column": (
        b"age,incomes,city,code,member,since,7\n1,2,a,b,True,2024-01-01,0\n",
        "text/csv",
        400,
        "column 'income' is missing; the model needs the 7 columns that it was trained on. Did you mean 'incomes'?",
    ),
    "two columns of one name": (
        b"age,income,city,code,member,since,7,age\n1,2,a,b,True,2024-01-01,0,3\n",
        "text/csv",
        400,
        "the CSV has two columns named 'age'; rename one",
    ),
    "text among numbers": (
        b"age,income,city,code,member,since,7\n40,,,,,,\nold,,,,,,\n",
        "text/csv",
        400,
        "column 'age', row 2: 'old' is no number, but numbers are expected, as in training. Correct it or leave it empty.",
    ),
    "text among JSON's numbers": (
        b'[[1, 2, "a", "b", true, null, 3], ["old", 2, "a", "b", true, null, 3]]',
        "application/json",
        400,
        "column 'age', row 2: 'old' is no number, but numbers are expected, as in training. Correct it or leave it empty.",
    ),
    "too few fields without a header": (
        b"40,9.5\n",
        "text/csv",
        400,
        "the CSV has no header, so 7 fields are expected in this order: age, income, city, code, member, since, 7; it has 2",
    ),
    "a row that is too long": (
        b"age,income,city,code,member,since,7\n40,,,,,,,1\n",
        "text/csv",
        400,
        "line 2 of the CSV has 8 fields, but the first has 7; leave a field empty where a value is missing",
    ),
    "a row that was cut off": (
        b"age,income,city,code,member,since,7\n40,,,,,,\n40,1\n",
        "text/csv",
        400,
        "line 3 of the CSV has 2 fields, but the first has 7; leave a field empty where a value is missing",
    ),
    "bytes that are no text": (
        b"age\xff",
        "text/csv",
        400,
        "the body is not UTF-8 text: byte 3 is wrong",
    ),
    "a zero byte": (b"age\0", "text/csv", 400, "the body is not text: it holds a zero byte"),
    "no JSON": (
        b"{age: 1}",
        "application/json",
        400,
        "the body is not JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ),
    "an empty JSON body": (b"", "application/json", 400, "the body is empty; send at least one row"),
    "a JSON number": (b"3", "application/json", 400, LIST),
    "no JSON rows": (b"[]", "application/json", 400, LIST),
    "JSON without instances": (b'{"rows": []}', "application/json", 400, LIST),
    "a JSON object without a column": (
        b'[{"age": 40}]',
        "application/json",
        400,
        "column 'income' and 5 more is missing; the model needs the 7 columns that it was trained on.",
    ),
    "a JSON row that lacks what another has": (
        b'[{"age": 40, "income": 1}, {"age": 41}]',
        "application/json",
        400,
        "row 2 has no 'income'; write null where a value is missing",
    ),
    "a JSON row that lacks what a later one has": (
        b'[{"income": 1}, {"age": 41, "income": 1}]',
        "application/json",
        400,
        "row 1 has no 'age'; write null where a value is missing",
    ),
    "a JSON list in a value": (
        b'[{"age": [40]}]',
        "application/json",
        400,
        "row 1: a value is a list or an object; each must be a number, a text, a Boolean or null",
    ),
    "a JSON list of another length": (
        b'{"instances": [[40, 1]]}',
        "application/json",
        400,
        "row 1 has 2 values, but 7 are expected: age, income, city, code, member, since, 7; or send objects with the columns as keys",
    ),
    "a picture": (
        b"\x89PNG",
        "image/png",
        415,
        "content type 'image/png' is not read here; send text/csv, application/json, application/jsonlines or application/x-parquet",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_body_that_does_not_fit_gets_one_clear_line(server, case):
    body, kind, status, line = REFUSED[case]
    answer = server.post(body, kind)
    assert (answer.status_code, answer.text) == (status, line + "\n")


def test_an_answer_that_cannot_be_written_is_refused(server, rows):
    answer = server.post(rows.to_csv(index=False), accept="image/png")
    assert (answer.status_code, answer.text) == (
        406,
        "accept 'image/png' is not written here; ask for application/json, text/csv,"
        " application/jsonlines or application/x-npy\n",
    )


def test_a_body_that_is_too_long_is_refused_and_the_server_lives_on(server):
    answer = server.post(b"age\n" + b"40\n" * 8_000_000)
    assert (answer.status_code, answer.text) == (
        413,
        "the body is over 20,971,520 bytes; send fewer rows\n",
    )
    assert httpx.get(f"{server.url}/ping").status_code == 200
