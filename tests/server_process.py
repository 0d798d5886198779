"""`textko serve` as a user starts it: a process of its own, and its commands as others."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

WAIT_LIMIT_S = 60.0


class ServerProcess:
    def __init__(
        self, data_dir: Path, *arguments: str, environ: Mapping[str, str] | None = None
    ) -> None:
        """`environ`: what its environment has besides the test's own, which names no settings."""
        self.data_dir = data_dir
        self.log_path = data_dir.with_suffix(".log")
        own = {k: v for k, v in os.environ.items() if not k.startswith("TEXTKO_")}
        self._environ = own | dict(environ or {})
        with self.log_path.open("w") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable, "-m", "textko_server", "serve", "--data-dir", str(data_dir),
                    "--listen", "127.0.0.1:0", "--set", "accounts.bcrypt_rounds=4", *arguments,
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=data_dir.parent,
                env=self._environ,
            )  # fmt: skip

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    @property
    def url(self) -> str:
        """Once it has started."""
        match = re.search(r" started .*port=(\d+)", self.log)
        assert match, self.log
        return f"http://127.0.0.1:{match[1]}"

    def wait_for(self, text: str) -> None:
        end = time.monotonic() + WAIT_LIMIT_S
        while text not in self.log:
            assert self.process.poll() is None, self.log
            assert time.monotonic() < end, self.log
            time.sleep(0.01)

    def textko(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "textko_server", "--data-dir", str(self.data_dir), *arguments],
            input=stdin, capture_output=True, text=True, timeout=WAIT_LIMIT_S, check=False,
            env=self._environ,
        )  # fmt: skip


@contextmanager
def serving(
    data_dir: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Until the block ends. It takes requests, and has said what it says to a person."""
    server = ServerProcess(data_dir, *arguments, environ=environ)
    try:
        server.wait_for("started")
        yield server
    finally:
        server.process.kill()
        server.process.wait()
