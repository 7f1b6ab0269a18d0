"""Quantities of CPU, memory and GPUs in the notation of Kubernetes.

Source: Kubernetes' "Resource Management for Pods and Containers", resource units.
"""

from __future__ import annotations

import math
import re

SUFFIXES = {
    "": 1,
    "k": 1000,
    "M": 1000**2,
    "G": 1000**3,
    "T": 1000**4,
    "Ki": 1024,
    "Mi": 1024**2,
    "Gi": 1024**3,
    "Ti": 1024**4,
}
_NUMBER = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)([A-Za-z]*)")
MILLI = 1000


def parse_cpu(text: str) -> float:
    """Cores: ``"2"``, ``"0.5"`` or ``"500m"``; a ValueError for anything else, and for zero."""
    number, suffix = _split(text)
    if suffix not in ("", "m"):
        raise ValueError(text)
    cores = number / MILLI if suffix else number
    return _positive(round(cores, 3), text)


def parse_memory(text: str) -> int:
    """Bytes: ``"4Gi"``, ``"512M"``, ``"1073741824"``; a ValueError for anything else, and zero."""
    number, suffix = _split(text)
    if suffix not in SUFFIXES:
        raise ValueError(text)
    return int(_positive(math.floor(number * SUFFIXES[suffix]), text))


def parse_gpu(text: str) -> int:
    """Whole devices, 0 allowed; a ValueError for anything else."""
    number, suffix = _split(text)
    if suffix or number != int(number):
        raise ValueError(text)
    return int(number)


def write_cpu(cores: float) -> str:
    """``2.0`` → ``"2"``, ``0.25`` → ``"250m"``."""
    return f"{cores:g}" if cores == int(cores) else f"{round(cores * MILLI)}m"


def write_memory(size: int) -> str:
    """Bytes with the largest binary suffix that divides them: ``4294967296`` → ``"4Gi"``."""
    for suffix in ("Ti", "Gi", "Mi", "Ki"):
        if size and size % SUFFIXES[suffix] == 0:
            return f"{size // SUFFIXES[suffix]}{suffix}"
    return str(size)


def write_quantity(kind: str, value: float) -> str:
    """Return an amount of ``cpu``, ``memory`` or ``gpu`` as text."""
    if kind == "cpu":
        return write_cpu(value)
    return write_memory(int(value)) if kind == "memory" else str(int(value))


def _split(text: str) -> tuple[float, str]:
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    return float(match[1]), match[2]


def _positive(value: float, text: str) -> float:
    if value <= 0:
        raise ValueError(text)
    return value
