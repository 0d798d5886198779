"""Programs that come as npm packages, pinned, installed where tests keep what they fetch.

Fails when one cannot be had: npm and its registry are part of what such a test needs.
"""

import asyncio
from pathlib import Path

CACHE = Path.home() / ".cache" / "textko-tests"
_INSTALL_LIMIT_S = 300


async def installed(package: str, version: str) -> Path:
    """The folder of that version, whose `node_modules` holds it; its install scripts do not run."""
    folder = CACHE / f"{package.rpartition('/')[2]}-{version}"
    if not await asyncio.to_thread((folder / "node_modules" / package).exists):
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        await run(
            _INSTALL_LIMIT_S, "npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund",
            "--ignore-scripts", f"{package}@{version}",
        )  # fmt: skip
    return folder


async def run(limit_s: float, *command: str) -> None:
    """Fails unless the command succeeds within the limit."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(limit_s):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        raise AssertionError(f"{command[0]} took longer than {limit_s} s") from None
    assert process.returncode == 0, f"{' '.join(command[:3])} failed: {said.decode()[-2000:]}"
