"""Environments are read from the program that runs, and again only after a change."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.environments.inspector import FILE, Inspector
from jupyter_mlws.environments.record import Difference, Environment, differences
from mlws.environments.programs import Language, Program


def program(folder: Path) -> Program:
    return Program(Language.PYTHON, str(folder / "bin/python"), str(folder))


@pytest.fixture
def inspector(tmp_path: Path) -> Inspector:
    return Inspector(tmp_path)


def read(inspector: Inspector, place: Program) -> Environment:
    environment = inspector.environment(place, os.environ)
    assert environment is not None
    return environment


def test_packages_of_another_python(
    inspector: Inspector, install: Callable[..., None], tmp_path: Path
) -> None:
    folder = tmp_path / "venv"
    install(folder, "alpha==1.0", "beta-two==2.0")
    found = read(inspector, program(folder))
    assert found.packages == {"alpha": "1.0", "beta-two": "2.0"}
    assert (found.implementation, found.version) == (
        "CPython",
        ".".join(map(str, sys.version_info[:3])),
    )
    assert found.sources == {}
    assert Environment.restore(found.text) == found
    assert found.requirements.splitlines()[1:] == ["alpha==1.0", "beta-two==2.0"]


def test_equal_environments_have_one_id_wherever_they_are(
    inspector: Inspector, install: Callable[..., None], tmp_path: Path
) -> None:
    for name in ("one", "two"):
        install(tmp_path / name, "alpha==1.0")
    one, two = (read(inspector, program(tmp_path / name)) for name in ("one", "two"))
    assert one.id == two.id
    install(tmp_path / "two", "alpha==2.0")
    two = read(inspector, program(tmp_path / "two"))
    assert differences(one, two) == [Difference("alpha", "1.0", "2.0")]


def test_a_later_process_starts_no_program(
    inspector: Inspector, install: Callable[..., None], tmp_path: Path
) -> None:
    folder = tmp_path / "venv"
    install(folder, "alpha==1.0")
    unknown = Inspector(tmp_path, may_start=False)
    assert unknown.environment(program(folder), os.environ) is None
    first = read(inspector, program(folder))
    inspector.save()
    later = Inspector(tmp_path, may_start=False)
    assert read(later, program(folder)) == first
    install(folder, "beta-two==1.0")
    assert read(later, program(folder)).packages == {"alpha": "1.0", "beta-two": "1.0"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1, "entries": {"a": 1}}'])
def test_a_damaged_file_is_read_anew(
    install: Callable[..., None], tmp_path: Path, text: str
) -> None:
    (tmp_path / FILE).write_text(text)
    install(tmp_path / "venv", "alpha==1.0")
    inspector = Inspector(tmp_path)
    assert read(inspector, program(tmp_path / "venv")).packages == {"alpha": "1.0"}
    inspector.save()
    assert json.loads((tmp_path / FILE).read_text())["entries"]


def test_a_directory_of_modules_is_not_watched(
    inspector: Inspector, install: Callable[..., None], tmp_path: Path
) -> None:
    """Scripts write files beside themselves."""
    install(tmp_path / "venv", "alpha==1.0")
    modules = tmp_path / "modules"
    modules.mkdir()
    variables = {**os.environ, "PYTHONPATH": str(modules)}
    read_once = inspector.environment(program(tmp_path / "venv"), variables)
    assert read_once is not None
    (modules / "new.py").write_text("")
    assert inspector.environment(program(tmp_path / "venv"), variables) is read_once


def test_this_python_is_read_without_a_process(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Program(Language.PYTHON, sys.executable, "/")
    monkeypatch.setattr(subprocess, "run", None)
    found = read(inspector, here)
    assert found.packages["pytest"] == pytest.__version__


def test_a_program_that_is_gone_or_broken_has_no_environment(
    inspector: Inspector, tmp_path: Path
) -> None:
    assert inspector.environment(program(tmp_path / "missing"), os.environ) is None
    (tmp_path / "bin").mkdir()
    for text in ("#!/bin/sh\nexit 1\n", "#!/bin/sh\necho nonsense\n", "#!/bin/sh\n"):
        (tmp_path / "bin/python").write_text(text)
        (tmp_path / "bin/python").chmod(0o755)
        assert inspector.environment(program(tmp_path), os.environ) is None


def test_sources_that_are_no_index(
    inspector: Inspector, install: Callable[..., None], wheels: Path, tmp_path: Path
) -> None:
    wheel = wheels / "alpha-1.0-py3-none-any.whl"
    install(tmp_path / "venv", f"alpha @ {wheel.as_uri()}")
    source = tmp_path / "source"
    source.mkdir()
    (source / "gamma.py").write_text("")
    (source / "pyproject.toml").write_text(
        "[project]\nname = 'gamma'\nversion = '0.1'\n"
        "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n"
    )
    git = ("git", "-c", "user.name=A", "-c", "user.email=a@example.org", "-C", str(source))
    subprocess.run([*git[:-2], "init", "--quiet", str(source)], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "one"], check=True)
    # As an installer writes it; building one needs an index.
    site = next((tmp_path / "venv/lib").iterdir()) / "site-packages"
    metadata = site / "gamma-0.1.dist-info"
    metadata.mkdir()
    record = {"url": source.as_uri(), "dir_info": {"editable": True}}
    (metadata / "direct_url.json").write_text(json.dumps(record))
    token = site / "delta-1.0.dist-info"
    token.mkdir()
    (token / "direct_url.json").write_text(
        json.dumps(
            {
                "url": "https://me:secret@example.org/delta.git",
                "vcs_info": {"vcs": "git", "commit_id": "f" * 40},
            }
        )
    )
    first = read(inspector, program(tmp_path / "venv"))
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    assert first.sources["gamma"] == {
        "url": source.as_uri(),
        "editable": True,
        "commit": head.stdout.strip(),
    }
    assert first.sources["delta"]["url"] == "git+https://example.org/delta.git"
    assert "secret" not in first.text
    assert first.sources["alpha"]["url"] == wheel.as_uri()
    subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "two"], check=True)
    second = read(inspector, program(tmp_path / "venv"))
    assert [change.name for change in differences(first, second)] == ["gamma"]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "[]",
            "{}",
            "null",
            '{"url": 1, "archive_info": [1]}',
            '{"url": "x", "vcs_info": "y"}',
        ),
        *('{"url": "x", "archive_info": {"hashes": [1]}}', "[" * 100_000),
    ],
)
def test_a_package_with_odd_files(
    inspector: Inspector, install: Callable[..., None], tmp_path: Path, text: str
) -> None:
    folder = tmp_path / "venv"
    install(folder, "alpha==1.0")
    (site,) = folder.glob("lib/python3.*/site-packages")
    for name in ("odd-1.0", "noversion", "-"):
        (site / f"{name}.dist-info").mkdir()
    (site / "odd-1.0.dist-info/direct_url.json").write_text(text)
    (site / "piped-2.0.dist-info").mkdir()
    os.mkfifo(site / "piped-2.0.dist-info/direct_url.json")
    assert read(inspector, program(folder)).packages.items() >= {
        "alpha": "1.0", "odd": "1.0", "piped": "2.0"
    }.items()  # fmt: skip


def test_what_conda_has_installed(
    inspector: Inspector, install: Callable[..., None], tmp_path: Path
) -> None:
    folder = tmp_path / "venv"
    install(folder, "alpha==1.0")
    meta = folder / "conda-meta"
    meta.mkdir()
    (meta / "openblas-0.3.30-h1_0.json").write_text("{}")
    (meta / "history").write_text("")
    found = read(inspector, program(folder))
    assert found.conda == {"openblas": "0.3.30=h1_0"}
    (meta / "openblas-0.3.30-h1_0.json").rename(meta / "openblas-0.3.31-h1_0.json")
    later = read(inspector, program(folder))
    assert differences(found, later) == [Difference("openblas", "0.3.30=h1_0", "0.3.31=h1_0")]


def test_julia_by_its_manifest(inspector: Inspector, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    julia = tmp_path / "bin/julia"
    julia.write_text("#!/bin/sh\necho julia version 1.11.2\n")
    julia.chmod(0o755)
    manifest = tmp_path / "Manifest.toml"
    manifest.write_text('[[deps.CSV]]\nversion = "0.10.15"\n')
    place = Program(Language.JULIA, str(julia), str(tmp_path))
    first = read(inspector, place)
    assert (first.title, dict(first.packages)) == ("Julia 1.11.2", {"CSV": "0.10.15"})
    manifest.write_text('[[deps.CSV]]\nversion = "0.10.16"\n# more\n')
    assert "CSV" in {change.name for change in differences(first, read(inspector, place))}


@pytest.mark.skipif(
    shutil.which("Rscript") is None and not os.environ.get("MLWS_REQUIRE_R"), reason="R is missing"
)
def test_r_by_its_lock_else_by_its_library(inspector: Inspector, tmp_path: Path) -> None:
    place = Program(Language.R, str(shutil.which("Rscript")), str(tmp_path))
    library = read(inspector, place)
    assert library.implementation == "R"
    assert library.packages["stats"] == library.version
    packages = {"jsonlite": {"Package": "jsonlite", "Version": "1.8.9"}}
    (tmp_path / "renv.lock").write_text(json.dumps({"R": {}, "Packages": packages}))
    found = Inspector(tmp_path / "other").environment(place, os.environ)
    assert found is not None
    assert found.packages == {"jsonlite": "1.8.9"}
    assert found.lock["path"] == "renv.lock"


def test_differences_name_imports_first() -> None:
    old = Environment(Language.PYTHON, "CPython", "3.11.7", "linux", {"a": "1", "z": "1", "b": "1"})
    new = Environment(Language.PYTHON, "CPython", "3.12.0", "linux", {"a": "2", "z": "2", "c": "1"})
    assert [str(change) for change in differences(old, new, ["z"])] == [
        "interpreter CPython 3.11.7 → CPython 3.12.0",
        "z 1 → 2",
        "a 1 → 2",
        "−b 1",
        "+c 1",
    ]
