"""Bring the catalogue of the server's messages up to date with the code: ``make messages``.

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
from mlws.core.i18n import CATALOGUE, DOMAIN, TERM, TERMS

from jupyter_mlws import __version__
from jupyter_mlws.hub.page_translation import template_texts

ROOT = Path(__file__).parent.parent
PACKAGES = ("jupyter_mlws", "hub_config")
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


def extract() -> Catalog:
    """All messages of the code, with the files that they are in."""
    catalog = Catalog(project=DOMAIN, version=__version__)
    for package in PACKAGES:
        rows = extract_from_dir(ROOT / package, keywords=KEYWORDS)
        for file, _, text, _, context in rows:
            if isinstance(text, str) and text:
                # Without lines, which would change with every edit.
                catalog.add(text, locations=[(f"{package}/{file}", None)], context=context)
    for name, folder in (("hub_config/templates", OWN_TEMPLATES), ("jupyterhub", HUB_TEMPLATES)):
        for path in sorted(folder.glob("*.html")):
            if path.name not in NOT_TRANSLATED:
                for text in template_texts(path.read_text(encoding="utf-8")):
                    catalog.add(text, locations=[(f"{name}/{path.name}", None)])
    for name in TERMS:
        catalog.add(name, context=TERM)
    return catalog


def read() -> Catalog:
    """The catalogue as it is."""
    with CATALOGUE.open(encoding="utf-8") as file:
        return read_po(file, locale="zh_CN", domain=DOMAIN)


def main() -> int:
    catalog = read()
    catalog.update(extract(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    with CATALOGUE.open("wb") as file:
        file.write(HEADER)
        write_po(file, catalog, width=0, sort_output=True, omit_header=True)
    missing = [entry.id for entry in catalog if entry.id and not entry.string]
    for text in missing:
        print(f"not translated: {text!r}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
