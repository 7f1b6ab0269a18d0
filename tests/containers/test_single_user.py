"""A lab's server without the Hub's database layer."""

from __future__ import annotations

import subprocess
import sys

import pytest

LAYER = ("sqlalchemy", "alembic", "mako", "rich", "click")


def _run(code: str) -> str:
    command = [sys.executable, "-c", f"import sys, logging; logging.basicConfig()\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_the_database_layer_is_not_imported_and_works_when_it_is_used() -> None:
    printed = _run(f"""
from jupyter_mlws.containers.single_user import import_single_user
app = import_single_user()
print([name for name in {LAYER} if name in sys.modules])
from jupyterhub import scopes
assert app is sys.modules["jupyterhub.singleuser"]
assert scopes.orm.Base.metadata.tables["users"] is not None
assert scopes.sa.Integer and scopes.roles.get_default_roles()
import sqlalchemy.orm, jupyterhub.orm, jupyterhub.handlers.pages
assert scopes.orm.User is jupyterhub.orm.User
""")
    assert printed.splitlines() == ["[]"]


def test_a_hub_that_needs_it_at_once_gets_it() -> None:
    printed = _run("""
from jupyter_mlws.containers import single_user
single_user.CLASSES = set()
app = single_user.import_single_user()
assert "sqlalchemy" in sys.modules
from jupyterhub.utils import SQLAlchemyError
import sqlalchemy.exc
assert SQLAlchemyError is sqlalchemy.exc.SQLAlchemyError
""")
    assert "JupyterHub needs its database layer in this lab" in printed


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_its_command_line_is_that_of_jupyterhub(option: str) -> None:
    ours, theirs = (
        subprocess.run(
            [sys.executable, "-m", module, option], capture_output=True, text=True, timeout=120
        )
        for module in ("jupyter_mlws.containers.single_user", "jupyterhub.singleuser")
    )
    assert (ours.returncode, theirs.returncode) == (0, 0), ours.stderr
    assert ours.stdout == theirs.stdout
