"""Arms from a YAML file: what they become, and what is refused in one line."""

import pytest

from fitwell.comparison.arms import ArmPlan
from fitwell.comparison.own_arms import read_arms
from fitwell.data.tables import make_table
from fitwell.errors import InputError
from fitwell.recipe import Recipe
from fitwell.runs.launch import make_task
from fitwell.runs.lineup import line_up
from fitwell.runs.question import Question
from toys import make_frame

GOOD = """
arms:
  - name: dropout alone
    remedies: [dropout]
  - name: half the width, tuned
    settings: {width: 0.5, batch_norm: true}
    remedies: [l1, batch norm]
  - name: slow
    settings: {learning_rate: 0.0001}
"""


def written(path, text):
    (path / "arms.yaml").write_text(text)
    return path / "arms.yaml"


def test_arms_become_plans_that_stop_early(tmp_path):
    plans = read_arms(written(tmp_path, GOOD))
    assert plans == (
        ArmPlan(name="dropout alone", remedies=("early stopping", "dropout")),
        ArmPlan(
            name="half the width, tuned",
            remedies=("early stopping", "l1", "batch norm"),
            settings=(("width", 0.5), ("batch_norm", True)),
        ),
        ArmPlan(name="slow", remedies=("early stopping",), settings=(("learning_rate", 0.0001),)),
    )
    recipe = plans[1].set_up(Recipe())
    assert (recipe.width, recipe.batch_norm) == (0.5, True)
    # What the arm sets is not searched.
    assert [p.name for remedy in plans[1].found() for p in remedy.parameters] == ["l1"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("arms: [", "is not YAML: while parsing"),
        ("- name: x", ": a list under 'arms' and nothing else is expected."),
        ("arms: []", ": a list under 'arms' and nothing else is expected."),
        ("arms: [{name: x}]\nmore: 1", ": a list under 'arms' and nothing else is expected."),
        ("arms: [{remedies: [l1]}]", ", arm 1 has no name. Write '- name: dropout alone'."),
        (
            "arms: [{name: x, remedy: [l1]}]",
            ", arm 1 (x): 'remedy' is unknown; name, remedies and settings are known.",
        ),
        (
            "arms: [{name: x, remedies: l1}]",
            ", arm 1 (x): remedies is 'l1', but a list is expected.",
        ),
        (
            "arms: [{name: x, remedies: [l3]}]",
            ", arm 1 (x): remedy 'l3' is unknown. Known are batch norm, decoupled L2,",
        ),
        (
            "arms: [{name: x, settings: 3}]",
            ", arm 1 (x): settings is 3, but names with values are expected.",
        ),
        (
            "arms: [{name: x, settings: {optimizer: SGD}}]",
            ", arm 1 (x): setting 'optimizer' is unknown. Known are epochs,",
        ),
        (
            "arms: [{name: x, settings: {dropout: high}}]",
            ", arm 1 (x): dropout is 'high', but a number is expected.",
        ),
        (
            "arms: [{name: x, settings: {dropout: true}}]",
            ", arm 1 (x): dropout is True, but a number is expected.",
        ),
        (
            "arms: [{name: x, settings: {batch_size: 2.5}}]",
            ", arm 1 (x): batch_size is 2.5, but a whole number is expected.",
        ),
        (
            "arms: [{name: x, settings: {sampling: often}}]",
            ", arm 1 (x): sampling is 'often', but one of reshuffle, replacement is expected.",
        ),
        (
            "arms: [{name: x, settings: {dropout: 1.5}}]",
            ", arm 1 (x): dropout is 1.5, but a rate from 0 to below 1 is expected.",
        ),
        ("arms: [{name: x}, {name: x}]", ": the name 'x' is taken. Choose another."),
        ("arms: [{name: treatment}]", ": the name 'treatment' is taken. Choose another."),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(tmp_path, text, told):
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_arms(path)
    assert str(caught.value).startswith(f"--arms {path}")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read: No such file or directory\.$"):
        read_arms(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("{removed_layers: 2}", "removed_layers is 2, but the network can lose 1."),
        ("{width: 0.5}", "width is 0.5, but a network of your own needs a factory"),
        ("{batch_norm: true}", "batch_norm: the network has no hidden layer without one."),
    ],
)
def test_an_arm_that_the_network_does_not_allow_is_refused_before_training(
    tmp_path, settings, told
):
    path = written(tmp_path, f"arms: [{{name: x, settings: {settings}}}]")
    model = "mlp" if "removed" in settings else "own_networks:straight"
    (tmp_path / "own_networks.py").write_text(
        "from torch import nn\ndef straight(inputs, outputs):\n"
        "    return nn.Linear(inputs, outputs)\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        question = Question(verb="compare", arms=str(path), model=model)
        task = make_task(question, make_table(make_frame(), "bought"))
        with pytest.raises(InputError, match=r"^--arms, x: ") as caught:
            line_up(question, task)
    assert told in str(caught.value)
