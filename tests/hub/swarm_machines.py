"""Three machines for tests, each with a Docker engine and a network of its own, in one Swarm.

They are connected by a switch. The first is the manager; the Hub is beside them, at an address that
all of them reach, and talks to the manager's engine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub_config.engine import Engine, wait_until_up

HUB_ADDRESS = "198.51.100.1"
METADATA = "169.254.169.254"
SWITCH = "mlws-swarm"
COUNT = 3


@dataclass
class SwarmMachine:
    """A machine by its number, from 1. Its engine keeps images and volumes over a restart."""

    number: int
    folder: Path
    daemon: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        """Host name."""
        return f"machine-{self.number}"

    @property
    def address(self) -> str:
        return f"198.51.100.1{self.number}"

    @property
    def space(self) -> str:
        """Name of the network namespace."""
        return f"{SWITCH}-{self.number}"

    @property
    def run_folder(self) -> Path:
        return Path("/run") / self.space

    @property
    def engine(self) -> Engine:
        return Engine(f"unix://{self.run_folder}/s")

    def connect(self) -> None:
        """Create the machine's network, with a cable to the switch."""
        ip(f"netns add {self.space}")
        ip(f"-n {self.space} link add eth0 type veth peer name m{self.number} netns {SWITCH}")
        ip(f"-n {SWITCH} link set m{self.number} master switch up")
        ip(f"-n {self.space} address add {self.address}/24 dev eth0")
        for device in ("lo", "eth0"):
            ip(f"-n {self.space} link set {device} up")
        # No other route: Docker would wait for the registry before it uses the image that it has.
        ip(f"-n {self.space} route add {METADATA} via {HUB_ADDRESS}")

    def start(self) -> None:
        self.run_folder.mkdir(exist_ok=True)
        log = self.folder / f"{self.name}.log"
        # Each with its own host name, by which Swarm calls it.
        command = (
            f"hostname {self.name}; exec dockerd --host={self.engine.host}"
            f" --data-root={self.folder / self.name} --exec-root={self.run_folder}/exec"
            f" --pidfile={self.run_folder}/pid"
        )
        enter = ["nsenter", f"--net=/run/netns/{self.space}", "unshare", "--uts"]
        with log.open("ab") as output:
            self.daemon = subprocess.Popen(
                [*enter, "sh", "-c", command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        wait_until_up(self.engine, self.daemon, log)

    def reset_networks(self) -> None:
        """Have Docker forget its networks, as an administrator does who stops it for that."""
        assert self.daemon is not None
        self.daemon.terminate()
        self.daemon.wait()
        (self.folder / self.name / "network/files/local-kv.db").unlink()
        self.start()

    def lose(self) -> None:
        """Lose the machine's power: its engine and all of its containers are killed."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()
        subprocess.run(["pkill", "-KILL", "-f", f"containerd.*{self.run_folder}/"], check=False)
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        # What is in memory alone: the networks, and the state of containers.
        ip(f"netns delete {self.space}", check=False)
        shutil.rmtree(self.run_folder / "exec", ignore_errors=True)
        (self.run_folder / "pid").unlink(missing_ok=True)

    def _processes(self) -> list[int]:
        """Processes of the machine's containers."""
        found = []
        for cgroup in Path("/sys/fs/cgroup").glob("**/docker/*/cgroup.procs"):
            if (self.folder / self.name / "containers" / cgroup.parent.name).is_dir():
                found += [int(pid) for pid in cgroup.read_text().split()]
        return found

    def call(self, *command: str) -> str:
        """What a program prints that runs in the machine's network, beside its engine."""
        done = subprocess.run(
            ["nsenter", f"--net=/run/netns/{self.space}", *command],
            env=os.environ | self.engine.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def load(self, source: Engine, *images: str) -> None:
        """Copy images from another engine."""
        with subprocess.Popen(
            ["docker", "save", *images], env=source.environment, stdout=subprocess.PIPE
        ) as saved:
            command = ["docker", "load", "--quiet"]
            subprocess.run(
                command,
                env=self.engine.environment,
                stdin=saved.stdout,
                check=True,
                stdout=subprocess.DEVNULL,
            )


def ip(command: str, *, check: bool = True) -> None:
    errors = None if check else subprocess.DEVNULL
    subprocess.run(["ip", *command.split()], check=check, stderr=errors)


@contextlib.contextmanager
def swarm_machines(folder: Path) -> Iterator[list[SwarmMachine]]:
    """The machines, in one Swarm; nothing of them is left."""
    machines = [SwarmMachine(number, folder) for number in range(1, COUNT + 1)]
    try:
        ip(f"netns add {SWITCH}")
        ip(f"-n {SWITCH} link add switch type bridge")
        ip(f"-n {SWITCH} link set switch up")
        ip(f"link add {SWITCH} type veth peer name hub netns {SWITCH}")
        ip(f"-n {SWITCH} link set hub master switch up")
        ip(f"address add {HUB_ADDRESS}/24 dev {SWITCH}")
        ip(f"link set {SWITCH} up")
        for machine in machines:
            machine.connect()
            machine.start()
        manager, *workers = machines
        place = f"--advertise-addr={manager.address}"
        manager.engine.run("swarm", "init", place, f"--listen-addr={manager.address}:2377")
        # A machine that is lost is noticed after three heartbeats.
        manager.engine.run("swarm", "update", "--dispatcher-heartbeat=1s")
        token = manager.engine.run("swarm", "join-token", "--quiet", "worker")
        for worker in workers:
            join = ["swarm", "join", f"--token={token}", f"--advertise-addr={worker.address}"]
            worker.engine.run(*join, f"{manager.address}:2377")
        yield machines
    finally:
        for machine in machines:
            if machine.daemon is not None and machine.daemon.poll() is None:
                machine.lose()
        mounted = [row.split()[1] for row in Path("/proc/mounts").read_text().splitlines()]
        for place in reversed(mounted):
            if place.startswith((f"{folder}/", f"/run/{SWITCH}-")):
                subprocess.run(["umount", "--lazy", place], check=False)
        for machine in machines:
            shutil.rmtree(folder / machine.name, ignore_errors=True)
            shutil.rmtree(machine.run_folder, ignore_errors=True)
            ip(f"netns delete {machine.space}", check=False)
        ip(f"netns delete {SWITCH}", check=False)
