"""Update the documentation's catalogues of translations, and say what share is translated.

    python scripts/docs_translations.py              # update docs/locale
    python scripts/docs_translations.py how-to/sweep # with all messages of that page, to translate
    python scripts/docs_translations.py --check      # fail if a page is not translated

A catalogue has the messages that are translated; the others are in build/docs/gettext. Code and
figures are the same in every language and are in none of them. Neither is what is generated from
the code: its Chinese comes from the product's own catalogues.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "build" / "docs" / "gettext"
LANGUAGE = "zh_CN"
FOLDER = ROOT / "docs" / "locale" / LANGUAGE / "LC_MESSAGES"
MAY_BE_INCOMPLETE = ("changes",)
"""Every other page is translated as a whole, whenever its text changes."""
CODE_AND_UNITS = re.compile(r"`[^`]*`|\b(?:m?s|[kM]B|[MG]iB)\b")
LETTER = re.compile(r"[^\W\d_]")


def extract() -> dict[str, Catalog]:
    """Return the messages of each page, by its name."""
    # Links to generated sections lead nowhere here; the site itself is built with all warnings.
    command = [sys.executable, "-m", "sphinx", "-Q", "-b", "gettext", "-d", str(TEMPLATES / ".env")]
    subprocess.run([*command, "docs", str(TEMPLATES)], cwd=ROOT, check=True)
    catalogues = {}
    for path in sorted(TEMPLATES.rglob("*.pot")):
        name = path.relative_to(TEMPLATES).with_suffix("").as_posix()
        # Templates of pages that no longer exist stay in the folder.
        if (ROOT / "docs" / f"{name}.md").exists() or name == "sphinx":
            with path.open(encoding="utf-8") as file:
                catalogue = read_po(file)
            for message in list(catalogue):
                if message.id and not LETTER.search(CODE_AND_UNITS.sub("", str(message.id))):
                    catalogue.delete(message.id)
            catalogues[name] = catalogue
    return catalogues


def merge(template: Catalog, path: Path) -> Catalog:
    """Return the messages of ``template`` with the translations in a file."""
    if path.exists():
        with path.open(encoding="utf-8") as file:
            catalogue = read_po(file, locale=LANGUAGE)
    else:
        catalogue = Catalog(locale=LANGUAGE)
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    return catalogue


def as_text(catalogue: Catalog) -> str:
    """Return a catalogue as a file that changes only with its messages."""
    text = io.BytesIO()
    write_po(text, catalogue, width=100, no_location=True, omit_header=True)
    header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    return f"{header}{text.getvalue().decode()}".rstrip("\n") + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("pages", nargs="*", help="pages to translate")
    arguments = parser.parse_args()
    total = translated = 0
    faults = []
    for name, template in extract().items():
        path = FOLDER / f"{name}.po"
        catalogue = merge(template, path)
        messages = [message for message in catalogue if message.id]
        missing = [message for message in messages if not message.string]
        total += len(messages)
        translated += len(messages) - len(missing)
        if name not in MAY_BE_INCOMPLETE:
            faults += [f"{name}: not translated: {message.id}" for message in missing]
        if arguments.check:
            continue
        if name not in arguments.pages:
            for message in missing:
                catalogue.delete(message.id)
        if len(catalogue):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(as_text(catalogue), encoding="utf-8")
        else:
            path.unlink(missing_ok=True)
    print(f"{LANGUAGE}: {translated} of {total} messages ({translated / total:.0%})")
    if arguments.check and faults:
        print("\n".join([*faults, "Translate them after: make docs-messages"]), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
