"""Delivery of a shared page: static, in a sandbox of its own, and only to those who can read it."""

from __future__ import annotations

import gzip
import html
from string import Template

from tornado import web

from jupyter_mlws.core.errors import SharedPageNotFoundError
from jupyter_mlws.hub.auth import AuthenticatedHandler
from mlws.core.errors import MLWSError
from mlws.core.i18n import Message, preferred_language

POLICY = "; ".join(
    (
        # Nothing of it runs, and it has no access to what belongs to the Hub's address.
        "sandbox",
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "img-src data:",
        "font-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
GONE_TITLE = Message("Page not available")
GONE = Message(
    "There is no page at this address, it has expired or is no longer shared, or you are not among "
    "its readers. Ask the person who sent you the link."
)
GONE_PAGE = Template("""<!DOCTYPE html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; }
body { margin: 15vh auto; max-width: 34em; padding: 0 1em; font: 16px/1.5 system-ui, sans-serif; }
</style>
</head>
<body><h1>$title</h1><p>$text</p></body>
</html>
""")


class SharedPageHandler(AuthenticatedHandler, web.RequestHandler):
    """Handler of the pages. A user who is no reader gets the response of a missing page."""

    async def get(self, identifier: str) -> None:
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        # The address is what gives access.
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Robots-Tag", "noindex, nofollow")
        self.set_header("Cache-Control", "no-store")
        pages = self.manager.pages
        user = None
        if not pages.is_open(identifier):
            user = await self.who()
            if user is None and getattr(self, "_cached_hub_user", None) is None:
                self.redirect(self.get_login_url())
                return
        try:
            content = await pages.read(user, identifier)
        except SharedPageNotFoundError as error:
            self._say(error)
            return
        if "gzip" in self.request.headers.get("Accept-Encoding", ""):
            self.set_header("Content-Encoding", "gzip")
            self.set_header("Vary", "Accept-Encoding")
        else:
            content = gzip.decompress(content)
        self.finish(content)

    def _say(self, error: MLWSError) -> None:
        self.set_status(error.status)
        language = preferred_language(self.request.headers.get("Accept-Language", ""))
        self.finish(
            GONE_PAGE.substitute(
                language=language,
                title=html.escape(GONE_TITLE.in_(language)),
                text=html.escape(GONE.in_(language)),
            )
        )

    def _request_summary(self) -> str:
        """Return the line of the log, without the address, which gives access."""
        return f"{self.request.method} a shared page ({self.request.remote_ip})"
