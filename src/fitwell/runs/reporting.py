"""The report of a finished run, written again."""

from pathlib import Path

from fitwell.errors import InputError
from fitwell.report.files import write_files
from fitwell.report.page import Lang
from fitwell.runs.opened import opened
from fitwell.vetting.hashes import write_manifest
from fitwell.vetting.layout import MANIFEST

ENDINGS = (".tar.gz", ".tgz")


def report_run(run: Path, *, lang: Lang, png: bool) -> tuple[Path, ...]:
    """Write the page, the Markdown and the charts of a run; give where they lie.

    Those of a folder are written into it, and its manifest anew. Those of an archive, which
    stays as it is, are written beside it: of ``model.tar.gz`` into ``model-report``.

    Raises:
        InputError: it is no finished run, its evidence was changed, or nothing can be written.
    """
    with opened(run, leave_out=("report.html",)) as folder:
        out = _beside(run) if run.is_file() else folder.path
        paths = write_files(out, folder.result(), run=folder.asked(), lang=lang, png=png)
        if not run.is_file() and (folder.path / MANIFEST).exists():
            write_manifest(folder.path)
    return paths


def _beside(archive: Path) -> Path:
    stem = archive.name
    for ending in ENDINGS:
        stem = stem.removesuffix(ending)
    out = archive.with_name(f"{stem}-report")
    try:
        out.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{out} cannot be written: {error.strerror}. Copy the archive to a folder that can be."
        ) from error
    return out
