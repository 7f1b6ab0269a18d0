"""The README of a capsule, which says how to reproduce its results."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from jupyter_mlws.capsules.provenance import Workflow
from jupyter_mlws.git.history import Commit

FOLDER = "project"
"""Folder that the README's commands unpack into."""
TEXT = """\
# {title}

{subject}

This is version `{commit}` of {date}: its code, its history, {contents} and the record of how its
results were made (an RO-Crate of the profile
[Provenance Run Crate](https://w3id.org/ro/wfrun/provenance/0.5), in `ro-crate-metadata.json`).

## Reproduce the results

With jupyter-mlws, where CAPSULE.zip is this archive:

```sh
{commands}
```

The first command only unpacks the project. The second one runs code of its authors,
and asks you at a terminal. Elsewhere, say `capsule open --trust` if you trust them.

With git and DVC:

```sh
{plain_commands}
```

The results are the same, byte for byte, if `git diff --exit-code -- '*dvc.lock'` prints nothing.

## Environments

The runs used the packages in `project/.mlws/environments/`, one file for each environment. To
install those of a file: `uv pip install -r FILE`. Where the project has a lock of its own
(`uv.lock`, `pylock.toml`), `uv sync` installs it.

## Contents

| | |
|---|---|
| `project.bundle` | the project with its history, for `git clone` |
| `project/` | the files of this version, to read |
| `data/` | the data of this version, as in DVC's cache and remotes |
| `ro-crate-metadata.json` | workflows, runs, parameters, metrics, and files by their hashes |
| `CITATION.cff` | how to cite this |
"""


def write_readme(
    title: str, commit: Commit, workflows: Sequence[Workflow], *, has_data: bool
) -> str:
    """Return the README."""
    paths = [workflow.path for workflow in workflows]
    plain = [
        "unzip CAPSULE.zip -d capsule",
        f"git clone capsule/project.bundle {FOLDER}",
        f"cd {FOLDER}",
    ]
    if has_data:
        plain.append("dvc remote add --local --default capsule ../capsule/data")
    repro = ["dvc", "repro", *(["--pull"] if has_data else [])]
    plain += [shlex.join([*repro, path]) for path in paths]
    return TEXT.format(
        title=title,
        subject=commit.subject,
        commit=commit.sha,
        date=commit.timestamp[:10],
        contents="the data that they need" if has_data else "no data",
        commands="\n".join(
            ["jupyter mlws capsule open CAPSULE.zip " + FOLDER, *run_commands(paths)]
        ),
        plain_commands="\n".join(plain),
    )


def run_commands(paths: Sequence[str], folder: str = FOLDER) -> list[str]:
    """Return the commands that run the workflows of an opened capsule."""
    return [shlex.join(["jupyter", "mlws", "-C", folder, "run", "--pull", path]) for path in paths]
