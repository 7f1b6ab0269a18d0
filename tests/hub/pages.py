"""The Hub's own pages, in a browser."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.hub.installation import Hub


def log_in(page: Page, hub: Hub, user: str, query: str = "") -> None:
    """Sign in by the Hub's form; the page that it leads to is opening then."""
    page.goto(f"{hub.settings.subdomain or hub.url}/hub/login{query}")
    page.locator("#username_input").fill(user)
    page.locator("#password_input").fill(hub.password)
    page.locator("#login_submit").click()
    page.wait_for_url(lambda url: "/hub/login" not in url, wait_until="commit")
