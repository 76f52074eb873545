"""The policy in docs/sagemaker.md allows what the commands call, and nothing else of SageMaker."""

import json
import re
from pathlib import Path

from fitwell.sagemaker.check import RULES
from fitwell.sagemaker.states import KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "sagemaker.md").read_text(encoding="utf-8")


def test_the_policy_names_the_operations_that_are_called():
    caller, role = map(json.loads, re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))
    called = {*RULES, "DescribeModel", "AddTags"}  # AddTags is asked for where --tag is given
    called |= {f"Describe{kind.noun}" for kind in KINDS.values()}
    called |= {kind.stop for kind in KINDS.values()}
    assert caller["Statement"][0]["Action"] == sorted(f"sagemaker:{name}" for name in called)
    assert not any("sagemaker:" in json.dumps(statement) for statement in role["Statement"])


def test_the_page_names_the_ranges_that_a_tuning_job_has():
    from fitwell.sagemaker.strengths import strengths

    found = strengths()
    l1, decay, dropout = found["l1"], found["decay_epochs"], found["dropout"]
    assert f"{l1.low:.0e} to {l1.high:.0e}".replace("e-0", "e-") in PAGE
    assert f"below {l1.weakest:.0e} it is off".replace("e-0", "e-") in PAGE
    assert f"{decay.low:.0f} to {decay.high:,.0f} epochs" in PAGE
    assert f"beyond {decay.weakest:,.0f} it is off" in PAGE
    assert f"{dropout.low:.0f} to {dropout.high:.1f}, linear" in PAGE
