"""Another language than Python, and many kernels at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.notebooks.conftest import ended, of

AT_ONCE = 20
TO_MEET = 60
"""Seconds that the kernels wait for each other: one that never begins is told, not waited for."""


@pytest.fixture
def bash(jp_data_dir: Path) -> str:
    """A kernel whose language is bash."""
    from bash_kernel.install import install_my_kernel_spec

    install_my_kernel_spec(user=False, prefix=str(jp_data_dir.parent))
    spec = jp_data_dir.parent / "share" / "jupyter" / "kernels"
    (jp_data_dir / "kernels").parent.mkdir(parents=True, exist_ok=True)
    (jp_data_dir / "kernels").symlink_to(spec)
    return "bash"


async def test_bash_executes(bash: str, create, run, listen, call) -> None:
    made = await create(kernel=bash)
    assert made["kernel_info"]["language"] == "bash"
    notebook = made["id"]
    until = await listen(notebook)
    status, result = await run(notebook, code='for n in 1 2; do echo "Hello $n"; done\nkept=5')
    assert (status, result["output"]) == (200, "Hello 1\nHello 2\n")
    status, result = await run(notebook, code="echo $kept $BASH_VERSION")
    assert (status, result["output"].split(" ")[0]) == (200, "5")
    status, said = await run(notebook, code="no-such-program")
    assert (status, said["code"]) == (422, "20202")
    status, said = await run(notebook, code="sleep 60", timeout=1)
    assert (status, said["code"]) == (504, "20201")
    status, result = await run(notebook, code="echo alive")
    assert (status, result["output"]) == (200, "alive\n")
    await until(of("execution", "SUCCESS", execution_count=result["execution_count"]))
    _, page, _ = await call("GET", f"{notebook}/executions")
    assert [row["status"] for row in page["items"]] == [
        "SUCCESS",
        "TIMEOUT",
        "ERROR",
        "SUCCESS",
        "SUCCESS",
    ]


async def test_twenty_executions_on_twenty_kernels_at_once(opened, call, listen) -> None:
    ids = [await opened(f"n{number}.ipynb", one="1") for number in range(AT_ONCE)]
    meet = (
        "import pathlib, time\n"
        "pathlib.Path('here-{me}').touch()\n"
        f"until = time.monotonic() + {TO_MEET}\n"
        f"while (here := len(list(pathlib.Path().glob('here-*')))) < {AT_ONCE}:\n"
        "    assert time.monotonic() < until, here\n"
        "    time.sleep(0.02)\n"
        "print('{me}', 2 ** {me})"
    )
    streams = [await listen(one) for one in ids]
    begun = [
        (await call("POST", f"{one}/execute", {"code": meet.format(me=number), "wait": False}))[1]
        for number, one in enumerate(ids)
    ]
    ends = await asyncio.gather(
        *(until(ended(job["id"])) for until, job in zip(streams, begun, strict=True))
    )
    assert [messages[-1]["error"] for messages in ends] == [None] * AT_ONCE
    results = [
        (await call("GET", f"{one}/executions/{job['id']}"))[1]
        for one, job in zip(ids, begun, strict=True)
    ]
    assert [result["output"] for result in results] == [
        f"{number} {2**number}\n" for number in range(AT_ONCE)
    ]
    kernels = [(await call("GET", f"{one}/status"))[1]["kernel_info"]["id"] for one in ids]
    assert len(set(kernels)) == AT_ONCE
