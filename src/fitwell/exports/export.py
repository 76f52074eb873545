"""From a run to one file: an ONNX model, a program of torch.export, or an archive."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import torch

from fitwell.errors import InputError
from fitwell.exports.facts import facts, told
from fitwell.exports.network import Probabilities, without_dead_units
from fitwell.exports.onnx_file import onnx_answers, onnx_file
from fitwell.exports.parity import prove_parity
from fitwell.exports.rows import example_rows
from fitwell.exports.torch_file import torch_answers, torch_file
from fitwell.model_files import load_model
from fitwell.runs.opened import opened
from fitwell.storage import replacing
from fitwell.training.loop import probabilities
from fitwell.vetting.hashes import sha256
from fitwell.vetting.layout import ABOUT
from fitwell.vetting.pack import pack

Kind = Literal["onnx", "torch"]
ENDINGS = {"onnx": ".onnx", "torch": ".pt2"}


def export_run(
    run: Path,
    kind: Kind,
    *,
    out: Path | None = None,
    force: bool = False,
    factory: str | None = None,
    compacted: bool = False,
) -> str:
    """Write the network of a run as one file, once it is proven to answer as torch does.

    Args:
        run: its folder or archive.
        kind: of the file.
        out: where to; ``model.onnx`` or ``model.pt2`` in the current folder where None.
        force: replace a file that is there.
        factory: for a network of the user's own, ``module:factory``.
        compacted: leave out dead units first.

    Returns:
        What was written, what goes in and comes out, in lines.

    Raises:
        InputError: the run cannot be loaded, ``out`` cannot be written, a package is missing,
            the network cannot be exported, or the file answers otherwise. Nothing is written.
    """
    out = out or Path(f"model{ENDINGS[kind]}")
    check_target(out, "--out", force=force)
    with opened(run) as folder:
        predictor = load_model(folder.model, factory)
        about = facts(predictor, folder.asked(), sha256(folder.model / ABOUT))
    rows = example_rows(predictor)
    expected = probabilities(predictor.network, rows)
    network, example = predictor.network, torch.from_numpy(rows[:2])
    if compacted:
        network = without_dead_units(network, example)
    write, read = (onnx_file, onnx_answers) if kind == "onnx" else (torch_file, torch_answers)
    content = write(Probabilities(network).eval(), example, about)
    parity = prove_parity(read(content), rows, expected, kind)
    with _written(out, "--out") as temporary:
        temporary.write_bytes(content)
    return told(predictor, out, parity, _checker(kind))


def archive_run(run: Path, out: Path, *, force: bool = False) -> str:
    """Write a run's model with its evidence as ``model.tar.gz``; give the names in it, in lines.

    Raises:
        InputError: the run cannot be loaded, or ``out`` cannot be written.
    """
    check_target(out, "--archive", force=force)
    with opened(run) as folder, _written(out, "--archive") as temporary:
        names = pack(folder.path, temporary)
    size = out.stat().st_size
    return "\n".join([f"{out}: {size:,} bytes, sha256 {sha256(out)}", *(f"  {n}" for n in names)])


def check_target(out: Path, option: str, *, force: bool) -> None:
    """Say early that a file could not be written.

    Raises:
        InputError: it exists and is not to be replaced, or its folder does not.
    """
    if out.is_dir() or (out.exists() and not force):
        way = "Choose a file name." if out.is_dir() else "Use --force to replace it."
        raise InputError(f"{option} {out} exists. {way}")
    if not out.absolute().parent.is_dir():
        raise InputError(f"{option} {out} cannot be written: {out.parent} is no folder. Make it.")


@contextmanager
def _written(out: Path, option: str) -> Iterator[Path]:
    try:
        with replacing(out) as temporary:
            yield temporary
    except OSError as error:
        raise InputError(
            f"{option} {out} cannot be written: {error.strerror}. Choose another file."
        ) from error


def _checker(kind: Kind) -> str:
    if kind == "torch":
        return f"torch {torch.__version__}"
    import onnxruntime

    return f"onnxruntime {onnxruntime.__version__}"
