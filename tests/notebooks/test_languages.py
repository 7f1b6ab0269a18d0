"""The same in each language, and many kernels at once."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from jupyter_mlws.notebooks import kernels, unattended
from mlws.core.project import Project
from tests.notebooks.conftest import ended, of

pytestmark = pytest.mark.kernel

R_KERNEL = Path("/usr/share/jupyter/kernels/ir")
REQUIRED = "MLWS_REQUIRE_R"

AT_ONCE = 20
MANY = 300
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
    many: str
    """Prints ``0`` to ``299`` at once."""


LANGUAGES = {
    "python3": Language(
        "python",
        "for n in (1, 2):\n    print('Hello', n)\nkept = 5",
        "print(kept)",
        "raise ValueError('no-such-thing')",
        "from IPython.display import HTML\nHTML('<b>shown</b>')",
        "import time\nfor n in range(4):\n    print(n, flush=True)\n    time.sleep(0.5)",
        "import time\ntime.sleep(60)",
        "for n in range(300):\n    print(n)",
    ),
    "bash": Language(
        "bash",
        'for n in 1 2; do echo "Hello $n"; done\nkept=5',
        "echo $kept",
        "no-such-program",
        None,
        "for n in 0 1 2 3; do echo $n; sleep 0.5; done",
        "sleep 60",
        "seq 0 299",
    ),
    "ir": Language(
        "R",
        'for (n in 1:2) cat("Hello ", n, "\\n", sep = "")\nkept <- 5',
        'cat(kept, "\\n", sep = "")',
        'stop("no-such-thing")',
        "plot(1:3)",
        'for (n in 0:3) { cat(n, "\\n", sep = ""); flush.console(); Sys.sleep(0.5) }',
        "Sys.sleep(60)",
        'for (n in 0:299) cat(n, "\\n", sep = "")',
    ),
    "deno": Language(
        "typescript",
        "for (const n of [1, 2]) console.log(`Hello ${n}`);\nlet kept = 5",
        "console.log(`${kept}`)",
        "throw new Error('no-such-thing')",
        "Deno.jupyter.html`<b>shown</b>`",
        "for (const n of [0, 1, 2, 3]) {\n"
        "  console.log(`${n}`);\n  await new Promise((go) => setTimeout(go, 500));\n}",
        "await new Promise((go) => setTimeout(go, 60_000))",
        "for (let n = 0; n < 300; n++) console.log(`${n}`)",
    ),
}

LATE_KERNEL = """\
import json, sys, zmq
from jupyter_client.session import Session

facts = json.load(open(sys.argv[1]))
session, context = Session(key=facts["key"].encode()), zmq.Context()

def bind(kind, name):
    socket = context.socket(kind)
    socket.bind(f"tcp://{facts['ip']}:{facts[name]}")
    return socket

shell, control = bind(zmq.ROUTER, "shell_port"), bind(zmq.ROUTER, "control_port")
iopub = None
while True:
    identities, request = session.recv(shell, mode=0)
    kind, sent = request["header"]["msg_type"], []
    if kind == "execute_request":
        sent = [("execute_input", {"code": request["content"]["code"], "execution_count": 1}),
                ("stream", {"name": "stdout", "text": "executed"})]
    for name, content in [("status", {"execution_state": "busy"}), *sent]:
        if iopub is not None:
            session.send(iopub, name, content, request)
    reply = {"status": "ok", "execution_count": 1, "user_expressions": {}}
    session.send(shell, kind.replace("_request", "_reply"), reply, request, identities)
    if iopub is not None:
        session.send(iopub, "status", {"execution_state": "idle"}, request)
    else:
        iopub = bind(zmq.PUB, "iopub_port")
"""
"""Kernel that ignores `control`, and replies once before anything can subscribe to its outputs."""


@pytest.fixture(
    params=[
        *("python3", "bash"),
        *(pytest.param(name, marks=pytest.mark.exhaustive) for name in ("ir", "deno")),
    ]
)
def kernel(
    request: pytest.FixtureRequest, jp_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The kernel of a language."""
    name: str = request.param
    installed = R_KERNEL
    if name == "python3":
        return name
    if name == "bash":
        from bash_kernel.install import install_my_kernel_spec

        install_my_kernel_spec(user=False, prefix=str(jp_data_dir.parent))
        installed = jp_data_dir.parent / "share" / "jupyter" / "kernels" / name
    elif name == "deno":
        monkeypatch.setenv("DENO_DIR", str(jp_data_dir / "deno"))
        program = shutil.which("deno", path=str(Path(sys.executable).parent))
        # The same as `deno jupyter --install` writes.
        install(jp_data_dir, name, "typescript", str(program), "jupyter", "--kernel", "--conn")
        return name
    elif not installed.is_dir():
        reason = "the R kernel is not installed (Debian: r-cran-irkernel)"
        pytest.fail(reason) if os.environ.get(REQUIRED) == "1" else pytest.skip(reason)
    (jp_data_dir / "kernels").mkdir(parents=True, exist_ok=True)
    (jp_data_dir / "kernels" / name).symlink_to(installed)
    return name


def install(data: Path, name: str, language: str, *command: str) -> None:
    """Install a kernel that is started by a command with the path of the connection file."""
    directory = data / "kernels" / name
    directory.mkdir(parents=True)
    spec = {"argv": [*command, "{connection_file}"], "display_name": name, "language": language}
    (directory / "kernel.json").write_text(json.dumps(spec))


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


@pytest.mark.exhaustive
async def test_a_language_that_takes_too_long(kernel: str, create, run, call) -> None:
    code = LANGUAGES[kernel]
    notebook = (await create(kernel=kernel))["id"]
    status, error = await run(notebook, code=code.sleeps, timeout=1)
    assert (status, error["code"]) == (504, "20201")
    # Deno cannot be interrupted: the signal ends it.
    assert error["details"]["restarted"] is (kernel == "deno")
    status, result = await run(notebook, code=code.prints)
    assert (status, result["output"]) == (200, "Hello 1\nHello 2\n")
    _, page, _ = await call("GET", f"{notebook}/executions")
    assert [row["status"] for row in page["items"]] == ["SUCCESS", "TIMEOUT"]


async def test_outputs_that_follow_the_idle_status(kernel: str, create, run, call) -> None:
    code = LANGUAGES[kernel]
    notebook = (await create(kernel=kernel))["id"]
    _, result = await run(notebook, code=code.many)
    assert result["output"] == "".join(f"{number}\n" for number in range(MANY))


@pytest.mark.exhaustive
async def test_an_execution_waits_for_the_cell_of_a_tab(
    kernel: str, opened, tab, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "START_TIMEOUT", 0.5)
    code = LANGUAGES[kernel]
    notebook = await opened("a.ipynb", one=code.slow)
    page = await tab("a.ipynb", kernel=kernel)
    await page.run(code.prints)
    cell = await page.send(code.slow, "one")
    await page.until(cell, "execute_input")
    status, result = await run(notebook, code=code.uses)
    assert (status, result["output"]) == (200, "5\n")


async def test_a_kernel_that_replies_before_its_outputs_arrive(
    create, run, jp_data_dir: Path
) -> None:
    install(jp_data_dir, "late", "late", sys.executable, "-c", LATE_KERNEL)
    notebook = (await create(kernel="late"))["id"]
    status, result = await run(notebook, code="anything")
    assert (status, result["output"]) == (200, "executed")


@pytest.mark.exhaustive
async def test_outputs_of_a_language_without_a_page(
    kernel: str, opened, tab, listen, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unattended, "GRACE_PERIOD", 0.2)
    code = LANGUAGES[kernel]
    shows = code.figure or code.uses
    notebook = await opened("a.ipynb", one=code.prints, two=code.slow, three=shows, four=code.many)
    until = await listen(notebook)
    page = await tab("a.ipynb", kernel=kernel)
    await page.run(code.prints, "one")
    await until(of("execution", "SUCCESS", cell="one"))
    await page.send(code.slow, "two")
    await page.send(shows, "three")
    await page.send(code.many, "four")
    await until(of("output", cell="two"))
    page.socket.close()
    waiting = [["three"], ["four"]]  # in any order: outputs may follow the end of a cell
    while waiting:
        waiting.remove((await until(lambda m: m.get("cells") in waiting))[-1]["cells"])
    cells = json.loads((project.root / "a.ipynb").read_text())["cells"]
    first, second, third, fourth = (cell["outputs"] for cell in cells)
    # The page had it, and saved nothing.
    assert "".join("".join(output["text"]) for output in first) == "Hello 1\nHello 2\n"
    assert "".join("".join(output["text"]) for output in second) == "0\n1\n2\n3\n"
    kinds = {kind for output in third for kind in output.get("data", {output.get("name"): 0})}
    assert kinds & {"image/png", "text/html", "stdout"}, third
    lines = "".join("".join(output["text"]) for output in fourth)
    assert lines == "".join(f"{number}\n" for number in range(MANY))


@pytest.mark.exhaustive
@pytest.mark.slow(reason="real kernels")
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
