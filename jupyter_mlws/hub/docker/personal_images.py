"""Images of users in Docker: the packages of a container, installed on a clean base image.

A container is never committed as an image, because the image would contain tokens and secrets.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import tarfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from docker.errors import ImageNotFound, NotFound
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from jupyter_mlws.containers.models import Amount
from jupyter_mlws.containers.quantities import write_memory
from jupyter_mlws.core.errors import EnvironmentQuotaError, EnvironmentSaveError
from jupyter_mlws.hub.docker import container_config
from jupyter_mlws.hub.docker.engine import Engine, translate_docker_errors
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message

LABEL = "mlws.environment"
"""Labels of an image: ``.hub``, ``.user``, ``.name``, ``.base`` and ``.packages``."""
BUILDER = "mlws.builder"
"""Label of the container that builds an image; its value is the Hub's name."""
LIST = "/usr/local/share/environment.txt"
"""The packages that pip installed, which stay in the image, for pip and uv elsewhere."""
LONGEST = 1024**2
"""Maximum bytes of a container's list of packages."""
PREFIX = "my/"
"""Prefix of the names by which users request their own images."""
SCHEMES = ("http://", "https://", "git+https://", "git+http://")
BUILD_PROCESSES = 512
SILENCE_LIMIT = 600.0
"""Seconds without output after which pip is stopped."""
TIME_LIMIT = 1800.0
"""Seconds after which a call of pip is stopped."""
SIZE_INTERVAL = 5.0
"""Seconds between measurements of the bytes that a build has written."""
TOO_MUCH_OUTPUT = Message("the output exceeds {bytes} bytes")
TIMED_OUT = Message("timed out after {seconds:g} s")
INSTALLED = """
import importlib.metadata, json
found = {}
for one in importlib.metadata.distributions():
    name, direct = one.metadata["Name"], json.loads(one.read_text("direct_url.json") or "{}")
    url, vcs = direct.get("url", ""), direct.get("vcs_info")
    if vcs:
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    found.setdefault(name, f"{name} @ {url}" if url else f"{name}=={one.version}")
print(json.dumps(found))
"""
"""Program for the Python of a container that prints name → requirement of all packages."""


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PersonalImage:
    """An image that a user has saved; ``base`` is the label of its base image."""

    user: str
    name: str
    image: str
    base: str
    packages: int
    size: int
    created: datetime


@dataclass(frozen=True)
class Lock:
    """Changes to the packages of a base; those in ``left_out`` are not available elsewhere."""

    install: tuple[str, ...]
    remove: tuple[str, ...]
    left_out: tuple[str, ...]


def image_name(hub: str, user: str, name: str) -> str:
    """Return the name in Docker, a hash: user names are not valid image names."""
    key = hashlib.sha256(f"{user}/{name}".encode()).hexdigest()[:20]
    return f"{hub}-environment:{key}"


def own_images(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return a user's images in Docker's list: name to choose → image that Docker runs."""
    return choices(_read_all(rows))


def choices(images: Iterable[PersonalImage]) -> dict[str, str]:
    """Return one user's images: name to choose → image that Docker runs."""
    return {f"{PREFIX}{one.name}": one.image for one in images}


def lock(base: Mapping[str, str], now: Mapping[str, str]) -> Lock:
    """Return the changes that turn the packages ``base`` into ``now``.

    Both are output of :data:`INSTALLED`.
    """

    def is_requirement(row: str) -> bool:
        """Return whether a row is a version or a URL, and nothing else to pip."""
        try:
            requirement = Requirement(row)
        except InvalidRequirement:
            return False
        url = requirement.url
        return "\n" not in row and (url is None or url.startswith(SCHEMES))

    before = {canonicalize_name(name): row for name, row in base.items()}
    after = {canonicalize_name(name): row for name, row in now.items()}
    changed_rows = [row for name, row in sorted(after.items()) if before.get(name) != row]
    usable = [row for row in changed_rows if is_requirement(row)]
    return Lock(
        install=tuple(usable),
        remove=tuple(sorted(set(before) - set(after))),
        left_out=tuple(row for row in changed_rows if row not in usable),
    )


class PersonalImages:
    """Builds, lists and removes the images of the users of one Hub. Blocking and thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> list[PersonalImage]:
        """Return all images, sorted by user and name."""
        with translate_docker_errors():
            rows = self._engine.client.images(filters={"label": f"{LABEL}.hub={self._engine.hub}"})
        return sorted(_read_all(rows), key=lambda one: (one.user, one.name))

    def installed(self, docker: str) -> dict[str, str]:
        """Return name → requirement of all packages in a running container.

        Raises EnvironmentSaveError if the container can't list them.
        """
        code, output = self._run(docker, ["python", "-I", "-c", INSTALLED], {})
        try:
            if code:
                raise ValueError(output)
            packages = json.loads(next(row for row in output.splitlines() if row.startswith("{")))
            return {str(name): str(row) for name, row in packages.items()}
        except (ValueError, StopIteration):
            reason = Message("can't list the installed packages: {output}", output=_last(output))
            raise EnvironmentSaveError(reason=reason) from None

    def build(
        self,
        spec: ResolvedSpec,
        user: str,
        name: str,
        now: Mapping[str, str],
        settings: Mapping[str, str],
        most: int | None,
        limits: Amount,
        say: Callable[[str], None],
    ) -> Lock:
        """Build the image of ``spec`` with the packages ``now``, in a separate container.

        The container is confined. ``settings`` are variables for pip alone, which the image does
        not keep; ``most`` is the limit in bytes above the base. EnvironmentSaveError with the
        cause if the build fails; nothing is left in that case.
        """
        client = self._engine.client
        with _present():
            base = client.inspect_image(spec.image)
            builder = self._builder(spec, limits)
        try:
            with _present():
                client.start(builder)
            package_lock = lock(self.installed(builder), now)
            with self._limited(builder, most):
                self._install(builder, package_lock, settings, say)
            self._commit(builder, base, spec, user, name, package_lock, most)
            return package_lock
        finally:
            with translate_docker_errors(), contextlib.suppress(NotFound):
                client.remove_container(builder, v=True, force=True)

    @contextlib.contextmanager
    def _limited(self, builder: str, most: int | None) -> Iterator[None]:
        """Kill the builder if it has written more than ``most`` bytes; EnvironmentQuotaError."""
        stop_event = threading.Event()
        sizes: list[int] = []

        def measure() -> None:
            while most is not None and not stop_event.wait(SIZE_INTERVAL):
                try:
                    with _present():
                        rows = self._engine.client.containers(size=True, filters={"id": builder})
                        sizes.extend(row["SizeRw"] for row in rows if row.get("SizeRw", 0) > most)
                        if sizes:
                            self._engine.client.kill(builder)
                            return
                except MLWSError as error:
                    log.warning("Could not measure the size of %s: %s", builder[:12], error)

        thread = threading.Thread(target=measure, name=f"size of {builder[:12]}", daemon=True)
        thread.start()
        try:
            yield
        except MLWSError:
            if not sizes:
                raise
        finally:
            stop_event.set()
            thread.join()
        if sizes and most is not None:
            raise EnvironmentQuotaError(size=write_memory(sizes[0]), most=write_memory(most))

    def _builder(self, spec: ResolvedSpec, limits: Amount) -> str:
        client = self._engine.client
        host = client.create_host_config(
            **container_config.limits(limits),
            pids_limit=BUILD_PROCESSES,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            network_mode=self._engine.hub,
        )
        container = client.create_container(
            spec.image,
            ["sleep", "infinity"],
            labels={BUILDER: self._engine.hub},
            host_config=host,
            healthcheck={"test": ["NONE"]},
        )
        return str(container["Id"])

    def _install(
        self,
        builder: str,
        package_lock: Lock,
        settings: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        pip = ["python", "-m", "pip", "--disable-pip-version-check", "--no-input"]
        if package_lock.remove:
            self._pip(builder, [*pip, "uninstall", "--yes", *package_lock.remove], settings, say)
        if package_lock.install:
            content = "".join(f"{row}\n" for row in package_lock.install).encode()
            entry = tarfile.TarInfo(LIST.rpartition("/")[2])
            entry.size, entry.mode = len(content), 0o644
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w") as archive:
                archive.addfile(entry, io.BytesIO(content))
            with translate_docker_errors():
                folder = LIST.rpartition("/")[0]
                self._engine.client.put_archive(builder, folder, buffer.getvalue())
            install = ["install", "--no-deps", "--no-cache-dir", "--requirement", LIST]
            self._pip(builder, [*pip, *install], settings, say)

    def _pip(
        self,
        builder: str,
        command: Sequence[str],
        settings: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        code, output = self._run(builder, command, settings)
        for line in output.splitlines():
            say(line)
        if code:
            raise EnvironmentSaveError(reason=_last(output))

    def _commit(
        self,
        builder: str,
        base: Mapping[str, Any],
        spec: ResolvedSpec,
        user: str,
        name: str,
        package_lock: Lock,
        most: int | None,
    ) -> None:
        client = self._engine.client
        labels = {
            "hub": self._engine.hub,
            "user": user,
            "name": name,
            "base": spec.label,
            "packages": str(len(package_lock.install)),
        }
        image = image_name(self._engine.hub, user, name)
        repository, _, tag = image.partition(":")
        with translate_docker_errors():
            # The image gets the command and the health check of its base.
            new_image = client.commit(
                builder,
                repository,
                f"{tag}-new",
                conf={
                    **base["Config"],
                    "Labels": {
                        **(base["Config"].get("Labels") or {}),
                        **{f"{LABEL}.{key}": value for key, value in labels.items()},
                        f"{LABEL}.below": str(base["Size"]),
                        # Containers of the image must not have the builder's label.
                        BUILDER: "",
                    },
                },
            )
            size = client.inspect_image(new_image["Id"])["Size"] - base["Size"]
            if most is not None and size > most:
                client.remove_image(f"{image}-new", force=True)
                raise EnvironmentQuotaError(size=write_memory(size), most=write_memory(most))
            client.tag(new_image["Id"], repository, tag)
            client.remove_image(f"{image}-new", noprune=True)
            self._prune()

    def remove(self, user: str, name: str) -> None:
        """Remove an image; do nothing if it does not exist."""
        with translate_docker_errors():
            try:
                self._engine.client.remove_image(image_name(self._engine.hub, user, name))
            except ImageNotFound:
                return

    def _prune(self) -> None:
        """Remove replaced images that no container uses."""
        filters = {"dangling": ["true"], "label": [f"{LABEL}.hub={self._engine.hub}"]}
        self._engine.client.prune_images(filters=filters)

    def clean(self) -> None:
        """Remove builders that an earlier process left, and images that were replaced."""
        with translate_docker_errors():
            label = f"{BUILDER}={self._engine.hub}"
            for row in self._engine.client.containers(all=True, filters={"label": label}):
                with contextlib.suppress(NotFound):
                    self._engine.client.remove_container(row["Id"], v=True, force=True)
            self._prune()

    def _run(
        self,
        docker: str,
        command: Sequence[str],
        environment: Mapping[str, str],
    ) -> tuple[int, str]:
        deadline = time.monotonic() + TIME_LIMIT
        output = bytearray()
        with _present(), contextlib.closing(self._engine.connect(SILENCE_LIMIT)) as client:
            exec_instance = client.exec_create(docker, list(command), environment=dict(environment))
            for piece in client.exec_start(exec_instance["Id"], stream=True):
                output += piece
                if len(output) > LONGEST:
                    raise EnvironmentSaveError(reason=TOO_MUCH_OUTPUT.fill(bytes=LONGEST))
                if time.monotonic() > deadline:
                    raise EnvironmentSaveError(reason=TIMED_OUT.fill(seconds=TIME_LIMIT))
            code = client.exec_inspect(exec_instance["Id"])["ExitCode"]
        return int(code or 0), output.decode(errors="replace")


@contextlib.contextmanager
def _present() -> Iterator[None]:
    """Raise EnvironmentSaveError if a container or image was removed meanwhile."""
    try:
        with translate_docker_errors():
            yield
    except NotFound as error:
        raise EnvironmentSaveError(reason=str(error.explanation)) from error


def _last(output: str) -> str:
    """Return the last line that is not blank."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no output"


def _read_all(rows: Iterable[Mapping[str, Any]]) -> list[PersonalImage]:
    return [
        PersonalImage(
            user=row["Labels"][f"{LABEL}.user"],
            name=row["Labels"][f"{LABEL}.name"],
            image=min(row["RepoTags"], key=len),
            base=row["Labels"][f"{LABEL}.base"],
            packages=int(row["Labels"][f"{LABEL}.packages"]),
            size=row["Size"] - int(row["Labels"][f"{LABEL}.below"]),
            created=datetime.fromtimestamp(row["Created"], UTC),
        )
        for row in rows
        if row.get("RepoTags")
    ]
