"""`make hub-compose`: start Hub, PostgreSQL, nginx, MLflow and Prometheus with compose.yaml.

    python -m hub_config.compose [ARGUMENTS OF docker compose up]

Creates missing secrets and images, then starts all services. `docker compose -f
hub_config/compose.yaml down` stops them; accounts, files and metrics are kept.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from hub_config.engine import Engine, EngineError, base_image, build_arguments
from hub_config.setting_kinds import SettingError
from hub_config.settings import ROOT, Settings

HERE = Path(__file__).parent
FILE = HERE / "compose.yaml"
RANDOM = (
    "database_password",
    "admin_password",
    "grafana_password",
    "metrics_token",
    "storage_password",
)
CERTIFICATE, KEY = "tls_certificate", "tls_key"
LIMIT = 1800.0


def make_secrets(folder: Path, host: str) -> list[str]:
    """Create missing random passwords and a certificate; return their names."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = []
    for name in RANDOM:
        path = folder / name
        if not path.exists():
            path.write_text(secrets.token_hex(32))
            # Compose mounts the file with its mode, and the users of some images are not the owner.
            # The mode of the directory protects it from other users.
            path.chmod(0o644)
            names.append(name)
    if not (folder / CERTIFICATE).exists():
        self_signed(folder, host)
        names.append(CERTIFICATE)
    return names


def self_signed(folder: Path, host: str) -> None:
    """A certificate for trials, also of sub-domains; browsers warn of it. Use a real one."""
    names = f"DNS:{host},DNS:*.{host},DNS:localhost,IP:127.0.0.1"
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "365",
        "-subj", f"/CN={host}", "-addext", f"subjectAltName={names}",
        "-keyout", str(folder / KEY), "-out", str(folder / CERTIFICATE),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    (folder / KEY).chmod(0o600)


def build_hub(engine: Engine, wheel: Path, image: str, base: str) -> None:
    """Build the image of the Hub from the wheel and this directory."""
    with tempfile.TemporaryDirectory(prefix="mlws-hub-") as name:
        context = Path(name)
        (context / "dist").mkdir()
        shutil.copy(wheel, context / "dist")
        shutil.copytree(ROOT / "requirements", context / "requirements")
        skip = shutil.ignore_patterns("__pycache__", "secrets")
        shutil.copytree(HERE, context / "hub_config", ignore=skip)
        dockerfile = context / "hub_config" / "hub" / "Dockerfile"
        arguments = [*build_arguments(base), "--file", str(dockerfile), "--tag", image, name]
        engine.run("buildx", "build", "--load", *arguments, timeout=LIMIT)


def up(
    engine: Engine, environment: Mapping[str, str], arguments: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run `docker compose up` until everything is healthy; the images must exist."""
    command = ["docker", "compose", "--file", str(FILE), "up", "--detach", "--wait", *arguments]
    return subprocess.run(
        command,
        env={**engine.environment, **environment},
        text=True,
        capture_output=True,
        timeout=LIMIT,
    )


def main() -> int:
    from hub_config import requirements
    from hub_config.up import protect

    engine = Engine()
    folder = Path(os.environ.get("HUB_SECRETS") or HERE / "secrets")
    try:
        settings = Settings.read()
        host = urlsplit(settings.subdomain).hostname or os.environ.get("HUB_HOST", "localhost")
        if not engine.answers():
            raise EngineError("cannot connect to a Docker engine; start Docker, or use `make hub`")
        new_secrets = make_secrets(folder, host)
        if new_secrets:
            print(f"Created in {folder}: {', '.join(new_secrets)}")
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        wheel = requirements.wheel(settings)
        if settings.builds_image:
            requirements.image(settings, engine, wheel)
        build_hub(engine, wheel, f"{settings.name}-hub", base_image(engine))
        protect(settings)
        result = up(engine, {"HUB_GATEWAY": settings.gateway}, sys.argv[1:])
    except (EngineError, SettingError, subprocess.CalledProcessError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    sys.stderr.write(result.stderr)
    if result.returncode == 0:
        print(f"Hub: {settings.subdomain or f'https://{host}'}")
        print(f"Administrator: {settings.administrator!r}; password: see {folder}/admin_password")
    return result.returncode


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
