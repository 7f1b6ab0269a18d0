"""The sidebar's sections as a person reaches them."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import Lab


def open_sidebar(page: Page, lab: Lab) -> None:
    lab.show(page)
    page.wait_for_function("window.jupyterapp?.commands.hasCommand('mlws:open-sidebar')")
    page.evaluate("() => jupyterapp.commands.execute('mlws:open-sidebar').then(() => null)")


def title(page: Page, name: str) -> Locator:
    titles = page.locator(".jp-mlws-Sidebar .lm-AccordionPanel-title")
    return titles.filter(has=page.get_by_text(name, exact=True))


def open_section(page: Page, lab: Lab, name: str, node: str | None = None) -> Locator:
    """The sidebar with a section unfolded by a click on its title; ``node``: its class's end."""
    open_sidebar(page, lab)
    expect(title(page, name)).to_be_visible()
    if title(page, name).get_attribute("aria-expanded") == "false":
        title(page, name).click()
    return page.locator(f".jp-mlws-{node or name}")


def refresh(page: Page, name: str) -> None:
    """Press the section's own button, for what no event tells of."""
    title(page, name).get_by_role("button", name="Refresh").click()
