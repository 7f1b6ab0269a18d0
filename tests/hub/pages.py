"""The Hub's own pages, in a browser."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.hub.installation import Hub


def log_in(page: Page, hub: Hub, user: str, query: str = "") -> None:
    """Fill in the Hub's form; the page that it leads to is on its way then."""
    page.goto(f"{hub.settings.subdomain or hub.url}/hub/login{query}")
    page.locator("#username_input").fill(user)
    page.locator("#password_input").fill(hub.password)
    page.locator("#login_submit").click()
