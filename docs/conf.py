"""Sphinx's configuration of the documentation, see ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_extensions"), str(DOCS.parent)]

from jupyter_mlws._version import __version__  # noqa: E402

project = "jupyter-mlws"
author = "The jupyter-mlws developers"
copyright = author  # noqa: A001  Sphinx's name
release = version = __version__

extensions = ["myst_parser", "sphinx_copybutton", "sphinx_design"]
exclude_patterns = ["_*"]
locale_dirs = ["locale"]
# A catalogue for each page.
gettext_compact = False
gettext_uuid = False
# The `.po` files are compiled into the build directory by `docs/_extensions/catalogues.py`.
gettext_auto_build = False

myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4

html_theme = "pydata_sphinx_theme"
html_title = "jupyter-mlws"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_theme_options: dict[str, Any] = {
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "show_prev_next": True,
    "show_toc_level": 2,
}

suppress_warnings = ["toc.empty_glob"]
