"""A server whose manager of kernels is not asynchronous, as Jupyter's older one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp

pytestmark = pytest.mark.kernel

MANAGER = "jupyter_server.services.kernels.kernelmanager.MappingKernelManager"


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    extensions = {"jupyter_mlws": True}
    return {"ServerApp": {"jpserver_extensions": extensions, "kernel_manager_class": MANAGER}}


async def test_kernels_run_and_end_with_their_server(
    jp_fetch, jp_ws_fetch, jp_serverapp: ServerApp
) -> None:
    answer = await jp_fetch("api", "kernels", method="POST", body=json.dumps({"name": "python3"}))
    kernel = json.loads(answer.body)["id"]
    socket = await jp_ws_fetch("api", "kernels", kernel, "channels")
    answer = await jp_fetch("api", "kernels", kernel, "restart", method="POST", body="{}")
    assert answer.code == 200
    header = {"msg_id": "a", "msg_type": "kernel_info_request", "session": "tab"}
    asked = {"header": header, "parent_header": {}, "metadata": {}, "content": {}}
    await socket.write_message(json.dumps({"channel": "shell", **asked}))
    while json.loads(await socket.read_message())["channel"] != "iopub":
        pass
    socket.close()
    process = jp_serverapp.kernel_manager.get_kernel(kernel).provisioner.process
    # Extensions are stopped first: with an error there, the kernels would go on.
    await jp_serverapp._cleanup()
    assert process.poll() is not None
