"""Environments as the API has them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jupyter_mlws.core.schemas import Record, Request
from jupyter_mlws.environments.record import Difference
from mlws.environments.definitions import State, Tool


class PackageChange(Record):
    """A package, or the ``interpreter``, of another version; null where it is not installed."""

    name: str
    before: str | None
    after: str | None

    @classmethod
    def of(cls, change: Difference) -> PackageChange:
        """Return a difference of records in the API's form."""
        return cls(name=change.name, before=change.before or None, after=change.after or None)


class EnvironmentRecord(Record):
    """An environment in which nodes or cells ran.

    ``packages``: versions by name. ``sources``: where packages come from that are from no index:
    ``url``, with ``hash`` or ``commit``, and ``editable``. ``conda``: other packages of conda, as
    ``VERSION=BUILD``. ``lock``: path and SHA-256 of the file that says so for R and Julia.
    ``requirements``: the packages as the text of a requirements file, for pip and uv.
    """

    id: str
    language: str
    title: str
    platform: str
    packages: dict[str, str]
    sources: dict[str, dict[str, Any]]
    conda: dict[str, str]
    lock: dict[str, str]
    requirements: str


class UnavailablePackage(Record):
    """A package that cannot be installed again.

    ``reason`` is that of the package index; null for a package that came from a directory. Of a
    whole environment that cannot be installed ``name`` is its name, without ``version``.
    """

    name: str
    version: str | None
    reason: str | None


class RebuiltEnvironment(Record):
    """The environment of a run that was built again.

    ``source`` is the ``lock`` of the project's environment ``name``, the ``record`` of the run, or
    the ``present`` environment, which is the same. ``prefix``: the directory that it was built in,
    from the reproduction's root. ``differences``: packages that are not as in the run.
    """

    id: str
    title: str
    source: Literal["present", "lock", "record"]
    name: str | None = None
    prefix: str | None = None
    unavailable: list[UnavailablePackage] = Field(default_factory=list)
    differences: list[PackageChange] = Field(default_factory=list)


class ProjectEnvironment(Record):
    """An environment that a project defines.

    ``files`` define it, ``lock`` has exact versions (null if there is none yet), and ``prefix`` is
    the directory that it is installed into; all from the project's root. ``kernel`` is the name of
    its kernel in Jupyter, which cannot start as long as it ``needs_ipykernel``.
    """

    name: str
    tool: Tool
    files: list[str]
    lock: str | None
    prefix: str
    state: State
    kernel: str
    needs_ipykernel: bool


class LockDifference(Record):
    """A package whose installed version is not that of the lock; null where it is not there."""

    name: str
    version: str | None
    locked: str | None


class EnvironmentUse(Record):
    """A node whose command runs in an environment, or a notebook that names its kernel.

    ``path`` of the workflow or the notebook from the project's root; ``name`` of the node or file.
    """

    kind: Literal["node", "notebook"]
    path: str
    name: str


class ProjectEnvironmentDetail(ProjectEnvironment):
    """An environment with its packages, differences from its lock, size in bytes, and uses.

    ``required``: the packages that its files name, of which the others are dependencies.
    """

    packages: dict[str, str]
    required: list[str]
    differences: list[LockDifference]
    size: int
    used_by: list[EnvironmentUse]


class CreateEnvironment(Request):
    """``python``: a version such as 3.12; without one, that of the lab or later."""

    name: str
    python: str | None = None
    packages: list[str] = Field(default_factory=list)


class PackagesRequest(Request):
    """Requirements to add, such as ``pandas>=3``, or names to remove."""

    packages: list[str] = Field(min_length=1)


class EnvironmentDeleted(Record):
    """The directories that were deleted."""

    name: str
    paths: list[str]
