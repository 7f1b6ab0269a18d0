"""Every command that the documents show works as it stands, or a test that is named covers it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.ports import free_port
from tests.versioning.s3 import BUCKET, S3Server, serving
from tests.workflows.executors.conftest import cluster

__all__ = ["cluster"]

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
README = ROOT / "README.md"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
HUB = ROOT / "hub_config" / "README.md"
DOCUMENTS = (
    *(README, CONTRIBUTING, HUB),
    # Tutorials and how-to guides have tests of their own.
    *sorted((ROOT / "docs").glob("*.md")),
    # The first remote is the default, so that of a shared project comes last.
    *sorted(REFERENCE.glob("*.md"), key=lambda page: (page.stem == "containers", page.name)),
    *sorted((ROOT / "docs" / "explanation").glob("*.md")),
)

ELSEWHERE = {
    "make test": ("runs this test", ".ci/run"),
    "make lint": ("needs the npm registry", ".ci/run"),
    "make test-all": ("runs this test", "Makefile"),
    "make test-changed": ("can run this test", "tests/test_changed_tests.py"),
    "make test-quick": ("runs this test", ".ci/run"),
    "make soak": ("takes hours", "tests/api/test_fuzz.py"),
    "pip install .": ("would replace the package under test", "scripts/compatibility.py"),
    "make hub": ("needs Docker", "tests/hub/test_installation.py"),
    "make hub-config": ("opens an editor", "tests/hub_logic/test_settings.py"),
    "make hub-config ARGS='idle_limit=7200'": ("needs a Hub", "tests/hub/test_installation.py"),
    "make hub-config ARGS=--show": ("needs a Hub", "tests/hub/test_installation.py"),
    "make hub-down": ("needs Docker", "tests/hub/test_installation.py"),
    "make hub-backup FOLDER=/backups/today": ("needs Docker", "tests/hub/test_backup.py"),
    "make hub-restore FOLDER=/backups/today": ("needs Docker", "tests/hub/test_backup.py"),
    "docker swarm init": ("needs Docker", "tests/hub/test_swarm.py"),
    "HUB_SWARM=1 HUB_ADDRESS=MANAGER_ADDRESS make hub": (
        "needs Docker",
        "tests/hub/test_swarm.py",
    ),
    "docker network create --config-only --subnet 198.18.16.0/20"
    " -o com.docker.network.bridge.enable_icc=false mlws-node": (
        "needs Docker",
        "tests/hub/test_swarm.py",
    ),
    "hub_config/image/build.sh --tag mlws": ("needs Docker", "tests/hub/test_image.py"),
    "docker run --rm -p 127.0.0.1:8888:8888 mlws": ("needs Docker", "tests/hub/test_image.py"),
    'curl -X POST -H "Authorization: token $TOKEN"'
    " https://hub.example/services/mlws/api/v1/containers"
    """ -d '{"resources": {"cpu": "2", "memory": "4Gi"}, "environment": {"DEBUG": "false"}}'""": (
        "needs a Hub",
        "tests/hub/test_service.py",
    ),
}
"""Commands that cannot run here: why, and the file of the test that runs the same."""
ENDLESS = {
    "make lab": r"JupyterLab: (http://127\.0\.0\.1:\d+)/\S+token=(\w+)",
    "jupyter lab": r"http://127\.0\.0\.1:\d+/lab\?token=\w+",
    "jlpm watch": r"compiled successfully",
}
"""Commands that run until they are stopped, and what they print when they are ready."""
PRELUDE = re.compile(r"export |\. ")
"""What sets up the shell for the commands below it in its block."""
TIMEOUT = 280.0
POLL_INTERVAL = 0.05
LAB_CONFIG = """\
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
"""


class Command(NamedTuple):
    """A command of a document, without its comment, and what its block says before it."""

    document: Path
    line: int
    text: str
    prelude: tuple[str, ...]


def commands(document: Path) -> list[Command]:
    """Return the commands of a document's shell blocks, in order."""
    text = document.read_text(encoding="utf-8")
    result = []
    for block in re.finditer(r"^```(?:bash|sh|shell|console)\n(.*?)^```", text, re.M | re.S):
        line = text.count("\n", 0, block.start(1)) + 1
        prelude: list[str] = []
        for row in re.split(r"(?<!\\)\n", block[1]):
            words = re.sub(r"\s+#.*", "", re.sub(r"\\\n\s*", "", row)).strip()
            if words:
                result.append(Command(document, line, words, tuple(prelude)))
                if PRELUDE.match(words):
                    prelude.append(words)
            line += row.count("\n") + 1
    return result


class Running(NamedTuple):
    """A command that was started; ``ready`` is what one without an end prints when it is."""

    where: str
    process: subprocess.Popen[bytes]
    log: Path
    ready: str | None

    def wait(self) -> str:
        """Wait for its end, or until it is ready; what it has printed."""
        deadline = time.monotonic() + TIMEOUT
        while self.process.poll() is None and time.monotonic() < deadline:
            if self.ready is not None and re.search(self.ready, self._stage_texts()):
                return self._stage_texts()
            time.sleep(POLL_INTERVAL)
        printed = self._stage_texts()
        assert self.process.poll() == 0, f"{self.where}\n{printed}"
        assert self.ready is None, f"It ended: {self.where}\n{printed}"
        return printed

    def _stage_texts(self) -> str:
        return self.log.read_text("utf-8", "replace")


class Reader:
    """Somebody at a shell who follows the documents, with a clean clone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Running] = []
        self.clone = folder / "clone"
        self.placeholders: dict[str, str] = {}
        self.environment = {
            **os.environ,
            "PYTHONPATH": f"{self.clone}{os.pathsep}{self.clone / 'engine'}",
            "PORT": str(free_port()),
            "MLWS_RUNNER_IDLE": "0",
        }
        subprocess.run(["git", "clone", "-q", str(ROOT), str(self.clone)], check=True)
        # Installed environments are those of the tests, and newer than the clone's files.
        for name in (".venv", ".venv-dev"):
            (self.clone / name).mkdir()
            for path in Path(sys.prefix).iterdir():
                if path.name != ".installed":
                    (self.clone / name / path.name).symlink_to(path)
            (self.clone / name / ".installed").touch()
        (self.clone / "node_modules").symlink_to(ROOT / "node_modules")

    def start(self, command: Command, cwd: Path, answers: str = "") -> Running:
        """Start a command with the answers that it asks for."""
        script = "\n".join([*command.prelude, command.text])
        for placeholder, value in self.placeholders.items():
            script = script.replace(placeholder, value)
        where = f"{command.document.relative_to(ROOT)}:{command.line}: {script}"
        log = self._folder / f"{len(self._started)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-euc", script],
                cwd=cwd,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Without a terminal, a password is read from the standard input.
                start_new_session=True,
            )
        assert process.stdin is not None
        process.stdin.write(answers.encode())
        process.stdin.close()
        running = Running(where, process, log, ENDLESS.get(command.text))
        self._started.append(running)
        return running

    def stop(self) -> None:
        """End the commands that have no end, with all that they started."""
        for running in self._started:
            if running.process.poll() is None:
                os.killpg(running.process.pid, signal.SIGTERM)
            running.process.wait(TIMEOUT)


@pytest.fixture
def reader(tmp_path: Path, home: Path) -> Iterator[Reader]:
    (home / ".jupyter").mkdir()
    (home / ".jupyter" / "jupyter_server_config.py").write_text(LAB_CONFIG)
    # An error of HTTP is a failure.
    (home / ".curlrc").write_text("fail-with-body\n")
    reader = Reader(tmp_path)
    try:
        yield reader
    finally:
        reader.stop()


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Server]:
    with serving(tmp_path) as server:
        yield server


@pytest.mark.slow(reason="runs the labs and commands of all documents")
@pytest.mark.timeout(900)
@pytest.mark.exhaustive
def test_the_commands_work_from_a_clean_clone(reader: Reader, cluster: Any, s3: S3Server) -> None:
    workspace, empty = reader.clone / "workspace", reader.clone.parent / "empty"
    empty.mkdir()
    endless = []
    ran = set()
    for command in (one for document in DOCUMENTS for one in commands(document)):
        if command.text in ELSEWHERE or command.text in ran:
            continue
        ran.add(command.text)
        cwd = workspace if command.document.parent == REFERENCE else reader.clone
        answers = ""
        if command.text == "jupyter lab":
            cwd = empty
        elif "--credentials" in command.text:
            answers = "".join(f"{s3.keys[key]}\n" for key in s3.keys)
        elif command.text.startswith("dvc remote modify --local team url"):
            # Who clones a shared project has this remote.
            add = ["dvc", "remote", "add", "--force", "team", "https://hub.example"]
            subprocess.run(add, cwd=workspace, env=reader.environment, check=True)
        running = reader.start(command, cwd, answers)
        if command.text == "make lab":
            address = re.search(ENDLESS["make lab"], running.wait())
            assert address is not None
            reader.environment["TOKEN"] = address[2]
            reader.placeholders = {
                "http://localhost:8888": address[1],
                "dask://HOST:8786": cluster.scheduler_address.replace("tcp", "dask"),
                "s3://bucket/": f"s3://{BUCKET}/",
                "https://minio.example": s3.url,
            }
        elif running.ready is not None:
            endless.append(running)
        elif created := re.search(r'"id": "([^"]+)"', running.wait()):
            reader.placeholders["notebooks/ID/"] = f"notebooks/{created[1]}/"
    for running in endless:
        running.wait()


def test_the_table_of_what_runs_elsewhere_is_about_commands_and_tests_that_exist() -> None:
    shown = {command.text for document in DOCUMENTS for command in commands(document)}
    assert ELSEWHERE.keys() <= shown
    assert ENDLESS.keys() <= shown
    for _, test in ELSEWHERE.values():
        assert (ROOT / test).is_file(), test


def test_each_target_of_make_that_a_document_names_exists() -> None:
    text = "\n".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    targets = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert targets >= {"lab", "hub", "test", "soak", "hub-compose-restore"}
    # Recipes are printed; make itself fails where it has no rule.
    command = ["make", "--dry-run", "--always-make", *sorted(targets), "FOLDER=x"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    # So does pytest where a file is not there.
    for path in re.findall(r"(?<=\s)tests/[\w/]+\.py", answer.stdout):
        assert (ROOT / path).is_file(), path
