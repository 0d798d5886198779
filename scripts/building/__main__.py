"""`scripts/build`: see --help."""

import argparse
import platform
import sys
import time

from building.layout import ARCHITECTURES, BuildFailed, Layout, this_machine


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/build",
        description="Make textko's programs and packages in dist/, and try them.",
    )
    parser.add_argument(
        "--arch", choices=tuple(ARCHITECTURES), default=platform.machine(),
        help="another than this machine's is built under emulation; needs root",
    )  # fmt: skip
    parser.add_argument("--no-checks", action="store_true", help="make it, and do not try it")
    parser.add_argument("--checks-only", action="store_true", help="try what was made before")
    parser.add_argument(
        "--check-debian", action="store_true",
        help="try the package on a Debian that has nothing else; needs root",
    )  # fmt: skip
    parser.add_argument(
        "--any-glibc", action="store_true",
        help="allow a program that needs systems as new as this machine's",
    )  # fmt: skip
    parser.add_argument(
        "--lock", action="store_true",
        help="only write scripts/building/requirements.txt anew, with hashes",
    )  # fmt: skip
    options = parser.parse_args()
    try:
        return _run(options)
    except BuildFailed as failure:
        print(f"scripts/build: {failure}", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    if options.lock:
        from building.lock import write_lock

        write_lock()
        return 0
    if options.arch != platform.machine():
        from building.emulation import build_emulated, check_emulated

        layout = Layout(options.arch)
        if not options.checks_only:
            build_emulated(layout, is_any_glibc=options.any_glibc)
        if not options.no_checks:
            check_emulated(layout)
        return 0
    layout = this_machine()
    if not options.checks_only:
        make(layout, is_any_glibc=options.any_glibc)
    if not options.no_checks:
        from building.checks import check

        check(layout)
    if options.check_debian:
        from building.debian_root import check_on_debian

        check_on_debian(layout)
    return 0


def make(layout: Layout, *, is_any_glibc: bool) -> None:
    """All of dist/ for this machine."""
    from building.archives import write_checksums, write_tarball
    from building.contents import contents_of
    from building.debian import write_deb
    from building.environment import make_environment
    from building.freeze import freeze
    from building.glibc import HIGHEST, floor_of
    from building.licences import write_licences
    from building.sbom import write_sbom
    from building.search_paths import check_search_paths

    started = time.monotonic()

    def step(name: str) -> None:
        print(f"   {time.monotonic() - started:5.0f} s  {name}", flush=True)

    step("environment, of what requirements.txt has hashes of")
    python = make_environment(layout)
    step("freezing")
    freeze(layout, python)
    floor, needed_by = floor_of(layout.folder)
    said = f"needs glibc {floor[0]}.{floor[1]} or newer ({needed_by})"
    promised = HIGHEST[layout.arch]
    if floor > promised and not is_any_glibc:
        raise BuildFailed(
            f"what was built {said}, but {promised[0]}.{promised[1]} is promised: "
            "build on Debian 12, or say --any-glibc"
        )
    step(f"packing; {said}")
    check_search_paths(layout.folder)
    contents = contents_of(layout)
    write_sbom(layout, contents)
    write_licences(layout, contents)
    write_tarball(layout)
    write_deb(layout, floor, [str(python), "-m", "textko_server"])
    write_checksums(layout)
    step("made:")
    for path in layout.products:
        print(f"            {path.stat().st_size:>12,}  dist/{path.name}")


if __name__ == "__main__":
    sys.exit(main())
