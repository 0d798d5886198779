"""The pages and the keys that open them. A number with several pages goes through them in turn.

A page's module is imported when it is first opened.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textko_server.tui.views.view import View


@dataclass(frozen=True, slots=True)
class Page:
    name: str
    """Also its module in views/."""
    number: int
    """The key: 10 is 0."""
    title: str
    view: str
    """The class in its module."""
    aliases: tuple[str, ...] = ()
    """What `:` also knows it by."""
    for_admins: bool = False

    @property
    def key(self) -> str:
        return str(self.number % 10)

    def make(self) -> "View":
        module = import_module(f"textko_server.tui.views.{self.name}")
        view: View = getattr(module, self.view)(self)
        return view


GROUP_TITLES = {
    1: "Home", 2: "Messages", 3: "Inbox", 4: "Devices", 5: "Webhooks", 6: "Users", 7: "Keys",
    8: "Apps", 9: "People", 10: "Log",
}  # fmt: skip

PAGES = (
    Page("overview", 1, "Overview", "OverviewView", ("home", "pulse")),
    Page("messages", 2, "Messages", "MessagesView", ("message", "msg", "queue")),
    Page("inbox", 3, "Inbox", "InboxView", ("incoming", "in")),
    Page("conversations", 3, "Conversations", "ConversationsView", ("conv", "chats")),
    Page("devices", 4, "Devices", "DevicesView", ("device", "phones", "dev")),
    Page("refusals", 4, "Refused phones", "RefusalsView", ("refused",)),
    Page("webhooks", 5, "Webhooks", "WebhooksView", ("webhook", "wh", "hooks")),
    Page("deliveries", 5, "Deliveries", "DeliveriesView", ("delivery", "del")),
    Page("users", 6, "Users", "UsersView", ("user", "accounts"), for_admins=True),
    Page("api_keys", 7, "API keys", "ApiKeysView", ("keys", "key")),
    Page("releases", 8, "App versions", "ReleasesView", ("apps", "apk"), for_admins=True),
    Page("contacts", 9, "Contacts", "ContactsView", ("contact",)),
    Page("groups", 9, "Groups", "GroupsView", ("group",)),
    Page("templates", 9, "Templates", "TemplatesView", ("template", "tpl")),
    Page("scheduled", 9, "Scheduled", "ScheduledView", ("schedule", "sched")),
    Page("opt_outs", 9, "Opt-outs", "OptOutsView", ("optouts", "stop")),
    Page("log", 10, "Log", "LogView", ("logs",), for_admins=True),
    Page("settings", 10, "Settings", "SettingsView", ("config",), for_admins=True),
    Page("metrics", 10, "Metrics", "MetricsView", (), for_admins=True),
    Page("about", 10, "About", "AboutView", ("version",)),
)
PAGE_NAMED = {page.name: page for page in PAGES}


def find_page(word: str, pages: tuple[Page, ...] = PAGES) -> Page | None:
    """By name, alias or title; else the only one that begins so."""
    word = word.lower().replace("-", "_")
    for page in pages:
        if word in (page.name, page.title.lower(), *page.aliases):
            return page
    found = [page for page in pages if page.name.startswith(word)]
    return found[0] if word and len(found) == 1 else None


def group(page: Page, pages: tuple[Page, ...] = PAGES) -> list[Page]:
    """All pages under the same number."""
    return [other for other in pages if other.number == page.number]
