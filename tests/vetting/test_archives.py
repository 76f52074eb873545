"""model.tar.gz: written alike each time, read like its folder, and never trusted."""

import gzip
import os
import subprocess
import tarfile
import tempfile

import pytest
from click.testing import CliRunner

from fitwell.cli import main
from fitwell.runs.prediction import load_predictor
from fitwell.vetting.pack import pack
from serving.live import FITWELL, served
from vetting.forging import entries_of, entry, raw_tar, rehash, tar

NAMES = [
    "hashes.json", "model/encoder.json", "model/model.json",
    "model/weights.safetensors", "report.html", "result.json", "run.json",
]  # fmt: skip


@pytest.fixture(scope="module")
def archive(made, tmp_path_factory):
    out = tmp_path_factory.mktemp("archive") / "model.tar.gz"
    done = CliRunner().invoke(main, ["export", str(made), "--archive", str(out)])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1:] == [f"  {name}" for name in NAMES]
    return out


def test_the_archive_holds_the_run_as_sagemaker_lays_it_out(archive, made):
    with tarfile.open(archive) as opened:
        members = opened.getmembers()
        assert [member.name for member in members] == NAMES
        for member in members:
            facts = (member.mtime, member.uid, member.gid, member.uname, member.gname, member.mode)
            assert facts == (0, 0, 0, "", "", 0o644)
            assert opened.extractfile(member).read() == (made / member.name).read_bytes()


def test_the_same_run_gives_the_same_bytes_whenever_and_wherever(archive, run, tmp_path):
    for path in run.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    pack(run, tmp_path / "another name.tar.gz")
    assert (tmp_path / "another name.tar.gz").read_bytes() == archive.read_bytes()
    assert archive.read_bytes()[4:8] == bytes(4)  # gzip's own time, in whole seconds


def test_gnu_tar_unpacks_what_python_packed(archive, made, tmp_path):
    subprocess.run(["tar", "xzf", archive, "-C", tmp_path], check=True)
    for name in NAMES:
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes()


def test_an_archive_predicts_as_its_folder_does(archive, made):
    table = str(made.parent / "table.csv")
    by_folder, by_archive = (
        CliRunner().invoke(main, ["predict", str(run), table]) for run in (made, archive)
    )
    assert by_archive.exit_code == 0, by_archive.output
    assert by_archive.stdout == by_folder.stdout


@pytest.mark.slow
def test_an_archive_is_served_as_its_folder_is(archive, made):
    rows = (made.parent / "table.csv").read_text()
    predicted = CliRunner().invoke(main, ["predict", str(made), str(made.parent / "table.csv")])
    with served(archive) as server:
        answer = server.post(rows, "text/csv", "text/csv")
    assert (answer.status_code, answer.text) == (200, predicted.stdout)


def test_the_report_of_an_archive_is_written_beside_it(archive, tmp_path):
    pytest.importorskip("altair")
    copy = tmp_path / "mine.tar.gz"
    copy.write_bytes(archive.read_bytes())
    done = CliRunner().invoke(main, ["report", str(copy), "--lang", "ko"])
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0] == str(tmp_path / "mine-report" / "report.html")
    assert 'lang="ko"' in (tmp_path / "mine-report" / "report.html").read_text()
    assert copy.read_bytes() == archive.read_bytes()


def test_nothing_of_an_archive_stays_behind(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    load_predictor(archive)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_of_a_former_run_gets_a_manifest_and_the_folder_stays(run, tmp_path):
    (run / "hashes.json").unlink()
    model = run / "model" / "model.json"
    model.write_text(model.read_text().replace('"manifest": true,', ""))
    pack(run, tmp_path / "a.tar.gz")
    assert not (run / "hashes.json").exists()
    assert "hashes.json" in tarfile.open(tmp_path / "a.tar.gz").getnames()
    load_predictor(tmp_path / "a.tar.gz")


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_archives_of_other_tools_are_read(made, tmp_path, form):
    path = tmp_path / "by-hand.tar.gz"
    with tarfile.open(path, "w:gz", format=form) as archive:
        archive.add(made, ".", filter=lambda m: m if m.name == "." else None, recursive=False)
        for name in (".", "model"):
            archive.add(made / name, f"./{name}", recursive=False)
        for name in NAMES:
            archive.add(made / name, f"./{name}")  # its time has a fraction of a second
    assert load_predictor(path).classes == ("no", "yes")


def test_gnu_tar_packs_what_is_read(made, tmp_path):
    names = ["run.json", "result.json", "report.html", "hashes.json", "model"]
    command = ["tar", "czf", tmp_path / "m.tgz", "--sort=name", *names]
    subprocess.run(command, check=True, cwd=made)
    assert load_predictor(tmp_path / "m.tgz").classes == ("no", "yes")


EXTRA = {
    "a path out of it": (entry("../escaped", b"x"), "it holds '../escaped', a path that leads out of it"),
    "a path out in the middle": (entry("model/../../escaped", b"x"), "a path that leads out of it"),
    "a symbolic link": (entry("model", type=tarfile.SYMTYPE, linkname="/etc"), "it holds a symbolic link, 'model'"),
    "a hard link": (entry("report.md", type=tarfile.LNKTYPE, linkname="run.json"), "it holds a hard link, 'report.md'"),
    "a device": (entry("null", type=tarfile.CHRTYPE), "it holds a device, 'null'"),
    "a disk": (entry("disk", type=tarfile.BLKTYPE), "it holds a device, 'disk'"),
    "a pipe": (entry("run.json", type=tarfile.FIFOTYPE), "it holds a pipe, 'run.json'"),
    "a pickle": (entry("model/model.pkl", b"c"), "it holds 'model/model.pkl', which is no file of a run's model"),
    "Python": (entry("model/__init__.py", b"c"), "it holds 'model/__init__.py', which is no file of a run's model"),
    "a script of another server": (entry("code/inference.py", b"c"), "it holds 'code/inference.py', which is no file"),
    "another folder": (entry("code", type=tarfile.DIRTYPE), "it holds 'code', which is no file of a run's model"),
    "a file twice": (entry("run.json", b"{}"), "it holds 'run.json' twice"),
    "a name of odd bytes": (entry("\udcff\n", b"{}"), "it holds a header with path="),
    "a long name": (entry("x" * 300, b"{}"), "it holds a header with path="),
}  # fmt: skip


@pytest.mark.parametrize("case", EXTRA)
def test_what_does_not_belong_into_an_archive_is_refused(archive, tmp_path, refusal, case):
    extra, words = EXTRA[case]
    (tmp_path / "in").mkdir()
    path = tar(tmp_path / "in" / "x.tar.gz", [*entries_of(archive), extra])
    line = refusal(path)
    assert line.startswith(f"{path} is refused: ")
    assert words in line
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_an_absolute_name_is_refused_and_not_written(archive, tmp_path, refusal):
    escaped = tmp_path / "escaped"
    (tmp_path / "in").mkdir()
    path = tar(tmp_path / "in" / "x.tar.gz", [*entries_of(archive), entry(str(escaped), b"x")])
    assert refusal(path).startswith(f"{path} is refused: it holds ")
    assert not escaped.exists()


def test_a_file_of_an_archive_that_was_changed_is_refused(archive, tmp_path, refusal):
    for name in NAMES:
        changed = [
            entry(info.name, content + b" " if info.name == name else content)
            for info, content in entries_of(archive)
        ]
        path = tar(tmp_path / "x.tar.gz", changed)
        if name == "hashes.json":
            load_predictor(path)  # a blank behind it says nothing else
        else:
            assert "was changed since the run" in refusal(path)


def test_an_archive_without_its_evidence_is_refused(archive, tmp_path, refusal):
    for name in NAMES:
        path = tar(tmp_path / "x.tar.gz", [e for e in entries_of(archive) if e[0].name != name])
        refusal(path)


def block(name, size, kind=tarfile.REGTYPE):
    info, _ = entry(name, type=kind)
    info.size = size
    return info.tobuf(tarfile.GNU_FORMAT)


BOMBS = {
    "a weight of a terabyte": ([block("model/weights.safetensors", 2**40)], "model/weights.safetensors would have 1,099,511,627,776 bytes"),
    "a large JSON": ([block("run.json", 2**30)], "run.json would have 1,073,741,824 bytes"),
    "thousands of entries": ([block("model", 0, tarfile.DIRTYPE)] * 5000, "it holds more than 64 entries"),
    "a long header": ([block("x", 2**33, tarfile.XHDTYPE)], "it holds a header of 8,589,934,592 bytes"),
    "a long name": ([block("x", 2**33, tarfile.GNUTYPE_LONGNAME)], "which is no file of a run's model"),
    "a negative size": ([block("run.json", -512)], "it holds a file of negative size"),
    "zeros without end": ([bytes(512), bytes(2**26)], "something lies behind its end"),
    "a second archive behind the first": ([bytes(1024), block("run.json", 0)], "something lies behind its end"),
    "no tar": ([b"x" * 512], "it is no tar file"),
    "nothing": ([], "it is cut off"),
    "half a header": ([block("run.json", 5)[:100]], "it is cut off"),
    "a header without its file": ([block("run.json", 5)], "it is cut off"),
    "no end": ([block("run.json", 0)], "it is cut off"),
}  # fmt: skip


@pytest.mark.parametrize("case", BOMBS)
def test_a_bomb_is_refused_before_it_takes_room(tmp_path, refusal, case, monkeypatch):
    blocks, words = BOMBS[case]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = raw_tar(tmp_path / "x.tar.gz", blocks)
    assert words in refusal(path)
    assert list(tmp_path.iterdir()) == [path]


def test_all_files_together_have_a_limit_too(archive, tmp_path, refusal, monkeypatch):
    from fitwell.vetting import unpack

    whole = sum(len(content) for _, content in entries_of(archive))
    monkeypatch.setattr(unpack, "MOST_BYTES", whole)
    load_predictor(archive)
    monkeypatch.setattr(unpack, "MOST_BYTES", whole - 1)
    assert "run.json would have" in refusal(archive)


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\3\4", b"\x1f\x8b", gzip.compress(b"", mtime=0)],
    ids=["empty", "a zip", "cut", "empty inside"],
)
def test_what_is_no_archive_is_refused(tmp_path, refusal, content):
    (tmp_path / "x.tar.gz").write_bytes(content)
    assert str(tmp_path / "x.tar.gz") in refusal(tmp_path / "x.tar.gz")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_an_archive_that_is_cut_off_is_refused(archive, tmp_path, refusal, share):
    whole = archive.read_bytes()
    (tmp_path / "x.tar.gz").write_bytes(whole[: int(share * len(whole))])
    assert "it is no whole gzip file" in refusal(tmp_path / "x.tar.gz")


def test_a_run_that_was_changed_makes_no_archive(run, tmp_path):
    (run / "result.json").write_text("{}")
    out = tmp_path / "m.tar.gz"
    done = CliRunner().invoke(main, ["export", str(run), "--archive", str(out)])
    assert done.exit_code == 2
    assert "result.json was changed since the run" in done.stderr
    assert not out.exists()


def test_a_file_that_is_there_is_replaced_only_by_force(archive, made):
    before = archive.read_bytes()
    words = ["export", str(made), "--archive", str(archive)]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, done.stderr) == (
        2, f"fitwell: --archive {archive} exists. Use --force to replace it.\n",
    )  # fmt: skip
    assert CliRunner().invoke(main, [*words, "--force"]).exit_code == 0
    assert archive.read_bytes() == before


def test_a_server_refuses_an_archive_in_one_line_too(archive, tmp_path):
    path = tar(tmp_path / "x.tar.gz", [*entries_of(archive), entry("../x", b"x")])
    done = subprocess.run([FITWELL, "serve", path], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "a path that leads out of it" in done.stderr


def test_hashes_alone_make_no_pickle_welcome(archive, run, refusal, tmp_path):
    """Even where every hash is right."""
    (run / "model" / "weights.safetensors").write_bytes(b"\x80\x04.")
    rehash(run)
    pack(run, tmp_path / "x.tar.gz")
    assert "weights.safetensors is broken" in refusal(tmp_path / "x.tar.gz")
