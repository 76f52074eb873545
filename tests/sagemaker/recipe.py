"""A Dockerfile as stages and steps, read by the parser of the project dockerfile-parse."""

import io
import re
import shlex
from dataclasses import dataclass
from itertools import takewhile

from dockerfile_parse import DockerfileParser


@dataclass(frozen=True)
class Step:
    """One instruction; its lines are joined, and its line is that of its first."""

    word: str
    text: str
    line: int

    @property
    def flags(self):
        """What stands in front, such as ``--from=build``, as a mapping."""
        front = takewhile(lambda part: part.startswith("--"), self.text.split())
        return dict(part[2:].split("=", 1) for part in front)

    @property
    def arguments(self):
        """What follows the flags."""
        return self.text.split()[len(self.flags) :]

    @property
    def pairs(self):
        """The names and values of ARG, ENV and LABEL; a name without a value has None."""
        found = [part.partition("=") for part in shlex.split(self.text)]
        return {name: value if equals else None for name, equals, value in found}


@dataclass(frozen=True)
class Stage:
    """What follows one FROM; ``base`` is an image, or the name of an earlier stage."""

    name: str
    base: str
    steps: tuple[Step, ...]


def read(text):
    """Give the arguments in front of the first FROM, and the stages in order."""
    parsed = DockerfileParser(fileobj=io.BytesIO(text.encode())).structure
    steps = [
        Step(part["instruction"], part["value"], part["startline"] + 1)
        for part in parsed
        if part["instruction"] != "COMMENT"
    ]
    starts = [number for number, step in enumerate(steps) if step.word == "FROM"]
    first = {}
    for step in steps[: starts[0]]:
        first |= step.pairs
    stages = []
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        image, *name = expand(steps[start].text, first).split()
        stages.append(
            Stage(name[1] if name else str(len(stages)), image, tuple(steps[start + 1 : end]))
        )
    return first, tuple(stages)


def expand(text, variables):
    """Put variables in, as the builder does outside RUN; only the plain forms are known."""
    if "${" in re.sub(r"\$\{\w+\}", "", text):
        raise ValueError(f"{text!r} has a form of ${{...}} that is not known here")
    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda m: variables[m[1] or m[2]], text)


def targets(stages):
    """The stages that are images to be run: no other stage is made from them."""
    used = {stage.base for stage in stages}
    used |= {step.flags.get("from") for stage in stages for step in stage.steps}
    return [stage for stage in stages if stage.name not in used]


def lineage(stages, stage):
    """A stage with those that it goes on from, the oldest first."""
    earlier = [other for other in stages if other.name == stage.base]
    return [*(lineage(stages, earlier[0]) if earlier else []), stage]
