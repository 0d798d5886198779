"""docs/admin-api.md names every endpoint of the admin API, and no other."""

import re
from pathlib import Path

from textko_server.http import admin
from textko_server.http.admin.endpoint import PREFIX

PAGE = Path(__file__).parent.parent / "docs" / "admin-api.md"


def test_every_endpoint_is_in_the_table_and_nothing_else() -> None:
    rows = re.findall(r"^\| `([A-Z]+) (/\S+)` \| \S", PAGE.read_text("utf-8"), re.MULTILINE)
    routes = {(route.method, route.path.removeprefix(PREFIX)) for route in admin.routes()}

    assert set(rows) == routes
    assert len(rows) == len(routes)
