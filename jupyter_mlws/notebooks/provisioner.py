"""Provisioner of kernels that survive their server, and that takes over surviving kernels.

It starts a kernel as Jupyter's own local provisioner does, but independent of the server, and
writes a record for the next server to :attr:`LastingProvisioner.folder`. If a kernel's record
exists already, the kernel is taken over instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Unicode

from jupyter_mlws.core.trust import is_trusted
from jupyter_mlws.notebooks.ports import Reservation, reserve
from mlws.core.atomic import atomic_write
from mlws.core.errors import ProjectNotFoundError
from mlws.core.hub_environment import shared_variables
from mlws.core.project import Project

NAME = "mlws-lasting-provisioner"
"""Name of the entry point in the group ``jupyter_client.kernel_provisioners``."""

KINDS = ("json", "log", "requests", "heard")
"""Suffixes of a kernel's files: its record, its output, the requests that it has not begun, and its
messages without a server."""
PORTS = ("shell_port", "iopub_port", "stdin_port", "hb_port", "control_port")

IMPORT_FROM_FIRST_CELL = """
def import_from_project(_):
    import os, sys
    os.environ.pop("PYTHONSAFEPATH", None)
    if "" not in sys.path:
        packages = (n for n, path in enumerate(sys.path) if path.endswith("-packages"))
        sys.path.insert(next(packages, 0), "")
get_ipython().events.register("pre_run_cell", import_from_project)
del import_from_project
"""
"""Code in an IPython kernel of an untrusted project: from the first cell that its user runs, the
project's modules are found where IPython's ``init_path`` puts them."""


class AdoptedProcess:
    """A process that another server started, with the methods of Popen that Jupyter calls."""

    stdin = stdout = stderr = None
    UNKNOWN = -1
    """Only the parent of a process gets its exit code."""

    def __init__(self, pid: int, created: float) -> None:
        self.pid = pid
        self._created = created

    def poll(self) -> int | None:
        """Return None while the process runs."""
        return None if runs(self.pid, self._created) else self.UNKNOWN

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process has ended."""
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(self.pid).wait(timeout)
        return self.UNKNOWN

    def send_signal(self, number: int) -> None:
        """Send a signal; do nothing if the process has ended, as Popen does."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class LastingProvisioner(LocalProvisioner):
    """Provisioner of local kernels that keep running when their server is killed."""

    folder = Unicode(
        "",
        config=True,
        help="""Folder for the state of a server's kernels; set by the server itself. If empty,
        kernels stop with their server.""",
    )
    _adopted_record: dict[str, Any] | None = None
    _reservations: tuple[Reservation, ...] = ()

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Prepare a launch as Jupyter does; a kernel that is taken over keeps its ports and key."""
        self._adopted_record = None
        if self.folder and self.pid is None:  # not a restart
            record = read(self._file("json"))
            if record is not None and runs(record["pid"], record["created"]):
                self._adopted_record = record
        manager = self.parent
        if self._adopted_record is None or manager is None:
            with self._release_ports_on_error():
                if manager is not None and manager.cache_ports and not self.ports_cached:
                    # Before Jupyter chooses ports itself.
                    self._reservations = tuple(reserve(manager.ip) for _ in PORTS)
                    for name, reservation in zip(PORTS, self._reservations, strict=True):
                        setattr(manager, name, reservation.port)
                    self.ports_cached = True
                kwargs = await super().pre_launch(**kwargs)
            shared = shared_variables(Path(kwargs.get("cwd") or "."))
            kwargs["env"] = {**kwargs["env"], **shared}
            with contextlib.suppress(ProjectNotFoundError):
                if not is_trusted(Project.open(Path(kwargs.get("cwd") or ".")).root):
                    kwargs["env"]["PYTHONSAFEPATH"] = "1"
                    if any("ipykernel" in part for part in kwargs["cmd"]):
                        option = f"--IPKernelApp.exec_lines={IMPORT_FROM_FIRST_CELL}"
                        kwargs["cmd"] = [*kwargs["cmd"], option]
            return {**kwargs, "independent": True} if self.folder else kwargs
        manager.load_connection_file()
        self.connection_info = manager.get_connection_info()
        return {**kwargs, "cmd": []}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel, or take it over if it already runs."""
        if self._adopted_record is not None:
            before = self._adopted_record
            self.process = AdoptedProcess(before["pid"], before["created"])  # type: ignore[assignment]
            self.pid, self.pgid, self.cwd = before["pid"], before["pgid"], before["cwd"]
            return self.connection_info
        if not self.folder:
            with self._release_ports_on_error():
                return await super().launch_kernel(cmd, **kwargs)
        # A file rather than a pipe, which would block the kernel after the server's death.
        with self._release_ports_on_error(), self._file("log").open("ab") as log:
            outputs = {"stdout": log, "stderr": log}
            answer = await super().launch_kernel(cmd, **{**kwargs, **outputs})
        assert self.pid is not None  # just started
        with contextlib.suppress(psutil.NoSuchProcess):
            record = {
                "kernel": self.kernel_id,
                "name": getattr(self.parent, "kernel_name", ""),
                "pid": self.pid,
                "pgid": self.pgid,
                "created": psutil.Process(self.pid).create_time(),
                "cwd": str(self.cwd),
                "connection": getattr(self.parent, "connection_file", ""),
            }
            atomic_write(self._file("json"), json.dumps(record))
        return answer

    async def cleanup(self, restart: bool = False) -> None:
        """Release the ports and remove the files of a kernel that has ended."""
        await super().cleanup(restart=restart)
        if restart:
            return
        self._release_ports()
        if self.folder:
            for kind in KINDS:
                self._file(kind).unlink(missing_ok=True)

    @contextlib.contextmanager
    def _release_ports_on_error(self) -> Iterator[None]:
        """Release the reserved ports if the start fails: Jupyter calls no cleanup then."""
        try:
            yield
        except BaseException:
            self._release_ports()
            raise

    def _release_ports(self) -> None:
        for reservation in self._reservations:
            reservation.close()
        self._reservations, self.ports_cached = (), False

    def _file(self, kind: str) -> Path:
        return Path(self.folder) / f"{self.kernel_id}.{kind}"


def read(file: Path) -> dict[str, Any] | None:
    """Return the record of a kernel; None if it is missing or incomplete."""
    try:
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return record


def runs(pid: int, created: float) -> bool:
    """Return True if the process with this id and creation time runs.

    The system reuses process ids, so the id alone does not identify a process.
    """
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - created) < 1.0
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
