"""A machine of its own for tests: a network, a Docker engine, and systemd as its first process.

It shares the files of this machine, except for what systemd and Docker keep. It can be rebooted:
all processes are killed, and its firewall is empty afterwards.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hub_config.engine import Engine, wait_until_up

HOST_ADDRESS, ADDRESS = "198.51.100.1", "198.51.100.2"
NETWORK = "mlws-boot"
BOOT_LIMIT = 60.0
BOOT = """\
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd "{run}"
mount --bind "{units}" /etc/systemd/system
umount -R /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind "{folder}/run" "{run}"
exec env -i PATH="$PATH" container=other /lib/systemd/systemd --system --unit=multi-user.target
"""
OTHERS = (
    "dbus.service",
    "dbus.socket",
    "systemd-logind.service",
    "getty.target",
    "tmp.mount",
    "systemd-sysctl.service",
    "systemd-tmpfiles-setup.service",
    "systemd-tmpfiles-setup-dev.service",
    "systemd-udevd.service",
    "systemd-tmpfiles-setup-dev-early.service",
    "systemd-remount-fs.service",
    "ldconfig.service",
    "systemd-modules-load.service",
    "systemd-binfmt.service",
    "systemd-journal-flush.service",
    "systemd-sysusers.service",
    "systemd-journald.service",
    "systemd-journald.socket",
    "systemd-journald-dev-log.socket",
    "remote-fs.target",
)
"""Units that would act on this machine."""


@dataclass
class Machine:
    """The machine. ``folder`` has what it keeps over a reboot."""

    folder: Path
    init: subprocess.Popen[bytes] | None = None
    daemon: subprocess.Popen[bytes] | None = None

    @property
    def run_folder(self) -> Path:
        """Folder of the engine's socket; short, because a socket's path is."""
        return Path("/run") / NETWORK

    @property
    def engine(self) -> Engine:
        return Engine(f"unix://{self.run_folder}/docker.sock")

    def boot(self) -> None:
        """Start Docker and systemd."""
        self.start_docker()
        units = self.folder / "units"
        units.mkdir(exist_ok=True)
        for name in OTHERS:
            link = units / name
            if not link.is_symlink():
                link.symlink_to("/dev/null")
        script = BOOT.format(units=units, run=self.run_folder, folder=self.folder)
        self.init = self._start(
            "unshare", "--mount", "--pid", "--fork", "--mount-proc", "--cgroup", "--ipc",
            "sh", "-ec", script,
        )  # fmt: skip
        deadline = time.monotonic() + BOOT_LIMIT
        while self.systemctl("is-system-running") not in ("running", "degraded"):
            assert self.init.poll() is None
            assert time.monotonic() < deadline, self.systemctl("--failed")
            time.sleep(0.2)

    def start_docker(self) -> None:
        """Start the engine as its service does: its containers outlive it."""
        log = self.folder / "dockerd.log"
        self.daemon = self._start(
            "dockerd",
            "--live-restore",
            f"--host={self.engine.host}",
            f"--data-root={self.folder / 'docker'}",
            f"--exec-root={self.run_folder / 'exec'}",
            f"--pidfile={self.run_folder / 'docker.pid'}",
            "--bridge=none",
            log=log,
        )
        wait_until_up(self.engine, self.daemon, log)

    def kill_docker(self) -> None:
        """Kill the engine, and not its containers."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()

    def shut_down(self) -> None:
        """Kill every process of the machine, as if its plug were pulled; empty its firewall."""
        if self.init is not None:
            first = self._first_process()
            if first:
                # All others of its namespace end with it.
                os.kill(first, signal.SIGKILL)
            self.init.wait()
        if self.daemon is not None:
            self.kill_docker()
        for name in ("containerd-shim", "containerd"):
            subprocess.run(["pkill", "-KILL", "-f", f"{name}.*{self.run_folder}"], check=False)
        for cgroup in Path("/sys/fs/cgroup").glob("**/docker/*/cgroup.procs"):
            identifier = cgroup.parent.name
            if (self.folder / "docker/containers" / identifier).is_dir():
                for pid in cgroup.read_text().split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(pid), signal.SIGKILL)
        for table in ("filter", "nat", "mangle"):
            for action in ("-F", "-X"):
                self.call("iptables", "-t", table, action)
        shutil.rmtree(self.run_folder / "exec", ignore_errors=True)

    def systemctl(self, *arguments: str) -> str:
        """Return what ``systemctl`` prints."""
        if not self._first_process():
            return ""
        return self.inside("systemctl", *arguments, check=False)

    def inside(
        self, *command: str, environment: Mapping[str, str] | None = None, check: bool = True
    ) -> str:
        """Run a program in the machine, beside systemd; return what it prints."""
        first = str(self._first_process())
        done = subprocess.run(
            ["nsenter", f"--target={first}", "--mount", "--pid", "--net", *command],
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def call(self, *command: str) -> str:
        """Run a program in the machine's network."""
        return subprocess.run(
            ["nsenter", f"--net=/run/netns/{NETWORK}", *command],
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def _start(self, *command: str, log: Path | None = None) -> subprocess.Popen[bytes]:
        with (log or self.folder / "boot.log").open("ab") as output:
            return subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{NETWORK}", *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def _first_process(self) -> int | None:
        """Return the process id of systemd, outside of the machine."""
        assert self.init is not None
        children = Path(f"/proc/{self.init.pid}/task/{self.init.pid}/children")
        with contextlib.suppress(OSError, IndexError):
            return int(children.read_text().split()[0])
        return None


@contextlib.contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    """A machine that has booted; nothing of it is left."""
    commands = [
        f"ip netns add {NETWORK}",
        f"ip link add {NETWORK} type veth peer name eth0 netns {NETWORK}",
        f"ip address add {HOST_ADDRESS}/30 dev {NETWORK}",
        f"ip link set {NETWORK} up",
        f"ip -n {NETWORK} address add {ADDRESS}/30 dev eth0",
        f"ip -n {NETWORK} link set eth0 up",
        f"ip -n {NETWORK} link set lo up",
    ]
    own = Machine(folder)
    own.run_folder.mkdir(exist_ok=True)
    (folder / "run").mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", str(folder / "run"), str(own.run_folder)], check=True)
    try:
        for command in commands:
            subprocess.run(command.split(), check=True)
        own.boot()
        yield own
    finally:
        own.shut_down()
        mounted = [row.split()[1] for row in Path("/proc/mounts").read_text().splitlines()]
        for place in reversed(mounted):
            if place.startswith((f"{folder}/", str(own.run_folder))):
                subprocess.run(["umount", "--lazy", place], check=False)
        shutil.rmtree(folder / "docker")
        subprocess.run(["ip", "netns", "delete", NETWORK], check=False)
        own.run_folder.rmdir()
