"""A process ends, although the tasks of its worker threads are left over."""

from __future__ import annotations

import subprocess
import sys

LEFT = """
import asyncio
import anyio
from jupyter_mlws.server.anyio_shutdown import end_workers_at_exit

async def endless():
    print(await anyio.to_thread.run_sync(lambda: "read"), flush=True)
    loop.stop()
    await asyncio.Event().wait()

end_workers_at_exit()
loop = asyncio.new_event_loop()
task = loop.create_task(endless())
loop.run_forever()
"""


def test_a_worker_of_a_task_that_is_left_over_does_not_keep_the_process() -> None:
    ended = subprocess.run([sys.executable, "-c", LEFT], capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout) == (0, "read\n")
