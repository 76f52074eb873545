import json

import pytest

from fitwell.masking import masked
from told import QUESTION


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://ann:secret@host:5432/trials", "postgresql://ann:***@host:5432/trials"),
        ("http://:secret@host", "http://:***@host"),
        ("a://u:p@h and b://v:q@i", "a://u:***@h and b://v:***@i"),
        ("sqlite:///trials.db", "sqlite:///trials.db"),
        ("http://host:5000/x@y", "http://host:5000/x@y"),
        ("mail me@home: now", "mail me@home: now"),
    ],
)
def test_a_password_in_an_address_is_starred_and_nothing_else(text, shown):
    assert masked(text) == shown


def test_the_command_in_run_json_holds_no_password(tmp_path):
    from fitwell.data.tables import make_table
    from fitwell.runs.launch import describe, make_task
    from toys import make_frame

    task = make_task(QUESTION, make_table(make_frame(), "bought"))
    asked = describe(QUESTION, task, {}, ("fitwell", "--log", "mlflow:http://ann:secret@host"))
    assert "secret" not in json.dumps(asked)
