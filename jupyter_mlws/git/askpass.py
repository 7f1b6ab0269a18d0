"""The program that git and ssh start to ask for credentials: it asks the process that began them.

It is run by its path and isolated, so it imports the standard library alone.
"""

import json
import os
import socket
import sys

SOCKET = "MLWS_ASKPASS_SOCKET"


def main() -> int:
    """Print the answer to the first argument; 1 where there is none."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(os.environ[SOCKET])
        connection.sendall(json.dumps(" ".join(sys.argv[1:])).encode() + b"\n")
        with connection.makefile("rb") as stream:
            answer = json.loads(stream.readline() or b"null")
    if answer is None:
        return 1
    sys.stdout.write(f"{answer}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
