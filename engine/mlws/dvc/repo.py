"""Opening and creation of DVC repositories."""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from mlws.core.errors import DVCConfigError, DVCNotInitializedError, DVCUnavailableError
from mlws.core.hub_environment import data_password
from mlws.core.paths import own_folder
from mlws.core.secrets import mask_credentials
from mlws.dvc import yaml_loader
from mlws.dvc.settings import DataSettings

_ANCHOR = re.compile(r"(?:^|[\s\[{,:-])&[^\s&]")
_QUOTED_SETTING = re.compile(r" \(('.*'|\".*\")\)")
"""A line of the settings in a message about it: it may hold a password."""


def initialize(root: Path) -> None:
    """Set DVC up in the git repository at ``root``; its new files are added to git's index."""
    _import_dvc()
    _use_private_cache()
    from dvc.repo import Repo

    repo = Repo.init(str(root))
    try:
        # By default DVC leaves a setting that is false out of the command line, which then
        # looks like one that is not set; this passes `--no-scale`.
        with repo.config.edit("repo") as config:
            config["parsing"] = {"bool": "boolean_optional"}
    finally:
        repo.close()


@contextmanager
def open_repo(root: Path, *, wait: bool = True, spare: bytes | None = None) -> Iterator[Any]:
    """Yield a ``dvc.repo.Repo`` for one operation on one thread.

    Neither it nor its stages may be shared. With ``wait`` it waits for DVC's own lock instead of
    failing at once. ``spare`` is the content that is read in place of a broken ``.dvc/config``.
    Raises DVCNotInitializedError if DVC is not set up, DVCConfigError if its settings can't be
    read.
    """
    _import_dvc()
    _use_private_cache()
    from dvc.config import ConfigError
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo
    from dvc.scm import SCMError

    settings = DataSettings(root)
    try:
        settings.add_shared_project()
    except DVCConfigError:
        if spare is None:
            raise
    try:
        try:
            repo = Repo(str(root), _wait_for_lock=wait)
        except ConfigError:
            if spare is None:
                raise
            repo = _repo_class(spare)(str(root), _wait_for_lock=wait)
    except NotDvcRepoError as error:
        raise DVCNotInitializedError() from error
    except (ConfigError, SCMError) as error:
        # The latter if `.dvc` is a link that leads out of the repository.
        reason = _QUOTED_SETTING.sub("", " ".join(str(error).split()))
        raise DVCConfigError(reason=mask_credentials(reason)) from error
    from mlws.dvc.run_cache import SafeStageCache

    repo.stage_cache = SafeStageCache(repo)
    for remote in repo.config.get("remote", {}).values():
        password = data_password(str(remote.get("url", "")))
        if password is not None:
            remote["password"] = password
    try:
        yield repo
    finally:
        repo.close()


def disable_prompts(fs: Any) -> Any:
    """Return a remote's file system that never prompts: the process may have no terminal.

    If a credential that it needs is not configured, the remote refuses the connection.
    """
    if fs.protocol == "ssh":
        from asyncssh import SSHClient

        fs.fs_args["client_factory"] = SSHClient
    return fs


def _repo_class(settings: bytes) -> Any:
    """Return a subclass of DVC's ``Repo`` that reads these settings as its ``.dvc/config``."""
    from dvc.config import Config
    from dvc.repo import Repo

    class Settings(Config):  # type: ignore[misc]  # DVC has no types
        def _load_config(self, level: str) -> Any:
            if level == "repo":
                return self.load_file(self.files[level], fs=_OneFile(settings))
            return super()._load_config(level)

    class Described(Repo):  # type: ignore[misc]
        @cached_property
        def config(self) -> Any:
            return Settings(self.dvc_dir, local_dvc_dir=self.local_dvc_dir, fs=self.fs)

    return Described


class _OneFile:
    """A file system in which every file has the same content."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def open(self, path: str) -> io.BytesIO:
        return io.BytesIO(self._content)


def _use_private_cache() -> None:
    """Let DVC keep its hashes where only this user can write: it reads them as pickles.

    Its default is a folder of all users. Not once a process: a run's process gets the variables of
    the next run.
    """
    if "DVC_SITE_CACHE_DIR" not in os.environ:
        os.environ["DVC_SITE_CACHE_DIR"] = str(own_folder(user_cache_path()) / "dvc")


@cache
def _import_dvc() -> None:
    """Import DVC quietly: no reports of usage, no hints and bars on our streams.

    It refuses YAML whose aliases mean millions of values, which it would write out in memory.
    """
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    try:
        import dvc.logger  # noqa: F401
        from dvc.utils.serialize import ParseError, _yaml
    except ImportError as error:
        raise DVCUnavailableError(reason=str(error)) from error
    parse_yaml = _yaml.parse_yaml

    def parse(text: str, path: str, typ: str = "safe") -> Any:
        if _ANCHOR.search(text) and "*" in text:
            from ruamel.yaml.error import MarkedYAMLError

            try:
                yaml_loader.compose_by_ruamel(text)
            except MarkedYAMLError as error:
                raise ParseError(path, error.problem or str(error)) from error
        return parse_yaml(text, path, typ)

    _yaml.parse_yaml = parse
    logging.getLogger("dvc").setLevel(logging.WARNING)
    logging.getLogger("dvc_objects").setLevel(logging.WARNING)
    logging.getLogger("dvc_data").setLevel(logging.WARNING)
