"""Options of a run, and the policy of a node from its stage's `meta`, which DVC ignores."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from mlws.core.i18n import Message

if TYPE_CHECKING:
    from mlws.engine.reasons import CosmeticChangeDetector

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
TIMES = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
LONGEST_WAIT = 300.0
"""Seconds between two attempts at the most, however many there were."""


class OnFailure(StrEnum):
    """Effect of a failed node on the rest of its run."""

    STOP = "stop"
    SKIP = "skip"
    CONTINUE = "continue"


@dataclass(frozen=True)
class Policy:
    """Execution policy of a node: attempts, seconds, processors, bytes and devices.

    ``timeout`` and ``memory`` None: no limit. ``backoff``: seconds before the second attempt,
    doubled for each further one. ``on_failure``: ``stop`` starts no more nodes, ``skip`` skips
    those that depend on the node, ``continue`` runs them, too. ``mlflow``: whether the node's code
    logs to its own MLflow run; None: if the code mentions MLflow.
    """

    retries: int = 0
    backoff: float = 1.0
    timeout: float | None = None
    on_failure: OnFailure = OnFailure.STOP
    cpu: float = 1.0
    memory: int | None = None
    gpu: int = 0
    warm: bool = True
    mlflow: bool | None = None

    def wait(self, attempt: int) -> float:
        """Return the seconds between an attempt (from 1) that failed and the next."""
        return min(LONGEST_WAIT, self.backoff * 2.0 ** (attempt - 1))


DEFAULT = Policy()


@dataclass(frozen=True)
class RunOptions:
    """Options of a run.

    ``again``: nodes that run even if they are up to date. ``accept``: nodes whose existing outputs
    become their result. ``skip``: nodes that are left out, while the nodes that depend on them run.
    ``done``: nodes that the resumed run has completed. ``looks``: distinguishes cosmetic changes
    from others, if nodes with only cosmetic changes are to be accepted; None if they are to run.
    """

    targets: Sequence[str] = ()
    force: bool = False
    keep_going: bool = False
    jobs: int | None = None
    again: Collection[str] = ()
    accept: Collection[str] = ()
    skip: Collection[str] = ()
    done: Collection[str] = ()
    looks: CosmeticChangeDetector | None = None

    def forces(self, node: str) -> bool:
        """Return whether a node runs even if it is up to date."""
        return node in self.again or (self.force and node not in self.done)


def read(meta: Any) -> tuple[Policy, list[tuple[str, Message]]]:
    """Return the policy of a stage's `meta`, and the name and error of each invalid entry."""
    if not isinstance(meta, Mapping):
        return DEFAULT, []
    wishes: dict[str, Any] = {}
    faults = []
    for name, (parse, message) in _ENTRIES.items():
        if meta.get(name) is None:
            continue
        try:
            wishes[name] = parse(meta[name])
        except ValueError:
            faults.append((name, message))
    return Policy(**wishes), faults


def faults(meta: Any) -> Iterator[tuple[str, Message]]:
    """Yield the name and error of each invalid policy entry of a stage's `meta`."""
    yield from read(meta)[1]


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError
    return value


def _amount(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError
    return number


def _seconds(value: Any) -> float:
    return _with_unit(value, TIMES)


def _with_unit(value: Any, units: Mapping[str, float]) -> float:
    match = NUMBER.fullmatch(str(value).strip()) if not isinstance(value, bool) else None
    if match is None or match[2] not in units or float(match[1]) == 0:
        raise ValueError
    return float(match[1]) * units[match[2]]


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


_ENTRIES: Mapping[str, tuple[Callable[[Any], Any], Message]] = {
    "retries": (_whole, Message("must be an integer")),
    "backoff": (_seconds, Message("must be a duration such as 30 or 2m")),
    "timeout": (_seconds, Message("must be a duration such as 90, 30m or 2h")),
    "on_failure": (OnFailure, Message("must be stop, skip or continue")),
    "cpu": (_amount, Message("must be a number greater than 0")),
    "memory": (
        lambda value: int(_with_unit(value, UNITS)),
        Message("must be a size such as 500Mi or 2Gi"),
    ),
    "gpu": (_whole, Message("must be an integer")),
    "warm": (_flag, Message("must be true or false")),
    "mlflow": (_flag, Message("must be true or false")),
}
"""Parser of each entry, and the error for an invalid value."""
