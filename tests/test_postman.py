"""The page, the collection and the environment for Postman, and that the collection works."""

from pathlib import Path
from typing import Any

from tests.apks import make_apk
from tests.newman import run_newman
from tests.servers import RunningServer, running_server
from textko_server.config import ServerSettings


async def get(server: RunningServer, path: str) -> Any:
    answer = await server.request("GET", path)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    return answer.json


async def test_collection_is_named_as_the_vendors_and_has_its_variables(
    server: RunningServer,
) -> None:
    collection = await get(server, "/postman/collection")

    assert collection["info"]["name"] == "SelfHostedSMS API"
    assert collection["info"]["schema"].endswith("/v2.1.0/collection.json")
    variables = {v["key"]: v["value"] for v in collection["variable"]}
    assert variables == {"base_url": f"{server.url}/api", "api_token": "your-api-token"}
    [first, *_] = collection["item"][0]["item"]
    assert (collection["item"][0]["name"], first["name"]) == ("App Version", "Get Current Version")
    assert first["request"]["url"] == "{{base_url}}/app-version"


async def test_environment_is_named_as_the_steps_say(server: RunningServer) -> None:
    environment = await get(server, "/postman/environment")

    assert environment["name"] == "SelfHostedSMS"
    assert [v["key"] for v in environment["values"]] == ["base_url", "api_token"]
    assert all(v["enabled"] for v in environment["values"])


async def test_page_links_both_files(tmp_path: Path) -> None:
    settings = ServerSettings(
        data_dir=tmp_path / "data", listen="127.0.0.1:0", public_url="https://sms.example.org"
    )
    async with running_server(tmp_path / "data", server=settings) as server:
        page = await server.request("GET", "/postman")

    text = page.content.decode()
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'href="/postman/collection"' in text
    assert 'href="/postman/environment"' in text
    assert "https://sms.example.org/api" in text


async def test_postmans_runner_gets_through_the_whole_collection(
    server: RunningServer, tmp_path: Path
) -> None:
    draft = make_apk(tmp_path / "app.apk")

    async def content() -> Any:
        yield draft.read_bytes()

    release = await server.gateway.releases.upload(content())
    await server.gateway.releases.activate(release.version_code)

    report = await run_newman(
        f"{server.url}/postman/collection",
        f"{server.url}/postman/environment",
        {"api_token": server.regular.key},
        tmp_path / "report.json",
    )

    assert report["run"]["failures"] == []
    outcomes = {run["item"]["name"]: run["response"]["code"] for run in report["run"]["executions"]}
    assert outcomes == {
        "Get Current Version": 200,
        "List Versions": 200,
        "Download Version": 200,
        "Download Current Version": 200,
        "Queue Messages": 200,
        "Get Messages": 200,
        "Report Status": 200,
    }
    [fetched] = await server.gateway.db.fetch_all("SELECT state, phone_number FROM recipients")
    assert fetched == ("claimed", "+1234567890")
