"""The admin API for programs of ours: the command line and the screens, and nothing else they use.

Over the unix socket in the data directory (whoever may open it is the operator) or by URL with an
API key or a login. One module per noun; refuses to know how anything is shown.
"""

from textko_server.admin_client.about import AboutServer
from textko_server.admin_client.accounts import Accounts
from textko_server.admin_client.api_keys import ApiKeys
from textko_server.admin_client.backups import Backups
from textko_server.admin_client.certificates import Certificates
from textko_server.admin_client.connection import AdminError, ServerNotReachable
from textko_server.admin_client.contacts import Contacts
from textko_server.admin_client.conversations import Conversations
from textko_server.admin_client.devices import Devices
from textko_server.admin_client.groups import Groups
from textko_server.admin_client.log import Log
from textko_server.admin_client.messages import Messages
from textko_server.admin_client.opt_outs import OptOuts
from textko_server.admin_client.releases import Releases
from textko_server.admin_client.scheduled import ScheduledMessages
from textko_server.admin_client.server import TheServer
from textko_server.admin_client.templates import Templates
from textko_server.admin_client.webhooks import Webhooks

__all__ = ["SOCKET_NAME", "AdminClient", "AdminError", "ServerNotReachable"]

SOCKET_NAME = "textko.sock"


class AdminClient(
    AboutServer,
    Accounts,
    ApiKeys,
    Backups,
    Certificates,
    Contacts,
    Conversations,
    Devices,
    Groups,
    Log,
    Messages,
    OptOuts,
    Releases,
    ScheduledMessages,
    Templates,
    TheServer,
    Webhooks,
):
    """Use as `async with AdminClient.over_socket(path) as admin:`.

    Every method raises AdminError and ServerNotReachable. `user` is an e-mail or an id.
    """
