"""Sphinx's configuration of the documentation, see ``make docs``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_extensions"), str(DOCS.parent), str(DOCS.parent / "engine")]

from jupyter_mlws._version import __version__  # noqa: E402

project = "jupyter-mlws"
author = "The jupyter-mlws developers"
copyright = author  # noqa: A001  Sphinx's name
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx_copybutton",
    "sphinx_design",
    "mlws_catalogues",
    "mlws_diagrams",
    "mlws_reference",
    "mlws_search",
]
exclude_patterns = ["_*"]
# What copies of the prompt would break.
copybutton_prompt_text = r">>> |\$ "
copybutton_prompt_is_regexp = True

# A catalogue for each page; `mlws_catalogues` compiles them.
gettext_compact = False

# Quotes only: two dashes begin an option.
smartquotes_action = "q"
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 4

html_theme = "pydata_sphinx_theme"
html_title = "jupyter-mlws"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_search_scorer = str(DOCS / "_extensions" / "search_scorer.js")
html_copy_source = False
html_show_sourcelink = False
templates_path = ["_templates"]
html_theme_options: dict[str, Any] = {
    "logo": {"text": "jupyter-mlws"},
    "navbar_align": "left",
    "navbar_end": ["language-switch", "theme-switcher"],
    "navbar_persistent": ["search-button"],
    "show_prev_next": True,
    "show_toc_level": 1,
    "navigation_depth": 2,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
html_sidebars = {"index": [], "changes": []}

# External links are checked by `make docs-links`, since a machine may be offline.
linkcheck_anchors = False
linkcheck_ignore = [r"https?://(localhost|127\.0\.0\.1|hub\.example|hub\.localhost)"]
