"""Texify: pages of lists, their filters, and the life of contacts and groups."""

from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.servers import RunningServer
from tests.texify import JANE, JOHN, Texify
from textko_server.clock import DAY_MS


@pytest.fixture
def application(server: RunningServer) -> Texify:
    return Texify(server)


async def make_some(application: Texify, what: str, count: int) -> None:
    for number in range(count):
        if what == "messages":
            await application.send()
        elif what == "scheduled":
            await application.schedule()
        elif what == "contacts":
            await application.make_contact(f"+2332440{number:05}")
        elif what == "groups":
            await application.make_group(f"Group {number}")
        else:
            await application.make_template()


def page_of(what: str, answer: Any) -> tuple[list[Any], dict[str, int]]:
    """(entries, page numbers), from either of the two shapes."""
    if what in ("messages", "scheduled"):
        assert list(answer) == ["status", "data", "meta"]
        return answer["data"], answer["meta"]
    assert list(answer["data"]) == ["pagination", what]
    return answer["data"][what], answer["data"]["pagination"]


LISTS = [
    ("messages", 20, 100),
    ("scheduled", 20, 100),
    ("contacts", 50, 1_200),
    ("groups", 50, 1_200),
    ("templates", 50, 100),
]


@pytest.mark.parametrize(("what", "default", "cap"), LISTS)
async def test_pages_are_newest_first_and_say_where_they_stand(
    application: Texify, what: str, default: int, cap: int
) -> None:
    await make_some(application, what, 5)

    all_entries, numbers = page_of(what, await application.get(f"/{what}"))
    assert numbers == {"page": 1, "limit": default, "total": 5, "pages": 1}
    seen: list[Any] = []
    for page in (1, 2, 3):
        entries, numbers = page_of(what, await application.get(f"/{what}?page={page}&limit=2"))
        assert numbers == {"page": page, "limit": 2, "total": 5, "pages": 3}
        seen += entries
    assert seen == all_entries
    assert len({entry["_id"] for entry in seen}) == 5
    beyond, numbers = page_of(what, await application.get(f"/{what}?page=9&limit=2"))
    assert (beyond, numbers["total"]) == ([], 5)


@pytest.mark.parametrize(("what", "default", "cap"), LISTS)
async def test_what_is_out_of_range_is_the_nearest(
    application: Texify, what: str, default: int, cap: int
) -> None:
    _, numbers = page_of(what, await application.get(f"/{what}?page=0&limit=99999"))
    assert numbers == {"page": 1, "limit": cap, "total": 0, "pages": 0}
    _, numbers = page_of(what, await application.get(f"/{what}?page=-1&limit=0"))
    assert (numbers["page"], numbers["limit"]) == (1, 1)
    _, numbers = page_of(what, await application.get(f"/{what}?page=&limit="))
    assert (numbers["page"], numbers["limit"]) == (1, default)


async def test_link_header_leads_to_the_other_pages(application: Texify) -> None:
    await make_some(application, "groups", 5)

    answer = await application.ask("GET", "/groups?limit=2&page=2")

    links = {
        relation: target.partition("/api/v1")[2]
        for target, relation in (
            link.strip().removeprefix("<").split(">; rel=")
            for link in answer.headers["Link"].split(",")
        )
    }
    assert links == {
        '"first"': "/groups?limit=2&page=1",
        '"prev"': "/groups?limit=2&page=1",
        '"next"': "/groups?limit=2&page=3",
        '"last"': "/groups?limit=2&page=3",
    }
    assert "Link" not in (await application.ask("GET", "/templates")).headers


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("", [2, 1, 0]),
        ("dateFrom=2026-01-16", [2, 1]),
        ("dateTo=2026-01-16", [1, 0]),
        ("dateFrom=2026-01-16&dateTo=2026-01-16", [1]),
        ("dateFrom=2026-01-16T10:00:00Z", [2, 1]),
        ("dateFrom=2026-01-16T10:00:01Z", [2]),
        ("dateTo=2026-01-16T13:00:00+03:00", [1, 0]),
        ("status=queued&dateFrom=2026-01-16", [2, 1]),
        ("status=delivered", []),
    ],
)
async def test_messages_are_filtered_by_day_and_status(
    application: Texify, clock: FrozenClock, query: str, days: list[int]
) -> None:
    for day in range(3):
        await application.send(message=f"Day {day}")
        clock.advance(DAY_MS)

    answer = await application.get(f"/messages?{query}")

    assert [m["message"] for m in answer["data"]] == [f"Day {day}" for day in days]
    assert answer["meta"]["total"] == len(days)


async def test_statuses_of_several_states_make_one_list(
    server: RunningServer, application: Texify
) -> None:
    for _ in range(3):
        await application.send()
    [offer] = (await server.sync(server.regular, capacity=1))["offers"]
    await server.sync(server.regular, claims=[offer["jobId"]])

    answer = await application.get("/messages?status=queued&limit=2")

    assert (len(answer["data"]), answer["meta"]["total"]) == (2, 3)


# --- contacts ---


@pytest.fixture
async def people(application: Texify) -> dict[str, str]:
    """Ids by name."""
    group = await application.make_group()
    return {
        "group": group,
        "john": await application.make_contact(
            JOHN, firstName="John", lastName="Doe", tags=["vip"], groups=[group]
        ),
        "zoë": await application.make_contact(
            JANE, firstName="ZOË", email="Zoe@example.com", tags=["new", "100%"]
        ),
        "ann": await application.make_contact("+233244000002", firstName="A_n", status="blocked"),
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("search=john", ["john"]),
        ("search=hn%20do", ["john"]),
        ("search=zo%C3%AB", ["zoë"]),
        ("search=EXAMPLE.COM", ["zoë"]),
        ("search=%2B23324400000", ["ann", "zoë", "john"]),
        ("search=%25", []),
        ("search=a_n", ["ann"]),
        ("search=_", ["ann"]),
        ("status=active", ["zoë", "john"]),
        ("status=blocked", ["ann"]),
        ("tags=vip", ["john"]),
        ("tags=vip,100%25", ["zoë", "john"]),
        ("tags=VIP", []),
        ("groups={group}", ["john"]),
        ("groups=nothing", []),
        ("tags=vip&status=blocked", []),
    ],
)
async def test_contacts_are_filtered(
    application: Texify, people: dict[str, str], query: str, names: list[str]
) -> None:
    answer = await application.get(f"/contacts?{query.format_map(people)}")

    found = answer["data"]["contacts"]
    assert [contact["_id"] for contact in found] == [people[name] for name in names]
    assert answer["data"]["pagination"]["total"] == len(names)


async def test_number_that_only_a_sim_is_known_of_is_no_contact_until_it_is_made(
    server: RunningServer, application: Texify
) -> None:
    await application.send()
    await application.carry_out()
    assert (await application.get("/contacts"))["data"]["contacts"] == []

    contact = await application.make_contact(JOHN)

    [listed] = (await application.get("/contacts"))["data"]["contacts"]
    assert listed["_id"] == contact
    assert (await application.send(contact))["totalRecipientCount"] == 1


async def test_number_of_another_contact_is_refused(application: Texify) -> None:
    await application.make_contact(JOHN)
    jane = await application.make_contact(JANE)

    made = await application.ask("POST", "/contacts", {"phoneNumber": "+233 244 000000"})
    changed = await application.ask("PATCH", f"/contacts/{jane}", {"phoneNumber": JOHN})

    for answer in (made, changed):
        assert (answer.status, answer.json["code"]) == (409, "already_exists")


async def test_change_keeps_what_it_does_not_name(application: Texify) -> None:
    group = await application.make_group()
    contact = await application.make_contact(
        JOHN, firstName="John", lastName="Doe", tags=["vip"], groups=[group]
    )

    changed = await application.do(
        "PATCH", f"/contacts/{contact}", {"firstName": "Jack", "lastName": None}
    )

    assert changed == (await application.get(f"/contacts/{contact}"))["data"]
    assert (changed["fullName"], changed["tags"]) == ("Jack", ["vip"])
    assert changed["groups"] == [{"_id": group, "name": "VIP"}]
    changed = await application.do("PATCH", f"/contacts/{contact}", {"groups": []})
    assert changed["groups"] == []


async def test_deleted_contact_leaves_its_groups_and_its_messages_stay(
    application: Texify,
) -> None:
    group = await application.make_group()
    contact = await application.make_contact(JOHN, groups=[group])
    await application.send(contact)

    await application.do("DELETE", f"/contacts/{contact}")

    assert (await application.ask("GET", f"/contacts/{contact}")).status == 404
    [listed] = (await application.get("/groups"))["data"]["groups"]
    assert listed["contactCount"] == 0
    assert (await application.get("/messages"))["meta"]["total"] == 1


async def test_account_is_deleted_with_its_address_book(
    server: RunningServer, application: Texify
) -> None:
    group = await application.make_group()
    await application.make_contact(JOHN, groups=[group])
    await application.make_template()

    await server.gateway.accounts.delete_user(server.regular.user.id)

    for table in ("contacts", "contact_groups", "group_members", "templates", "credit_ledger"):
        sql = f"SELECT count(*) FROM {table}"  # noqa: S608 - names of tables from this test
        assert await server.gateway.db.fetch_all(sql) == [(0,)], table
