"""JupyterHub with a container for every person's lab. `make hub` starts it; see README.md.

Everything that differs between installations comes from the environment.
"""

import ipaddress
import json
import os
import secrets
import sys
from pathlib import Path

from jupyter_mlws.hub.signin import SignIn
from jupyter_mlws.hub.spawner import MLWSSpawner

c = get_config()  # noqa: F821  JupyterHub defines it

HERE = Path(__file__).parent
DATA = Path(os.environ.get("HUB_DATA", HERE.parent / "hub-data")).resolve()
NAME = os.environ.get("HUB_NAME", "mlws")
IP = os.environ.get("HUB_IP", "127.0.0.1")
PORT = int(os.environ.get("HUB_PORT", "8000"))
SUBNET = ipaddress.ip_network(os.environ.get("HUB_SUBNET", "198.18.0.0/20"))
GATEWAY = str(SUBNET[1])
API_PORT = int(os.environ.get("HUB_API_PORT", "8081"))
SERVICE_PORT = int(os.environ.get("HUB_SERVICE_PORT", "8082"))
PROXY_API_PORT = int(os.environ.get("HUB_PROXY_API_PORT", "8001"))
ADMINISTRATOR = os.environ.get("HUB_ADMIN", "admin")


def settings(name, default):
    """JSON from the environment."""
    return json.loads(os.environ[name]) if os.environ.get(name) else default


IMAGES = settings("HUB_IMAGES", {"Lab": os.environ.get("HUB_IMAGE", "mlws-lab")})
DEFAULT_IMAGE = os.environ.get("HUB_DEFAULT_IMAGE", next(iter(IMAGES)))
DEFAULT_RESOURCES = settings("HUB_DEFAULT_RESOURCES", {"cpu": "1", "memory": "2Gi"})
MAX_RESOURCES = settings("HUB_MAX_RESOURCES", {"cpu": "4", "memory": "8Gi", "gpu": "0"})
CAPACITY = settings("HUB_CAPACITY", None)

# Containers reach Hub and service at the host's own address in their network, and nothing else
# does: the proxy, which people use, is the only thing that listens elsewhere.
c.JupyterHub.bind_url = f"http://{IP}:{PORT}"
c.JupyterHub.hub_bind_url = f"http://{GATEWAY}:{API_PORT}"
c.JupyterHub.hub_connect_url = f"http://{GATEWAY}:{API_PORT}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{PROXY_API_PORT}"
c.ConfigurableHTTPProxy.pid_file = str(DATA / "proxy.pid")
if os.environ.get("HUB_PROXY"):
    c.ConfigurableHTTPProxy.command = json.loads(os.environ["HUB_PROXY"])

c.JupyterHub.db_url = os.environ.get("HUB_DB", f"sqlite:///{DATA / 'hub.sqlite'}")
c.JupyterHub.cookie_secret_file = str(DATA / "cookie_secret")
c.JupyterHub.template_paths = [str(HERE / "templates")]
# People's labs outlive the Hub's own restart.
c.JupyterHub.cleanup_servers = False
c.JupyterHub.allow_named_servers = True
c.JupyterHub.named_server_limit_per_user = 5

# Everybody may sign up; nobody gets in before an administrator has agreed.
c.JupyterHub.authenticator_class = SignIn
c.SignIn.open_signup = False
c.SignIn.minimum_password_length = 10
c.SignIn.check_common_password = True
c.SignIn.allowed_failed_logins = 5
c.SignIn.seconds_before_next_try = 60
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {ADMINISTRATOR}

c.JupyterHub.spawner_class = MLWSSpawner
c.MLWSSpawner.hub_name = NAME
c.MLWSSpawner.subnet = str(SUBNET)
c.MLWSSpawner.allowed_images = IMAGES
c.MLWSSpawner.default_image = DEFAULT_IMAGE
c.MLWSSpawner.default_resources = DEFAULT_RESOURCES
c.MLWSSpawner.max_resources = MAX_RESOURCES
c.MLWSSpawner.service_url = f"http://{GATEWAY}:{SERVICE_PORT}"
# Made anew at each start, known to the Hub and its service alone.
c.MLWSSpawner.admission_token = admission_token = secrets.token_hex(32)
c.Spawner.start_timeout = 180
c.Spawner.http_timeout = 60
c.Spawner.poll_interval = 30

c.JupyterHub.services = [
    {
        "name": "mlws",
        "command": [sys.executable, "-m", "jupyter_mlws.hub.service"],
        "url": f"http://{GATEWAY}:{SERVICE_PORT}",
        "display": True,
        "oauth_no_confirm": True,
        "environment": {
            "MLWS_HUB_NAME": NAME,
            "MLWS_ADMISSION_TOKEN": admission_token,
            "MLWS_SERVICE_URL": f"http://{GATEWAY}:{SERVICE_PORT}",
            "MLWS_SETTINGS": json.dumps(
                {
                    "hub_name": NAME,
                    "images": IMAGES,
                    "default_image": DEFAULT_IMAGE,
                    "default_resources": DEFAULT_RESOURCES,
                    "max_resources": MAX_RESOURCES,
                    "capacity": CAPACITY,
                    "network": NAME,
                }
            ),
            **{key: os.environ[key] for key in ("DOCKER_HOST", "HUB_DATA") if key in os.environ},
        },
    }
]
ACCESS = "access:services!service=mlws"
c.JupyterHub.load_roles = [
    {
        "name": "mlws",
        "services": ["mlws"],
        "scopes": [
            "list:users",
            "read:users",
            "servers",
            "read:hub",
            "read:metrics",
            "admin:server_state",
        ],
    },
    # A lab asks the service with its own token, as its person.
    {"name": "user", "scopes": ["self", ACCESS]},
    {"name": "server", "scopes": ["users:activity!user", "access:servers!server", ACCESS]},
]

IDLE = int(os.environ.get("HUB_IDLE_LIMIT", "0"))
if IDLE:
    c.JupyterHub.services.append(
        {
            "name": "idle-culler",
            "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE}"],
        }
    )
    c.JupyterHub.load_roles.append(
        {
            "name": "idle-culler",
            "services": ["idle-culler"],
            "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        }
    )
