"""`scripts/torture`: runs a torture, prints what it found, ends with 1 when anything was lost."""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import tell
from tortures import kills, stops


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="textko-torture-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        outcome = (
            stops.run(directory)
            if options.stop
            else kills.run(directory, options.kills, options.seed)
        )
        if not outcome.is_good:
            kept = directory.with_name(f"{directory.name}-kept")
            shutil.copytree(directory, kept, ignore=shutil.ignore_patterns("*.sock"))
            tell(f"what was left is in {kept}")
    if options.json:
        print(json.dumps(outcome.to_json()))
    else:
        for key, value in outcome.to_json().items():
            print(f"{key:<22} {value}")
    return 0 if outcome.is_good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/torture",
        description="Kill or stop a server under load, and see that nothing is lost.",
    )
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="how often (50)")
    parser.add_argument(
        "--stop", action="store_true", help="one SIGTERM with a thousand open polls instead"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--seed", default=str(time.time_ns()), metavar="S", help="the same seed kills alike"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
