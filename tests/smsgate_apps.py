"""SMSGate's emulated app for tests: short waits, and a folder of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textko_server.clock import Clock
from textko_server.emulated.smsgate_app import AppOptions, SmsgateApp
from textko_server.emulated.smsgate_app.steps import Step

# Ten seconds of the app's become a tenth of one.
SCALE = 0.01
# So far apart that reports stay in order unless a test wants otherwise.
_SEND_TIME_MS = 5_000
_DELIVERY_AFTER_MS = 8_000


@asynccontextmanager
async def phone(
    folder: Path, url: str, clock: Clock | None = None, **options: Any
) -> AsyncIterator[SmsgateApp]:
    """An app that was started, on what `folder` holds; `options` are those of AppOptions."""
    usual = {
        "time_scale": SCALE,
        "send_time_ms": _SEND_TIME_MS,
        "delivery_after_ms": _DELIVERY_AFTER_MS,
    }
    settings = AppOptions(url, **(usual | options))
    async with SmsgateApp(settings, folder, clock=clock) as app:
        yield app


def count(app: SmsgateApp, step: Step) -> int:
    """How often the app came to a step."""
    return sum(one is step for one, _ in app.steps)


def said(app: SmsgateApp, step: Step) -> list[str]:
    """What the app was about each time it came to a step."""
    return [about for one, about in app.steps if one is step]
