"""`/docs`: pages for people that show what /openapi.json says, and need nothing else to be read."""

import ast
import asyncio
import json
import shlex
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.servers import RunningServer
from textko_server.http.docs import pages
from textko_server.http.docs.examples import curl, example_of, javascript, python
from textko_server.http.openapi.document import all_operations, document

TAGS = sorted({operation.tag.name for operation in all_operations()})
URL = "http://localhost:8480"
EVIL = "http://x\"'><script>alert(1)</script>&$(id)`id`"
OPERATIONS = [
    (method, path)
    for path, methods in document(URL)["paths"].items()
    for method, operation in methods.items()
    if not operation.get("deprecated")
]


class Read(HTMLParser):
    """What a page has, for questions about it."""

    VOID = frozenset({"meta", "link", "wbr", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.sources: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values["href"] or ""] if "href" in values else []
        self.sources += [name for name in values if name in ("src", "style", "onclick")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def get(server: RunningServer, path: str) -> str:
    answer = await server.request("GET", path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return answer.content.decode()


async def test_index_leads_to_every_api(server: RunningServer) -> None:
    page = Read(await get(server, "/docs"))

    assert {f"/docs/{tag}" for tag in TAGS} <= set(page.links)
    assert page.open == []


@pytest.mark.parametrize("tag", TAGS)
async def test_page_shows_every_operation_and_loads_nothing(
    server: RunningServer, tag: str
) -> None:
    page = Read(await get(server, f"/docs/{tag}"))

    expected = {
        one["operationId"]
        for methods in document(server.url)["paths"].values()
        for one in methods.values()
        if tag in one["tags"]
    }
    assert expected <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    inside = {link[1:] for link in page.links if link.startswith("#")}
    assert inside <= set(page.ids)
    assert all(link.startswith(("#", "/docs")) for link in page.links)
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert page.sources == []
    assert page.open == []


async def test_api_that_is_not_there_is_404(server: RunningServer) -> None:
    assert (await server.request("GET", "/docs/nothing")).status == 404


@pytest.mark.parametrize("tag", TAGS)
def test_address_of_the_server_cannot_break_out(tag: str) -> None:
    described = document(EVIL)

    for text in (pages.index_page(described), pages.tag_page(described, tag)):
        assert "<script" not in text
        assert Read(text).open == []


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@pytest.mark.parametrize("url", [URL, EVIL])
def test_examples_can_be_copied(method: str, path: str, url: str) -> None:
    example = example_of(document(url), method, path)

    words = shlex.split(curl(example).replace("\\\n", ""))
    tree = ast.parse(python(example))
    script = javascript(example)

    assert example.url in words
    constants = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    assert example.url in constants
    assert json.dumps(example.url, ensure_ascii=False) in script
    assert "{" not in example.url


async def test_curl_example_sends(server: RunningServer) -> None:
    example = example_of(document(server.url), "post", "/api/v1/gateway/send-sms")
    line = curl(example).replace("YOUR_API_KEY", server.regular.key)

    run: Any = await asyncio.create_subprocess_exec(
        "bash", "-c", line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await run.communicate()

    assert json.loads(output)["data"]["recipientCount"] == 1


async def test_python_example_sends(server: RunningServer) -> None:
    example = example_of(document(server.url), "post", "/api/{token}/queue")
    program = python(example).replace("YOUR_API_KEY", server.regular.key)

    run: Any = await asyncio.create_subprocess_exec(
        "python3", "-c", program, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await run.communicate()

    assert b'"queued":1' in output
