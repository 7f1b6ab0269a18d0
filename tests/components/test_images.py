"""Folders of pictures and arrays become tables of images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from jupyter_mlws.components.images import decode, encode, has_images, read_images, uniform
from jupyter_mlws.components.library.image import image_pixels, load_images
from jupyter_mlws.components.library.prepare import data_preprocessing
from jupyter_mlws.components.values import read, write


def picture(path: Path, mode: str = "RGB", size: tuple[int, int] = (6, 4)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, 1).save(path)


def stack(count: int, *shape: int) -> Any:
    size = count * int(np.prod(shape))
    return np.arange(size).reshape(count, *shape).astype("uint8")


def save(folder: Path, **arrays: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def test_the_class_of_a_picture_is_its_folder(tmp_path: Path) -> None:
    picture(tmp_path / "cat" / "a.png")
    picture(tmp_path / "dog" / "b.JPG")
    picture(tmp_path / "dog" / ".hidden.png")
    table = read_images(tmp_path)
    assert table["target"].tolist() == ["cat", "dog"]
    assert [decode(value).shape for value in table["image"]] == [(4, 6, 3), (4, 6, 3)]
    assert has_images(table)


@pytest.mark.parametrize(
    ("mode", "shape"),
    [("L", (4, 6)), ("1", (4, 6)), ("P", (4, 6, 3)), ("RGBA", (4, 6, 3)), ("I;16", (4, 6))],
)
def test_pictures_of_every_mode_are_read(tmp_path: Path, mode: str, shape: tuple[int, ...]) -> None:
    picture(tmp_path / "a.png", mode)
    table = read_images(tmp_path)
    assert decode(table["image"][0]).shape == shape
    assert "target" not in table


@pytest.mark.parametrize(
    "names", [("x", "y"), ("images", "labels"), ("X_train", "y_train"), ("data", "target")]
)
def test_arrays_and_labels_find_each_other_by_name(tmp_path: Path, names: Any) -> None:
    images, labels = names
    given = {images: stack(3, 4, 4), labels: np.array([2, 0, 1])}
    np.savez(tmp_path / "all.npz", **given)
    save(tmp_path / "beside", **given)
    for place in (tmp_path / "all.npz", tmp_path / "beside"):
        table = read_images(place)
        assert table["target"].tolist() == [2, 0, 1]
        assert np.array_equal(decode(table["image"][2]), stack(3, 4, 4)[2])


def test_train_and_test_parts_keep_their_own_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x_train=stack(2, 4, 4), y_train=[0, 1], x_test=stack(1, 4, 4),
             y_test=[7])  # fmt: skip
    assert read_images(tmp_path)["target"].tolist() == [0, 1, 7]


def test_an_array_of_one_class_is_named_by_its_file_or_folder(tmp_path: Path) -> None:
    save(tmp_path, cats=stack(2, 4, 4, 3), dogs=stack(1, 5, 5)[0])
    save(tmp_path / "birds", one=stack(1, 4, 4)[0], images=stack(2, 4, 5))
    assert read_images(tmp_path)["target"].value_counts().to_dict() == {
        "birds": 3,
        "cats": 2,
        "dogs": 1,
    }


def test_rows_of_pixels_and_channels_first_are_images(tmp_path: Path) -> None:
    save(tmp_path / "flat", x=stack(3, 16), y=np.array([[0], [1], [1]]))
    save(tmp_path / "torch", x=stack(2, 3, 8, 8), y=np.array(["a", "b"]))
    assert decode(read_images(tmp_path / "flat")["image"][0]).shape == (4, 4)
    table = read_images(tmp_path / "torch")
    assert decode(table["image"][0]).shape == (8, 8, 3)
    assert table["target"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"x": stack(3, 4, 4), "y": np.arange(2)}, "has 3 images"),
        ({"x": stack(3, 5), "y": np.arange(3)}, "do not form a square image"),
        ({"x": stack(3, 4, 4), "y": np.eye(3)}, "one label for each"),
        ({"things": np.zeros((1, 2, 3, 4, 5))}, "does not contain images"),
        ({"x": np.array([{"a": 1}], dtype=object)}, "Object arrays"),
    ],
)
def test_arrays_that_are_no_images_are_refused(tmp_path: Path, arrays: Any, words: str) -> None:
    save(tmp_path, **arrays)
    with pytest.raises(ValueError, match=words):
        read_images(tmp_path)


def test_a_table_port_takes_images_and_keeps_them(tmp_path: Path) -> None:
    save(tmp_path / "raw", x=stack(3, 4, 4).astype("float32") / 7, y=np.arange(3))
    table = read("Table", tmp_path / "raw")
    write("Table", table, tmp_path / "kept")
    again = read("Table", tmp_path / "kept")
    assert again.equals(table)
    assert decode(again["image"][1]).dtype == np.float32


def test_preprocessing_brings_images_to_one_size(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png", "L", (8, 8))
    picture(tmp_path / "b" / "2.png", "RGB", (20, 10))
    for given, size in ((None, (64, 64, 3)), (12, (12, 12, 3))):
        (table,) = data_preprocessing(read_images(tmp_path), image_size=given)
        assert {decode(value).shape for value in table["image"]} == {size}
    assert list(table.columns) == ["image", "target"]


def test_images_that_are_alike_stay_as_they_are() -> None:
    import pandas as pd

    table = pd.DataFrame({"image": [encode(image) for image in stack(2, 4, 6)]})
    assert uniform(table, None).equals(table)
    resized = uniform(pd.DataFrame({"image": [encode(np.ones((4, 6)) * 0.5)]}), 8)
    assert np.allclose(decode(resized["image"][0]), 0.5)


def test_images_without_classes_cannot_be_prepared(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    with pytest.raises(ValueError, match="into its own folder"):
        data_preprocessing(read_images(tmp_path))


def test_colours_and_pixels(tmp_path: Path) -> None:
    red = np.zeros((4, 4, 3), dtype="uint8")
    red[..., 0] = 100
    save(tmp_path / "red", a=red)
    table = load_images(tmp_path, color="gray")
    assert (decode(table["image"][0]) == 30).all()
    assert list(image_pixels(table).columns) == [*(f"pixel_{n}" for n in range(16)), "target"]
    with pytest.raises(ValueError, match="with images"):
        image_pixels(table.drop(columns=["image"]))
