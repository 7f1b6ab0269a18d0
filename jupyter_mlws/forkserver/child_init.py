"""Turns a forked child into the process that a fresh Python would be before its first line.

The child leaves all of the zygote's frames by an uncaught exception and continues in
``sys.excepthook``, which the interpreter calls below no frame: so a node's stack, its recursion
and its tracebacks begin where they would in a fresh process.

The node runs only after its owner's permission. Any failure before that closes the gate, and the
owner starts a fresh process: never none, never two.
"""

from __future__ import annotations

import builtins
import io
import os
import socket
import sys
import types
from importlib.machinery import BuiltinImporter, SourceFileLoader
from typing import IO, Any, NoReturn

from jupyter_mlws.forkserver import child_main
from jupyter_mlws.forkserver.job import GO, Job, Kind
from mlws.engine.processes import COOKIE

SAFE_PATH: bool = getattr(sys.flags, "safe_path", False)
"""Python 3.11 and later can be told to put no folder in front of its path."""
STAT_ARG_START_INDEX = 45
"""Index of the addresses of argv and environ in `/proc/self/stat`, after the program's name."""


class ChildStart(BaseException):
    """Raised in a forked child to leave all frames of the zygote."""

    def __init__(self, job: Job, log: int, gate: socket.socket, path: list[str]) -> None:
        super().__init__()
        self.job = job
        self.log = log
        self.gate = gate
        self.path = path


def begin(kind: type[BaseException], exception: BaseException, traceback: object) -> NoReturn:
    """Turn the child into the node's process and run the node; its ``sys.excepthook``."""
    try:
        assert isinstance(exception, ChildStart)
        program = _initialize_child(exception)
        # Unlike a pid, a pidfd never refers to another process.
        me = os.pidfd_open(os.getpid())
        socket.send_fds(exception.gate, [str(os.getpid()).encode()], [me])
        os.close(me)
        if exception.gate.recv(len(GO)) != GO:
            raise ConnectionAbortedError
        exception.gate.close()
    except BaseException:  # noqa: BLE001  the child's edge: no traceback of ours in a node's log
        os._exit(1)
    job = exception.job
    del exception
    child_main.run_and_exit(job, program)


def first_of_path(job: Job) -> str | None:
    """Return what Python puts in front of ``sys.path``; None in safe-path mode."""
    if SAFE_PATH:
        return None
    if job.kind is Kind.SCRIPT:
        return os.path.dirname(os.path.realpath(os.path.join(job.cwd, job.target)))
    return job.cwd if job.kind is Kind.MODULE else ""


def _initialize_child(child: ChildStart) -> child_main.Program:
    job = child.job
    os.setsid()
    os.dup2(child.log, 1)
    os.dup2(child.log, 2)
    os.close(child.log)
    os.chdir(job.cwd)
    # In the C locale Python itself sets LC_CTYPE; the fingerprint says that it would here too.
    for name in set(os.environ) - set(job.environment) - {"LC_CTYPE"}:
        del os.environ[name]
    for name, value in job.environment.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
    _write_proc_info(job)
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):
        # The exception by which the child came here.
        vars(sys).pop(name, None)
    sys.excepthook = sys.__excepthook__
    sys.executable = job.executable
    sys.orig_argv = list(job.words)
    option = {Kind.MODULE: "-m", Kind.TEXT: "-c"}
    sys.argv = [option.get(job.kind, job.target), *job.arguments]
    first = first_of_path(job)
    sys.path[:] = child.path if first is None else [first, *child.path]
    # New ones, as Python makes them at its start.
    sys.stdout = sys.__stdout__ = _stream(1, sys.stdout)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(2, sys.stderr)  # type: ignore[misc]
    _reset_libraries()
    return _main_module(job)


def copy_environment() -> None:
    """Make the C library copy the zygote's variables, as its children overwrite the originals.

    See :func:`_write_proc_info`.
    """
    for name, value in list(os.environ.items()):
        os.environ[name] = value


def _write_proc_info(job: Job) -> None:
    """Write the node's variables and title where `/proc/PID/environ` and ``ps`` read them.

    The processes of a run are found by their variables. Linux reads both from the process's own
    memory, which has those of the zygote. The cookie goes first, and what does not fit is left
    out, whole variables at a time.
    """
    with open("/proc/self/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    start, middle, begin, end = (
        int(one) for one in fields[STAT_ARG_START_INDEX : STAT_ARG_START_INDEX + 4]
    )
    if not (0 < start <= middle <= begin <= end):
        return
    # As `setproctitle` has it: where the last byte is no zero, Linux reads a title up to the first.
    title = os.fsencode(" ".join(job.words))[: middle - start - 2].ljust(middle - start - 1, b"\0")
    variables = bytearray()
    for name, value in sorted(job.environment.items(), key=lambda item: item[0] != COOKIE):
        entry = os.fsencode(f"{name}={value}\0")
        if len(variables) + len(entry) <= end - begin:
            variables += entry
    memory = os.open("/proc/self/mem", os.O_RDWR | os.O_CLOEXEC)
    try:
        os.pwrite(memory, title + b".", start)
        os.pwrite(memory, variables.ljust(end - begin, b"\0"), begin)
    finally:
        os.close(memory)


def _stream(descriptor: int, like: Any) -> io.TextIOWrapper:
    # Python's own stream is like that where it was started unbuffered.
    is_unbuffered = like.write_through
    binary: IO[bytes] = open(descriptor, "wb", 0 if is_unbuffered else -1, closefd=False)  # noqa: SIM115
    raw: Any = binary if is_unbuffered else binary.raw  # type: ignore[attr-defined]
    raw.name = like.name
    stream: Any = io.TextIOWrapper(
        binary,
        encoding=like.encoding,
        errors=like.errors,
        newline="\n",
        line_buffering=like.line_buffering,
        write_through=like.write_through,
    )
    stream.mode = "w"
    return stream  # type: ignore[no-any-return]


def _reset_libraries() -> None:
    """Reset what numpy and `multiprocessing` stored at their import.

    Numpy seeds its global generator; `random` handles forks itself. `multiprocessing` stores the
    folder, the program and a secret.
    """
    numpy_random: Any = sys.modules.get("numpy.random")
    if hasattr(numpy_random, "set_bit_generator"):
        numpy_random.set_bit_generator(numpy_random.MT19937())
    elif numpy_random is not None:
        numpy_random.seed()
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.ORIGINAL_DIR = os.getcwd()
        process.current_process().authkey = os.urandom(32)
    spawn: Any = sys.modules.get("multiprocessing.spawn")
    if spawn is not None:
        spawn.set_executable(sys.executable)


def _main_module(job: Job) -> child_main.Program:
    main = types.ModuleType("__main__")
    names = vars(main)
    if sys.version_info < (3, 14):
        names["__annotations__"] = {}
    names["__builtins__"] = builtins
    source: bytes | str | None = None
    if job.kind is Kind.SCRIPT:
        # As Python makes it absolute: not tidied.
        file = os.path.join(os.getcwd(), job.target)
        names["__loader__"] = SourceFileLoader("__main__", file)
        names.update(__file__=file, __cached__=None)
        with open(file, "rb") as script:
            source = script.read()
        if b"\0" in source:
            raise ValueError(file)
        # Python says of other encodings what it does not say where it is given the text.
        source.decode("utf-8")
    else:
        names["__loader__"] = BuiltinImporter
        source = f"{job.target}\n" if job.kind is Kind.TEXT else None
    for alias in ("__main__", "__mp_main__"):
        if alias in sys.modules:
            sys.modules[alias] = main
    return child_main.Program(source, len(sys.modules))
