"""The settings of an installation: variables, the file, and the program that changes it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub_config import settings_file
from hub_config.setting_kinds import SettingError
from hub_config.settings import ROOT, Settings, chinese_texts, variable_of

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
AMOUNTS = st.sampled_from(["1", "0.5", "500m", "2Gi", "1024"])
RESOURCES = st.dictionaries(st.sampled_from(["cpu", "memory", "gpu"]), AMOUNTS)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.from_regex(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True),
    "ip": st.ip_addresses().map(str),
    "port": st.integers(1, 65535),
    "host_ports": st.lists(st.integers(1, 65535)),
    "administrator": TEXTS.filter(bool),
    "images": st.just({"Lab": "a", "With space": "b:1"}),
    "max_resources": RESOURCES,
    "profiles": st.dictionaries(TEXTS, RESOURCES),
    "capacity": RESOURCES,
    "idle_limit": st.integers(0, 10**6),
    "home_quota": st.sampled_from(["", "20Gi"]),
    "metrics_token": TEXTS,
    "queue_wait": st.floats(0.1, 10**5),
    "swarm": st.booleans(),
    "docker_host": TEXTS,
}


def _configure(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hub_config.configure", *arguments],
        cwd=ROOT,
        env={**os.environ, "HUB_DATA": str(folder), **variables},
        capture_output=True,
        text=True,
    )


@given(st.fixed_dictionaries({}, optional=VALUES), st.fixed_dictionaries({}, optional=VALUES))
@settings(max_examples=60, deadline=None)
def test_variables_and_file_hold_any_settings(one: dict[str, Any], other: dict[str, Any]) -> None:
    given_settings = Settings.read({}, one)
    assert Settings.read(given_settings.variables()) == given_settings
    text = settings_file.document()
    for values in (one, other):
        for name, value in values.items():
            text = settings_file.replace(text, name, value)
    everything = one | other
    assert Settings.read({}, settings_file.parse(text, Path("f"))) == Settings.read({}, everything)
    for name in everything:
        text = settings_file.replace(text, name, None)
    assert tomllib.loads(text) == {}
    assert Settings.read({}, tomllib.loads(text)) == Settings.read({})


def test_the_file_explains_every_setting_in_both_languages() -> None:
    text = settings_file.document()
    assert set(chinese_texts()) == {"", *(one.name for one in fields(Settings))}
    for one in fields(Settings)[1:]:
        chinese = chinese_texts()[one.name]
        assert f"# {one.metadata['about']}\n# {chinese}\n# {one.name} =" in text
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


def test_a_change_keeps_what_a_person_wrote() -> None:
    text = (
        '# mine\nport = 1 # why\nimages = {\n  "A" = "a", # of ours\n}\n\n[capacity]\ncpu = "1"\n'
    )
    # TOML 1.0 has no line breaks in such a table, so a reader is told so.
    with pytest.raises(SettingError, match=r"hub-config.toml: .* line 3"):
        settings_file.parse(text, Path("hub-config.toml"))
    text = '# mine\n\nhost_ports = [\n  1, # one\n]\nport = 1\n\n[capacity]\ncpu = "1"\n'
    changed = settings_file.replace(text, "host_ports", (2,))
    assert changed == '# mine\n\nhost_ports = [2]\nport = 1\n\n[capacity]\ncpu = "1"\n'
    assert tomllib.loads(settings_file.replace(text, "name", "a")) == {
        **tomllib.loads(text),
        "name": "a",
    }
    with pytest.raises(SettingError, match="'capacity' is written as a table"):
        settings_file.replace(text, "capacity", {"cpu": "2"})


def test_a_start_changes_what_its_variables_say_and_nothing_else(tmp_path: Path) -> None:
    first = {"HUB_DATA": str(tmp_path), "HUB_PORT": "9000", "HUB_CAPACITY": '{"cpu": "40"}'}
    changes = settings_file.save(settings_file.load(first), first)
    assert [(one.name, one.before, one.after) for one in changes] == [
        ("port", "8000", "9000"),
        ("capacity", "", '{"cpu": "40"}'),
    ]
    file = tmp_path / "hub-config.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    another_shell = {"HUB_DATA": str(tmp_path)}
    assert settings_file.load(another_shell).port == 9000
    assert settings_file.save(settings_file.load(another_shell), another_shell) == []
    assert file.read_bytes() == before
    third = {**another_shell, "HUB_PORT": "8000"}
    assert [one.after for one in settings_file.save(settings_file.load(third), third)] == ["8000"]
    assert settings_file.load(another_shell) == Settings.read({**another_shell, **first, **third})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nport = 99999", "line 2: Invalid port 99999: set it to a port, from 1 to 65535"),
        ("port = true", "line 1: Invalid port True"),
        ('max_resource = {cpu = "1"}', "line 1: unknown key 'max_resource'; did you mean"),
        ('[max_resources]\ncpu = "many"', "line 1: Invalid max_resources"),
        ('name = "Über"', "Invalid name 'Über': set it to 1 to 40 lowercase letters"),
        ('subnet = "198.18.0.1/20"', "Invalid subnet"),
        ("swarm = 1", "Invalid swarm 1: set it to true or false"),
        ("images = {}", "Invalid images"),
        ('administrator = ""', "Invalid administrator '': set it to a text that is not empty"),
        ('environment_size = ""', "Invalid environment_size"),
        ("queue_wait = inf", "Invalid queue_wait"),
        ("port = ", "hub-config.toml: Invalid value .at end of document"),
        ('default_image = "No"', "Invalid HUB_DEFAULT_IMAGE 'No': set it to one of Lab"),
    ],
)
def test_a_fault_in_the_file_is_named_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "hub-config.toml").write_text(text)
    with pytest.raises(SettingError, match=message):
        settings_file.load({"HUB_DATA": str(tmp_path)})
    done = _configure(tmp_path, "--show")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("one", fields(Settings), ids=lambda one: one.name)
def test_a_fault_in_a_variable_is_named(one: Any) -> None:
    is_text = one.metadata["kind"].valid.startswith(("a text", "the path of a folder"))
    text = "two\nlines" if is_text else "?"
    with pytest.raises(SettingError, match=f"^Invalid {variable_of(one)} "):
        Settings.read({variable_of(one): text})


def test_settings_are_assigned_together_or_not_at_all(tmp_path: Path) -> None:
    done = _configure(tmp_path / "new", "port=9000", 'user_limit={"cpu": "2"}', "swarm=1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:4] == [
        "  port = 9000",
        '  user_limit = {"cpu": "2"}',
        "  swarm = 1",
    ]
    before = (tmp_path / "new/hub-config.toml").read_text()
    for wrong in ("swarm=maybe", "prot=1", "capacity={"):
        done = _configure(tmp_path / "new", "port=9001", wrong)
        assert done.returncode == 1
        assert (tmp_path / "new/hub-config.toml").read_text() == before
    assert _configure(tmp_path / "new", "port=", "swarm=").returncode == 0
    assert settings_file.load({"HUB_DATA": str(tmp_path / "new")}).port == 8000


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    url = "postgresql://hub:very-secret@db/hub"
    done = _configure(tmp_path, f"database={url}", "metrics_token=very-secret")
    assert done.returncode == 0, done.stderr
    assert "database = postgresql://hub:…@db/hub" in done.stdout
    assert "very-secret" not in done.stdout + done.stderr
    assert settings_file.load({"HUB_DATA": str(tmp_path)}).database == url


def test_an_editor_changes_the_file_only_if_it_is_valid(tmp_path: Path) -> None:
    """A terminal of its own for the question; the editor is a program that writes a line."""
    pexpect = pytest.importorskip("pexpect")
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\ncat "$NEW" >> "$1"\n')
    editor.chmod(0o755)
    new = tmp_path / "new"
    environment = {
        **os.environ,
        "HUB_DATA": str(tmp_path / "hub"),
        "EDITOR": str(editor),
        "VISUAL": "",
        "NEW": str(new),
    }

    def edit(line: str) -> Any:
        new.write_text(line)
        command = ["-m", "hub_config.configure"]
        return pexpect.spawn(
            sys.executable, command, cwd=str(ROOT), env=environment, encoding="utf-8", timeout=30
        )

    terminal = edit("port = 0\n")
    terminal.expect("Invalid port 0")
    terminal.expect("Edit again")
    terminal.sendline("n")
    terminal.expect("Nothing changed")
    terminal.expect(pexpect.EOF)
    assert not (tmp_path / "hub").exists()
    terminal = edit("port = 9000\n")
    terminal.expect("port = 9000")
    terminal.expect(pexpect.EOF)
    assert settings_file.load(environment).port == 9000
