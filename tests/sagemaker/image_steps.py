"""The steps of a Dockerfile carried out in a folder, without a container engine.

Where the folder differs from an image:

- A stage that begins with an image begins with a folder of its own and a fresh virtual environment
  in it, which stands for the image's Python. The rest of the system is this machine's.
- A path that begins with one of `TOPS` lies in that folder: ``/opt/fitwell`` is
  ``FOLDER/opt/fitwell``. Another absolute path in a step is an error.
- A stage that goes on from another goes on in its folder.
- Steps with one of `OF_THE_SYSTEM` change users of the system. They are not carried out but listed.
- A step sees the variables that the Dockerfile sets. Of this process's it sees PATH, HOME and those
  of pip; what the image is started with sees PATH alone.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from sagemaker.recipe import expand, read

TOPS = ("opt", "src", "wheels")
OF_THE_SYSTEM = re.compile(r"\b(groupadd|useradd|apt-get)\b")
ABSOLUTE = re.compile(r"(?<![\w.:/~$}-])/[\w.]+")


@dataclass(frozen=True)
class Image:
    """What the steps of a stage have come to."""

    root: Path
    variables: dict = field(default_factory=dict)
    arguments: dict = field(default_factory=dict)
    labels: dict = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0:0"
    entrypoint: tuple = ()
    not_done: tuple = ()

    def place(self, text):
        """Put a text's absolute paths into the folder."""
        for path in ABSOLUTE.findall(text):
            if path[1:] not in TOPS:
                raise ValueError(f"{path} is not mapped into the folder; {TOPS} are")
        return ABSOLUTE.sub(lambda match: f"{self.root}{match[0]}", text)

    def within(self, path):
        """Where a path lies that may be relative to WORKDIR."""
        return Path(self.place(os.path.normpath(os.path.join(self.workdir, path))))

    def environment(self, **more):
        """What a process in the image sees: the Dockerfile's own and PATH."""
        path = f"{self.root / 'python' / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {**self.variables, "PATH": path, **more}


def build(text, files, folder, given):
    """Carry out all stages.

    Args:
        text: of the Dockerfile.
        files: folder with the files that a build is given.
        folder: an empty one, for the stages.
        given: arguments, as of ``--build-arg``.

    Returns:
        The image of each stage by its name.
    """
    _, stages = read(text)
    images = {}
    for stage in stages:
        image = images.get(stage.base) or fresh(folder / stage.name)
        image = replace(image, arguments={})
        for step in stage.steps:
            image = DO[step.word](image, step, files=files, images=images, given=given)
        images[stage.name] = image
    return images


def fresh(root):
    subprocess.run([sys.executable, "-m", "venv", root / "python"], check=True)
    return Image(root)


def do_arg(image, step, *, given, **_):
    values = {name: given.get(name, value) for name, value in step.pairs.items()}
    return replace(image, arguments=image.arguments | values)


def do_env(image, step, **_):
    known = image.arguments | image.variables
    values = {name: image.place(expand(value, known)) for name, value in step.pairs.items()}
    return replace(image, variables=image.variables | values)


def do_label(image, step, **_):
    return replace(image, labels=image.labels | step.pairs)


def do_workdir(image, step, **_):
    image = replace(image, workdir=os.path.join(image.workdir, step.text))
    image.within(".").mkdir(parents=True, exist_ok=True)
    return image


def do_user(image, step, **_):
    return replace(image, user=step.text)


def do_entrypoint(image, step, **_):
    return replace(image, entrypoint=tuple(json.loads(step.text)))


def do_expose(image, step, **_):
    return image


def do_copy(image, step, *, files, images, **_):
    *sources, target = step.arguments
    earlier = images.get(step.flags.get("from"))
    into = target.endswith("/") or len(sources) > 1
    for source in sources:
        found = earlier.within(source) if earlier else files / source
        place = image.within(target)
        if found.is_dir():
            shutil.copytree(found, place, dirs_exist_ok=True)
        else:
            place = place / found.name if into else place
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, place)
    return image


def do_run(image, step, **_):
    if OF_THE_SYSTEM.search(step.text):
        return replace(image, not_done=(*image.not_done, step.text))
    ours = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    done = subprocess.run(
        ["/bin/sh", "-c", image.place(step.text)],
        cwd=image.within("."),
        env=image.environment(**image.arguments, **ours, HOME=os.environ["HOME"]),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"line {step.line}: {step.text}\n{done.stdout}{done.stderr}"
    return image


DO = {
    "ARG": do_arg,
    "COPY": do_copy,
    "ENTRYPOINT": do_entrypoint,
    "ENV": do_env,
    "EXPOSE": do_expose,
    "LABEL": do_label,
    "RUN": do_run,
    "USER": do_user,
    "WORKDIR": do_workdir,
}
