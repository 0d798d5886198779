"""Postman's own runner, newman: installed where tests keep what they fetch, and run from there."""

import asyncio
import json
from pathlib import Path
from typing import Any

VERSION = "6.2.2"
_INSTALL_LIMIT_S = 300
_RUN_LIMIT_S = 120


async def run_newman(
    collection: str, environment: str, variables: dict[str, str], report: Path
) -> Any:
    """What newman says of a run of these files or URLs; it writes that to `report`.

    Fails when newman cannot be had: npm and the registry are part of what this needs.
    """
    program = await _installed()
    overrides = [o for name, value in variables.items() for o in ("--env-var", f"{name}={value}")]
    await _run(
        _RUN_LIMIT_S, str(program), "run", collection, "--environment", environment, *overrides,
        "--reporters", "json", "--reporter-json-export", str(report), "--timeout-request", "10000",
    )  # fmt: skip
    return json.loads(await asyncio.to_thread(report.read_text))


async def _installed() -> Path:
    folder = Path.home() / ".cache" / "textko-tests" / f"newman-{VERSION}"
    program = folder / "node_modules" / ".bin" / "newman"
    if not await asyncio.to_thread(program.exists):
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        await _run(
            _INSTALL_LIMIT_S, "npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund",
            "--ignore-scripts", f"newman@{VERSION}",
        )  # fmt: skip
    return program


async def _run(limit_s: float, *command: str) -> None:
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
