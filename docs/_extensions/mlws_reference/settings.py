"""Settings of the server and of the Hub's spawner: traitlets."""

from __future__ import annotations

import inspect
from typing import Any

from jupyter_mlws.reference.markdown import code, escape, join


def server(language: str) -> str:
    """Return the settings of the server extension."""
    from jupyter_mlws.extension import MLWSApp

    return _traits(MLWSApp, "##")


def spawner(language: str) -> str:
    """Return the settings of the Hub's spawners that DockerSpawner does not have."""
    from jupyter_mlws.hub.docker.spawner import MLWSSpawner
    from jupyter_mlws.hub.docker.swarm_spawner import MLWSSwarmSpawner

    return join([_traits(MLWSSpawner, "###"), _traits(MLWSSwarmSpawner, "###")])


def _traits(owner: type[Any], level: str) -> str:
    parts = []
    for name, trait in sorted(owner.class_own_traits(config=True).items()):
        setting = f"{owner.__name__}.{name}"
        default = trait.default() if callable(getattr(trait, "default", None)) else None
        parts += [
            f"(setting-{setting.lower().replace('.', '-')})=",
            f"{level} {code(setting)}",
            "\n\n".join(escape(text) for text in inspect.cleandoc(trait.help).split("\n\n")),
            f"{trait.info()}"
            if default in (None, "")
            else f"{escape(trait.info())} · {code(f'c.{setting} = {default!r}')}",
        ]
    return join(parts)
