"""A warm child as the node: runs the program, and ends as Python ends.

Python's own end would take 250 ms to take the libraries apart. So this does what can be seen of
it: waits for threads, calls what `atexit` holds, lets go of the node's objects (files in them are
flushed, finalizers run), flushes, and leaves.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import io
import linecache
import os
import runpy
import signal
import sys
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

from jupyter_mlws.forkserver.job import Job, Kind

FLUSH_FAILURE_EXIT_CODE = 120
"""Python's exit code where the last output could not be written."""

C_LIBRARY = ctypes.CDLL(None)
FILE_TYPES = (io.BufferedWriter, io.BufferedRandom, io.TextIOWrapper)


@dataclass(frozen=True)
class Program:
    """Program of a node, and the number of modules that were loaded before it."""

    source: bytes | str | None
    inherited: int


def run_and_exit(job: Job, program: Program) -> NoReturn:
    """Run the program and end this process."""
    gc.enable()
    code, is_interrupted = _run(job, program)
    try:
        threading._shutdown()  # type: ignore[attr-defined]
    except BaseException as error:  # noqa: BLE001  interrupted while it waits
        print(f"Exception ignored in: {threading!r}", file=sys.stderr)  # noqa: T201
        sys.__excepthook__(type(error), error, error.__traceback__)
    # Tells of failing functions itself.
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is None or getattr(stream, "closed", False):
            continue
        try:
            stream.flush()
        except BaseException as error:  # noqa: BLE001  the stream may be the node's own
            if stream is sys.stdout:
                code = FLUSH_FAILURE_EXIT_CODE
            with suppress(BaseException):
                # The words of Python's own message.
                if sys.version_info < (3, 13):
                    label = f"in: {stream!r}"
                else:
                    label = f"on flushing sys.{'stdout' if stream is sys.stdout else 'stderr'}:"
                print(f"Exception ignored {label}", file=sys.stderr)  # noqa: T201
                print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
    _release_objects(program.inherited)
    _flush_quietly(sys.stdout, sys.stderr)
    flush_c()
    if is_interrupted:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(code & 0xFF)


def flush_c() -> None:
    """Write what C code has printed, which would be lost if the process exited at once."""
    C_LIBRARY.fflush(None)


def _run(job: Job, program: Program) -> tuple[int, bool]:
    """Run the program; return its exit code, and whether an interrupt ended it."""
    try:
        if program.source is None:
            # The very function that `python -m` calls.
            runpy._run_module_as_main(job.target)  # type: ignore[attr-defined]
            return 0, False
        names = vars(sys.modules["__main__"])
        file = names["__file__"] if job.kind is Kind.SCRIPT else "<string>"
        code = compile(program.source, file, "exec", dont_inherit=True)
        if job.kind is Kind.TEXT and hasattr(linecache, "_register_code"):
            # Since 3.13 tracebacks show the lines of ``-c``, at first by the name for the file's.
            key = code if hasattr(linecache, "_interactive_cache") else file
            linecache._register_code(key, program.source, file)
        try:
            exec(code, names)  # noqa: S102
        finally:
            if job.kind is Kind.SCRIPT:
                # Python does for files, so that a traceback comes behind what was printed.
                _flush_quietly(sys.stderr, sys.stdout)
    except SystemExit as leaving:
        return _exit_code(leaving), False
    except BaseException as error:  # noqa: BLE001  the edge of the node's own code
        # Without the frame of this function.
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        return _report_exception(error.with_traceback(trace)), isinstance(error, KeyboardInterrupt)
    return 0, False


def _exit_code(leaving: SystemExit) -> int:
    if leaving.code is None:
        return 0
    if isinstance(leaving.code, int):
        return leaving.code
    with suppress(Exception):
        sys.stderr.write(f"{leaving.code}\n")
        sys.stderr.flush()
    return 1


def _report_exception(error: BaseException) -> int:
    """Report an uncaught exception as Python does, and return the exit code."""
    kind, trace = type(error), error.__traceback__
    sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    try:
        sys.excepthook(kind, error, trace)
    except SystemExit as leaving:
        return _exit_code(leaving)
    except BaseException as other:  # noqa: BLE001  a hook of the node's own
        print("Error in sys.excepthook:", file=sys.stderr)  # noqa: T201
        inner = other.__traceback__.tb_next if other.__traceback__ else None
        sys.__excepthook__(type(other), other, inner)
        print("\nOriginal exception was:", file=sys.stderr)  # noqa: T201
        sys.__excepthook__(kind, error, trace)
    return 1


def _flush_quietly(*streams: Any) -> None:
    for stream in streams:
        with suppress(Exception):
            stream.flush()


def _release_objects(inherited_count: int) -> None:
    """Release the node's objects, in the order of Python's own shutdown.

    If daemon threads run, which Python would stop here and this code cannot, files are only
    flushed. Installed libraries that the node imported are not released, as that takes long.
    """
    # First of all: of a file in a cycle the collector may close the inner half first.
    _flush_files()
    if len(sys._current_frames()) > 1:
        return
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        vars(sys).pop(name, None)
    # Only those behind what was there: to touch each of thousands of modules copies its page.
    new_names = list(islice(reversed(sys.modules), max(0, len(sys.modules) - inherited_count)))
    names = ["__main__", "__mp_main__", *reversed(new_names)]
    references = [weakref.ref(sys.modules[name]) for name in names if _is_own(name)]
    for name in names:
        if _is_own(name):
            sys.modules[name] = None  # type: ignore[assignment]
    gc.collect()
    for reference in reversed(references):
        module = reference()
        if module is None:
            continue
        attributes = vars(module)
        # Private names first, as Python does.
        for private in (True, False):
            for name in list(attributes):
                if name != "__builtins__" and (name[:1] == "_" and name[1:2] != "_") is private:
                    attributes[name] = None
    gc.collect()
    _flush_files()


def _flush_files() -> None:
    """Flush the files that are still open."""
    for one in gc.get_objects():
        if isinstance(one, FILE_TYPES):
            _flush_quietly(one)


def _is_own(name: str) -> bool:
    """Return whether a module is the node's own: neither installed nor built in."""
    module: Any = sys.modules.get(name)
    if name in ("__main__", "__mp_main__"):
        return module is not None
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and not file.startswith((sys.prefix, sys.base_prefix))
