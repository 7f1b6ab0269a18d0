"""Every string of the lab extension has its Chinese."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyterlab_server.settings_utils import get_settings
from jupyterlab_server.translation_utils import translator

from jupyter_mlws.components.registry import library
from jupyter_mlws.server.lab_settings import translate_settings

ROOT = Path(__file__).parent.parent
CATALOGUE = ROOT / "jupyter_mlws/locale/zh_CN/LC_MESSAGES/jupyter_mlws.json"

STRING = r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`"""
LITERAL = rf"(?:{STRING})(?:\s*\+\s*(?:{STRING}))*"
CALL = re.compile(rf"trans\??\.(__|_n|_p)\(\s*({LITERAL})(?:\s*,\s*({LITERAL}))?", re.DOTALL)
ESCAPES = {"n": "\n", "t": "\t"}


def sources() -> Iterator[Path]:
    for path in sorted((ROOT / "src").rglob("*.ts*")):
        if ".spec." not in path.name and "__tests__" not in path.parts:
            yield path


def value(literal: str) -> str:
    """The text that one or more joined TypeScript string literals stand for."""
    parts = (match.group()[1:-1] for match in re.finditer(STRING, literal))
    return re.sub(r"\\(.)", lambda m: ESCAPES.get(m[1], m[1]), "".join(parts))


def strings(text: str) -> Iterator[tuple[str, int]]:
    """The keys that ``text`` asks for, and how many forms JupyterLab wants of each.

    It ignores a plural's translation that has but one form, also in languages without plural.
    """
    for call in CALL.finditer(text):
        if call[1] == "_p":
            yield f"{value(call[2])}\x04{value(call[3])}", 1
        else:
            yield value(call[2]), 2 if call[1] == "_n" else 1


def catalogue() -> dict[str, list[str]]:
    entries: dict[str, list[str]] = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return {key: entry for key, entry in entries.items() if key}


def test_finds_strings_however_they_are_written() -> None:
    text = """
        trans.__('It\\'s %1', x) this._trans._n(
          "a 'b'",
          'c',
          n) trans.__('one ' +
          'two') props.trans._p('verb', 'run')
    """
    assert list(strings(text)) == [
        ("It's %1", 1),
        ("a 'b'", 2),
        ("one two", 1),
        ("verb\x04run", 1),
    ]


@pytest.mark.parametrize(
    "path", list(sources()), ids=lambda path: path.relative_to(ROOT / "src").as_posix()
)
def test_every_string_has_its_chinese(path: Path) -> None:
    known = catalogue()
    asked = strings(path.read_text(encoding="utf-8"))
    missing = [key for key, forms in asked if len(known.get(key, ())) != forms]
    assert missing == []


def test_every_word_of_the_component_library_has_its_chinese() -> None:
    known = catalogue()
    missing = [
        word
        for component in library()
        for word in (
            component.title,
            component.category,
            component.description,
            *(port.description for port in component.inputs),
            *(port.description for port in component.outputs),
            *(
                setting.get(key, "")
                for setting in component.settings.get("properties", {}).values()
                for key in ("title", "description")
            ),
            *(
                text
                for setting in component.settings.get("properties", {}).values()
                if "x-pairs" in setting
                for text in (setting["x-pairs"]["title"], *setting["x-pairs"].get("labels", ()))
            ),
        )
        if word and word not in known
    ]
    assert missing == []


def test_settings_are_chinese_in_jupyterlabs_settings_editor(tmp_path: Path) -> None:
    extension = tmp_path / "labextensions" / "jupyter-mlws"
    (extension / "schemas").mkdir(parents=True)
    (extension / "schemas" / "jupyter-mlws").symlink_to(ROOT / "schema/settings")
    (tmp_path / "core").mkdir()
    translate_settings()
    translator.set_locale("zh_CN")
    try:
        (listed, warnings) = get_settings(
            str(tmp_path / "core"), str(tmp_path / "core"), str(tmp_path / "user"),
            labextensions_path=[str(extension.parent)],
            translator=translator.translate_schema,
        )  # fmt: skip
    finally:
        translator.set_locale("en")
    assert warnings == []
    schemas = [plugin["schema"] for plugin in listed["settings"]]
    assert len(schemas) == 11
    texts = [
        part[key]
        for schema in schemas
        for part in (
            schema,
            *schema["properties"].values(),
            *(
                part
                for definition in schema.get("definitions", {}).values()
                for part in definition["properties"].values()
            ),
            *(
                item["submenu"]
                for menu in schema.get("jupyter.lab.menus", {}).values()
                for item in menu
                if "submenu" in item
            ),
        )
        for key in ("title", "description", "label", "jupyter.lab.setting-icon-label")
        if key in part
    ]
    assert [text for text in texts if not re.search("[\u4e00-\u9fff]", text)] == []


def test_translations_keep_the_places_of_values() -> None:
    for english, (chinese, *rest) in catalogue().items():
        assert rest in ([], [""]), english
        assert set(re.findall(r"%\d", english)) == set(re.findall(r"%\d", chinese)), english


def test_header_is_what_jupyterlab_reads() -> None:
    header = json.loads(CATALOGUE.read_text(encoding="utf-8"))[""]
    version = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["version"]
    assert header == {
        "domain": "jupyter_mlws",
        "language": "zh-CN",
        "plural_forms": "nplurals=1; plural=0;",
        "version": version,
    }
