"""Bring the catalogues of the server's messages up to date with the code: ``make messages``.

Extracts what ``Message(…)``, ``say(…)``, the declarations of commands and the Hub's pages hold,
keeps the translations that there are, and removes the entries that nothing uses. What has no
translation then is printed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po
from jupyterhub._data import DATA_FILES_PATH

from jupyter_mlws import __version__
from jupyter_mlws.hub.page_translation import template_texts
from mlws.core.i18n import TERM, TERMS, catalogue

ROOT = Path(__file__).parent.parent
ENGINE = ROOT / "engine" / "mlws"
LAB = ROOT / "jupyter_mlws"
SOURCES = {ENGINE: (ENGINE,), LAB: (LAB, ROOT / "hub_config")}
"""The folders whose messages are in the catalogue of a package."""
HEADER = b"""\
msgid ""
msgstr ""
"Language: zh_CN\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
"""No dates and programs, which would change with every run."""
OWN_TEMPLATES = ROOT / "hub_config" / "templates"
HUB_TEMPLATES = Path(DATA_FILES_PATH) / "templates"
NOT_TRANSLATED = ("accept-share.html", "admin.html")
"""JupyterHub's own pages that this project's users do not see, or that are a script."""
KEYWORDS = dict.fromkeys(("Message", "say", "command", "option", "flag", "node_option"))


def extract(package: Path) -> Catalog:
    """All messages of the catalogue of a package, with the files that they are in."""
    catalog = Catalog(project=package.name, version=__version__)
    for folder in SOURCES[package]:
        for file, _, text, _, context in extract_from_dir(folder, keywords=KEYWORDS):
            if isinstance(text, str) and text:
                # Without lines, which would change with every edit.
                locations = [(f"{folder.relative_to(ROOT)}/{file}", None)]
                catalog.add(text, locations=locations, context=context)
    if package == ENGINE:
        for name in TERMS:
            catalog.add(name, context=TERM)
        return catalog
    for name, folder in (("hub_config/templates", OWN_TEMPLATES), ("jupyterhub", HUB_TEMPLATES)):
        for path in sorted(folder.glob("*.html")):
            if path.name not in NOT_TRANSLATED:
                for text in template_texts(path.read_text(encoding="utf-8")):
                    catalog.add(text, locations=[(f"{name}/{path.name}", None)])
    return catalog


def read(package: Path) -> Catalog:
    """The catalogue of a package as it is."""
    with catalogue(package).open(encoding="utf-8") as file:
        return read_po(file, locale="zh_CN", domain=package.name)


def main() -> int:
    missing = []
    for package in SOURCES:
        catalog = read(package)
        catalog.update(extract(package), no_fuzzy_matching=True)
        catalog.obsolete.clear()
        with catalogue(package).open("wb") as file:
            file.write(HEADER)
            write_po(file, catalog, width=0, sort_output=True, omit_header=True)
        missing += [entry.id for entry in catalog if entry.id and not entry.string]
    for text in missing:
        print(f"not translated: {text!r}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
