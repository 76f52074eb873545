"""What hadolint does not ask of a Dockerfile, and the files that a build of it is given."""

import json
import re
import subprocess

from docker.utils import exclude_paths

from sagemaker.recipe import lineage, read, targets

PINNED = re.compile(r":\d+\.\d+\.\d+[\w.-]*$|@sha256:[0-9a-f]{64}$")
SECRET = re.compile(r"secret|token|passw|credential|(api|access|private)_?key", re.IGNORECASE)
LOGIN = re.compile(r"://[^/\s]*:[^/\s]*@")


def context(root, ignored):
    """The tracked files that a file ``.dockerignore`` lets through, matched by Docker's own code."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True)
    lines = [line.strip() for line in ignored.splitlines()]
    patterns = [line for line in lines if line and not line.startswith("#")]
    passed = exclude_paths(str(root), patterns) - {"Dockerfile", ".dockerignore"}
    return sorted(passed & set(listed.stdout.decode().split("\0")))


def findings(text, files, constraints):
    """Each finding as the line of its step, or of no step, and what is wrong there."""
    _, stages = read(text)
    for rule in (bases, forms, users, secrets, installs, copies):
        yield from rule(stages, files=files, constraints=constraints)


def bases(stages, **_):
    for number, stage in enumerate(stages):
        earlier = {other.name for other in stages[:number]}
        if stage.base not in earlier and not PINNED.search(stage.base):
            yield f"stage {stage.name}: {stage.base} has no version of three numbers and no digest"


def forms(stages, **_):
    for stage in targets(stages):
        found = [s for part in lineage(stages, stage) for s in part.steps if s.word == "ENTRYPOINT"]
        if not found:
            yield f"stage {stage.name} has no ENTRYPOINT"
        elif not is_json(found[-1].text):
            yield f"line {found[-1].line}: ENTRYPOINT is not in exec form"


def users(stages, **_):
    for stage in targets(stages):
        found = [step for step in stage.steps if step.word == "USER"]
        if not found:
            yield f"stage {stage.name} does not say its USER"
        elif not re.fullmatch(r"\d+:\d+", found[-1].text):
            yield f"line {found[-1].line}: USER {found[-1].text} is not in numbers"


def secrets(stages, **_):
    for step in steps(stages, "ARG", "ENV", "LABEL"):
        yield from (
            f"line {step.line}: {name} looks like a secret"
            for name in step.pairs
            if SECRET.search(name)
        )
    for step in (step for stage in stages for step in stage.steps):
        if LOGIN.search(step.text):
            yield f"line {step.line}: an address holds a password"


def installs(stages, *, constraints, **_):
    """A package that is named must be pinned; a file that was built here has no other version."""
    pinned = {line.partition("==")[0] for line in constraints.splitlines() if "==" in line}
    for step in steps(stages, "RUN"):
        for command in re.split(r"&&|;", step.text):
            if "pip install" not in command:
                continue
            if "--constraint constraints.txt" not in command:
                yield f"line {step.line}: pip install without --constraint constraints.txt"
            yield from (
                f"line {step.line}: {name} is not in constraints.txt"
                for name in named(command)
                if name not in pinned
            )


def named(command):
    """The packages that a pip command names; variables of the shell, options and paths are none."""
    plain = re.sub(r"\$\{[^}]*\}|--constraint \S+", "", command.partition("pip install")[2])
    return [word for word in plain.split() if re.match(r"\w", word)]


def copies(stages, *, files, **_):
    seen = set()
    for stage in stages:
        for step in stage.steps:
            if step.word == "ADD":
                yield f"line {step.line}: ADD fetches and unpacks; COPY does not"
            elif step.word == "COPY" and "from" in step.flags:
                if step.flags["from"] not in seen:
                    yield f"line {step.line}: {step.flags['from']} is no earlier stage"
            elif step.word == "COPY":
                yield from (
                    f"line {step.line}: {source} is not among the files of a build"
                    for source in step.arguments[:-1]
                    if not any(file == source or file.startswith(f"{source}/") for file in files)
                )
        seen.add(stage.name)


def steps(stages, *words):
    return [step for stage in stages for step in stage.steps if step.word in words]


def is_json(text):
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False
