"""The dashboard as people meet it: in Chromium, from the login page to the screens and out."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browsers import Page, open_page
from tests.servers import PASSWORD, Person, RunningServer
from tests.test_dashboard_terminal import READY, submit, text_of
from textko_server.model import Role

ALERT_TEXT = "[...document.querySelectorAll('[role=alert]')].map(a => a.innerText).join('').trim()"


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    async with open_page(tmp_path / "browser") as page:
        yield page


async def log_in(page: Page, person: Person, password: str = PASSWORD) -> None:
    """On the login page, by keyboard alone."""
    await page.wait_for("document.activeElement.name === 'email'")
    await page.evaluate("document.activeElement.select()")
    await page.type(person.user.email)
    await page.press("Tab")
    await page.type(password)
    await page.press("Enter")


async def test_admin_logs_in_and_works_with_the_keyboard(page: Page, server: RunningServer) -> None:
    await submit(server, server.admin)
    await submit(server, server.regular)
    await page.go(f"{server.url}/dashboard/admin")
    assert await page.path == "/dashboard/login"
    await log_in(page, server.admin, "wrong")
    assert await page.wait_for(ALERT_TEXT) == "Wrong e-mail or password."
    await log_in(page, server.admin)
    first = await page.wait_for_screen(READY)
    painted = await page.painted_screenshot()

    assert await page.path == "/dashboard/admin"
    assert len(first.splitlines()) > 30
    await page.type("2")
    messages = await page.wait_for_screen(text_of(server.regular))
    assert text_of(server.admin) in messages
    assert await page.painted_screenshot() != painted


async def test_regular_user_lands_on_their_own_things(page: Page, server: RunningServer) -> None:
    await submit(server, server.admin)
    await submit(server, server.regular)
    await page.go(f"{server.url}/dashboard/admin")
    await log_in(page, server.regular)
    await page.wait_for_screen(READY)
    assert await page.path == "/dashboard"
    await page.go(f"{server.url}/dashboard/admin")
    await page.wait_for_screen(READY)
    await page.type("2")
    messages = await page.wait_for_screen(text_of(server.regular))

    assert await page.path == "/dashboard"
    assert text_of(server.admin) not in messages
    # Scripts, styles, fonts and the websocket: all from this server, none refused by the policy.
    assert {urlsplit(url).netloc for url in page.requested_urls} == {urlsplit(server.url).netloc}
    assert page.complaints == []


async def test_page_says_when_its_login_has_ended(page: Page, server: RunningServer) -> None:
    await page.go(f"{server.url}/dashboard")
    await log_in(page, server.regular)
    await page.wait_for_screen(READY)
    await server.gateway.accounts.set_role(server.regular.user.id, Role.ADMIN)

    assert await page.wait_for(ALERT_TEXT) == "This window was closed. Open it again"
    await page.click("[role=alert] a")
    await page.wait_for("location.pathname === '/dashboard/login'")


async def test_logout_button_leads_out(page: Page, server: RunningServer) -> None:
    await page.go(f"{server.url}/dashboard")
    await log_in(page, server.regular)
    await page.wait_for_screen(READY)
    await page.click("header button")
    await page.wait_for("location.pathname === '/dashboard/login'")
    await page.go(f"{server.url}/dashboard")

    assert await page.path == "/dashboard/login"
