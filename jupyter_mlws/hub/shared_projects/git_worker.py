"""Git for shared projects, in a process with access to their repositories only.

    python -m jupyter_mlws.hub.shared_projects.git_worker FOLDER

Only this process parses pushes: `make hub` and compose.yaml run it in a container without network,
privileges and secrets. The Hub's service authorizes requests and sends each over the socket
``git.sock`` in ``FOLDER``: a line of JSON, then the program's standard input up to the end of the
stream. The response is its standard output.

Imports only the standard library.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import select
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SOCKET = "git.sock"
"""Name of the socket in the directory of all shared projects."""
GIT_EXIT_TIMEOUT = 5.0
"""Seconds for git to clean up after a client has disconnected."""
MAX_REQUEST_LINE_BYTES = 128 * 1024
"""Bytes of a request's first line."""
GIT_INIT_TIMEOUT = 60.0
"""Seconds for making an empty repository."""
BLOCK_BYTES = 64 * 1024
UMASK = 0o002
LISTEN_BACKLOG = 128
PROJECT_ID, PUSH_ID = re.compile(r"p-[0-9a-f]{16}"), re.compile(r"[0-9a-f]{32}")
CGI_VARIABLES = frozenset(
    {
        "REQUEST_METHOD",
        "PATH_INFO",
        "QUERY_STRING",
        "REMOTE_ADDR",
        "CONTENT_TYPE",
        "CONTENT_LENGTH",
        "HTTP_CONTENT_ENCODING",
        "GIT_PROTOCOL",
    }
)
"""Variables of the request itself."""
HIDDEN_REFS = ("refs", "!refs/heads", "!refs/tags")
"""Patterns of git, the last that matches wins: clients see and change branches and tags alone."""
HOOKS = {
    # Branches and tags alone: `refs/replace` would let a commit pass for the ancestor of another,
    # and git's own settings against rewriting look at branches only. Both ids are the client's:
    # with an old id of zero git checks no deletion, not even that of HEAD's branch, so the old id
    # must be the repository's. git itself compares it again when it writes the ref.
    "update": """#!/bin/sh
zero=$(printf %s "$2" | tr 0-9a-f 0)
case "$1" in
  refs/heads/?*) movable=true ;;
  refs/tags/?*) movable=false ;;
  *) echo "Only branches and tags are accepted here, not $1." >&2; exit 1 ;;
esac
current=$(git show-ref --verify --hash "$1" 2>/dev/null) || current=$zero
if [ "$2" != "$current" ] || [ "$2" = "$3" ]; then
  echo "The push expects $1 at another commit. Fetch, then push again." >&2
  exit 1
fi
[ "$MLWS_MAY_REWRITE" = true ] && exit 0
if [ "$3" = "$zero" ] || { [ $movable = false ] && [ "$2" != "$zero" ]; }; then
  echo "Only an owner of the project can move a tag or delete $1." >&2
  exit 1
fi
""",
    # The changed refs for the Hub's audit log: on disk as a whole or not at all.
    "post-receive": """#!/bin/sh
set -eu
{ printf '%s\\n' "$REMOTE_USER"; cat; } > "$MLWS_PUSH.partial"
sync "$MLWS_PUSH.partial"
mv "$MLWS_PUSH.partial" "$MLWS_PUSH"
sync "${MLWS_PUSH%/*}"
""",
}


class Worker(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves the socket in a directory, with a thread and a program for each request."""

    daemon_threads = True
    request_queue_size = LISTEN_BACKLOG

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hooks = folder / "hooks"
        self.hooks.mkdir(exist_ok=True)
        for name, text in HOOKS.items():
            (self.hooks / name).write_text(text)
            (self.hooks / name).chmod(0o755)
        path = folder / SOCKET
        path.unlink(missing_ok=True)
        super().__init__(str(path), Request)
        path.chmod(0o660)

    def environment(self, query: Mapping[str, Any]) -> dict[str, str]:
        """Git's whole environment: repository, user, rights, and the most that a push may bring."""
        project, push = query["project"], query["push"]
        if not (
            PROJECT_ID.fullmatch(project)
            and PUSH_ID.fullmatch(push)
            and set(query["cgi"]) <= CGI_VARIABLES
        ):
            raise ValueError("not a request for a project")
        home = self.folder / project
        may_rewrite = str(bool(query["may_rewrite"])).lower()
        settings = [
            # The directory may belong to another user if it was restored from a backup.
            ("safe.directory", "*"),
            ("core.hooksPath", str(self.hooks)),
            # git's reflog records changes of refs, in addition to the audit log.
            ("core.logAllRefUpdates", "always"),
            ("receive.fsckObjects", "true"),
            ("receive.denyNonFastForwards", "false" if query["may_rewrite"] else "true"),
            # The branch of HEAD can only be deleted with the project.
            ("receive.denyDeleteCurrent", "refuse"),
            ("receive.maxInputSize", str(int(query["room"]))),
            ("http.receivepack", "true"),
            *(("transfer.hideRefs", ref) for ref in HIDDEN_REFS),
        ]
        configuration = {
            name: text
            for number, (key, value) in enumerate(settings)
            for name, text in (
                (f"GIT_CONFIG_KEY_{number}", key),
                (f"GIT_CONFIG_VALUE_{number}", value),
            )
        }
        user = str(query["user"])
        return {
            **{name: str(text) for name, text in query["cgi"].items()},
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_COUNT": str(len(settings)),
            # A replaced commit must not pass for the ancestor of another.
            "GIT_NO_REPLACE_OBJECTS": "1",
            **configuration,
            "GIT_PROJECT_ROOT": str(home),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_COMMITTER_NAME": user,
            "GIT_COMMITTER_EMAIL": f"{user}@hub",
            "REMOTE_USER": user,
            "MLWS_MAY_REWRITE": may_rewrite,
            "MLWS_PUSH": str(home / "pushes" / push),
        }

    def create(self, project: str) -> str:
        """Create a project's directory with an empty repository; return the error, or nothing."""
        if not PROJECT_ID.fullmatch(project):
            return "not the name of a project"
        home = self.folder / project
        command = ["git", "init", "--quiet", "--bare", "--shared=group", "--initial-branch=main"]
        try:
            home.mkdir()
        except OSError as error:
            return str(error)
        try:
            (home / "pushes").mkdir()
            subprocess.run(
                [*command, str(home / "repo.git")],
                check=True,
                capture_output=True,
                timeout=GIT_INIT_TIMEOUT,
                text=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            shutil.rmtree(home, ignore_errors=True)
            return f"{error} {getattr(error, 'stderr', None) or ''}".strip()
        return ""


class Request(socketserver.StreamRequestHandler):
    """One connection."""

    server: Worker
    rfile: io.BufferedReader

    def handle(self) -> None:
        query = json.loads(self.rfile.readline(MAX_REQUEST_LINE_BYTES))
        if "create" in query:
            self.wfile.write(self.server.create(query["create"]).encode())
            return
        child = subprocess.Popen(
            ["git", "http-backend"],
            env=self.server.environment(query),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=self.connection,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        feeder = threading.Thread(target=self._feed, args=(child,), daemon=True)
        feeder.start()
        if not _wait_for_exit(child, self.connection, None):
            # The client is gone. A push that ends too early clears up after itself; a signal would
            # leave its files.
            for number in (signal.SIGTERM, signal.SIGKILL):
                if _wait_for_exit(child, None, GIT_EXIT_TIMEOUT):
                    break
                # To the group: `http-backend` alone would leave the others behind.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, number)
        child.wait()
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
        feeder.join()

    def _feed(self, child: subprocess.Popen[bytes]) -> None:
        """Forward the input up to its end; discard what git no longer reads.

        Closing the connection before everything is read would lose git's response.
        """
        assert child.stdin is not None
        with contextlib.suppress(ConnectionError):
            while block := self.rfile.read1(BLOCK_BYTES):
                rest = memoryview(block)
                with contextlib.suppress(BrokenPipeError):
                    while rest:
                        rest = rest[child.stdin.write(rest) :]
        child.stdin.close()


def _wait_for_exit(
    child: subprocess.Popen[bytes], connection: socket.socket | None, seconds: float | None
) -> bool:
    """Wait until the program ends; return False if the client disconnects or time is up first."""
    process = os.pidfd_open(child.pid)
    try:
        poll = select.poll()
        poll.register(process, select.POLLIN)
        if connection is not None:
            # Only POLLHUP: both directions are closed.
            poll.register(connection, 0)
        events = poll.poll(None if seconds is None else seconds * 1000)
    finally:
        os.close(process)
    return process in [number for number, _ in events]


def main() -> None:
    os.umask(UMASK)
    with Worker(Path(sys.argv[1]).resolve()) as worker:
        # As the first process of a container it would ignore the signal.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        worker.serve_forever()


if __name__ == "__main__":
    main()
