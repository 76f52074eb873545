"""The image's steps carried out in a clean folder, then the image's own command run in it.

No container engine is needed; `image_steps` says where the folder differs from an image. Carried
out are all steps but the one that adds the user. torch is taken from pip's own index, whichever
that is; ``TORCH_INDEX=https://... make test-all`` takes it from another, such as the Dockerfile's.
"""

import os
import shutil
import signal
import subprocess
import tarfile
import tempfile
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from sagemaker.conftest import Job
from sagemaker.image_rules import context
from sagemaker.image_steps import build
from sagemaker.twin import pack
from serving.live import free_port, running
from toys import make_frame

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SETTINGS = {"target": "bought", "trials": "1", "epochs": "2", "seeds": "1", "workers": "1"}
USER = "10001"
STEPPED_DOWN = (
    "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--bounding-set=-all,+dac_read_search",
    "--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search",
)  # fmt: skip
"""Another user, who may write nothing of root's. He may read it: Python may lie in root's home."""


@contextmanager
def open_folder(prefix):
    """A folder that every user may enter and nobody keeps, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def images():
    if not (ROOT / ".git").exists():
        pytest.skip("which files are tracked is only known in a checkout")
    with open_folder("fitwell-image-") as folder:
        files = folder / "files"
        for file in context(ROOT, (ROOT / ".dockerignore").read_text(encoding="utf-8")):
            (files / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, files / file)
        text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
        given = {"TORCH_INDEX": os.environ.get("TORCH_INDEX", "")}
        yield build(text, files, folder / "stages", given)


@pytest.fixture
def job():
    """A private /opt/ml."""
    with open_folder("fitwell-ml-") as folder:
        job = Job(folder / "ml")
        job.channel("train", make_frame())
        yield job


def told(image, *command):
    """What a command says that is run in the image, at its WORKDIR."""
    return subprocess.run(
        command, cwd=image.within("."), env=image.environment(), capture_output=True, text=True,
        check=True,
    ).stdout  # fmt: skip


def start(image, job, word, **more):
    """The command line that SageMaker gives the image, and what the process sees."""
    variables = image.environment(HOME=str(job.base), SAGEMAKER_BASE_DIR=str(job.base), **more)
    return [*(() if image.user == "0:0" else STEPPED_DOWN), *image.entrypoint, word], variables


def test_only_the_step_that_adds_the_user_is_not_carried_out(images):
    assert images["sagemaker"].not_done == ()
    (left,) = images["unprivileged"].not_done
    assert left.split("&&")[1].split() == (
        "useradd --gid 10001 --uid 10001 --create-home fitwell".split()
    )


def test_the_image_holds_the_package_and_neither_sources_nor_build_tools(images):
    image = images["sagemaker"]
    assert {path.name for path in image.root.iterdir()} == {"opt", "python"}
    held = sorted(path.name for path in (image.root / "opt" / "fitwell").iterdir())
    assert held[0] == "constraints.txt"
    assert [name.split("-")[0] for name in held[1:]] == ["fitwell"]
    place = told(image, "python", "-c", "import fitwell; print(fitwell.__file__)").strip()
    assert Path(place).is_relative_to(image.root / "python")
    installed = told(image, "python", "-m", "pip", "freeze").splitlines()
    assert not any(line.startswith(("hatchling", "pytest", "boto3")) for line in installed)


def test_the_image_has_the_versions_of_the_constraints(images):
    freeze = told(images["sagemaker"], "python", "-m", "pip", "freeze").lower().splitlines()
    installed = dict(line.split("==") for line in freeze if "==" in line)
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in pins if "==" in line)
    assert {"torch", "numpy", "scikit-learn"} <= set(installed)
    for name in set(installed) & set(pinned):
        assert installed[name].partition("+")[0] == pinned[name], name


def test_the_image_says_what_the_package_does(images):
    image = images["sagemaker"]
    assert image.entrypoint == ("fitwell-sagemaker",)
    assert image.labels == {"com.amazonaws.sagemaker.capabilities.accept-bind-to-port": "true"}
    assert image.variables == {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    assert (image.user, images["unprivileged"].user) == ("0:0", f"{USER}:{USER}")


@pytest.mark.parametrize("target", ["sagemaker", "unprivileged"])
def test_the_image_trains_and_serves_what_it_trained(target, images, job, tmp_path):
    image = images[target]
    if target == "unprivileged":
        if os.getuid() != 0 or not shutil.which("setpriv"):
            pytest.skip("only root becomes another user, by setpriv")
        subprocess.run(["chown", "--recursive", USER, job.base], check=True)
    job.config("hyperparameters", SETTINGS)
    command, variables = start(image, job, "train")
    ended = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    owner = (job.model / "result.json").stat().st_uid
    assert owner == (0 if target == "sagemaker" else int(USER)) or os.getuid() != 0
    archive = pack(job.model, tmp_path / "model.tar.gz")
    with tarfile.open(archive) as tar:
        names = {member.name for member in tar if member.isfile()}
    top = {name for name in names if "/" not in name}
    assert top == {"hashes.json", "report.html", "result.json", "run.json"}
    assert any(name.startswith("model/") and name.endswith(".safetensors") for name in names)

    shutil.rmtree(job.base)
    job.model.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        tar.extractall(job.model, filter="data")
    rows = make_frame(seed=3).drop(columns="bought")
    rows.to_csv(tmp_path / "rows.csv", index=False)
    predicted = told(image, "fitwell", "predict", str(archive), str(tmp_path / "rows.csv"))
    assert len(set(predicted.splitlines())) > len(rows) / 2
    port = free_port()
    command, variables = start(image, job, "serve", SAGEMAKER_BIND_TO_PORT=str(port))
    with running(command, port, variables) as server:
        assert httpx.get(f"{server.url}/ping").content == b""
        assert server.post(rows.to_csv(index=False), accept="text/csv").text == predicted
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
