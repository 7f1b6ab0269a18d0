"""The page of containers, its files, and its Chinese."""

from __future__ import annotations

import html
import json
from pathlib import Path
from string import Template

from tornado import web

from jupyter_mlws.hub.auth import AuthenticatedHandler
from mlws.core.i18n import Message, preferred_language

STATIC = Path(__file__).parent / "static"
BUNDLE = "admin.js"
LOCALE = Path(__file__).parents[1] / "locale/zh_CN/LC_MESSAGES/jupyter_mlws.json"
TITLE = Message("Containers")
FORBIDDEN = Message("You don't have permission to use this page. Contact the Hub administrator.")
NOT_BUILT = Message(
    "This installation does not include the page's JavaScript. Build it with `jlpm "
    "build`, or install a released wheel. The API works without it."
)
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # The views set sizes and positions as inline styles.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self' {sockets}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)
PAGE = Template("""<!DOCTYPE html>
<html lang="$language">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<link rel="stylesheet" href="${base}static/admin.css">
</head>
<body>
<div id="mlws-admin" data-config="$config">$notice</div>
$script
</body>
</html>
""")


class PageHandler(AuthenticatedHandler, web.RequestHandler):
    """Handler of the page: users see their own containers, administrators all."""

    async def get(self) -> None:
        user = await self.who()
        if user is None and self._hub_knows:
            self.set_status(403)
            self._write("", FORBIDDEN, {})
            return
        if user is None:
            self.redirect(self.get_login_url())
            return
        config = {
            "baseUrl": self.base,
            # The host is empty unless the Hub uses subdomains.
            "hubUrl": f"{self.hub_auth.hub_host}{self.hub_auth.hub_prefix}",
            "user": user.name,
            "admin": user.admin,
            "language": self.language,
            "xsrf": self.xsrf_token.decode(),
        }
        has_bundle = (STATIC / BUNDLE).is_file()
        script = f'<script type="module" src="{self.base}static/{BUNDLE}"></script>'
        self._write(script if has_bundle else "", None if has_bundle else NOT_BUILT, config)

    @property
    def base(self) -> str:
        return str(self.hub_auth.base_url)

    @property
    def language(self) -> str:
        return preferred_language(self.request.headers.get("Accept-Language", ""))

    @property
    def _hub_knows(self) -> bool:
        """True if a user is signed in, even one who may not use this service."""
        return getattr(self, "_cached_hub_user", None) is not None

    def _write(self, script: str, notice: Message | None, config: dict[str, object]) -> None:
        host = self.request.host
        self.set_header(
            "Content-Security-Policy", POLICY.format(sockets=f"ws://{host} wss://{host}")
        )
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")
        notice_html = f"<p>{html.escape(notice.in_(self.language))}</p>" if notice else ""
        self.finish(
            PAGE.substitute(
                language=self.language,
                title=html.escape(TITLE.in_(self.language)),
                base=html.escape(self.base),
                config=html.escape(json.dumps(config, ensure_ascii=False)),
                notice=notice_html,
                script=script,
            )
        )


class LocaleHandler(web.RequestHandler):
    """Handler of the Chinese catalogue; needs no sign-in."""

    def get(self) -> None:
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.finish(LOCALE.read_bytes())
