"""Environment variables that are read once, at the start of Python or by a library's import.

A child of a zygote can not undo that, so a zygote serves only nodes whose values are its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PREFIXES = (
    "PYTHON",
    # threads and numerics: read when the library is loaded
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_", "TBB_"),
    *("NUMEXPR_", "NUMBA_", "CUDA_", "NVIDIA_"),
    # libraries' own
    *("NPY_", "NUMPY_", "SCIPY_", "SKLEARN_", "PANDAS_", "ARROW_", "JOBLIB_", "LOKY_"),
    *("MPL", "TQDM_", "PYDANTIC_", "SKOPS_", "SETUPTOOLS_"),
    # the C library: locale, loader, allocator
    *("LC_", "LANG", "LD_", "MALLOC_", "GLIBC_"),
)
NAMES = ("TZ", "LOCPATH", "HOME")
"""HOME: the user's own site-packages are below it."""
NEVER_PREFIXES = ("COVERAGE_", "COV_CORE_", "PYDEVD_", "DEBUGPY_", "PYCHARM_", "BASH_FUNC_")
NEVER = frozenset(
    {
        # Python that watches or changes its own start and end
        *("PYTHONINSPECT", "PYTHONTRACEMALLOC", "PYTHONPROFILEIMPORTTIME", "PYTHONDEVMODE"),
        *("PYTHONMALLOCSTATS", "PYTHONVERBOSE", "PYTHONPERFSUPPORT", "PYTHONDUMPREFS"),
        # a shell that would not read the command line as written
        *("BASH_ENV", "SHELLOPTS", "BASHOPTS"),
    }
)

Fingerprint = tuple[tuple[str, str], ...]


def fingerprint(environment: Mapping[str, str]) -> Fingerprint:
    """Return the variables that a zygote and a node must have in common."""
    return tuple(
        sorted(
            (name, value)
            for name, value in environment.items()
            if name.startswith(PREFIXES) or name in NAMES
        )
    )


def can_be_warm(environment: Mapping[str, str]) -> bool:
    """Return whether any zygote could serve this environment."""
    if any(name in NEVER or name.startswith(NEVER_PREFIXES) for name in environment):
        return False
    # Python makes relative entries absolute at its start, by the folder it is started in.
    path = environment.get("PYTHONPATH")
    return not path or all(Path(entry).is_absolute() for entry in path.split(os.pathsep))
