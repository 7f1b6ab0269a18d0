"""Sphinx extension: compiles the `.po` files of ``docs/locale`` into the build directory.

Sphinx compiles them beside their sources, which would put binary files into the checkout.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import jieba
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def compile_catalogues(app: Any, config: Any) -> None:
    """Compile the catalogues of the site's language, and have Sphinx read those."""
    target = Path(app.outdir).parent / "catalogues"
    source = Path(app.srcdir) / "locale"
    for path in sorted((source / str(config.language) / "LC_MESSAGES").rglob("*.po")):
        with path.open(encoding="utf-8") as file:
            catalogue = read_po(file, locale=config.language)
        compiled = target / path.relative_to(source).with_suffix(".mo")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        with compiled.open("wb") as output:
            write_mo(output, catalogue)
    config.locale_dirs = [str(target)]
    # Chinese pages are split into words for the search; its dictionary is no news.
    jieba.setLogLevel(logging.WARNING)


def setup(app: Any) -> dict[str, Any]:
    """Register the extension; Sphinx itself reads the directories after this."""
    app.connect("config-inited", compile_catalogues, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
