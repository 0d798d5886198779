"""The page of the metrics: what the server counts, read again and again."""

from tests.screens import SMALL, WIDE, Screens, screens
from tests.servers import RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.tui.preferences import Preferences
from textko_server.tui.views.metrics import MetricsView

OFTEN = Preferences(theme="textko-dark", refresh_s=0.5)


async def send(server: RunningServer) -> None:
    async with AdminClient.over_socket(server.server.socket_path) as operator:
        new = wire.NewMessage(to=["+251911222333"], text="Hello")
        await operator.send_message(new, "regular@example.org")


def queue_depth(seen: Screens) -> str:
    line = next(line for line in seen.lines if "textko_queue_depth" in line)
    return line.removeprefix("›").split()[1:3][-1]


async def test_numbers_are_read_again_by_themselves(server: RunningServer) -> None:
    async with screens(server, "metrics", preferences=OFTEN) as seen:
        await seen.see("textko_queue_depth")
        assert queue_depth(seen) == "0"
        await send(server)
        await seen.until(lambda: queue_depth(seen) == "1", "one job")


async def test_nothing_is_asked_while_paused_or_on_another_page(server: RunningServer) -> None:
    async with screens(server, "metrics", preferences=OFTEN) as seen:
        await seen.see("textko_queue_depth")
        view = seen.app.view
        assert isinstance(view, MetricsView)
        await seen.until(lambda: view._next_look is not None, "the next look")
        await seen.press("p")
        await seen.until(lambda: view._next_look is None, "no next look")
        await seen.press("p")
        await seen.until(lambda: view._next_look is not None, "the next look")
        await seen.press("2")
        await seen.until(lambda: view._next_look is None, "no next look")


async def test_details_draw_how_a_number_went(server: RunningServer) -> None:
    async with screens(
        server, "metrics", preferences=OFTEN, filter="name:textko_queue_depth"
    ) as seen:
        await seen.see("The value, over the last", "▁")
        await send(server)
        await seen.see("▁█", "Most  1")


async def test_of_a_counter_what_was_added_is_drawn(server: RunningServer) -> None:
    await server.request("GET", "/nowhere")
    async with screens(
        server, "metrics", preferences=OFTEN, filter="name:requests_total labels:unmatched"
    ) as seen:
        await seen.see("Added at each look", "▁")
        await server.request("GET", "/nowhere")
        await server.request("GET", "/nowhere")
        await seen.see("█", "Most  2")


async def test_buckets_of_histograms_are_shown_on_demand(server: RunningServer) -> None:
    await server.request("GET", "/nowhere")
    async with screens(server, "metrics") as seen:
        await seen.see("duration_seconds_count")
        assert "duration_seconds_bucket" not in seen.text
        await seen.press("b")
        await seen.see("duration_seconds_bucket")
        await seen.press("b")
        await seen.see_no_more("duration_seconds_bucket")


async def test_nothing_here_changes_anything(server: RunningServer) -> None:
    async with screens(server, "metrics", is_read_only=True) as seen:
        assert [action.name for action in seen.app.view.actions_now()] == ["buckets"]


async def test_metrics_are_for_admins(server: RunningServer) -> None:
    async with screens(server, "messages", token=server.regular.jwt) as seen:
        await seen.until(lambda: seen.app.me is not None)
        seen.app.open_page("metrics")
        await seen.see("Metrics is for admins.")


async def test_small_terminal_shows_name_labels_and_value(server: RunningServer) -> None:
    async with screens(server, "metrics", size=SMALL) as seen:
        await seen.see("Name", "Labels", "Value", "textko_info", "version=")


async def test_pictures_are_of_plain_characters_where_that_is_preferred(
    server: RunningServer,
) -> None:
    plain = Preferences(theme="textko-dark", refresh_s=0.5, ascii=True)
    async with screens(
        server, "metrics", size=WIDE, preferences=plain, filter="name:textko_queue_depth"
    ) as seen:
        await seen.see("The value, over the last")
        await send(server)
        await seen.see("_%")
