"""The canvas as a person uses it: what is pressed, dragged and typed."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Locator, Page, Response, expect

from tests.browser import TIMEOUT_MS
from tests.ui.conftest import Lab

RUN_LIMIT = 120_000
"""Milliseconds for a run."""
AXE = Path(__file__).parent.parent.parent / "node_modules/axe-core/axe.min.js"


EDGE = 48
"""Pixels along the edges of the drawing. A line or a node that is dragged there moves the graph, by
how much depends on the machine, and what was measured before is elsewhere then."""
PORT_REACH = 40
"""Pixels around a port. A line that ends there is connected to it."""
FREE_PLACE = """([x, y, minX, minY, maxX, maxY, reach]) => {
    const ports = [...document.querySelectorAll('.react-flow__handle')].map(
        one => one.getBoundingClientRect()
    );
    const isFree = ([x, y]) =>
        x >= minX && x <= maxX && y >= minY && y <= maxY &&
        ports.every(one => Math.hypot(one.x - x, one.y - y) > reach) &&
        document.elementFromPoint(x, y)?.matches('.react-flow__pane');
    for (let radius = 0; radius < 600; radius += 12) {
        for (let step = 0; step < 16; step += 1) {
            const angle = (Math.PI * step) / 8;
            const point = [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
            if (isFree(point)) {
                return point;
            }
        }
    }
    return null;
}"""
"""A point within a box, near another one, without a node or wire, and out of reach of ports."""


WORKFLOW = "workflows/wine/dvc.yaml"
"""The workflow of the example workspace."""
NODES = ["load", "features", "split", "forest", "linear", "compare", "plot"]


def node(page: Page, identifier: str) -> Locator:
    return page.locator(f'[data-mlws-node="{identifier}"]')


def port(page: Page, identifier: str, side: str, name: str) -> Locator:
    return page.locator(f'[data-mlws-port="{identifier}:{side}:{name}"]')


def choice(page: Page, key: str) -> Locator:
    return page.locator(f'[data-mlws-choice="{key}"]')


def open_workflow(
    page: Page, lab: Lab, path: str, nodes: list[str], *, in_project: bool = True
) -> None:
    lab.show(page, path)
    for identifier in nodes:
        expect(node(page, identifier)).to_be_visible()
    if in_project:
        # Before the components are known, neither the types nor the order of ports are.
        expect(page.locator("[data-mlws-component]").first).to_be_attached()
    # Measured, then fitted into the window a moment later.
    places = None
    while places != (places := [middle(node(page, identifier)) for identifier in nodes]):
        page.wait_for_timeout(100)


def middle(of: Locator) -> tuple[float, float]:
    box = of.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, source: Locator, to: Locator | tuple[float, float]) -> None:
    """Press on the middle of an element, move in steps, let go at another or at a place."""
    place = None
    while place != (place := middle(source)):
        # Also what stood elsewhere a moment ago is under the pointer then.
        page.mouse.move(*place)
    page.mouse.down()
    x, y = to if isinstance(to, tuple) else middle(to)
    page.mouse.move(x, y, steps=12)
    page.mouse.up()


def empty_place(page: Page, dx: float = 0.85, dy: float = 0.85) -> tuple[float, float]:
    """The free place nearest to a share of the drawing's width and height, without its edges."""
    box = page.locator(".jp-mlws-Canvas").bounding_box()
    assert box
    min_x, max_x = box["x"] + EDGE, box["x"] + box["width"] - EDGE
    min_y, max_y = box["y"] + EDGE, box["y"] + box["height"] - EDGE
    x, y = min_x + (max_x - min_x) * dx, min_y + (max_y - min_y) * dy
    within = [min_x, min_y, max_x, max_y]
    free: list[float] | None = page.evaluate(FREE_PLACE, [x, y, *within, PORT_REACH])
    assert free, "the drawing has no free place"
    return free[0], free[1]


def drop_files(page: Page, selector: str, files: dict[str, str]) -> None:
    """Drop files of the computer in the middle of an element."""
    page.evaluate(
        """([selector, files]) => {
            const data = new DataTransfer();
            for (const [name, text] of Object.entries(files)) {
                data.items.add(new File([text], name));
            }
            const box = document.querySelector(selector).getBoundingClientRect();
            const clientX = box.x + box.width / 2;
            const clientY = box.y + box.height / 2;
            const target = document.elementFromPoint(clientX, clientY);
            for (const type of ['dragenter', 'dragover', 'drop']) {
                const options = { bubbles: true, cancelable: true, clientX, clientY };
                target.dispatchEvent(new DragEvent(type, { ...options, dataTransfer: data }));
            }
        }""",
        [selector, files],
    )


def open_workspace(dialog: Locator, lab: Lab) -> None:
    """Go to the workspace in a file dialog, which begins in the lab's own folder."""
    for folder in filter(None, lab.project.split("/")):
        dialog.locator(".jp-DirListing-item", has_text=folder).dblclick()


def run_workflow(page: Page) -> None:
    # It is enabled as soon as the canvas knows the server; Playwright does not see that it is not.
    expect(page.locator(".jp-mlws-run")).to_have_attribute("aria-disabled", "false")
    page.locator(".jp-mlws-run").click()


def newest_run(page: Page) -> Locator:
    """The newest run in the toolbar, with its id and state as attributes."""
    return page.locator(".jp-mlws-StateText [data-mlws-run]")


def save(page: Page) -> None:
    path = page.evaluate("() => jupyterapp.shell.currentWidget.context.localPath")

    def is_checkpoint(answer: Response) -> bool:
        return f"/{quote(path)}/checkpoints" in answer.url and answer.request.method == "POST"

    # The lab leaves a save out that comes before the checkpoint of the save before it is made.
    with page.expect_response(is_checkpoint):
        page.keyboard.press("Control+s")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)


def until(page: Page, holds: Callable[[], bool], limit: float = TIMEOUT_MS) -> None:
    """Wait while the page works until what it writes is there; milliseconds."""
    waited = 0.0
    while not holds():
        assert waited < limit, "what was waited for did not happen"
        page.wait_for_timeout(50)
        waited += 50


def saved_layout(lab: Lab) -> dict[str, Any]:
    """What the lab keeps of its layout; nothing while the server writes it, in place."""
    try:
        file = next(Path(lab.environment["JUPYTERLAB_WORKSPACES_DIR"]).iterdir())
        data: dict[str, Any] = json.loads(file.read_text())["data"]
    except (StopIteration, ValueError):
        return {}
    return data


def lines_changed(before: str, after: str) -> list[str]:
    return [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
        if not line.startswith(("---", "+++", "@@"))
    ]


def command(page: Page, identifier: str) -> None:
    """What a menu or the command palette would do."""
    page.evaluate("id => jupyterapp.commands.execute(id).then(() => null)", identifier)


def fit(page: Page) -> None:
    """Fit the graph into the window, and wait until it has moved there."""
    page.evaluate(
        """async () => {
            const view = document.querySelector('.react-flow__viewport');
            await jupyterapp.commands.execute('workflow:fit');
            // It begins to move up to three frames later.
            let before = '';
            for (let still = 0; still < 6; ) {
                await new Promise(requestAnimationFrame);
                still = view.style.transform === before ? still + 1 : 0;
                before = view.style.transform;
            }
        }"""
    )


def faults_of_access(page: Page, within: str) -> list[str]:
    """What axe finds serious or critical within an element."""
    page.add_script_tag(path=AXE)
    found: list[dict[str, Any]] = page.evaluate(
        "selector => axe.run(selector).then(found => found.violations)", within
    )
    return [
        f"{one['impact']} {one['id']}: {json.dumps([n['html'][:160] for n in one['nodes'][:3]])}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
