"""Configuration of tests/accounts/plain_hub.py, read by JupyterHub."""

import os
import sys
from pathlib import Path

from argon2 import PasswordHasher

from hub_config.settings import ROOT
from jupyter_mlws.hub.accounts import passwords
from jupyter_mlws.hub.page_translation import TemplateTranslation
from jupyter_mlws.hub.request_audit import RequestAudit
from jupyter_mlws.hub.signin import SignIn

c = get_config()  # noqa: F821  JupyterHub defines it

if not os.environ.get("PLAIN_HUB_REAL_HASHES"):
    # Less work for each password.
    passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

hub_port, api_port = os.environ["PLAIN_HUB_PORTS"].split()
c.JupyterHub.bind_url = f"http://127.0.0.1:{os.environ['PLAIN_HUB_PORT']}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{hub_port}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{api_port}"
c.ConfigurableHTTPProxy.command = os.environ["PLAIN_HUB_PROXY"].split()
c.ConfigurableHTTPProxy.pid_file = str(Path.cwd() / "proxy.pid")
c.JupyterHub.db_url = os.environ["PLAIN_HUB_DB"]
c.JupyterHub.cookie_secret_file = str(Path.cwd() / "cookie_secret")
c.JupyterHub.template_paths = [str(ROOT / "hub_config" / "templates")]
c.JupyterHub.jinja_environment_options = {"extensions": [TemplateTranslation]}
c.JupyterHub.tornado_settings = {"log_function": RequestAudit("", "")}
c.JupyterHub.allow_named_servers = True
c.JupyterHub.authenticator_class = SignIn
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {"admin"}
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = [sys.executable, "-m", "jupyter_mlws.containers.single_user"]
c.Spawner.args = ["--allow-root"]
c.Spawner.options_form = '<input name="note">'

if extra := os.environ.get("PLAIN_HUB_CONFIG"):
    load_subconfig(extra)  # noqa: F821  JupyterHub defines it
