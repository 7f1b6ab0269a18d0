"""One page of JupyterLab for many tests, as it was at its start again after each of them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocket

from tests.browser import TIMEOUT_MS, VIEWPORT

RESET_LIMIT = 20_000
"""Milliseconds until what a test opened is closed."""
OF_A_TEST = re.compile(r"[?&]project=|/api/(kernels|collaboration)/|/(terminals|lsp)/")
"""The sockets that end with what a test opened."""

SERVICE = """name => {
    const plugin = [...jupyterapp.pluginRegistry._plugins.values()].find(one => one.id === name);
    return plugin.service;
}"""
SHOW = (
    """async ([project, path]) => {
    const service = """
    + SERVICE
    + """;
    const { commands, shell } = jupyterapp;
    const client = service('jupyter-mlws:client');
    const wasHere = client.project?.path === project;
    if (!wasHere) {
        const projects = await client.loadProjects();
        client.project = projects.find(one => one.path === project) ?? null;
    }
    const launchers = [...shell.widgets('main')].filter(one => one.id.startsWith('launcher'));
    await commands.execute('filebrowser:open-path', { path });
    // A launcher has the folder in which it was opened.
    if (!wasHere) {
        launchers.forEach(one => one.close());
    }
}"""
)
"""Does in an open page the same as the address of a file or folder."""
RESET = (
    """async () => {
    const service = """
    + SERVICE
    + """;
    const { commands, serviceManager, shell } = jupyterapp;
    for (const area of ['main', 'down']) {
        for (const widget of [...shell.widgets(area)]) {
            const model = (widget.context ?? widget.content?.context)?.model;
            if (model) {
                model.dirty = false;
            }
            widget.close();
        }
    }
    const { kernels, sessions, terminals } = serviceManager;
    await sessions.shutdownAll();
    await kernels.shutdownAll();
    if (terminals.isAvailable()) {
        await terminals.shutdownAll();
    }
    if (shell.mode !== 'multiple-document') {
        shell.mode = 'multiple-document';
    }
    const layout = { sizes: {}, folded: {} };
    for (const panel of shell.widgets('left')) {
        panel.restoreLayout?.(layout);
    }
    shell.collapseRight();
    shell.expandLeft();
    shell.activateById('filebrowser');
    await commands.execute('apputils:dismiss-notification');
    service('jupyter-mlws:client').project = null;
    await commands.execute('filebrowser:go-to-path', { path: '', dontShowBrowser: true });
    await service('@jupyterlab/apputils-extension:state').clear();
    localStorage.clear();
    sessionStorage.clear();
}"""
)
LEFT = """() => [
    ...['main', 'down'].flatMap(area => [...jupyterapp.shell.widgets(area)])
        .filter(one => !one.id.startsWith('launcher')).map(one => one.id),
    ...(document.querySelector('.jp-Launcher') ? [] : ['no launcher']),
    ...[...document.querySelectorAll(
        '.jp-Dialog, .lm-Menu, .Toastify__toast, .jp-HoverBox, .jp-Notification-Center'
    )].map(one => one.className),
]"""
"""Lists widgets, dialogs and notices that the page did not have at its start."""


class SharedPage:
    """The page of JupyterLab that the tests of a module share; opened when one needs it."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self._context = context
        self._origin = origin
        self._page: Page | None = None
        self._sockets: set[WebSocket] = set()

    def page(self) -> Page:
        """Return the page; it is blank at first.

        It has no cookies, storage and permissions of earlier pages; their cache stays.
        """
        if self._page is None:
            self._context.clear_cookies()
            self._context.clear_permissions()
            page = self._context.new_page()
            page.set_default_timeout(TIMEOUT_MS)
            self._context.new_cdp_session(page).send(
                "Storage.clearDataForOrigin", {"origin": self._origin, "storageTypes": "all"}
            )
            page.on("websocket", self._follow)
            page.on("framenavigated", lambda frame: frame.parent_frame or self._sockets.clear())
            self._page = page
        return self._page

    def drop(self) -> None:
        """Close the page: the next test has a new one."""
        page, self._page = self._page, None
        if page:
            page.close()

    def reset(self) -> None:
        """Close what a test opened; fail if something is left."""
        page = self._page
        assert page
        for other in self._context.pages:
            if other != page:
                other.close()
        self._context.clear_permissions()
        page.unroute_all(behavior="ignoreErrors")
        page.mouse.up()
        if page.viewport_size != VIEWPORT:
            page.set_viewport_size(VIEWPORT)
        if page.evaluate("typeof jupyterapp") == "undefined":
            # A page of something else.
            self.drop()
            return
        self._dismiss(page)
        page.evaluate(RESET)
        self._dismiss(page)
        self._wait(page, lambda: [*page.evaluate(LEFT), *self._open_sockets()])

    def _dismiss(self, page: Page) -> None:
        """Close dialogs and menus as a user does."""
        for _ in range(10):
            if page.locator(".jp-Dialog, .lm-Menu").count() == 0:
                return
            page.keyboard.press("Escape")

    def _wait(self, page: Page, left: Callable[[], list[str]]) -> None:
        waited = 0
        while rest := left():
            if waited >= RESET_LIMIT:
                pytest.fail(f"the test left in the page: {rest}")
            page.wait_for_timeout(50)
            waited += 50

    def _open_sockets(self) -> list[str]:
        return [one.url for one in self._sockets if OF_A_TEST.search(one.url)]

    def _follow(self, socket: WebSocket) -> None:
        self._sockets.add(socket)
        socket.on("close", lambda _: self._sockets.discard(socket))


def enter(page: Page, project: str, path: str) -> None:
    """Show a project, and open a file or folder, in a page that has a lab."""
    page.evaluate(SHOW, [project, path])
