"""A web server that answers every GET, where the Hub expects a lab; SIGTERM ends it."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"{}"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nothing: tests read the log."""


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
url = os.environ["JUPYTERHUB_SERVICE_URL"]
server = ThreadingHTTPServer(("0.0.0.0", urlsplit(url).port), Handler)
print("light server", file=sys.stderr)
print(f"is running at {url}", file=sys.stderr, flush=True)
server.serve_forever()
