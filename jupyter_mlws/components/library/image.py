"""Load images and convert them to columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from jupyter_mlws.components import Folder, Table, component, table_needs
from jupyter_mlws.components import columns as rules
from jupyter_mlws.components.images import (
    IMAGE,
    decode,
    encode,
    has_images,
    read_images,
    stack_images,
)
from jupyter_mlws.components.images import uniform as uniform_images
from jupyter_mlws.components.parameters import Labels


@component(category="Images", title="Load Images")
def load_images(
    folder: Folder,
    *,
    size: Annotated[
        Annotated[int, Field(ge=4, le=1024)] | None, Field(title="Image size (pixels)")
    ] = None,
    color: Annotated[
        Literal["keep", "gray"],
        Field(title="Color mode"),
        Labels(keep="Keep colors", gray="Grayscale"),
    ] = "keep",
) -> Table:
    """Read a folder of images or arrays: one row per image, with its class in the column “target”.

    folder: One subfolder of images per class, or arrays (.npz, .npy) named x and y.
    size: Resize images to this height and width. If empty, images of equal size are kept as they
        are, and images of different sizes are resized to 64 × 64.
    color: Keep the colors, or convert all images to grayscale.
    """
    table = read_images(folder)
    if color == "gray":
        table = table.assign(**{IMAGE: [_gray(value) for value in table[IMAGE]]})
    return uniform_images(table, size)


@component(
    category="Images",
    title="Images to Pixels",
    columns=rules.image_pixels,
    needs=table_needs.images,
)
def image_pixels(data: Table) -> Table:
    """Convert images to one numeric column per pixel value, for models that do not accept images.

    data: Table with images.
    """
    import pandas as pd

    if not has_images(data):
        raise ValueError(f"the table has no column {IMAGE!r} with images")
    values = stack_images(data).reshape(len(data), -1)
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
