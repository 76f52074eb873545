"""The server against what it says of itself: requests drawn from its own description."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitwell.serving.answers import WRITTEN
from serving.live import served

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")


@pytest.mark.parametrize("mode", ["POSITIVE", pytest.param("NEGATIVE", marks=pytest.mark.slow)])
@pytest.mark.parametrize("which", ["run", pytest.param("image_run", marks=pytest.mark.slow)])
def test_every_answer_is_one_that_its_description_has(which, mode, request):
    """Statuses, types and schemas of the answers, and no 5xx, whatever is asked."""
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi import checks

    conforms = [
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]

    told = set()
    with served(request.getfixturevalue(which)) as server:
        schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
        drawn = schema["/invocations"]["POST"].as_strategy(generation_mode=GenerationMode[mode])

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(drawn, st.sampled_from(["*/*", *WRITTEN, "image/png"]))
        def ask(case, accept):
            answer = case.call(headers={"accept": accept})
            told.add(answer.status_code)
            assert answer.status_code < 500
            case.validate_response(answer, checks=conforms)

        ask()
    assert told >= {406, 200 if mode == "POSITIVE" else 400}
