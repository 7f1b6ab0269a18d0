"""Print what the one wheel in a folder requires, and what JupyterHub needs to spawn it."""

import sys
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

JUPYTERHUB = "jupyterhub>=5.2"
"""Only the single-user server of it is used in the image."""


def main(folder: str) -> None:
    wheels = sorted(Path(folder).glob("*.whl"))
    if len(wheels) != 1:
        raise SystemExit(f"exactly one wheel is wanted in dist/, not {[w.name for w in wheels]}")
    with ZipFile(wheels[0]) as wheel:
        name = next(n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(wheel.read(name).decode())
    own = (row for row in metadata.get_all("Requires-Dist") or [] if "extra ==" not in row)
    sys.stdout.writelines(f"{row}\n" for row in sorted({*own, JUPYTERHUB}))


if __name__ == "__main__":
    main(sys.argv[1])
