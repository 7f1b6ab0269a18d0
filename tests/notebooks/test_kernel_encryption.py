"""Encrypted sockets of kernels, where the configuration says nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.kernelmanager import MappingKernelManager

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(
        "transport_encryption" not in MappingKernelManager.class_traits(),
        reason="older servers do not encrypt",
    ),
]


@pytest.fixture(params=[None, "disabled", "required"])
def policy(request: pytest.FixtureRequest) -> str | None:
    return request.param


@pytest.fixture
def jp_server_config(policy: str | None) -> dict[str, Any]:
    config: dict[str, Any] = {"ServerApp": {"jpserver_extensions": {"jupyter_mlws": True}}}
    chosen = {} if policy is None else {"transport_encryption": policy}
    return config | {"MappingKernelManager": chosen}


async def test_the_configuration_decides(policy: str | None, jp_serverapp: ServerApp) -> None:
    manager = jp_serverapp.kernel_manager
    kernel = await manager.start_kernel()
    facts = manager.get_kernel(kernel).get_connection_info()
    assert ("curve_publickey" in facts) == (policy != "disabled")
    await manager.shutdown_kernel(kernel, now=True)
