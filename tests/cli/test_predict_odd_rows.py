"""Rows to predict that are not quite like those of training."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from toys import make_frame


def test_codes_that_look_like_numbers_stay_the_codes_of_training(fitwell, quick):
    frame = make_frame(rows=120)
    frame["code"] = np.where(
        frame.city == "Seoul", "007", np.where(frame.city == "Busan", "A1", "7")
    )
    frame.to_csv("table.csv", index=False)
    assert fitwell("tune", "table.csv", "--target", "bought", "--out", "run", *quick).exit_code == 0
    together = pd.read_csv(io.StringIO(fitwell("predict", "run", "table.csv").stdout))
    digits = frame.code == "007"
    frame[digits].to_csv("digits.csv", index=False)
    alone = pd.read_csv(io.StringIO(fitwell("predict", "run", "digits.csv").stdout))
    np.testing.assert_allclose(alone, together[digits], atol=1e-6)


def make_images(folder):
    rng = np.random.default_rng(0)
    for name, brightness in (("dark", 60), ("light", 190)):
        (folder / name).mkdir(parents=True)
        for number in range(30):
            pixels = rng.normal(brightness, 30, (12, 12)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:02}.png")


def test_a_folder_of_images_is_trained_on_and_predicted_by_file(fitwell, quick):
    make_images(Path("pictures"))
    options = [option for option in quick if option not in ("--widths", "8")]
    done = fitwell("tune", "pictures", "--out", "run", *options, "--widths", "4")
    assert done.exit_code == 0, done.stderr
    found = pd.read_csv(io.StringIO(fitwell("predict", "run", "pictures").stdout))
    assert list(found.columns) == ["file", "dark", "light"]
    assert list(found.file[:2]) == ["dark/00.png", "dark/01.png"]
    # The two are told apart by brightness alone, which any network learns.
    assert (found.dark[:30] > found.dark[30:].max()).mean() > 0.8
    stack = np.stack([np.asarray(Image.open(Path("pictures", name))) for name in found.file])
    np.savez("new.npz", images=stack)
    from_npz = pd.read_csv(io.StringIO(fitwell("predict", "run", "new.npz").stdout))
    np.testing.assert_allclose(from_npz, found[["dark", "light"]], atol=1e-6)


def test_images_of_another_size_in_an_npz_are_refused(fitwell, quick):
    make_images(Path("pictures"))
    options = [option for option in quick if option not in ("--widths", "8")]
    assert fitwell("tune", "pictures", "--out", "run", *options, "--widths", "4").exit_code == 0
    np.savez("new.npz", images=np.zeros((2, 9, 9), dtype=np.uint8))
    done = fitwell("predict", "run", "new.npz")
    assert done.exit_code == 2
    assert done.stderr == (
        "fitwell: images have shape (1, 9, 9) (channels, height, width), but (1, 12, 12) is"
        " expected, as in training. Resize them.\n"
    )


def test_target_and_ignore_are_refused_for_images(fitwell):
    make_images(Path("pictures"))
    done = fitwell("tune", "pictures", "--target", "light", "--quiet")
    assert done.exit_code == 2
    assert done.stderr == (
        "fitwell: --target and --ignore are for tables. The classes of images are their labels or"
        " folders.\n"
    )
