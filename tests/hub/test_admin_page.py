"""The page of the Hub's service in a real browser, on a real Hub with real containers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from tests.browser import TIMEOUT_MS
from tests.hub.installation import ADMINISTRATOR, Hub
from tests.hub.pages import log_in

pytestmark = [pytest.mark.docker, pytest.mark.browser, pytest.mark.timeout(1500)]

OWNER, OTHER, KEEPER = "paula", "pablo", "keeper"
SMALL = {"cpu": "500m", "memory": "1Gi"}
SLOW = 90_000
"""Milliseconds for what starts or stops a container."""

SignIn = Callable[..., Page]


@pytest.fixture
def sign_in(hub: Hub, browser: Browser) -> Iterator[SignIn]:
    """Open the page of the service as somebody, in a browser window of its own."""
    contexts = []

    def open_page(user: str, language: str = "en", colours: str = "light") -> Page:
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, locale=language, color_scheme=colours
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        log_in(page, hub, user)
        page.goto(f"{hub.url}/services/mlws/")
        expect(page.locator(".jp-mlws-Node").first).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def make(hub: Hub) -> Iterator[Callable[..., str]]:
    """Make a container by REST; deleted at the end."""
    made = []

    def create(user: str, name: str, image: str = "Light") -> str:
        hub.sign_up(user)
        made.append(hub.create(user, name=name, image=image, resources=SMALL))
        return made[-1]

    yield create
    for identifier in made:
        hub.service("DELETE", f"containers/{identifier}")
        hub.wait_for(
            lambda of=identifier: hub.service("GET", f"containers/{of}").status_code == 404,
            f"{identifier} is gone",
        )


def row(page: Page, identifier: str) -> Locator:
    return page.locator(f'[data-mlws-container="{identifier}"]')


def press(page: Page, identifier: str, action: str) -> None:
    row(page, identifier).locator(f'[data-mlws-action="{action}"]').click()


def agree(page: Page) -> None:
    """Answer the question before something ends; it says what is kept."""
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("home folder", ignore_case=True)
    dialog.locator('[data-mlws-action="confirm"]').click()


def is_(page: Page, identifier: str, status: str) -> None:
    expect(row(page, identifier)).to_have_attribute("data-mlws-status", status, timeout=SLOW)


@pytest.mark.slow(reason="starts real containers")
def test_an_administrator_sees_and_does_everything_without_a_reload(
    hub: Hub, sign_in: SignIn, make: Callable[..., str], shoot: Callable[..., None]
) -> None:
    page = sign_in(ADMINISTRATOR)
    page.evaluate("window.wasNotReloaded = true")
    identifier = make(OWNER, "page", "Lab")
    is_(page, identifier, "RUNNING")
    expect(page.locator(".jp-mlws-Queue")).to_be_visible()
    expect(row(page, identifier)).to_contain_text("of 1 GiB")

    press(page, identifier, "logs")
    log = page.get_by_role("log")
    expect(log).to_contain_text("jupyter")
    hub.shell(OWNER, "echo said just now > /proc/1/fd/2", "page")
    expect(log).to_contain_text("said just now")
    shoot("admin-logs", page)
    page.locator('[data-mlws-action="close"]').click()

    press(page, identifier, "stop")
    agree(page)
    is_(page, identifier, "STOPPED")
    press(page, identifier, "start")
    is_(page, identifier, "RUNNING")
    press(page, identifier, "delete")
    shoot("admin-delete", page)
    agree(page)
    expect(row(page, identifier)).to_have_count(0, timeout=SLOW)
    assert page.evaluate("window.wasNotReloaded") is True


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_several_are_stopped_together_one_is_resized_and_its_volume_trashed(
    hub: Hub, sign_in: SignIn, make: Callable[..., str], shoot: Callable[..., None]
) -> None:
    one, two, other = (make(KEEPER, name) for name in ("one", "two", "other"))
    page = sign_in(ADMINISTRATOR)
    for identifier in (one, two, other):
        is_(page, identifier, "RUNNING")
    press(page, one, "resize")
    form = page.locator("dialog[open] form")
    form.get_by_label("Memory").fill("1Ti")
    form.get_by_role("button", name="Resize").click()
    expect(form.locator(".jp-mlws-FormField-error")).to_contain_text("8Gi")
    form.get_by_label("Memory").fill("1536Mi")
    shoot("admin-resize", page)
    form.get_by_role("button", name="Resize").click()
    expect(row(page, one)).to_contain_text("of 1.5 GiB")
    assert hub.inspect(KEEPER, "one")["HostConfig"]["Memory"] == 1536 * 1024**2

    page.get_by_label("Filter by owner, name, image or machine").fill(KEEPER)
    page.locator('[data-mlws-action="choose-all"]').check()
    row(page, other).get_by_role("checkbox").uncheck()
    shoot("admin-bulk", page)
    page.locator('[data-mlws-bulk="stop"]').click()
    agree(page)
    for identifier in (one, two):
        is_(page, identifier, "STOPPED")
    is_(page, other, "RUNNING")
    press(page, other, "stop")
    agree(page)
    is_(page, other, "STOPPED")

    page.get_by_role("tab", name="Storage").click()
    volume = page.locator(f'[data-mlws-volume="{hub.name}-home-{KEEPER}"]')
    expect(volume).to_have_attribute("data-mlws-status", "CURRENT")
    volume.locator('[data-mlws-action="trash"]').click()
    expect(volume).to_have_attribute("data-mlws-status", "TRASHED")
    volume.scroll_into_view_if_needed()
    shoot("admin-volumes", page)
    volume.locator('[data-mlws-action="restore"]').click()
    expect(volume).to_have_attribute("data-mlws-status", "CURRENT")
    expect(page.locator(f'[data-mlws-hours="{KEEPER}"]')).to_be_visible()

    page.get_by_role("tab", name="Audit log").click()
    page.get_by_label("Filter by user, action or object").fill("volume.RESTORE")
    entry = page.locator("[data-mlws-entry]").first
    expect(entry).to_contain_text("volume restored")
    expect(entry).to_contain_text(f"{hub.name}-home-{KEEPER}")
    shoot("admin-audit", page)
    page.get_by_role("tab", name="Settings").click()
    port = page.locator('[data-mlws-setting="port"]')
    expect(port).to_contain_text(str(hub.settings.port))
    expect(page.locator('[data-mlws-setting="metrics_token"]')).to_contain_text("…")
    shoot("admin-settings", page)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_people_see_and_make_their_own(
    hub: Hub, sign_in: SignIn, make: Callable[..., str], shoot: Callable[..., None]
) -> None:
    others = make(OTHER, "page")
    hub.sign_up(OWNER)
    page = sign_in(OWNER)
    expect(page.get_by_role("heading", name="My containers")).to_be_visible()
    page.locator('[data-mlws-action="new"]').click()
    form = page.locator("dialog[open] form")
    form.get_by_label("Name").fill("Not This")
    form.get_by_label("CPU cores").fill("500")
    form.get_by_label("Environment variables").fill("JUPYTERHUB_USER=somebody")
    form.get_by_role("button", name="Create").click()
    expect(form.locator(".jp-mlws-FormField-error").first).to_be_visible()
    wrong = form.locator('[aria-invalid="true"]')
    shoot("admin-form", page)
    assert {"name", "environment"} <= set(wrong.evaluate_all("all => all.map(one => one.name)"))

    form.get_by_label("Name").fill("form")
    form.get_by_label("CPU cores").fill(SMALL["cpu"])
    form.get_by_label("Memory").fill(SMALL["memory"])
    form.get_by_label("Environment variables").fill("ANSWER=42")
    form.get_by_role("button", name="Create").click()
    identifier = f"{OWNER}--form"
    is_(page, identifier, "RUNNING")
    assert hub.shell(OWNER, "echo $ANSWER", "form") == "42"
    expect(row(page, others)).to_have_count(0)
    press(page, identifier, "delete")
    agree(page)
    expect(row(page, identifier)).to_have_count(0, timeout=SLOW)


@pytest.mark.exhaustive
def test_a_lost_connection_is_told_and_comes_back(
    sign_in: SignIn, make: Callable[..., str]
) -> None:
    page = sign_in(ADMINISTRATOR)
    sockets: list[WebSocketRoute] = []
    is_cut = False

    def connect(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if is_cut:
            socket.close()
        else:
            socket.connect_to_server()

    page.route_web_socket("**/containers/status*", connect)
    page.reload()
    expect(page.locator(".jp-mlws-Node").first).to_be_visible()

    # Being offline cuts no socket that is open.
    is_cut = True
    page.context.set_offline(True)
    sockets[-1].close()
    expect(page.get_by_text("Can't reach the server.")).to_be_visible()
    identifier = make(OWNER, "offline")
    is_cut = False
    page.context.set_offline(False)
    is_(page, identifier, "RUNNING")
    expect(page.get_by_text("Can't reach the server.")).to_have_count(0)


@pytest.mark.exhaustive
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_page_in_both_languages_light_and_dark(
    sign_in: SignIn, make: Callable[..., str], shoot: Callable[..., None], language: str
) -> None:
    identifier = make(OWNER, "looks")
    for colours in ("light", "dark"):
        page = sign_in(ADMINISTRATOR, language, colours)
        is_(page, identifier, "RUNNING")
        title = {"en": "All containers", "zh-CN": "所有容器"}[language]
        expect(page.get_by_role("heading", name=title)).to_be_visible()
        is_light = page.locator("body").get_attribute("data-jp-theme-light")
        assert is_light == str(colours == "light").lower()
        shoot(f"admin-{language}-{colours}", page)
