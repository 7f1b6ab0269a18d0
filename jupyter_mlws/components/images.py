"""Stores images in a table: each is one value of the column "image", in NumPy's file format.

An image keeps its size and type, tables of images are Parquet files as all others, and nothing is
unpickled. Arrays are height × width (× channels); the class of an image is its "target".
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlws.components.artifacts import Table
from jupyter_mlws.components.tables import TARGET

IMAGE = "image"
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
ARRAY_SUFFIXES = frozenset({".npy", ".npz"})
IMAGE_KEYWORDS = frozenset({"x", "image", "images", "data"})
LABEL_KEYWORDS = frozenset({"y", "label", "labels", "target", "targets"})
CHANNELS = (1, 3, 4)

Row = tuple[Any, Any]
"""An image's array and its class, which may be unknown."""


def encode(array: Any) -> bytes:
    """Return an array as one value of a table."""
    import numpy as np

    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array), allow_pickle=False)
    return file.getvalue()


def decode(value: bytes) -> Any:
    """Return the array of one value."""
    import numpy as np

    return np.load(io.BytesIO(value), allow_pickle=False)


def has_images(table: Table) -> bool:
    """Return whether a table contains images."""
    return IMAGE in table.columns and len(table) > 0 and isinstance(table[IMAGE].iloc[0], bytes)


def image_files(folder: Path) -> list[Path]:
    """Return the pictures and arrays in a folder and below it, by name, without hidden ones."""
    return sorted(
        file
        for file in folder.rglob("*")
        if file.suffix.lower() in PICTURE_SUFFIXES | ARRAY_SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    )


def read_images(path: Path) -> Table:
    """Return the images of a folder or file, with their classes where they are known.

    - pictures: the class is the name of the folder that contains them;
    - arrays (`.npz`, or `.npy` in the same folder) whose names distinguish images from labels:
      ``x`` and ``y``, ``images`` and ``labels``, ``train_images`` and ``train_labels``, etc.;
    - other `.npy`: one image, or many of one class, which is the folder's or the file's name.

    Raises ValueError for anything else.
    """
    import pandas as pd

    files = image_files(path) if path.is_dir() else [path]
    rows = list(_rows(files, path))
    if not rows:
        raise ValueError(f"no images in {str(path)!r}")
    table: Table = pd.DataFrame({IMAGE: [encode(image) for image, _ in rows]})
    classes = [label.item() if hasattr(label, "item") else label for _, label in rows]
    if any(name is not None for name in classes):
        table = table.assign(**{TARGET: classes})
    return table


def _rows(files: Sequence[Path], root: Path) -> Iterator[Row]:
    import numpy as np

    beside: dict[Path, dict[str, Any]] = {}
    for file in files:
        suffix = file.suffix.lower()
        if suffix in PICTURE_SUFFIXES:
            from PIL import Image

            with Image.open(file) as picture:
                plain = picture.mode in ("L", "RGB", "F", "I") or picture.mode.startswith("I;16")
                mode = "L" if picture.mode in ("1", "LA") else "RGB"
                array = np.asarray(picture if plain else picture.convert(mode))
            yield array, _folder_of(file, root)
        elif suffix == ".npz":
            with np.load(file, allow_pickle=False) as archive:
                yield from _match_labels(dict(archive), file, _folder_of(file, root))
        else:
            beside.setdefault(file.parent, {})[file.stem] = np.load(file, allow_pickle=False)
    for folder, arrays in beside.items():
        yield from _match_labels(arrays, folder, _folder_of(folder / "file", root))


def _folder_of(file: Path, root: Path) -> str | None:
    """Return the name of the file's folder, which is its class; None at the top level."""
    return None if file.parent == root or file == root else file.parent.name


def _match_labels(arrays: Mapping[str, Any], place: Path, folder: str | None) -> Iterator[Row]:
    """Yield the images of arrays that belong together, with the labels that match by name."""
    labels = {_remaining_parts(name, LABEL_KEYWORDS): name for name in arrays}
    labels.pop(None, None)
    for name, array in arrays.items():
        if _remaining_parts(name, LABEL_KEYWORDS) is not None:
            continue
        rest = _remaining_parts(name, IMAGE_KEYWORDS)
        if rest is not None and rest in labels:
            source = f"{name!r} of {str(place)!r}"
            classes = arrays[labels[rest]]
            classes = classes.reshape(len(classes), -1)
            if classes.shape[1] != 1 or len(array) != len(classes):
                raise ValueError(
                    f"{source} has {len(array)} images, but its labels have the shape "
                    f"{classes.shape}: provide one label for each image"
                )
            if array.ndim == 2:
                array = array.reshape(len(array), *square(array.shape[1], source))
            yield from zip(_move_channels_last(array), classes[:, 0], strict=True)
            continue
        # A name that only says "images" is no class.
        label = folder if folder is not None or rest is not None else name
        if array.ndim == 2 or (array.ndim == 3 and array.shape[-1] in CHANNELS):
            yield array, label
        elif array.ndim in (3, 4):
            yield from ((image, label) for image in _move_channels_last(array))
        else:
            raise ValueError(
                f"the array of shape {array.shape} in {str(place)!r} does not contain images"
            )


def _remaining_parts(name: str, words: frozenset[str]) -> tuple[str, ...] | None:
    """Return the parts of a name other than ``words``; None if it contains none of ``words``."""
    parts = name.lower().replace("-", "_").split("_")
    if not words.intersection(parts):
        return None
    return tuple(part for part in parts if part not in words)


def _move_channels_last(images: Any) -> Any:
    """Return images with the channels last, also if they come first as in PyTorch."""
    shape = images.shape
    if images.ndim == 4 and shape[1] in CHANNELS and shape[3] not in CHANNELS:
        return images.transpose(0, 2, 3, 1)
    return images


def square(pixels: int, source: str) -> tuple[int, int]:
    """Return the height and width of a square image that is stored as a row of pixels."""
    side = math.isqrt(pixels)
    if side * side != pixels or side < 2:
        raise ValueError(f"{source}: {pixels} values do not form a square image")
    return side, side


def uniform(table: Table, size: int | None, usual: int = 64) -> Table:
    """Return the table with images of one size and number of channels.

    ``size``: height and width in pixels; None keeps images of equal size, and resizes images of
    different sizes to ``usual``.
    """
    images = [decode(value) for value in table[IMAGE]]
    sizes = {image.shape[:2] for image in images}
    target_size = (size, size) if size else (usual, usual)
    if not size and len(sizes) == 1:
        [target_size] = sizes
    if len({image.shape for image in images}) == 1 and images[0].shape[:2] == target_size:
        return table
    colour = any(image.ndim == 3 and image.shape[2] >= 3 for image in images)
    values = [encode(_convert(image, colour, *target_size)) for image in images]
    result: Table = table.assign(**{IMAGE: values})
    return result


def _convert(image: Any, colour: bool, height: int, width: int) -> Any:
    """Return a resized image, with three channels if ``colour``, else without a channel axis."""
    import numpy as np
    from PIL import Image

    if colour:
        planes = image[:, :, None] if image.ndim == 2 else image
        image = planes[:, :, :3] if planes.shape[2] >= 3 else np.repeat(planes, 3, axis=2)
    elif image.ndim == 3:
        image = image[:, :, 0]
    if image.shape[:2] == (height, width):
        return image
    if image.dtype == np.uint8:
        return np.asarray(Image.fromarray(image).resize((width, height)))
    planes = image[:, :, None] if image.ndim == 2 else image
    resized_planes = [
        np.asarray(Image.fromarray(plane.astype("float32")).resize((width, height)))
        for plane in np.moveaxis(planes, 2, 0)
    ]
    return resized_planes[0] if image.ndim == 2 else np.stack(resized_planes, axis=2)


def stack_images(table: Table) -> Any:
    """Return all images as one array: number × height × width × channels."""
    import numpy as np

    images = [decode(value) for value in table[IMAGE]]
    if len({image.shape for image in images}) != 1:
        raise ValueError("the images differ in size; resize them in data_preprocessing first")
    array = np.stack(images)
    return array[..., None] if array.ndim == 3 else array
