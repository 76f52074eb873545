"""What a job left is unpacked only where it is what a run leaves."""

import gzip
import io
import os
import tarfile

import pytest

from fitwell.errors import InputError
from fitwell.sagemaker import archives
from fitwell.sagemaker.archives import unpack

REFUSED = "which no run of fitwell has. The archive is refused, and nothing was unpacked."


def entry(name, content=b"x", kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = len(content) if kind == tarfile.REGTYPE else 0
    return info, content


@pytest.fixture
def packed(tmp_path):
    def make(*entries):
        path = tmp_path / "model.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            for info, content in entries:
                tar.addfile(info, io.BytesIO(content) if info.size else None)
        return path

    return make


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (entry("../outside"), "lies outside"),
        (entry("model/../../outside"), "lies outside"),
        (entry("a\\..\\b"), "lies outside"),
        (entry("model", kind=tarfile.SYMTYPE, link="/etc"), "is a link or a device"),
        (entry("model", kind=tarfile.LNKTYPE, link="run.json"), "is a link or a device"),
        (entry("model", kind=tarfile.FIFOTYPE), "is a link or a device"),
        (entry("model", kind=tarfile.CHRTYPE), "is a link or a device"),
    ],
    ids=lambda part: part if isinstance(part, str) else part[0].name + str(part[0].type),
)
def test_an_entry_that_could_reach_outside_is_refused_before_anything_is_written(
    packed, tmp_path, bad, why
):
    archive = packed(entry("run.json"), bad)
    with pytest.raises(InputError) as caught:
        unpack(archive, tmp_path / "run")
    assert str(caught.value) == f"model.tar.gz: {bad[0].name!r} {why}, {REFUSED}"
    assert sorted(os.listdir(tmp_path)) == ["model.tar.gz"]


def test_an_absolute_name_is_refused_and_not_written(packed, tmp_path):
    outside = tmp_path / "outside"
    with pytest.raises(InputError) as caught:
        unpack(packed(entry("run.json"), entry(str(outside))), tmp_path / "run")
    assert str(caught.value).startswith(f"model.tar.gz: {str(outside)!r} lies outside")
    assert sorted(os.listdir(tmp_path)) == ["model.tar.gz"]


def test_plain_files_and_folders_are_unpacked_and_what_is_there_stays(packed, tmp_path):
    archive = packed(
        entry("./model", kind=tarfile.DIRTYPE), entry("./model/weights", b"new"), entry("a", b"b")
    )
    (tmp_path / "a").write_bytes(b"before")
    assert sorted(unpack(archive, tmp_path)) == ["./model/weights", "a"]
    assert (tmp_path / "model" / "weights").read_bytes() == b"new"
    assert (tmp_path / "a").read_bytes() == b"before"


def test_more_bytes_than_a_run_has_are_refused(packed, tmp_path):
    archive = packed(entry("run.json", b"0" * 600), entry("more", b"0" * 600))
    with pytest.raises(InputError, match=r"'more' goes beyond 1,000 bytes"):
        unpack(archive, tmp_path / "run", largest=1000)
    assert not (tmp_path / "run").exists()


def test_more_entries_than_a_run_has_are_refused(packed, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST", 3)
    archive = packed(*(entry(str(number)) for number in range(4)))
    with pytest.raises(InputError, match=r"'3' goes beyond .* 3 entries"):
        unpack(archive, tmp_path / "run")


def test_a_header_of_a_gigabyte_is_refused_and_not_kept_in_memory(tmp_path):
    """A long name may have any length, and zeros pack well."""
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**30
    path = tmp_path / "model.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(info.tobuf(tarfile.GNU_FORMAT))
        file.write(bytes(2**20))  # the rest is not even there
    with pytest.raises(InputError) as caught:
        unpack(path, tmp_path / "run")
    assert str(caught.value) == (
        "model.tar.gz cannot be unpacked: a header asks for 1073741824 bytes. Fetch it again; if"
        " that does not help, the job did not finish it."
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"no tar" * 200, mtime=0)],
    ids=["empty", "text", "no tar"],
)
def test_what_is_no_archive_is_one_line(tmp_path, content):
    path = tmp_path / "model.tar.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^model\.tar\.gz cannot be unpacked: ") as caught:
        unpack(path, tmp_path / "run")
    assert "\n" not in str(caught.value)


def test_an_archive_that_was_cut_off_is_refused(packed, tmp_path):
    archive = packed(entry("run.json", os.urandom(9000)))
    archive.write_bytes(archive.read_bytes()[:5000])
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack(archive, tmp_path / "run")
