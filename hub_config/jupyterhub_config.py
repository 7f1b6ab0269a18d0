"""Configuration of JupyterHub with a container per lab. `make hub` starts it; see README.md.

The settings of an installation come from the environment: see settings.py.
"""

import json
import os
import secrets
import sys
from pathlib import Path

START_LIMIT = 180.0
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from hub_config.settings import Settings  # noqa: E402
from jupyter_mlws.hub.announcements import AnnouncementFile  # noqa: E402
from jupyter_mlws.hub.docker.spawner import MLWSSpawner  # noqa: E402
from jupyter_mlws.hub.docker.swarm_spawner import MLWSSwarmSpawner  # noqa: E402
from jupyter_mlws.hub.page_translation import TemplateTranslation  # noqa: E402
from jupyter_mlws.hub.request_audit import RequestAudit  # noqa: E402
from jupyter_mlws.hub.signin import SignIn  # noqa: E402
from jupyter_mlws.logs.formatting import ECS, VARIABLE, HubFormatter  # noqa: E402

c = get_config()  # noqa: F821  JupyterHub defines it
own = Settings.read()

# Each user's labs and the service have a subdomain of this name, and so separate origins.
c.JupyterHub.subdomain_host = own.subdomain
c.JupyterHub.cookie_host_prefix_enabled = own.cookies_for_host_alone

# Containers reach Hub and service at the host's address in their network. Only the proxy, for
# users, may listen on other addresses.
c.JupyterHub.bind_url = f"http://{own.ip}:{own.port}"
c.JupyterHub.hub_bind_url = f"http://{own.address}:{own.api_port}"
c.JupyterHub.hub_connect_url = f"http://{own.address}:{own.api_port}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{own.proxy_api_port}"
c.ConfigurableHTTPProxy.pid_file = str(own.data / "proxy.pid")
if os.environ.get("HUB_PROXY"):
    c.ConfigurableHTTPProxy.command = json.loads(os.environ["HUB_PROXY"])

if own.log_format == ECS:
    formatter = f"{HubFormatter.__module__}.{HubFormatter.__name__}"
    c.JupyterHub.logging_config = {"formatters": {"console": {"class": formatter}}}

c.JupyterHub.db_url = own.database
c.JupyterHub.cookie_secret_file = str(own.data / "cookie_secret")
c.JupyterHub.template_paths = [str(HERE / "templates")]
announcements = AnnouncementFile(own.data)
# The Hub calls the function with the user of each page.
c.JupyterHub.template_vars = {"announcements": lambda user: announcements.read() if user else []}
c.JupyterHub.jinja_environment_options = {"extensions": [TemplateTranslation]}
# Labs outlive a restart of the Hub.
c.JupyterHub.cleanup_servers = False
c.JupyterHub.allow_named_servers = True
c.JupyterHub.named_server_limit_per_user = 5

# All users may sign up; an administrator must approve each account.
c.JupyterHub.authenticator_class = SignIn
c.SignIn.service_url = own.service_url
# The Hub's own proxy connects from the address of the Hub; another one may be in front of it.
c.SignIn.trusted_proxies = ["127.0.0.0/8", "::1", own.address, *own.trusted_proxies]
c.Authenticator.allow_all = True
c.Authenticator.admin_users = {own.administrator}

c.JupyterHub.spawner_class = MLWSSwarmSpawner if own.swarm else MLWSSpawner
c.MLWSSwarmSpawner.publish_labs = own.publish_labs
c.MLWSSpawner.hub_name = own.name
c.MLWSSpawner.bridge = own.bridge
c.MLWSSpawner.subnet = own.subnet
c.MLWSSpawner.allowed_images = dict(own.images)
c.MLWSSpawner.default_image = own.default_image
c.MLWSSpawner.default_resources = dict(own.default_resources)
c.MLWSSpawner.max_resources = dict(own.max_resources)
c.MLWSSpawner.profiles = {name: dict(size) for name, size in own.profiles.items()}
c.MLWSSpawner.service_url = own.service_url
# Generated at each start; only the Hub and its service have it.
c.MLWSSpawner.admission_token = admission_token = secrets.token_hex(32)
c.SignIn.admission_token = admission_token
# What is done to labs without the service is in its audit log, too.
c.JupyterHub.tornado_settings = {"log_function": RequestAudit(own.service_url, admission_token)}
c.MLWSSpawner.queue_wait = own.queue_wait
c.MLWSSpawner.start_limit = START_LIMIT
# A start may wait in the queue first.
c.Spawner.start_timeout = int(own.queue_wait + START_LIMIT + 30)
# Waiting starts count as starting; the service limits concurrent starts.
c.JupyterHub.concurrent_spawn_limit = 0
c.Spawner.http_timeout = 60

# Services inherit almost nothing; the first row is by which `make hub-down` finds its processes.
inherited = {
    name: os.environ[name]
    for name in (
        "MLWS_INSTALLATION",
        "HUB_DATA",
        "MLWS_DB_URL",
        "DOCKER_HOST",
        "DOCKER_TLS_VERIFY",
        "DOCKER_CERT_PATH",
    )
    if name in os.environ
}
c.JupyterHub.services = [
    {
        "name": "mlws",
        "command": [sys.executable, "-m", "jupyter_mlws.hub.service"],
        "url": own.service_url,
        "display": True,
        # It migrates its database and inspects all containers before it responds.
        "timeout": 120,
        "oauth_no_confirm": True,
        "environment": {
            **inherited,
            "MLWS_HUB_NAME": own.name,
            "MLWS_ADMISSION_TOKEN": admission_token,
            "MLWS_SERVICE_URL": own.service_url,
            VARIABLE: own.log_format,
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
            "read:groups",
            "servers",
            "read:hub",
            "read:metrics",
            "admin:server_state",
        ],
    },
    # A lab calls the service with its token, as its user.
    {"name": "user", "scopes": ["self", ACCESS]},
    {"name": "server", "scopes": ["users:activity!user", "access:servers!server", ACCESS]},
]

if own.metrics_token:
    # Prometheus is not started by the Hub; it reads the token from a file.
    c.JupyterHub.services.append({"name": "prometheus", "api_token": own.metrics_token})
    c.JupyterHub.load_roles.append(
        {"name": "prometheus", "services": ["prometheus"], "scopes": ["read:metrics", ACCESS]}
    )

c.MLWSSpawner.environment = {VARIABLE: own.log_format}
if own.tracking_url:
    # MLflow of shared projects identifies users by the token of their lab.
    c.MLWSSpawner.environment |= {
        "MLFLOW_TRACKING_URI": own.tracking_url,
        "MLWS_TEAM_URL": own.team_url,
        "MLFLOW_TRACKING_TOKEN": lambda spawner: spawner.api_token,
    }

# Labs report their activity. Traffic through the proxy is no activity: an unused page causes it as
# long as it is open.
c.JupyterHub.last_activity_interval = 10 * 365 * 24 * 3600
if own.idle_limit:
    c.MLWSSpawner.activity_interval = max(1, min(60, own.idle_limit // 3))
    c.JupyterHub.services.append(
        {
            "name": "idle-culler",
            "command": [
                sys.executable,
                "-m",
                "jupyterhub_idle_culler",
                f"--timeout={own.idle_limit}",
            ],
            "environment": inherited,
        }
    )
    c.JupyterHub.load_roles.append(
        {
            "name": "idle-culler",
            "services": ["idle-culler"],
            "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        }
    )

# An installation's own authenticator, TLS or limits: Python like this file, read last.
if own.extra_config:
    load_subconfig(own.extra_config)  # noqa: F821  JupyterHub defines it

# The service enforces the limits of the spawn page, also those changed by that file.
spawner = {**c.MLWSSpawner, **(c.MLWSSwarmSpawner if own.swarm else {})}
service = next(one for one in c.JupyterHub.services if one["name"] == "mlws")
service["environment"]["MLWS_SETTINGS"] = json.dumps(
    {
        **own.for_service(),
        "images": dict(spawner["allowed_images"]),
        "default_image": spawner["default_image"],
        "default_resources": spawner["default_resources"],
        "max_resources": spawner["max_resources"],
        "profiles": spawner["profiles"],
        "shared_homes": spawner.get("volume_driver", "local") not in ("", "local"),
    }
)
