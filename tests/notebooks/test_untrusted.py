"""Kernels of a project whose authors are not trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlws.core.trust import withdraw_trust
from mlws.core.project import Project

pytestmark = pytest.mark.kernel

SHADOWS = ("contextlib", "runpy", "comm", "psutil", "matplotlib_inline", "ipykernel_launcher")
"""Modules that a kernel imports when it starts."""
IMPORTS = """\
import helper, subprocess, sys
print(helper.NAME, subprocess.run([sys.executable, "script.py"], stdout=-1).stdout)
"""


async def test_a_kernel_runs_nothing_of_an_untrusted_project_before_the_first_cell(
    opened, tab, call, run, project: Project, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    for module in SHADOWS:
        (project.root / f"{module}.py").write_text(f"open({str(marker)!r}, 'a').write('{module} ')")
    (project.root / "helper.py").write_text("NAME = 'helper'")
    (project.root / "script.py").write_text("import helper\nprint(helper.NAME, end='')")
    withdraw_trust(project.root)
    notebook = await opened("a.ipynb", one="1")
    await tab("a.ipynb")
    await call("GET", f"{notebook}/variables")
    assert not marker.exists()
    for module in SHADOWS:
        (project.root / f"{module}.py").unlink()
    # A cell that the user runs imports from the project, as in any kernel.
    status, result = await run(notebook, code=IMPORTS)
    assert (status, result["output"]) == (200, "helper b'helper'\n")
    status, result = await run(notebook, code="import sys; print(sys.path.count(''), dir())")
    assert result["output"].startswith("1 ")
    assert "import_from_project" not in result["output"]
