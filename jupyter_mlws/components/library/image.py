"""Work with images."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from jupyter_mlws.components import Folder, Table, component
from jupyter_mlws.components.images import IMAGE, decode, encode, has_images, read_images, stacked
from jupyter_mlws.components.images import uniform as uniform_images


@component(category="Images", title="Load images")
def load_images(
    folder: Folder,
    *,
    size: Annotated[int, Field(ge=4, le=1024)] | None = None,
    color: Literal["keep", "gray"] = "keep",
) -> Table:
    """Read a folder of pictures or arrays: a row each, with its class in the column "target".

    folder: Pictures of each class in a folder of its own, or arrays (.npz, .npy) named x and y.
    size: Height and width that images are brought to, in pixels; if empty they stay if alike.
    color: Keep colours, or make all images gray.
    """
    table = read_images(folder)
    if color == "gray":
        table = table.assign(**{IMAGE: [_gray(value) for value in table[IMAGE]]})
    return uniform_images(table, size)


@component(category="Images", title="Images to pixels")
def image_pixels(data: Table) -> Table:
    """Turn images into a column for each pixel, for models that take numbers alone.

    data: A table of images.
    """
    import pandas as pd

    if not has_images(data):
        raise ValueError(f"the table has no images in a column {IMAGE!r}")
    values = stacked(data).reshape(len(data), -1)
    names = [f"pixel_{n}" for n in range(values.shape[1])]
    pixels = pd.DataFrame(values, columns=names, index=data.index)
    table: Table = pixels.join(data.drop(columns=[IMAGE]))
    return table


def _gray(value: bytes) -> bytes:
    image = decode(value)
    if image.ndim == 2:
        return value
    # The weights of ITU-R BT.601, as Pillow has them.
    weights = (0.299, 0.587, 0.114) if image.shape[2] >= 3 else (1.0,)
    light = sum(weight * image[:, :, n] for n, weight in enumerate(weights))
    return encode(light.round().astype(image.dtype) if image.dtype.kind in "ui" else light)
