"""The lock files of requirements/ fit pyproject.toml and name no index; packages have checksums."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from scripts.lock import SETS

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==(\S+)")


def pins(name: str) -> dict[str, list[str]]:
    """Return the versions of each package in ``requirements/NAME.txt``; several by markers."""
    versions: dict[str, list[str]] = {}
    for line in (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if match := PIN.match(line):
            versions.setdefault(canonicalize_name(match[1]), []).append(match[2])
    return versions


def requirements(name: str) -> list[Requirement]:
    """Return what pyproject.toml and the set's own file ask for."""
    extras = [option.partition("=")[2] for option in SETS[name] if option.startswith("--extra=")]
    rows = list(PYPROJECT["project"]["dependencies"])
    for extra in extras:
        rows += PYPROJECT["project"]["optional-dependencies"][extra]
    for option in SETS[name]:
        if option.endswith(".in"):
            lines = (ROOT / option).read_text(encoding="utf-8").splitlines()
            rows += [line for line in lines if not line.startswith("#")]
    return [Requirement(row) for row in rows]


@pytest.mark.parametrize("name", SETS)
def test_each_requirement_is_locked_at_versions_it_allows(name: str) -> None:
    locked = pins(name)
    for requirement in requirements(name):
        versions = locked.get(canonicalize_name(requirement.name), [])
        assert versions, f"{requirement} is not in requirements/{name}.txt: make lock"
        for version in versions:
            assert requirement.specifier.contains(version), f"{requirement}, locked: {version}"


def test_packages_have_the_same_versions_in_all_sets() -> None:
    every = pins("dev")
    for name in SETS:
        for package, versions in pins(name).items():
            assert set(versions) <= set(every.get(package, versions)), package


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_each_pin_has_hashes_and_no_index_is_named(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    blocks = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    for block in blocks:
        if PIN.match(block):
            assert "--hash=sha256:" in block, block.splitlines()[0]


def test_each_package_of_npm_has_a_checksum_and_a_build_does_not_change_the_lock() -> None:
    blocks = (ROOT / "yarn.lock").read_text(encoding="utf-8").split("\n\n")
    packages = [
        block for block in blocks if "  resolution: " in block and "@workspace:" not in block
    ]
    assert packages
    for block in packages:
        # Yarn writes none for a package that only some systems install.
        assert "  checksum: " in block or "  conditions: " in block, block
    assert "enableImmutableInstalls: true" in (ROOT / ".yarnrc.yml").read_text(encoding="utf-8")


def test_the_conda_recipe_asks_for_the_same() -> None:
    recipe = YAML(typ="safe").load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == package["version"]
    _, *run = recipe["requirements"]["run"]
    expected = {canonicalize_name(one.name): str(one.specifier) for one in requirements("lab")}
    del expected["jupyterlab-language-pack-zh-cn"]
    # Only the library, without the toolkits of desktop windows.
    expected["matplotlib-base"] = expected.pop("matplotlib")
    parts = (line.partition(" ") for line in run)
    assert {canonicalize_name(name): str(SpecifierSet(spec)) for name, _, spec in parts} == expected
