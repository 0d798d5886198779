"""The list of what is in the program, for tools that look for known holes.

CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/. Two builds of the same things write the same
list.
"""

import hashlib
import json
import platform
import uuid
from importlib.metadata import Distribution
from typing import Any
from urllib.parse import quote

from building.contents import Contents, SystemLibrary
from building.layout import Layout, version


def write_sbom(layout: Layout, contents: Contents) -> None:
    python = platform.python_version()
    components = [
        *map(_of_package, contents.packages),
        _component("Python", python, f"pkg:generic/python@{python}"),
        *map(_of_library, contents.libraries),
    ]  # fmt: skip
    components = [c for c in components if c["name"] != "textko-server"]
    itself = {
        "type": "application", "bom-ref": "textko", "name": "textko", "version": version(),
        "licenses": [{"license": {"id": "MIT"}}],
    }  # fmt: skip
    listed = hashlib.sha256(f"{layout.arch}{components}".encode()).digest()
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=listed[:16], version=4)}",
        "version": 1,
        "metadata": {"component": itself},
        "components": components,
        "dependencies": [{"ref": "textko", "dependsOn": [c["bom-ref"] for c in components]}],
    }
    layout.sbom.write_text(json.dumps(document, indent=1) + "\n")


def _of_package(package: Distribution) -> dict[str, Any]:
    purl = f"pkg:pypi/{package.name.lower().replace('_', '-')}@{package.version}"
    component = _component(package.name, package.version, purl)
    # Of older metadata a licence is only free text, sometimes all of it.
    if "License-Expression" in package.metadata:
        component["licenses"] = [{"expression": package.metadata["License-Expression"]}]
    return component


def _of_library(library: SystemLibrary) -> dict[str, Any]:
    name = library.path.name
    if not library.package:
        component = _component(name, "unknown", f"pkg:generic/{quote(name)}")
    else:
        purl = f"pkg:deb/debian/{quote(library.package)}@{quote(library.version)}"
        component = _component(name, library.version, f"{purl}#{quote(name)}")
    digest = hashlib.sha256(library.path.read_bytes()).hexdigest()
    component["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return component


def _component(name: str, its_version: str, purl: str) -> dict[str, Any]:
    return {
        "type": "library", "bom-ref": purl, "name": name, "version": its_version, "purl": purl
    }  # fmt: skip
