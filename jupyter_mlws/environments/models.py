"""Environments as the API has them."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.core.schemas import Record


class PackageChange(Record):
    """A package, or the ``interpreter``, of another version; null where it is not installed."""

    name: str
    before: str | None
    after: str | None


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
