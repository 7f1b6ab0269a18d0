"""Small copies of images in any version of a project."""

from __future__ import annotations

import base64
import io
import threading
from pathlib import Path
from typing import Any

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.versioning.data.folders import IMAGE_SUFFIXES
from jupyter_mlws.versioning.data.models import ImagePreview, ImageQuery
from jupyter_mlws.versioning.models import HiddenText
from jupyter_mlws.versioning.snapshots.compare import Comparison, ContentRefusedError
from mlws.core.i18n import Message
from mlws.core.paths import format_size

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
"""Pillow's names of the formats that are read; others have had more security bugs."""
SIDE = 256
"""Pixels of the longer side of a copy."""
SVG_SUFFIX = ".svg"
MAX_SVG_BYTES = 256 * 1024
MAX_IMAGE_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 30_000_000
"""Pixels that are decoded at once, which take four bytes each."""
MAX_DECODERS = 2

NOT_AN_IMAGE = Message("only files with these extensions are shown: {extensions}")
TOO_LARGE = Message("it is larger than {limit}")
TOO_MANY_PIXELS = Message("it has {width} × {height} pixels, which is too much to show")
NOT_STORED = Message("its content is not on this machine: pull the data")
UNREADABLE = Message("it cannot be read as an image: {reason}")

_decoders = threading.BoundedSemaphore(MAX_DECODERS)


def preview_image(comparison: Comparison, query: ImageQuery) -> ImagePreview:
    """Return a small copy of an image in a version.

    Raises VersionItemNotFoundError if the version is unknown or lacks the file,
    OutsideWorkspaceError.
    """
    path = query.path
    if not path.lower().endswith(IMAGE_SUFFIXES):
        problem = NOT_AN_IMAGE.fill(extensions=", ".join(IMAGE_SUFFIXES))
        return ImagePreview(path=path, problem=problem)
    version = None if query.version is None else comparison.resolve_start(query.version)
    with comparison.open_files(MAX_IMAGE_BYTES) as files:
        try:
            file = files.get(path, version)
        except ContentRefusedError as error:
            if error.reason is HiddenText.NOT_STORED:
                return ImagePreview(path=path, stored=False, problem=NOT_STORED)
            limit = format_size(MAX_IMAGE_BYTES)
            return ImagePreview(path=path, problem=TOO_LARGE.fill(limit=limit))
        if file is None:
            raise VersionItemNotFoundError(kind="file", name=path)
        if path.lower().endswith(SVG_SUFFIX):
            return ImagePreview(path=path, **_read_svg(file))
        with _decoders:
            return ImagePreview(path=path, **_shrink(file))


def _read_svg(file: Path) -> dict[str, Any]:
    """Return the fields of a preview: the drawing itself.

    An image element of a page runs no scripts of it and loads nothing for it.
    """
    if file.stat().st_size > MAX_SVG_BYTES:
        return {"problem": TOO_LARGE.fill(limit=format_size(MAX_SVG_BYTES))}
    content = base64.b64encode(file.read_bytes()).decode()
    return {"media": "image/svg+xml", "content": content}


def _shrink(file: Path) -> dict[str, Any]:
    """Return the fields of a preview: a copy as PNG or JPEG, or the problem."""
    # It takes a tenth of a second.
    from PIL import Image, ImageOps

    size: dict[str, int] = {}
    try:
        with Image.open(file, formats=FORMATS) as image:
            size = {"width": image.width, "height": image.height}
            # A JPEG can be decoded at a smaller scale; a progressive one is decoded as a whole.
            if "progressive" not in image.info:
                image.draft("RGB", (SIDE, SIDE))
            if image.width * image.height > MAX_PIXELS:
                return {**size, "problem": TOO_MANY_PIXELS.fill(**size)}
            image.thumbnail((SIDE, SIDE))
            copy = ImageOps.exif_transpose(image)
            has_alpha = copy.has_transparency_data
            kind = "PNG" if has_alpha else "JPEG"
            output = io.BytesIO()
            copy.convert("RGBA" if has_alpha else "RGB").save(output, kind)
    except Image.DecompressionBombError:
        return {"problem": TOO_LARGE.fill(limit=f"{MAX_PIXELS:,} px")}
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        # The name in the cache says nothing to a reader.
        reason = str(error).replace(f" {str(file)!r}", "") or type(error).__name__
        return {**size, "problem": UNREADABLE.fill(reason=reason[:200])}
    content = base64.b64encode(output.getvalue()).decode()
    return {**size, "media": f"image/{kind.lower()}", "content": content}
