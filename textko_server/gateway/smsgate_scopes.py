"""SMSGate's scopes, and which of them a login and an API key of ours have.

Source: docs.sms-gate.app, "Authentication". An API key has what its own scopes allow in any
dialect:

    send_sms                    messages:send, messages:cancel
    read_messages               messages:read, messages:list, messages:export, inbox:*, logs:read
    read_delivery               messages:read
    any                         devices:list
    all, and for all devices    webhooks:*, settings:*

Only a login may remove devices and make tokens, and what a token may is what it was made for.
"""

from collections.abc import Iterable
from enum import StrEnum

from textko_server.errors import Invalid
from textko_server.gateway.principals import ALL_SCOPES
from textko_server.model import Principal, Scope


class SmsgateScope(StrEnum):
    ALL = "all:any"
    MESSAGES_SEND = "messages:send"
    MESSAGES_READ = "messages:read"
    MESSAGES_LIST = "messages:list"
    MESSAGES_CANCEL = "messages:cancel"
    MESSAGES_EXPORT = "messages:export"
    INBOX_LIST = "inbox:list"
    INBOX_READ = "inbox:read"
    INBOX_REFRESH = "inbox:refresh"
    DEVICES_LIST = "devices:list"
    DEVICES_DELETE = "devices:delete"
    WEBHOOKS_LIST = "webhooks:list"
    WEBHOOKS_WRITE = "webhooks:write"
    WEBHOOKS_DELETE = "webhooks:delete"
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    LOGS_READ = "logs:read"
    TOKENS_MANAGE = "tokens:manage"
    TOKENS_REFRESH = "tokens:refresh"


Scopes = frozenset[SmsgateScope]

EVERYTHING: Scopes = frozenset({SmsgateScope.ALL})
_OF_SCOPE: dict[Scope, Scopes] = {
    Scope.SEND_SMS: frozenset({SmsgateScope.MESSAGES_SEND, SmsgateScope.MESSAGES_CANCEL}),
    Scope.READ_MESSAGES: frozenset(
        {
            SmsgateScope.MESSAGES_READ,
            SmsgateScope.MESSAGES_LIST,
            SmsgateScope.MESSAGES_EXPORT,
            SmsgateScope.INBOX_LIST,
            SmsgateScope.INBOX_READ,
            SmsgateScope.INBOX_REFRESH,
            SmsgateScope.LOGS_READ,
        }
    ),
    Scope.READ_DELIVERY: frozenset({SmsgateScope.MESSAGES_READ}),
}
_OF_A_WHOLE_KEY: Scopes = frozenset(
    {
        SmsgateScope.WEBHOOKS_LIST,
        SmsgateScope.WEBHOOKS_WRITE,
        SmsgateScope.WEBHOOKS_DELETE,
        SmsgateScope.SETTINGS_READ,
        SmsgateScope.SETTINGS_WRITE,
    }
)


def scopes_of(principal: Principal) -> Scopes:
    """Of a login, or of an API key."""
    if principal.api_key_id is None:
        return EVERYTHING
    granted = {SmsgateScope.DEVICES_LIST}
    for scope, theirs in _OF_SCOPE.items():
        if scope in principal.scopes:
            granted |= theirs
    if principal.scopes >= ALL_SCOPES and principal.device_ids is None:
        granted |= _OF_A_WHOLE_KEY
    return frozenset(granted)


def allows(granted: Scopes, *wanted: SmsgateScope) -> bool:
    """One of `wanted` is enough."""
    if SmsgateScope.ALL in granted:
        return True
    return not granted.isdisjoint(wanted)


def read_scopes(names: Iterable[str]) -> Scopes:
    """Raises Invalid for none, and for an unknown one."""
    scopes = set()
    for index, name in enumerate(names):
        try:
            scopes.add(SmsgateScope(name))
        except ValueError:
            known = ", ".join(SmsgateScope)
            raise Invalid(f"scopes[{index}]", f"is none of {known}") from None
    if not scopes:
        raise Invalid("scopes", "must name at least one")
    return frozenset(scopes)
