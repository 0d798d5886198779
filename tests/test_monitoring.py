"""What is shipped for Prometheus and Grafana asks for what a real server tells, and where."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import yaml  # type: ignore[import-untyped]  # its types are another package; schemathesis brings it

from tests.clocks import FrozenClock
from tests.servers import RunningServer, running_server, settings_for_tests
from textko_server.clock import HOUR_MS
from textko_server.config import MetricsSettings, ServerSettings
from textko_server.server import CannotStart, Server

PACKAGING = Path(__file__).parent.parent / "packaging"
OWN_LISTENER = MetricsSettings(listen="127.0.0.1:0", on_port=False)
# What Prometheus itself adds to every sample, and a metric that it makes of each scrape.
SCRAPED = frozenset({"job", "instance"})
UP = "up"
WORDS = frozenset({"and", "or", "unless", "bool", "offset", "group_left", "group_right"})
# Of these labels a server has every value from the start.
COMPLETE = ("state", "outcome")


class Query(NamedTuple):
    where: str
    expr: str
    shown_labels: frozenset[str]
    """Those that a legend names."""


class Selector(NamedTuple):
    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    """(label, operator, value)"""


def dashboard() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((PACKAGING / "grafana" / "textko.json").read_bytes())
    return parsed


def alerts() -> list[dict[str, Any]]:
    text = (PACKAGING / "prometheus" / "alerts.yml").read_text("utf-8")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def queries() -> Iterator[Query]:
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            shown = frozenset(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            yield Query(panel["title"], target["expr"], shown)
    for variable in dashboard()["templating"]["list"]:
        if match := re.fullmatch(r"label_values\((.+), (\w+)\)", variable.get("definition", "")):
            yield Query(variable["name"], match[1], frozenset({match[2]}))
    for rule in alerts():
        shown = frozenset(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        yield Query(rule["alert"], rule["expr"], shown)


def selectors(expr: str) -> tuple[list[Selector], set[str]]:
    """Of a query in PromQL: what it reads, and the labels that it groups and matches by."""
    grouped: set[str] = set()

    def note(match: re.Match[str]) -> str:
        grouped.update(name.strip() for name in match[1].split(",") if name.strip())
        return " "

    expr = re.sub(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", note, expr)
    expr = re.sub(r"\[[^\]]*\]", "", expr)
    found = []
    name = r'(?<![\w.$"])([A-Za-z_:][\w:]*)\s*(\{(?:[^}"]|"[^"]*")*\})?(\s*\()?'
    for metric, braces, call in re.findall(name, expr):
        if not call and metric not in WORDS:
            matchers = re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"', braces)
            found.append(Selector(metric, tuple(matchers)))
    return found, grouped


def parse(page: str) -> dict[str, list[dict[str, str]]]:
    """Labels of each sample, by metric."""
    samples: dict[str, list[dict[str, str]]] = {}
    for line in page.splitlines():
        if not line.startswith("#"):
            match = re.fullmatch(r"(\w+)(?:\{(.*)\})? \S+", line)
            assert match is not None, line
            labels = dict(re.findall(r'(\w+)="([^"]*)"', match[2] or ""))
            samples.setdefault(match[1], []).append(labels)
    return samples


async def page_of_a_server_in_use(server: RunningServer) -> str:
    await server.sync(server.regular, status={"battery": 12, "charging": False})
    body = {"recipients": ["+251911000009"], "message": "Hello"}
    headers = server.regular.key_headers
    sent = await server.request("POST", "/api/v1/gateway/send-sms", body, headers=headers)
    assert sent.status == 200, sent
    await server.gateway.backups.make()
    return await fetch(f"http://127.0.0.1:{server.server.metrics_port}/metrics")


async def fetch(url: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        assert response.status == 200
        return await response.text()


async def test_every_query_names_metrics_and_labels_that_a_server_tells(tmp_path: Path) -> None:
    async with running_server(tmp_path, metrics=OWN_LISTENER) as server:
        told = parse(await page_of_a_server_in_use(server))
    wrong = []
    for where, expr, shown in queries():
        found, grouped = selectors(expr)
        assert found, f"{where}: no metric in {expr}"
        labels_told = set(SCRAPED)
        for metric, matchers in found:
            if metric != UP and metric not in told:
                wrong.append(f"{where}: no metric {metric}")
            samples = told.get(metric, [])
            labels_told.update(*samples)
            for label, operator, value in matchers:
                if label not in SCRAPED and not any(label in sample for sample in samples):
                    wrong.append(f"{where}: {metric} has no label {label}")
                is_value = operator == "=" and label in COMPLETE
                if is_value and not any(sample.get(label) == value for sample in samples):
                    wrong.append(f"{where}: {metric} never has {label}={value}")
        wrong += [f"{where}: no label {label}" for label in (shown | grouped) - labels_told]

    assert wrong == []


def test_queries_are_read_as_prometheus_reads_them() -> None:
    expr = (
        'time() - 1e9 * sum by (le, code) (rate(a_total{b="x{}", c!~"d|e"}[5m])) '
        "> ignoring (f) g_bytes and on (h) i:j == 1"
    )

    found, grouped = selectors(expr)

    assert [selector.metric for selector in found] == ["a_total", "g_bytes", "i:j"]
    assert found[0].matchers == (("b", "=", "x{}"), ("c", "!~", "d|e"))
    assert grouped == {"le", "code", "f", "h"}


def test_dashboard_can_be_imported() -> None:
    panels = dashboard()["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)
    assert "id" not in dashboard()


def test_every_alert_says_what_is_wrong_and_how_bad_it_is() -> None:
    rules = alerts()

    assert len({rule["alert"] for rule in rules}) == len(rules)
    assert {rule["labels"]["severity"] for rule in rules} == {"warning", "critical"}
    assert all(rule["annotations"]["summary"] for rule in rules)


# --- what is told ---


async def test_metrics_never_name_a_phone_number_an_id_or_a_token(tmp_path: Path) -> None:
    async with running_server(tmp_path, metrics=OWN_LISTENER) as server:
        page = await page_of_a_server_in_use(server)
        secrets = [server.regular.key, server.regular.device_token, server.regular.device_id]

    assert not re.search(r"\+?251911", page)
    assert not any(secret in page for secret in secrets)


async def test_phones_batteries_and_backups_are_told(tmp_path: Path, clock: FrozenClock) -> None:
    async with running_server(tmp_path, clock=clock, metrics=OWN_LISTENER) as server:
        lines = (await page_of_a_server_in_use(server)).splitlines()
        backup_line = f"textko_last_backup_timestamp_seconds {clock.now_ms() // 1000}"
        url = f"http://127.0.0.1:{server.server.metrics_port}/metrics"
        clock.advance(2 * HOUR_MS)
        later = (await fetch(url)).splitlines()

    assert {
        "textko_devices_paired 2",
        "textko_devices_online 1",
        "textko_devices_battery_low 1",
        "textko_battery_lowest_percent 12",
        "textko_submitted_total 1",
        'textko_recipient_changes_total{state="delivered"} 0',
        backup_line,
    } <= set(lines)
    assert "textko_devices_battery_low 0" in later
    assert not any(line.startswith("textko_battery_lowest_percent") for line in later)


# --- where ---


async def test_own_listener_has_metrics_and_health_and_nothing_else(tmp_path: Path) -> None:
    async with running_server(tmp_path, metrics=OWN_LISTENER) as server:
        base = f"http://127.0.0.1:{server.server.metrics_port}"
        statuses = {}
        for path in ("/metrics", "/healthz", "/readyz", "/admin/v1/status", "/docs", "/device/v1"):
            async with server.http.get(base + path) as response:
                statuses[path] = response.status
        proxied = {"X-Forwarded-For": "203.0.113.7"}
        async with server.http.get(f"{base}/metrics", headers=proxied) as response:
            from_outside = response.status
        on_port = await server.request("GET", "/metrics")

    assert [path for path, status in statuses.items() if status == 200] == [
        "/metrics", "/healthz", "/readyz",
    ]  # fmt: skip
    assert set(statuses.values()) == {200, 404}
    assert from_outside == 401
    assert on_port.status == 404


async def test_listener_that_cannot_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    settings = settings_for_tests(
        tmp_path,
        server=ServerSettings(data_dir=tmp_path, listen="127.0.0.1:0"),
        metrics=MetricsSettings(listen="192.0.2.1:9480"),
    )

    with pytest.raises(CannotStart, match=r"cannot listen on 192\.0\.2\.1:9480"):
        async with Server(settings):
            pass
