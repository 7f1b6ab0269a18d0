"""Spawner of labs in Docker containers, with admission, limits and Docker events.

The Hub controls the lifecycle, and Docker the restarts. Before it calls Docker, the spawner
requests resources from the service ``mlws``; Docker events update the Hub's state at once.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import docker
import requests
from docker.errors import DockerException
from dockerspawner import DockerSpawner
from jupyterhub.utils import url_path_join
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from traitlets import Dict, Float, Int, Unicode, default

from jupyter_mlws.containers.models import Resources
from jupyter_mlws.core.errors import (
    ContainerBackendError,
    ContainerCrashedError,
    ImageUnavailableError,
)
from jupyter_mlws.hub import words
from jupyter_mlws.hub.docker import container_config
from jupyter_mlws.hub.docker.events import HUB_LABEL, EngineEvent, EventDispatcher
from jupyter_mlws.hub.docker.personal_images import LABEL, own_images
from jupyter_mlws.hub.scheduling.admission import AdmissionClient, AdmissionRequest, Refusal
from jupyter_mlws.hub.scheduling.policy import Policy, ResolvedSpec, sizes
from jupyter_mlws.hub.spawn_form import SpawnForm, read_form
from mlws.core.errors import MLWSError
from mlws.core.i18n import ENGLISH, Message, preferred_language

MAX_PULL_ATTEMPTS = 3
READINESS_POLL_INTERVAL = 0.1
READINESS_REQUEST_TIMEOUT = 5.0
"""Seconds between requests to a starting lab, and the timeout of each."""
CRASH_LOG_LINES = 20
"""Lines of an exited container's log that are shown to the user."""
MAX_DOCKER_THREADS = 32
"""Maximum number of concurrent calls to Docker; one that hangs must not delay the others."""


class ContainerSpawner(DockerSpawner):  # type: ignore[misc]
    """Starts labs in containers and follows them, by the settings of :class:`MLWSSpawner`."""

    _watch: ClassVar[EventDispatcher | None] = None
    _pool: ClassVar[ThreadPoolExecutor | None] = None
    wanted: ResolvedSpec
    """Specification of the running container; set by a start."""
    mounted: str
    """Volume with the user's files; set by a start."""
    home_node: str | None = None
    """The only node with that volume, if there are several nodes; set by a start."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._language = ENGLISH
        self._steps = words.SpawnProgress(ENGLISH)
        self._change_event = asyncio.Event()
        self._image_digest = ""
        self._own_images: Mapping[str, str] = {}

    @property
    def executor(self) -> ThreadPoolExecutor:
        """Thread pool of many threads, instead of DockerSpawner's one."""
        cls = ContainerSpawner
        if cls._pool is None:
            cls._pool = ThreadPoolExecutor(MAX_DOCKER_THREADS, thread_name_prefix="docker")
        return cls._pool

    @property
    def home_volume(self) -> str:
        """Name of the user's first home volume, which all servers of the user share."""
        return f"{self.hub_name}-home-{self.escaped_name}"

    @property
    def policy(self) -> Policy:
        """Images and sizes that the spawn page offers; the service alone decides on requests."""
        images = self._get_allowed_images()
        return Policy(
            images=images,
            default_image=self.default_image or next(iter(images), ""),
            default_resources=Resources.model_validate(self.default_resources),
            max_resources=Resources.model_validate(self.max_resources),
            all_profiles=sizes(self.profiles),
        ).with_images(self._own_images)

    async def load_own_images(self) -> None:
        """Load the images that this user has saved, so that they can be chosen."""
        filters = {"label": [f"{LABEL}.hub={self.hub_name}", f"{LABEL}.user={self.user.name}"]}
        self._own_images = own_images(await self.docker("images", filters=filters))

    @property
    def language(self) -> str:
        """Language of the latest request; English if there was none."""
        if self.handler is not None:
            header = self.handler.request.headers.get("Accept-Language", "")
            self._language = preferred_language(header)
        return self._language

    # Starting

    async def start(self) -> tuple[str, int]:
        """Run the container and return (address, port); errors are in the user's language."""
        language = self.language
        self._steps = words.SpawnProgress(language)
        try:
            await self._admit(language)
            return await asyncio.wait_for(self._run(), self.run_limit)
        except TimeoutError:
            error = ContainerBackendError(reason=await self.describe_silence())
            refusal = Refusal.of(error, language)
        except MLWSError as error:
            refusal = Refusal.of(error, language)
        except Refusal as error:
            refusal = error
        except (DockerException, requests.RequestException) as error:
            refusal = Refusal.of(ContainerBackendError(reason=str(error)), language)
        # A start without options uses the last ones, which must not be the rejected ones.
        self.orm_spawner.user_options = None
        self._steps.end()
        service = self.user.settings["services"]["mlws"]
        # The host is empty unless the Hub uses subdomains.
        refusal.link(f"{service.host}{service.prefix}")
        raise refusal

    async def describe_silence(self) -> Message:
        """Return why a start took too long, as far as that is known."""
        text = "JupyterLab did not respond within {seconds:g} s"
        return Message(text, seconds=self.start_limit)

    async def _admit(self, language: str) -> None:
        """Wait until the service lets this start; the service also checks the user's options."""
        self._steps.report(10, words.ADMISSION)
        admission = await self.admission.ask(
            AdmissionRequest(
                user=self.user.name,
                admin=bool(self.user.admin),
                server=self.name,
                options=self.user_options,
                home=self.home_volume,
            ),
            language,
            self.queue_wait,
            lambda position: self._steps.report(10, words.queue_position(position)),
        )
        assert admission.spec is not None
        self.wanted, self.mounted, self.home_node = (
            admission.spec,
            admission.volume,
            admission.node,
        )
        self.image = self.wanted.image
        self.mem_limit = self.wanted.resources.memory
        self.cpu_limit = self.wanted.resources.cpu

    async def _run(self) -> tuple[str, int]:
        self._steps.report(20, words.IMAGE, image=self.wanted.label)
        await self.pull_image(self.image)
        self._steps.report(40, words.CREATION, size=words.size(self.wanted.resources))
        await self.prepare_engine()
        created = await self.create_object()
        self.object_id = created[self.object_id_key]
        self.shared_watch().add(self)
        self._steps.report(60, words.STARTING)
        await self.start_object()
        address = await self.wait_until_ready()
        await self.end_start_limits()
        return address

    @property
    def run_limit(self) -> float:
        """Seconds from the grant of resources to the lab's first response."""
        return float(self.start_limit)

    @property
    def root(self) -> str:
        """URL path below which everything of this Hub is, usually ``/``."""
        return str(self.hub.base_url).removesuffix("hub/")

    @property
    def admission(self) -> AdmissionClient:
        """Client that requests resources from the service."""
        address = url_path_join(self.service_url, self.root, "services/mlws")
        return AdmissionClient(address, self.admission_token)

    async def pull_image(self, image: str) -> None:
        """Pull the image, with retries; use the local one if that fails.

        ImageUnavailableError if there is no local image either.
        """
        is_present = True
        try:
            await self._note_image(image)
        except docker.errors.NotFound:
            is_present = False
        if self.pull_policy == "skip" or (is_present and self.pull_policy != "always"):
            return
        # A colon before the last slash belongs to a host's port.
        name, separator, tag = image.rpartition(":")
        repository = (name, tag) if separator and "/" not in tag else (image, "latest")
        failure: str | Message = Message("it is not available on this machine")
        for attempt in range(0 if self.pull_policy == "never" else MAX_PULL_ATTEMPTS):
            if attempt:
                await asyncio.sleep(self.pull_wait * 2 ** (attempt - 1))
            try:
                await self.docker("pull", *repository)
            except (DockerException, requests.RequestException) as error:
                failure = str(error)
                self.log.warning("Pulling %s failed: %s", image, error)
            else:
                await self._note_image(image)
                return
        if not is_present:
            raise ImageUnavailableError(image=image, reason=failure)
        self.log.warning("Could not pull %s; using the local image", image)

    async def _note_image(self, image: str) -> None:
        """Note the digest of an image; NotFound if it is not on this machine."""
        facts = await self.docker("inspect_image", image)
        self._image_digest = (facts.get("RepoDigests") or [facts["Id"]])[0].rpartition("@")[2]

    async def prepare_engine(self) -> None:
        """Create the network and the volume, and remove the previous container.

        After a crash it remains for its log.
        """
        try:
            await self.docker("inspect_network", self.network_name)
        except docker.errors.NotFound:
            self.log.info("Creating the network %s", self.network_name)
            arguments = container_config.network(self.network_name, self.bridge, self.subnet)
            await self.docker("create_network", **arguments)
        # Does nothing if the volume exists.
        labels = {HUB_LABEL: self.hub_name, "mlws.user": self.user.name}
        await self.docker("create_volume", self.mounted, labels=labels)
        if await self.get_object():
            await self.docker("remove_container", self.object_id, v=True, force=True)
            self.object_id = ""

    async def create_object(self) -> dict[str, Any]:
        """Create the container; confinement overrides the configured options."""
        host = self.client.create_host_config(
            **{
                **await self._resolve_options(self.extra_host_config),
                "binds": {**self.volume_binds, self.mounted: {"bind": self.home, "mode": "rw"}},
                "mounts": self.mount_binds,
                "network_mode": self.network_name,
                **container_config.confinement(
                    self.wanted, self.processes, self.restarts, self.start_cpu
                ),
            }
        )
        config = self.client.create_container_config(
            **{
                **await self._resolve_options(self.extra_create_kwargs),
                "image": self.image,
                "command": await self.get_command(),
                "environment": self.get_env(),
                "labels": container_config.labels(
                    self.hub_name, self.user.name, self.name, self.wanted
                ),
                "host_config": host,
            }
        )
        # docker-py does not support StartInterval as an argument.
        config["Healthcheck"] = container_config.health_check(self.client.api_version)
        created: dict[str, Any] = await self.docker(
            "create_container_from_config", config, self.container_name
        )
        return created

    async def _resolve_options(self, trait: Any) -> dict[str, Any]:
        """Return the options that the installation adds.

        ``trait`` is a dictionary, or a function of the spawner that returns one.
        """
        value = self._eval_if_callable(trait)
        if asyncio.iscoroutine(value):
            value = await value
        options: dict[str, Any] = self._render_templates(value)
        return options

    def get_env(self) -> dict[str, str]:
        """Return the lab's variables: the user's, overridden by the Hub's own."""
        own = super().get_env()
        own["MLWS_SERVICE_URL"] = self.service_url
        own.update(container_config.credentials(self.service_url))
        if self._image_digest:
            own["MLWS_IMAGE"] = f"{self.image} {self._image_digest}"
        own["JUPYTERHUB_ACTIVITY_INTERVAL"] = str(self.activity_interval)
        return container_config.environment(own, self.wanted)

    async def wait_until_ready(self) -> tuple[str, int]:
        """Wait for the lab's first response and return (address, port).

        ContainerCrashedError if the container has exited after its last restart.
        """
        self._steps.report(70, words.WAITING)
        while True:
            change = self._change_event = asyncio.Event()
            state = await self.read_state()
            if not state["Running"]:
                log = await self.read_log_tail()
                raise ContainerCrashedError(
                    exit_code=state["ExitCode"],
                    cause="out of memory" if state["OOMKilled"] else state["Error"] or "error",
                    restarts=self.restarts,
                    last_log=log.decode(errors="replace").splitlines(),
                )
            ip, port = await self.get_ip_and_port()
            notification = asyncio.create_task(change.wait())
            answer = asyncio.create_task(self._wait_for_response(ip, port))
            try:
                await asyncio.wait({notification, answer}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                # Also if the start is cancelled: nothing else would cancel the tasks.
                for task in (notification, answer):
                    task.cancel()
            (error,) = await asyncio.gather(answer, return_exceptions=True)
            if error is None:
                self._steps.end()
                return ip, port
            if not isinstance(error, asyncio.CancelledError):
                raise error

    async def _wait_for_response(self, ip: str, port: int) -> None:
        if not ip:
            # Between restarts a container has no address; the next start is an event.
            await asyncio.Event().wait()
        url = f"http://{ip}:{port}{url_path_join(self.server.base_url, 'api')}"
        while True:
            try:
                await AsyncHTTPClient().fetch(url, request_timeout=READINESS_REQUEST_TIMEOUT)
                return
            except (OSError, HTTPClientError):
                await asyncio.sleep(READINESS_POLL_INTERVAL)

    async def end_start_limits(self) -> None:
        """Limit the started container to the cores that it was granted."""
        if container_config.starting(self.wanted.resources, self.start_cpu):
            limits = container_config.limits(self.wanted.resources)
            await self.docker("update_container", self.object_id, **limits)

    async def read_state(self) -> dict[str, Any]:
        """Return the container's state as Docker describes it."""
        state: dict[str, Any] = (await self.docker("inspect_container", self.object_id))["State"]
        return state

    async def read_log_tail(self) -> bytes:
        """Return the end of the container's log."""
        lines: bytes = await self.docker("logs", self.object_id, tail=CRASH_LOG_LINES)
        return lines

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """Yield the steps of the start, in the user's language, for the spawn page."""
        async for step in self._steps:
            yield step

    # Watching

    def shared_watch(self) -> EventDispatcher:
        """Return the watcher of Docker events that all spawners of this Hub share."""
        cls = ContainerSpawner

        def connect() -> docker.APIClient:
            tls = {"tls": docker.tls.TLSConfig(**self.tls_config)} if self.tls_config else {}
            environment = docker.utils.kwargs_from_env()
            return docker.APIClient(
                **{"version": "auto", **tls, **environment, **self.client_kwargs}
            )

        if cls._watch is None:
            cls._watch = EventDispatcher(connect, self.hub_name)
        return cls._watch

    def load_state(self, state: dict[str, Any]) -> None:
        """Load the state, and watch a server that ran before the Hub was started."""
        super().load_state(state)
        if self.object_id:
            self.shared_watch().add(self)

    def is_about(self, event: EngineEvent) -> bool:
        """Return True if the event is about this container, not an older one of the same name."""
        return bool(self.object_id == event.container)

    async def handle_event(self, event: EngineEvent) -> None:
        """Handle a Docker event of this container."""
        if event.action == "start" and self.pending == "spawn":
            self._steps.started()
        await self.refresh()

    async def refresh(self) -> None:
        """Compare the Hub's state of the server with the actual container."""
        if self.pending == "spawn":
            self._change_event.set()
            return
        is_running = not self.pending and self.server is not None
        if not is_running or await self.poll_and_notify() is not None:
            return
        # A restart may change the address of the container.
        ip, port = await self.get_ip_and_port()
        if ip and (self.server.ip, self.server.port) != (ip, port):
            self.log.info("%s is now at %s:%s", self._log_name, ip, port)
            self.server.ip, self.server.port = ip, port
            self.db.commit()
            await self.user.settings["proxy"].add_user(self.user, self.name)

    async def delete_forever(self) -> None:
        """Remove the container of a deleted server; the user's files stay."""
        if await self.get_object():
            await self.docker("remove_container", self.object_id, v=True, force=True)


class MLWSSpawner(ContainerSpawner):
    """DockerSpawner with admission, limits, confinement and fast detection of ended labs."""

    hub_name = Unicode(
        "mlws",
        config=True,
        help="""Name of this installation: lowercase letters, digits and hyphens.

        Containers, volumes and the network have it as name prefix and as label ``mlws.hub``,
        so that several installations can share one Docker engine.
        """,
    )
    default_image = Unicode(
        config=True,
        help="""Label, in ``allowed_images``, of the image for users who choose none.""",
    )
    default_resources = Dict(
        {"cpu": "1", "memory": "2Gi"},
        config=True,
        help="""Resources of a container that requests none: ``cpu``, ``memory``, ``gpu``.

        The spawn page selects the size with these resources. The service applies the same setting
        in ``MLWS_SETTINGS``.
        """,
    )
    max_resources = Dict(
        {"cpu": "4", "memory": "8Gi", "gpu": "0"},
        config=True,
        help="""Maximum resources per container: ``cpu``, ``memory``, ``gpu``.

        The spawn page offers no larger size. The service enforces the same setting in
        ``MLWS_SETTINGS``.
        """,
    )
    profiles = Dict(
        {
            "small": {"cpu": "500m", "memory": "1Gi"},
            "medium": {"cpu": "1", "memory": "2Gi"},
            "large": {"cpu": "2", "memory": "4Gi"},
            "gpu": {"cpu": "4", "memory": "8Gi", "gpu": "1"},
        },
        config=True,
        help="""Sizes on the spawn page, by name; those above ``max_resources`` are not offered.""",
    )
    subnet = Unicode(
        "198.18.0.0/20",
        config=True,
        help="""Subnet of the containers. Its first address is the host's, where the Hub and the
        service listen.""",
    )
    bridge = Unicode(
        "br-mlws",
        config=True,
        help="""The host's network interface for that network; at most 15 characters.""",
    )
    home = Unicode(
        "/home/mlws",
        config=True,
        help="""Home folder in the image. The user's volume, shared by all of the user's servers, is
        mounted there.""",
    )
    start_cpu = Float(
        2.0,
        config=True,
        help="""Minimum number of cores until the container first responds; then it gets the limit
        that it was granted. A lab with half a core would take twice as long to start.
        0 means its own limit from the start.""",
    )
    processes = Int(
        1024, config=True, help="""Maximum number of processes and threads in a container."""
    )
    restarts = Int(3, config=True, help="""How often Docker restarts a container that failed.""")
    pull_wait = Float(
        2.0,
        config=True,
        help="""Seconds before pulling an image is retried; doubled each time.""",
    )
    service_url = Unicode(
        config=True,
        help="""URL of the service ``mlws`` for the Hub and the containers. Default: the environment
        variable ``MLWS_SERVICE_URL``.""",
    )
    admission_token = Unicode(
        config=True,
        help="""Token with which the Hub requests resources from the service. Default: environment
        variable ``MLWS_ADMISSION_TOKEN``. It is never passed to a container.""",
    )

    queue_wait = Float(
        600.0,
        config=True,
        help="""Seconds that a start from the Hub's own pages waits in the queue, with its position
        shown. After that, the page says so, and the container starts automatically when it is
        its turn. ``start_timeout`` must be longer by ``start_limit``.""",
    )
    start_limit = Float(
        180.0,
        config=True,
        help="""Seconds within which a container must respond after it got its resources.""",
    )

    activity_interval = Int(
        60,
        config=True,
        help="""Seconds between reports of a lab's activity: kernels, running cells, workflows,
        terminals. The idle timeout must be at least twice as long.""",
    )

    @default("service_url")
    def _service_url_default(self) -> str:
        return os.environ.get("MLWS_SERVICE_URL", "")

    @default("admission_token")
    def _admission_token_default(self) -> str:
        return os.environ.get("MLWS_ADMISSION_TOKEN", "")

    @default("prefix")
    def _prefix_default(self) -> str:
        return str(self.hub_name)

    @default("network_name")
    def _network_name_default(self) -> str:
        return str(self.hub_name)

    @default("remove")
    def _remove_default(self) -> bool:
        # Otherwise the next start would reuse the container with its old limits.
        return True

    @default("options_form")
    def _options_form_default(self) -> Any:
        async def form(spawner: ContainerSpawner) -> str:
            await spawner.load_own_images()
            form = await SpawnForm.load(spawner)
            return form.html()

        return form

    @default("options_from_form")
    def _options_from_form_default(self) -> Any:
        return read_form

    @default("apply_user_options")
    def _apply_user_options_default(self) -> Any:
        # The service validates them in start(), where an error can be shown in the user's language
        # and without a traceback in the log.
        return lambda spawner, options: None
