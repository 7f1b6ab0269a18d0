"""The panels of the left area and their sections, as a person reaches them."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.ui.conftest import Lab

SOURCE_CONTROL = "#jp-mlws-source-control"
WORKSPACE = "#jp-mlws-workspace"


def show_panel(page: Page, panel: str = SOURCE_CONTROL) -> Locator:
    """Activate a panel by its command."""
    command = panel.replace("#jp-mlws-", "mlws:open-")
    page.wait_for_function("id => window.jupyterapp?.commands.hasCommand(id)", arg=command)
    page.evaluate("id => jupyterapp.commands.execute(id).then(() => null)", command)
    return page.locator(panel)


def open_sidebar(page: Page, lab: Lab, panel: str = SOURCE_CONTROL) -> Locator:
    """Open a lab with a panel."""
    lab.show(page)
    return show_panel(page, panel)


def title(page: Page, name: str) -> Locator:
    titles = page.locator(".jp-mlws-Sidebar .lm-AccordionPanel-title")
    return titles.filter(has=page.get_by_text(name, exact=True))


def unfold_section(page: Page, name: str) -> None:
    """Activate the panel of a section, and unfold the section by a click on its title."""
    head = title(page, name)
    panel = head.evaluate("node => node.closest('.jp-mlws-Sidebar').id")
    show_panel(page, f"#{panel}")
    expect(head).to_be_visible()
    if head.get_attribute("aria-expanded") == "false":
        head.click()


def open_section(page: Page, lab: Lab, name: str, node: str | None = None) -> Locator:
    """Open a lab with a section unfolded; ``node``: its class's end."""
    open_sidebar(page, lab)
    unfold_section(page, name)
    return page.locator(f".jp-mlws-{node or name}")


def refresh(page: Page, name: str) -> None:
    """Press the section's own button, for what no event tells of."""
    title(page, name).get_by_role("button", name="Refresh").click()
