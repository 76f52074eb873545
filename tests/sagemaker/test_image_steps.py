"""What carries out the Dockerfile's steps does what a builder does, and nothing outside its folder."""

import pytest

from sagemaker.image_steps import DO, Image
from sagemaker.recipe import Step, expand, read, targets

PLAIN = {"files": None, "images": {}, "given": {}}


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "files"
    (folder / "src" / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "src" / "deep" / "b.txt").write_text("b")
    return folder


def done(image, word, text, **more):
    return DO[word](image, Step(word, text, 1), **{**PLAIN, **more})


def test_paths_of_the_image_lie_in_the_folder(tmp_path):
    image = Image(tmp_path)
    assert image.place("cat /opt/x > a/opt/y; see https://a.org/opt") == (
        f"cat {tmp_path}/opt/x > a/opt/y; see https://a.org/opt"
    )


def test_a_step_that_would_write_elsewhere_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"^/etc is not mapped into the folder; "):
        done(Image(tmp_path, workdir="/opt"), "RUN", "touch /opt/x && touch /etc/x")
    with pytest.raises(ValueError, match=r"^/home is not mapped into the folder; "):
        done(Image(tmp_path), "WORKDIR", "/home/me")


def test_an_instruction_that_is_not_known_is_an_error():
    assert "HEALTHCHECK" not in DO
    assert "ADD" not in DO


def test_copies_go_where_a_builder_puts_them(tmp_path, files):
    image = done(Image(tmp_path / "image"), "WORKDIR", "/opt/app")
    done(image, "COPY", "a.txt ./", files=files)
    done(image, "COPY", "a.txt named.txt", files=files)
    done(image, "COPY", "src src", files=files)
    done(image, "COPY", "a.txt new/", files=files)
    later = done(Image(tmp_path / "later"), "WORKDIR", "/opt")
    done(later, "COPY", "--from=build /opt/app ./", images={"build": image})
    for place in (tmp_path / "image" / "opt" / "app", tmp_path / "later" / "opt"):
        found = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
        assert found == {"a.txt", "named.txt", "new/a.txt", "src/deep/b.txt"}


def test_a_run_sees_the_dockerfile_s_variables_and_not_this_process_s(tmp_path, monkeypatch):
    monkeypatch.setenv("FROM_OUTSIDE", "seen")
    monkeypatch.setenv("PIP_OF_OURS", "seen")
    image = done(Image(tmp_path), "WORKDIR", "/opt")
    image = done(image, "ARG", "GIVEN=default OTHER=default", given={"GIVEN": "given"})
    image = done(image, "ENV", "PLACE=/opt/x")
    done(image, "RUN", "env > env.txt")
    told = (tmp_path / "opt" / "env.txt").read_text()
    seen = dict(line.split("=", 1) for line in told.splitlines())
    assert seen["GIVEN"] == "given"
    assert seen["OTHER"] == "default"
    assert seen["PLACE"] == f"{tmp_path}/opt/x"
    assert "PIP_OF_OURS" in seen
    assert "FROM_OUTSIDE" not in seen


def test_a_run_that_fails_is_told_with_its_line(tmp_path):
    image = done(Image(tmp_path), "WORKDIR", "/opt")
    with pytest.raises(AssertionError, match=r"^line 1: echo lost; exit 3\nlost\n"):
        done(image, "RUN", "echo lost; exit 3")


@pytest.mark.parametrize("word", ["groupadd", "useradd", "apt-get"])
def test_a_step_for_the_system_is_listed_and_not_carried_out(word, tmp_path):
    # Behind `true ||`, so that nothing happens to this system even if the step is carried out.
    text = f"true || {word} x"
    assert done(Image(tmp_path), "RUN", text).not_done == (text,)


def test_stages_are_read_with_their_lines():
    first, stages = read(
        "ARG A=x:1\nFROM $A AS one\n# why\nRUN a \\\n  b\nFROM one\nCOPY --from=two c d\n"
    )
    assert first == {"A": "x:1"}
    assert [(stage.name, stage.base) for stage in stages] == [("one", "x:1"), ("1", "one")]
    assert stages[0].steps[0].text.split() == ["a", "b"]
    assert (stages[0].steps[0].line, stages[1].steps[0].line) == (4, 7)
    assert stages[1].steps[0].flags == {"from": "two"}
    assert stages[1].steps[0].arguments == ["c", "d"]
    assert [stage.name for stage in targets(stages)] == ["1"]


def test_a_form_of_a_variable_that_is_not_known_is_an_error():
    assert expand("$A/${B}", {"A": "1", "B": "2"}) == "1/2"
    with pytest.raises(ValueError, match="has a form of"):
        expand("${A:-1}", {"A": "1"})
