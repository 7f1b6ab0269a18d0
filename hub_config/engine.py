"""Docker engine and base image of this machine, installed or built if missing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PUBLIC_BASE = (
    "debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f"
)
"""Also in the Dockerfiles. The digest is that of the multi-platform index."""
BASE_PACKAGES = (
    "ca-certificates,curl,g++,git,less,make,nano,openssh-client,passwd,python3,python3-venv,tini,"
    "unzip"
)
BASE_STAMP = hashlib.sha256(BASE_PACKAGES.encode()).hexdigest()[:8]
OWN_BASE = f"mlws-base-{BASE_STAMP}"
ENGINE_PACKAGES = (
    "docker.io",
    "docker-cli",
    "docker-buildx",
    "docker-compose",
    "iptables",
    "mmdebstrap",
)
DAEMON_CONFIG = Path("/etc/docker/daemon.json")
PID_FILE = Path("/run/docker.pid")
START_LIMIT = 60.0
PULL_LIMIT = 60.0
"""Seconds; a machine without a registry answers at once or not at all."""


class EngineError(Exception):
    """Failure of a Docker command, with Docker's message."""


class NoEngineError(EngineError):
    """Reason why no Docker engine or base image is available."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine, spoken to through its command line."""

    host: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """As :attr:`Settings.docker_variables` has them."""

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which ``docker`` uses this engine."""
        own = {"DOCKER_HOST": self.host} if self.host else {}
        return {**os.environ, **self.variables, **own, "DOCKER_BUILDKIT": "1"}

    def run(self, *arguments: str, timeout: float = 120, env: dict[str, str] | None = None) -> str:
        """Run ``docker ARGUMENTS`` and return its output; raise its error text."""
        answer = subprocess.run(
            ["docker", *arguments],
            env={**self.environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if answer.returncode:
            raise EngineError(f"docker {arguments[0]}: {answer.stdout}{answer.stderr}")
        return answer.stdout.strip()

    def answers(self) -> bool:
        """Return whether the engine responds."""
        result = subprocess.run(
            ["docker", "version", "--format", "{{.Server.Version}}"],
            env=self.environment,
            capture_output=True,
            timeout=20,
        )
        return result.returncode == 0

    def has_image(self, name: str) -> bool:
        """Return whether the engine has an image of that name, which may have a digest."""
        try:
            self.run("image", "inspect", "--format={{.Id}}", name)
        except EngineError as error:
            if "no such image" in str(error).lower():
                return False
            raise
        return True

    def label(self, image: str, name: str) -> str:
        """Return a label of an image; empty if either is missing."""
        if not self.has_image(image):
            return ""
        return self.run("inspect", "--format", f'{{{{index .Config.Labels "{name}"}}}}', image)


def running_engine(folder: Path, variables: Mapping[str, str]) -> Engine:
    """Return the running engine, else install and start Docker if permitted.

    A started engine outlives this process; its log and process id are in ``folder``. Labs outlive
    the engine.
    """
    if not shutil.which("docker") or not _has_buildx():
        _install()
    engine = Engine(variables=variables)
    if engine.answers():
        return engine
    if not shutil.which("dockerd"):
        raise NoEngineError("cannot connect to a Docker engine, and dockerd is not installed")
    if os.geteuid() != 0:
        raise NoEngineError(
            "cannot connect to a Docker engine; start Docker, or run this command as root"
        )
    with (folder / "dockerd.log").open("ab") as log:
        daemon = subprocess.Popen(
            ["dockerd", "--live-restore", f"--pidfile={folder / 'dockerd.pid'}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    wait_until_up(engine, daemon, folder / "dockerd.log")
    return engine


def keeps_containers(engine: Engine) -> bool:
    """Return whether containers outlive a restart of the engine."""
    return engine.run("info", "--format", "{{.LiveRestoreEnabled}}") == "true"


def keep_containers(engine: Engine, file: Path = DAEMON_CONFIG) -> None:
    """Let containers outlive a restart of this machine's engine, which reads its file again.

    Raises EngineError if the file cannot be written or the engine does not follow it.
    """
    try:
        config = json.loads(file.read_text()) if file.exists() else {}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({**config, "live-restore": True}, indent=2) + "\n")
        os.kill(int(PID_FILE.read_text()), signal.SIGHUP)
    except (OSError, ValueError) as error:
        raise EngineError(f"cannot set live-restore in {file}: {error}") from error
    deadline = time.monotonic() + START_LIMIT
    while not keeps_containers(engine):
        if time.monotonic() > deadline:
            raise EngineError(f"Docker does not use live-restore of {file}: see its log")
        time.sleep(0.1)


def _has_buildx() -> bool:
    return (
        subprocess.run(["docker", "buildx", "version"], capture_output=True, timeout=20).returncode
        == 0
    )


def _install() -> None:
    """Docker from the distribution's own packages; it is not started by them."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoEngineError(
            "Docker with buildx is required; install it, or run this command as root on Debian"
        )
    run = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *ENGINE_PACKAGES]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-q"], check=True, env=environment, timeout=300)
    # Without a service manager (container, chroot) this fails although the package is installed;
    # the check for a running engine follows.
    subprocess.run(run, env=environment, timeout=900)
    if not shutil.which("docker"):
        raise NoEngineError("could not install the Docker packages")


def wait_until_up(engine: Engine, daemon: subprocess.Popen[bytes], log: Path) -> None:
    """Wait for the engine's first response; raise the end of its log if it exits."""
    deadline = time.monotonic() + START_LIMIT
    while not engine.answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").splitlines()[-5:]
            raise NoEngineError("dockerd did not start: " + " | ".join(last))
        time.sleep(0.1)


def base_image(engine: Engine, own: str = OWN_BASE) -> str:
    """Return a Debian image: the public one, or one built from the mirror that apt uses."""
    for name in (own, PUBLIC_BASE):
        if engine.has_image(name):
            return name
    with contextlib.suppress(EngineError, subprocess.TimeoutExpired):
        engine.run("pull", "--quiet", PUBLIC_BASE, timeout=PULL_LIMIT)
        return PUBLIC_BASE
    _bootstrap(engine, own)
    return own


def build_arguments(base: str) -> list[str]:
    """Return the arguments of `image/build.sh`: the base, and the certificates of pip."""
    authority = os.environ.get("PIP_CERT", "")
    secret = ["--secret", f"id=extra_ca,src={authority}"] if Path(authority).is_file() else []
    return ["--build-arg", f"BASE_IMAGE={base}", *secret]


def build(
    engine: Engine, wheel: Path, image: str, arguments: Sequence[str], limit: float, log: Path
) -> None:
    """Build the image of labs with the wheel; write Docker's output to ``log``."""
    script = Path(__file__).parent / "image" / "build.sh"
    with log.open("wb") as output:
        result = subprocess.run(
            [str(script), "--progress=plain", "--tag", image, *arguments],
            env={**engine.environment, "MLWS_WHEEL": str(wheel)},
            stdout=output,
            stderr=output,
            timeout=limit,
        )
    if result.returncode:
        last = log.read_text(errors="replace").splitlines()[-15:]
        raise EngineError("\n".join([f"could not build the image; last lines of {log}:", *last]))


def _bootstrap(engine: Engine, own: str) -> None:
    if not shutil.which("mmdebstrap"):
        raise NoEngineError(f"could not pull {PUBLIC_BASE}, and mmdebstrap is not installed")
    release, mirror, components = _apt_source()
    process = subprocess.Popen(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=apt",
            f"--include={BASE_PACKAGES}",
            f"--components={components}",
            release,
            "-",
            mirror,
        ],
        stdout=subprocess.PIPE,
    )
    try:
        subprocess.run(
            ["docker", "import", "-", own],
            env=engine.environment,
            stdin=process.stdout,
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=600,
        )
    finally:
        process.terminate()
    if process.wait():
        engine.run("rmi", own)
        raise NoEngineError(f"mmdebstrap {release} failed with exit code {process.returncode}")


def _apt_source() -> tuple[str, str, str]:
    """(release, mirror, components) of this machine's own packages."""
    answer = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(RELEASE) $(SITE) $(COMPONENT)",
            "Identifier: Packages",
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    codename = next(
        line.partition("=")[2].strip('"')
        for line in Path("/etc/os-release").read_text().splitlines()
        if line.startswith("VERSION_CODENAME=")
    )
    rows = [line.split() for line in answer.stdout.splitlines()]
    own = [row for row in rows if row[0] == codename and len(row) == 3]
    if not own:
        raise NoEngineError(f"apt has no mirror for {codename}")
    mirror = own[0][1]
    components = sorted({row[2] for row in own if row[1] == mirror})
    return codename, mirror, ",".join(components)
