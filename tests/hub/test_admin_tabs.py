"""The tabs of storage, images, announcements and usage in a real browser, on a real Hub."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import TIMEOUT_MS
from tests.hub.docker_engine import LAB, LIGHT
from tests.hub.installation import ADMINISTRATOR, Hub
from tests.hub.pages import log_in

pytestmark = [pytest.mark.docker, pytest.mark.browser, pytest.mark.timeout(1500)]

USER, OTHER = "tilda", "tobias"
PEOPLE = (USER, OTHER)
SETTINGS = {
    "images": {"Light": LIGHT, "Lab": LAB},
    "default_image": "Light",
    "default_resources": {"cpu": "500m", "memory": "768Mi"},
    "home_quota": "1Gi",
    "storage_interval": 1,
}
TEXT = "Maintenance at <b>8 pm</b>: save your work."
GIB = 1024**3

Window = Callable[..., Page]


@pytest.fixture
def window(hub: Hub, browser: Browser) -> Iterator[Window]:
    """Open an address as somebody, in a browser window of its own."""
    contexts = []

    def open_window(user: str, path: str, language: str = "en", **more: str | int) -> Page:
        width = int(more.get("width", 1280))
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            locale=language,
            color_scheme="dark" if more.get("colours") == "dark" else "light",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        log_in(page, hub, user)
        page.goto(f"{hub.url}/{path}")
        return page

    yield open_window
    for context in contexts:
        context.close()


def record_a_month(hub: Hub) -> None:
    """Samples of usage as the service would have recorded them."""
    now = int(time.time())
    machine = hub.service("GET", "resources").json()["data"]["nodes"][0]["name"]
    subjects = [("machine", machine, 2.0), ("user", USER, 0.5), ("user", OTHER, 1.0)]
    rows = [
        (
            width,
            subject,
            name,
            moment,
            cores * (1.2 + math.sin(moment / 9000)),
            int(cores * GIB * (1 + moment % 86400 / 86400)),
            0.0,
            int(cores * 10 * GIB),
        )
        for width, length in ((60, 86400), (900, 31 * 86400))
        for subject, name, cores in subjects
        for moment in range((now - length) // width * width, now // width * width - width, width)
    ]
    with contextlib.closing(sqlite3.connect(hub.records, timeout=30)) as tables, tables:
        tables.executemany("INSERT OR REPLACE INTO usage_samples VALUES (?,?,?,?,?,?,?,?)", rows)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_an_announcement_is_in_open_labs_and_on_the_pages_of_the_hub_at_once(
    hub: Hub, window: Window, shoot: Callable[..., None]
) -> None:
    admin = window(ADMINISTRATOR, "services/mlws/#announcements")
    admin.locator('[data-mlws-action="announce"]').wait_for()
    hub.becomes(hub.create(USER, image="Lab"), "RUNNING")
    lab = window(USER, f"user/{USER}/lab")
    lab.locator(".jp-mlws-UsageStatus").wait_for(timeout=90_000)

    admin.locator('[data-mlws-action="announce"]').click()
    form = admin.locator("dialog[open] form")
    form.get_by_label("Text").fill(TEXT)
    form.get_by_label("Level").select_option("warning")
    shoot("admin-announce", admin)
    form.get_by_role("button", name="Announce").click()
    bar = lab.locator("[data-mlws-notice]")
    expect(bar).to_contain_text(TEXT)
    expect(bar).to_have_class("jp-mlws-Notice jp-mod-warning")
    expect(bar.get_by_role("button", name="Dismiss")).to_be_in_viewport()
    shoot("lab-announcement", lab)
    expect(admin.locator("[data-mlws-notice]")).to_contain_text(TEXT)
    expect(admin.locator("[data-mlws-announcement]")).to_contain_text(ADMINISTRATOR)
    home = window(OTHER, "hub/home")
    expect(home.locator("[data-mlws-announcement]")).to_contain_text(TEXT)
    shoot("hub-announcement", home)
    home.get_by_role("button", name="Dismiss").click()
    expect(home.locator("[data-mlws-announcement]")).to_have_count(0)

    bar.get_by_role("button", name="Dismiss").click()
    expect(bar).to_have_count(0)
    lab.reload()
    lab.locator(".jp-mlws-UsageStatus").wait_for(timeout=90_000)
    expect(bar).to_have_count(0)
    admin.locator("[data-mlws-announcement] [data-mlws-action=delete]").click()
    admin.locator('[data-mlws-action="confirm"]').click()
    expect(admin.get_by_text("Nothing is announced.")).to_be_visible()
    expect(admin.locator("[data-mlws-notice]")).to_have_count(0)


def test_an_administrator_sees_and_keeps_shared_projects(
    hub: Hub, window: Window, shoot: Callable[..., None]
) -> None:
    made = hub.service("POST", "team/projects", USER, json={"name": "wines"})
    assert made.status_code == 201
    # Others do not see what is not theirs, however they ask.
    assert hub.service("GET", "storage/projects", OTHER).json()["code"] == "10302"
    page = window(ADMINISTRATOR, "services/mlws/#projects")
    row = page.locator('[data-mlws-shared-project="wines"]')
    expect(row).to_contain_text(USER)
    expect(row).to_contain_text("B of ")
    page.get_by_role("button", name="Members of wines").click()
    form = page.get_by_role("form", name="Add member to wines")
    form.get_by_label("Add Hub user").fill("nobody-here")
    form.get_by_role("button", name="Add").click()
    expect(form).to_contain_text("is not a user of this Hub", ignore_case=True)
    form.get_by_label("Add Hub user").fill(OTHER)
    form.get_by_role("button", name="Add").click()
    expect(page.locator(f'[data-mlws-member="{OTHER}"]')).to_be_visible()
    expect(row).to_contain_text("2 members")
    shoot("admin-project-members", page)
    row.locator('[data-mlws-action="trash"]').click()
    page.locator('[data-mlws-action="confirm"]').click()
    expect(row).to_contain_text("in trash")
    assert hub.service("GET", "team/projects/wines", OTHER).status_code == 404
    row.locator('[data-mlws-action="restore"]').click()
    expect(row).to_contain_text("current")
    assert hub.service("GET", "team/projects/wines", OTHER).ok
    actions = [one["action"] for one in hub.service("GET", "audit").json()["data"]["items"]]
    assert {"project.member.add", "project.trash", "project.restore"} <= set(actions)


@pytest.mark.slow(reason="starts real containers")
def test_an_administrator_creates_for_a_user_and_sees_disk_images_and_usage(
    hub: Hub, window: Window, shoot: Callable[..., None]
) -> None:
    record_a_month(hub)
    page = window(ADMINISTRATOR, "services/mlws/")
    page.locator('[data-mlws-action="new"]').click()
    form = page.locator("dialog[open] form")
    form.get_by_label("User", exact=True).fill("nobody-here")
    form.get_by_role("button", name="Create").click()
    expect(form.locator(".jp-mlws-FormField-error")).to_contain_text("nobody-here")
    form.get_by_label("User", exact=True).fill(OTHER)
    form.get_by_label("CPU cores").fill("500m")
    form.get_by_label("Memory").fill("512Mi")
    form.get_by_role("button", name="Create").click()
    row = page.locator(f'[data-mlws-container="{OTHER}--default"]')
    expect(row).to_have_attribute("data-mlws-status", "RUNNING", timeout=90_000)
    expect(page.get_by_text(f"Started by {ADMINISTRATOR}.")).to_be_visible()
    own = window(OTHER, "services/mlws/")
    expect(own.get_by_text(f"Started by {ADMINISTRATOR}.")).to_be_visible()

    page.get_by_role("tab", name="Storage").click()
    expect(page.locator("[data-mlws-disk] [role=meter]")).to_be_visible()
    expect(page.locator(f'[data-mlws-volume*="{OTHER}"]')).to_contain_text("B of ")
    page.get_by_role("tab", name="Images and environments").click()
    light = page.locator('[data-mlws-image="image:Light"]')
    expect(light).to_contain_text(f"{OTHER}--default")
    expect(light.locator('[data-mlws-action="delete"]')).to_be_disabled()
    page.get_by_role("tab", name="Usage").click()
    expect(page.locator("[data-mlws-chart] canvas").first).to_be_visible()
    page.get_by_label("Usage of").select_option("user")
    expect(page.locator('[data-mlws-chart="cpu"]')).to_contain_text(USER)
    page.locator("summary").first.click()
    # Of 289 points, each thirteenth.
    expect(page.locator("[data-mlws-chart=cpu] details tbody tr")).to_have_count(23)

    for language, colours, width in (
        ("en", "light", 1280),
        ("zh-CN", "dark", 1280),
        ("en", "light", 390),
    ):
        for tab in ("usage", "storage", "images", "projects", "announcements", "containers"):
            page = window(
                ADMINISTRATOR, f"services/mlws/#{tab}", language, colours=colours, width=width
            )
            page.locator(f'[data-mlws-tab="{tab}"][aria-selected="true"]').wait_for()
            loading = "正在加载…" if language == "zh-CN" else "Loading…"
            expect(page.get_by_text(loading)).to_have_count(0)
            if tab == "usage":
                page.locator("canvas").first.wait_for()
            is_wider = "document.documentElement.scrollWidth > window.innerWidth"
            shoot(f"admin-{tab}-{language}-{colours}-{width}", page)
            assert not page.evaluate(is_wider), tab
    hub.service("DELETE", f"containers/{OTHER}--default")
