"""Other languages than Python, and many kernels at once."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from jupyter_mlws.core.project import Project
from jupyter_mlws.notebooks import unattended
from tests.notebooks.conftest import ended, of

AT_ONCE = 20
TO_MEET = 150
"""Seconds that the kernels wait for each other: one that never begins is told, not waited for."""


class Language(NamedTuple):
    """Code that does the same in each language."""

    language: str
    prints: str
    """``Hello 1`` and ``Hello 2``, and sets ``kept``."""
    uses: str
    """Prints ``kept``."""
    fails: str
    figure: str | None
    """Shows something that is not text."""
    slow: str
    """Prints ``0`` to ``3``, a half second each."""
    sleeps: str
    """For a minute."""


LANGUAGES = {
    "bash": Language(
        "bash",
        'for n in 1 2; do echo "Hello $n"; done\nkept=5',
        "echo $kept",
        "no-such-program",
        None,
        "for n in 0 1 2 3; do echo $n; sleep 0.5; done",
        "sleep 60",
    ),
}


@pytest.fixture(params=LANGUAGES)
def kernel(request: pytest.FixtureRequest, jp_data_dir: Path) -> str:
    """A kernel whose language is not Python."""
    name: str = request.param
    from bash_kernel.install import install_my_kernel_spec

    install_my_kernel_spec(user=False, prefix=str(jp_data_dir.parent))
    spec = jp_data_dir.parent / "share" / "jupyter" / "kernels"
    (jp_data_dir / "kernels").parent.mkdir(parents=True, exist_ok=True)
    (jp_data_dir / "kernels").symlink_to(spec)
    return name


async def test_a_language_executes(kernel: str, create, run, listen, call) -> None:
    code = LANGUAGES[kernel]
    made = await create(kernel=kernel)
    assert made["kernel_info"]["language"] == code.language
    notebook = made["id"]
    until = await listen(notebook)
    status, result = await run(notebook, code=code.prints)
    assert (status, result["output"]) == (200, "Hello 1\nHello 2\n")
    status, result = await run(notebook, code=code.uses)
    assert (status, result["output"]) == (200, "5\n")
    status, error = await run(notebook, code=code.fails)
    assert (status, error["code"]) == (422, "20202")
    assert re.search("no.?such.?(program|thing)", json.dumps(error), re.IGNORECASE)
    status, result = await run(notebook, code=code.uses)
    assert (status, result["output"]) == (200, "5\n")
    await until(of("execution", "SUCCESS", execution_count=result["execution_count"]))
    _, page, _ = await call("GET", f"{notebook}/executions")
    statuses = [row["status"] for row in page["items"]]
    assert statuses == ["SUCCESS", "ERROR", "SUCCESS", "SUCCESS"]


async def test_a_language_that_takes_too_long(kernel: str, create, run, call) -> None:
    code = LANGUAGES[kernel]
    notebook = (await create(kernel=kernel))["id"]
    status, error = await run(notebook, code=code.sleeps, timeout=1)
    assert (status, error["code"]) == (504, "20201")
    status, result = await run(notebook, code=code.prints)
    assert (status, result["output"]) == (200, "Hello 1\nHello 2\n")
    _, page, _ = await call("GET", f"{notebook}/executions")
    assert [row["status"] for row in page["items"]] == ["SUCCESS", "TIMEOUT"]


async def test_outputs_of_a_language_without_a_page(
    kernel: str, opened, tab, listen, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unattended, "GRACE_PERIOD", 0.2)
    code = LANGUAGES[kernel]
    shows = code.figure or code.uses
    notebook = await opened("a.ipynb", one=code.prints, two=code.slow, three=shows)
    until = await listen(notebook)
    page = await tab("a.ipynb", kernel=kernel)
    await page.run(code.prints, "one")
    await page.send(code.slow, "two")
    await page.send(shows, "three")
    await until(of("output", cell="two"))
    page.socket.close()
    await until(of("saved", cells=["three"]))
    cells = json.loads((project.root / "a.ipynb").read_text())["cells"]
    first, second, third = (cell["outputs"] for cell in cells)
    assert first == []  # The page had it, and saved nothing.
    assert "".join("".join(output["text"]) for output in second) == "0\n1\n2\n3\n"
    kinds = {kind for output in third for kind in output.get("data", {output.get("name"): 0})}
    assert kinds & {"image/png", "text/html", "stdout"}, third


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
