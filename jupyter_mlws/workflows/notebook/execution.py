"""Runs the cells of a notebook in a kernel of their own, and streams their output."""

from __future__ import annotations

import asyncio
import atexit
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TextIO

from jupyter_mlws.environments.active import kernel_spec
from jupyter_mlws.workflows.notebook.parameters import NotebookError, language_of
from mlws.core.i18n import Message
from mlws.environments.active import other_python
from mlws.environments.definitions import find_by_kernel

ANSI_CODES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
ENVIRONMENT_KERNEL = "environment"
START_TIMEOUT = 120
"""Seconds; long, because a busy machine starts kernels slowly."""


class CellError(Exception):
    """Error of a cell: its number among all cells (from 1), and the kernel's error."""

    def __init__(self, number: int, name: str, value: str, traceback: str) -> None:
        self.number = number
        self.traceback = traceback
        super().__init__(f"cell {number}: {name}: {value}".rstrip(": "))


def execute(notebook: Any, folder: Path, out: TextIO, err: TextIO) -> None:
    """Run all cells in ``folder``, and fill in their outputs.

    Errors: :class:`CellError` for the first cell that fails, :class:`NotebookError` if the kernel
    is not installed or does not start, :class:`KeyboardInterrupt` if a signal ended the run.
    """
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    client = _client(notebook, folder, out, err)
    try:
        client.execute()
    except CellExecutionError as error:
        # Not from the kernel's reply: where the display of a result fails, its error is None.
        number, error_output = [
            (number, output)
            for number, cell in enumerate(notebook.cells, 1)
            for output in cell.get("outputs", ())
            if output.output_type == "error"
        ][-1]
        traceback = ANSI_CODES.sub("", error.traceback)
        raise CellError(number, error_output.ename, error_output.evalue, traceback) from None
    except (DeadKernelError, asyncio.CancelledError) as error:
        if client.stopped:
            raise KeyboardInterrupt from None
        raise CellError(client.at + 1, "DeadKernelError", str(error), "") from None


def _client(notebook: Any, folder: Path, out: TextIO, err: TextIO) -> Any:
    from nbclient import NotebookClient

    python = environment_python(notebook, folder)

    class StreamingClient(NotebookClient):
        """Forwards output while a cell is still running."""

        at = 0
        stopped = False

        @asynccontextmanager
        async def async_setup_kernel(self, **more: Any) -> AsyncIterator[None]:
            async with super().async_setup_kernel(**more):
                # nbclient's own handlers would end the kernel while a cell runs in it. A cancelled
                # cell ends the kernel itself.
                loop, task = asyncio.get_running_loop(), asyncio.current_task()
                for number in (signal.SIGTERM, signal.SIGINT):
                    loop.add_signal_handler(number, self.stop, task)
                yield

        async def async_start_new_kernel_client(self) -> Any:
            try:
                return await super().async_start_new_kernel_client()
            except RuntimeError:
                # A port that was free when it was chosen may be taken when the kernel binds it.
                self.create_kernel_manager()
                await self.async_start_new_kernel()
            try:
                return await super().async_start_new_kernel_client()
            except RuntimeError as error:
                atexit.unregister(self._cleanup_kernel)
                words = Message(
                    "Could not start the kernel {kernel!r}: {reason}",
                    kernel=self.kernel_name,
                    reason=str(error),
                )
                raise NotebookError(words) from None

        def create_kernel_manager(self) -> Any:
            manager = super().create_kernel_manager()
            if python is not None:
                manager.kernel_spec_manager = environment_kernels(python)
            return manager

        def stop(self, task: asyncio.Task[Any] | None) -> None:
            self.stopped = True
            if task is not None:
                task.cancel()

        async def async_execute_cell(
            self, cell: Any, cell_index: int, *args: Any, **more: Any
        ) -> Any:
            self.at = cell_index
            return await super().async_execute_cell(cell, cell_index, *args, **more)

        def output(self, outs: Any, msg: Any, display_id: Any, cell_index: int) -> Any:
            write_output(msg["msg_type"], msg["content"], out, err)
            return super().output(outs, msg, display_id, cell_index)

    return StreamingClient(
        notebook,
        kernel_name=kernel_of(notebook, err) if python is None else ENVIRONMENT_KERNEL,
        resources={"metadata": {"path": str(folder)}},
        timeout=None,
        startup_timeout=START_TIMEOUT,
        record_timing=False,
        coalesce_streams=True,
    )


def write_output(kind: str, content: Any, out: TextIO, err: TextIO) -> None:
    """Write an output to the stream that a terminal would use."""
    if kind == "stream":
        stream = err if content["name"] == "stderr" else out
        stream.write(content["text"])
    elif kind in ("execute_result", "display_data") and "text/plain" in content["data"]:
        stream = out
        stream.write(f"{content['data']['text/plain']}\n")
    else:
        return
    stream.flush()


def environment_python(notebook: Any, folder: Path) -> str | None:
    """Return the Python of the environment that a notebook runs in: a launcher's, or its kernel's.

    None if its kernel is one of Jupyter's.
    """
    if language_of(notebook) != "python":
        return None
    if (python := other_python()) is not None:
        return python
    definition = find_by_kernel(kernel_name_of(notebook), folder)
    return None if definition is None else str(definition.python)


def environment_kernels(python: str) -> Any:
    """Return a manager of kernels that has one: that of an environment."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager

    class Kernels(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            return KernelSpec(display_name=python, resource_dir="", **kernel_spec(python))

    return Kernels()


def kernel_name_of(notebook: Any) -> str:
    """Return the name of the kernel that a notebook names; empty if it names none."""
    return str(notebook.metadata.get("kernelspec", {}).get("name") or "")


def kernel_of(notebook: Any, err: TextIO = sys.stderr) -> str:
    """Return the name of an installed kernel for the notebook.

    A Python notebook whose kernel is not installed gets this environment's own kernel.
    """
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager

    kernels = sorted(KernelSpecManager().find_kernel_specs())
    kernel_name = kernel_name_of(notebook) or NATIVE_KERNEL_NAME
    if kernel_name in kernels:
        return kernel_name
    if language_of(notebook) == "python" and NATIVE_KERNEL_NAME in kernels:
        err.write(f"kernel {kernel_name!r} not found; using {NATIVE_KERNEL_NAME}\n")
        return str(NATIVE_KERNEL_NAME)
    names = ", ".join(kernels) or "-"
    raise NotebookError(
        Message("kernel {kernel!r} not found; installed: {names}", kernel=kernel_name, names=names)
    )
