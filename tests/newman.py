"""Postman's own runner, newman."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests import npm

VERSION = "6.2.2"
_RUN_LIMIT_S = 120


async def run_newman(
    collection: str, environment: str, variables: dict[str, str], report: Path
) -> Any:
    """What newman says of a run of these files or URLs; it writes that to `report`."""
    program = await npm.installed("newman", VERSION) / "node_modules" / ".bin" / "newman"
    overrides = [o for name, value in variables.items() for o in ("--env-var", f"{name}={value}")]
    await npm.run(
        _RUN_LIMIT_S, str(program), "run", collection, "--environment", environment, *overrides,
        "--reporters", "json", "--reporter-json-export", str(report), "--timeout-request", "10000",
    )  # fmt: skip
    return json.loads(await asyncio.to_thread(report.read_text))
