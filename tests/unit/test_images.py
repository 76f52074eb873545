"""Images: MedMNIST's form and folders; standardized by training rows alone."""

import os
from pathlib import Path

import numpy as np
import pytest

from fitwell.data.images import ImageEncoder, read_folder, read_npz
from fitwell.data.load import load_source
from fitwell.data.splits import split_rows
from fitwell.errors import InputError

Image = pytest.importorskip("PIL.Image", reason="folders of images need Pillow")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def medmnist(size=(6, 5), **changes):
    """The arrays of 40 training, 10 validation and 12 test images, labels as columns."""
    arrays = {}
    for seed, (part, rows) in enumerate({"train": 40, "val": 10, "test": 12}.items()):
        arrays[f"{part}_images"] = noise(rows, *size, seed=seed)
        arrays[f"{part}_labels"] = (np.arange(rows) % 2).astype(np.uint8)[:, None]
    arrays |= changes
    np.savez("data.npz", **{name: array for name, array in arrays.items() if array is not None})
    return arrays


def put(name, pixels):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(name)


def pictures(parts=("",), size=(8, 8), root="pictures"):
    """Twelve images of two classes in each part, read back as a dictionary by path."""
    made = {}
    for part in parts:
        for number in range(12):
            path = Path(root, part, ["병", "정상"][number % 2], f"{number:02d}.png")
            made[path] = noise(*size, seed=number + 100 * len(part))
            put(path, made[path])
    return made


def test_grey_images_come_as_they_are_with_one_channel():
    arrays = medmnist()
    source = read_npz("data.npz")
    expected = np.concatenate([arrays[f"{part}_images"] for part in ("train", "val", "test")])
    np.testing.assert_array_equal(source.pixels[:, 0], expected)
    assert source.pixels.shape == (62, 1, 6, 5)
    assert source.features == 30
    assert source.classes == ("0", "1")
    assert source.target.tolist() == [*[0, 1] * 20, *[0, 1] * 5, *[0, 1] * 6]
    assert source.official.tolist() == [0] * 40 + [1] * 10 + [2] * 12


def test_colour_images_come_with_their_channels_first():
    arrays = medmnist(size=(6, 5, 3))
    source = load_source("data.npz")
    assert source.pixels.shape == (62, 3, 6, 5)
    for channel in range(3):
        found = source.pixels[:40, channel]
        np.testing.assert_array_equal(found, arrays["train_images"][..., channel])


def test_the_parts_of_an_npz_are_the_split():
    medmnist()
    split = split_rows(read_npz("data.npz"), seed=0)
    assert split.train.tolist() == list(range(40))
    assert split.validation.tolist() == list(range(40, 50))
    assert split.test.tolist() == list(range(50, 62))


def test_missing_parts_are_carved_out_of_the_training_images():
    medmnist(val_images=None, val_labels=None)
    split = split_rows(read_npz("data.npz"), seed=0)
    assert split.test.tolist() == list(range(40, 52))
    assert (len(split.train), len(split.validation)) == (30, 10)
    medmnist(val_images=None, val_labels=None, test_images=None, test_labels=None)
    source = read_npz("data.npz")
    assert source.official is None
    split = split_rows(source, seed=0)
    assert (len(split.train), len(split.validation), len(split.test)) == (24, 8, 8)


def test_pixels_are_standardized_by_the_training_rows_alone():
    medmnist(size=(6, 5, 3))
    source = read_npz("data.npz")
    rows = np.arange(40)
    encoder, encoded = source.encode(rows)
    pixels = source.pixels.astype(np.float64) / 255
    for channel in range(3):
        seen = pixels[rows, channel]
        expected = (pixels[:, channel] - seen.mean()) / seen.std()
        np.testing.assert_allclose(encoded[:, channel], expected, atol=1e-5)  # float32
    assert encoded.dtype == np.float32
    medmnist(size=(6, 5, 3), test_images=np.full((12, 6, 5, 3), 255, dtype=np.uint8))
    again, changed = read_npz("data.npz").encode(rows)
    assert again == encoder
    np.testing.assert_array_equal(changed[rows], encoded[rows])


def test_a_channel_of_one_value_stays_finite():
    medmnist(train_images=np.full((40, 6, 5), 7, dtype=np.uint8))
    encoded = read_npz("data.npz").encode(np.arange(40))[1]
    assert np.isfinite(encoded).all()
    np.testing.assert_allclose(encoded[:40], 0, atol=0.1)  # float32 rounding over 1e-6


def test_a_saved_encoder_gives_the_same_bits(tmp_path):
    medmnist(size=(6, 5, 3))
    source = read_npz("data.npz")
    encoder, encoded = source.encode(np.arange(40))
    encoder.save(tmp_path)
    loaded = ImageEncoder.load(tmp_path)
    assert loaded == encoder
    assert loaded.transform(source.pixels).tobytes() == encoded.tobytes()


def test_images_of_another_size_are_refused():
    medmnist()
    encoder, _ = read_npz("data.npz").encode(np.arange(40))
    with pytest.raises(InputError) as caught:
        encoder.transform(noise(2, 1, 6, 6))
    assert str(caught.value) == (
        "images have shape (1, 6, 6) (channels, height, width), but (1, 6, 5) is expected, as in"
        " training. Resize them."
    )


def test_a_folder_per_class_is_read_in_order():
    made = pictures()
    source = read_folder("pictures")
    assert source.classes == ("병", "정상")
    assert source.target.tolist() == [0] * 6 + [1] * 6
    assert source.official is None
    expected = np.stack([made[path] for path in sorted(made)])
    np.testing.assert_array_equal(source.pixels[:, 0], expected)
    assert source.notes == ()


def test_folders_above_the_classes_are_the_parts():
    made = pictures(parts=("train", "test"))
    source = load_source("pictures")
    assert source.official.tolist() == [0] * 12 + [2] * 12
    paths = [path for part in ("train", "test") for path in sorted(made) if part in path.parts]
    np.testing.assert_array_equal(source.pixels[:, 0], np.stack([made[path] for path in paths]))
    split = split_rows(source, seed=0)
    assert split.test.tolist() == list(range(12, 24))
    assert (len(split.train), len(split.validation)) == (9, 3)


def test_grey_among_colour_becomes_colour():
    pictures()
    put("pictures/병/colour.png", noise(8, 8, 3))
    assert read_folder("pictures").pixels.shape == (13, 3, 8, 8)


def test_images_of_several_sizes_are_resized_with_a_note():
    pictures(size=(8, 8))
    put("pictures/병/large.png", noise(40, 20))
    source = read_folder("pictures")
    assert source.pixels.shape == (13, 1, 8, 8)
    assert source.notes == ("Images were resized to 8 x 8 pixels.",)
    pictures(size=(100, 100), root="large")
    assert read_folder("large").pixels.shape == (12, 1, 64, 64)


def test_of_sixteen_bits_the_high_byte_is_kept_with_a_note():
    deep = (noise(12, 8, 8).astype(np.uint16) << 8) + noise(12, 8, 8, seed=1)
    for number, pixels in enumerate(deep):
        put(f"deep/{'ab'[number // 6]}/{number:02d}.png", pixels)
    source = read_folder("deep")
    np.testing.assert_array_equal(source.pixels[:, 0], deep // 256)
    assert source.notes == ("12 images of 16 bits per pixel were brought to 8.",)


def test_the_fingerprint_knows_every_pixel_and_class_but_not_the_place():
    pictures()
    pictures(root="elsewhere")
    one = read_folder("pictures").fingerprint
    assert read_folder("elsewhere").fingerprint == one
    Path("elsewhere/병").rename("elsewhere/범")  # the same pixels in the same order
    moved = read_folder("elsewhere").fingerprint
    pixels = np.asarray(Image.open("pictures/병/00.png")).copy()
    pixels[0, 0] ^= 1
    put("pictures/병/00.png", pixels)
    assert len({one, moved, read_folder("pictures").fingerprint}) == 3


def test_the_fingerprint_of_an_npz_is_that_of_its_bytes():
    medmnist()
    one = read_npz("data.npz").fingerprint
    os.rename("data.npz", "moved.npz")
    assert read_npz("moved.npz").fingerprint == one
    medmnist(train_images=noise(40, 6, 5, seed=9))
    assert read_npz("data.npz").fingerprint != one


def folder_with(name, data):
    pictures()
    Path("pictures", name).write_bytes(data)
    read_folder("pictures")


def npz_with(**changes):
    medmnist(**changes)
    read_npz("data.npz")


def class_only_in_test():
    pictures(parts=("train", "test"))
    put("pictures/test/새것/0.png", noise(8, 8))
    read_folder("pictures")


NO_LABELS = "data.npz: train_labels is {}, but one label for each of 40 images is expected."

REFUSED = {
    "no labels": (lambda: npz_with(train_labels=None), NO_LABELS.format("missing")),
    "labels of another length": (
        lambda: npz_with(train_labels=np.zeros(39)),
        NO_LABELS.format("of shape (39,)"),
    ),
    "a single label": (
        lambda: npz_with(train_labels=np.array(3)),
        NO_LABELS.format("of shape ()"),
    ),
    "labels in two columns": (
        lambda: npz_with(train_labels=np.zeros((40, 2))),
        NO_LABELS.format("of shape (40, 2)"),
    ),
    "pixels that are fractions": (
        lambda: npz_with(train_images=np.zeros((40, 6, 5))),
        "data.npz: train_images has shape (40, 6, 5) and type float64, but uint8 images [rows,"
        " height, width] or [rows, height, width, channels] are expected.",
    ),
    "parts of different sizes": (
        lambda: npz_with(test_images=noise(12, 7, 5)),
        "data.npz: the parts hold images of different shapes, [(1, 6, 5), (1, 7, 5)].",
    ),
    "one class": (
        lambda: npz_with(**{f"{p}_labels": np.ones(n, int) for p, n in
                            (("train", 40), ("val", 10), ("test", 12))}),
        "data.npz holds one class only, 1. At least two are expected.",
    ),
    "no image": (
        lambda: npz_with(**{f"{p}_{w}": np.zeros((0, 6, 5)[:s], np.uint8)
                            for p in ("train", "val", "test")
                            for w, s in (("images", 3), ("labels", 1))}),
        "data.npz holds no images. Give at least two classes of them.",
    ),
    "half a file": (
        lambda: (medmnist(), os.truncate("data.npz", 500), read_npz("data.npz")),
        "DATA: data.npz is not an .npz file of plain arrays: File is not a zip file. Write it with"
        " np.savez.",
    ),
    "a broken image": (
        lambda: folder_with("병/00.png", b"\x89PNG\r\n\x1a\n broken"),
        "DATA: pictures/병/00.png cannot be read as an image. Remove it.",
    ),
    "an image of 32 bits": (
        lambda: (put("pictures/a/0.tif", np.ones((8, 8), "float32")), read_folder("pictures")),
        "DATA: pictures/a/0.tif has pixels of 32 bits, but 8 or 16 are expected. Convert it.",
    ),
    "a class in the test part alone": (
        class_only_in_test,
        "pictures: class '새것' is in the test part, but not in the training part. Add images of"
        " it, or leave it out.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_broken_images_are_refused_in_one_line(case):
    attempt, message = REFUSED[case]
    with pytest.raises(InputError) as caught:
        attempt()
    assert str(caught.value) == message


def test_medmnist_itself_is_read(public_data):
    path = public_data / "pneumoniamnist.npz"
    source = read_npz(path)
    with np.load(path) as arrays:
        np.testing.assert_array_equal(source.target[:100], arrays["train_labels"][:100, 0])
        assert (source.official == 2).sum() == len(arrays["test_images"])
    assert source.pixels.shape[1:] == (1, 28, 28)
