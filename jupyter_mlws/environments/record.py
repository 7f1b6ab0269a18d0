"""Record of an environment, which is stored once by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from mlws.environments.programs import Language

FOLDER = ".mlws/environments"
TRAILER_ENVIRONMENT = "Mlws-Environment"
"""Trailer of a snapshot with the ID of an environment in which its data was made."""
IMAGE_LINE = "# image: "
"""Start of the line of a requirements file with the image of the Hub's container."""
INTERPRETER = "interpreter"
"""The name under which a difference of interpreters is reported."""


@dataclass(frozen=True)
class Environment:
    """Interpreter and packages.

    ``packages``: versions by normalized name. ``sources``: for packages that come from no index,
    where they come from (``url`` with ``hash`` or ``commit``, ``editable``). ``conda``: what conda
    has installed, as ``VERSION=BUILD`` by name. ``lock``: path and SHA-256 of the file that the
    environment was read from, where its language has one. ``image``: name and digest of the image
    of a container, or of the Hub's container that it is in.
    """

    language: Language
    implementation: str = ""
    version: str = ""
    platform: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    conda: Mapping[str, str] = field(default_factory=dict)
    lock: Mapping[str, str] = field(default_factory=dict)
    image: str = ""

    @classmethod
    def restore(cls, text: str) -> Environment:
        """Return the environment of a stored record, which may be one of another release."""
        record = json.loads(text)
        fields = {name: record[name] for name in cls.__dataclass_fields__ if name in record}
        return cls(**{**fields, "language": Language(record["language"])})

    @classmethod
    def from_requirements(cls, text: str) -> Environment:
        """Return the environment of Python that :attr:`requirements` describes."""
        title, *lines = text.splitlines() or [""]
        interpreter, _, platform = title.removeprefix("# ").partition(", ")
        implementation, _, version = interpreter.partition(" ")
        packages, sources, image = {}, {}, ""
        for line in lines:
            if line.startswith(IMAGE_LINE):
                image = line.removeprefix(IMAGE_LINE)
                continue
            name, equals, release = line.partition("==")
            if equals:
                # Of an editable package: ``# NAME==VERSION is editable: URL, commit COMMIT``.
                name, release = name.removeprefix("# "), release.split(" ")[0]
                if line.startswith("# "):
                    sources[name] = {"editable": True, "url": line.split(": ", 1)[-1]}
            else:
                name, _, url = line.partition(" @ ")
                sources[name] = {"url": url}
            packages[name] = release
        return cls(
            Language.PYTHON, implementation, version, platform, packages, sources, image=image
        )

    @cached_property
    def text(self) -> str:
        """The record: JSON with sorted keys, without what is empty."""
        record = {name: value for name, value in asdict(self).items() if value}
        return json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    @cached_property
    def id(self) -> str:
        """SHA-256 of the record."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def title(self) -> str:
        """The interpreter in a few words, such as ``CPython 3.11.7``."""
        if self.language is Language.CONTAINER:
            return self.image
        return f"{self.implementation} {self.version}".strip() or self.language

    @property
    def requirements(self) -> str:
        """The packages as lines of a requirements file, which pip and uv can install."""
        lines = [f"# {self.title}, {self.platform}".rstrip(", ")]
        if self.image:
            lines.append(f"{IMAGE_LINE}{self.image}")
        for name, version in self.packages.items():
            source = self.sources.get(name, {})
            url = str(source.get("url", ""))
            if url and source.get("commit") and not source.get("editable"):
                url = f"{url}@{source['commit']}"
            if url and source.get("editable"):
                commit = source.get("commit", "unknown")
                lines.append(f"# {name}=={version} is editable: {url}, commit {commit}")
            else:
                lines.append(f"{name} @ {url}" if url else f"{name}=={version}")
        return "\n".join(lines) + "\n"


def file_path(environment: Environment) -> str:
    """Return the path at which versions have an environment; its name is that of its content."""
    suffix = "txt" if environment.language is Language.PYTHON else "json"
    return f"{FOLDER}/{environment.id[:12]}.{suffix}"


def file_text(environment: Environment) -> str:
    """Return what versions have of an environment: requirements for Python, else the record."""
    if environment.language is Language.PYTHON:
        return environment.requirements
    return json.dumps(json.loads(environment.text), indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Difference:
    """A package of another version, or the interpreter; empty where there is none."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return f"+{self.name} {self.after}"
        if not self.after:
            return f"−{self.name} {self.before}"
        return f"{self.name} {self.before} → {self.after}"


def differences(
    before: Environment, after: Environment, first: Iterable[str] = ()
) -> list[Difference]:
    """Return what differs, the interpreter and the packages named in ``first`` before others."""
    changes = []
    if (before.title, before.platform) != (after.title, after.platform):
        same = before.title == after.title
        titles = [f"{one.title} {one.platform}" if same else one.title for one in (before, after)]
        changes.append(Difference(INTERPRETER, *titles))
    rank = {name: place for place, name in enumerate(first)}
    old, new = dict(_versions(before)), dict(_versions(after))
    names = sorted(old.keys() | new.keys(), key=lambda name: (rank.get(name, len(rank)), name))
    changes += [
        Difference(name, old.get(name, ""), new.get(name, ""))
        for name in names
        if old.get(name) != new.get(name)
    ]
    return changes


def _versions(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield each package with its version, and its commit if it comes from a repository."""
    if environment.image and environment.language is not Language.CONTAINER:
        name, _, digest = environment.image.rpartition(" ")
        yield "image", f"{name} ({digest.removeprefix('sha256:')[:12]})"
    yield from environment.conda.items()
    for name, version in environment.packages.items():
        source = environment.sources.get(name, {})
        mark = str(source.get("commit") or source.get("hash") or "")
        yield name, f"{version} ({mark[:12]})" if mark else version
    if environment.lock:
        yield environment.lock["path"], environment.lock["sha256"][:12]
