"""The JSON of the admin API, typed once for the server and for the programs that call it.

camelCase on the wire, times as integer Unix milliseconds, ids as 24 hex. Bodies and queries refuse
names they do not know, so that a slip of the pen is not a silent default; answers may gain fields.
Refuses to know what anything means.
"""

from textko_server.admin_wire.about import *
from textko_server.admin_wire.accounts import *
from textko_server.admin_wire.api_keys import *
from textko_server.admin_wire.backups import *
from textko_server.admin_wire.certificates import *
from textko_server.admin_wire.contacts import *
from textko_server.admin_wire.conversations import *
from textko_server.admin_wire.devices import *
from textko_server.admin_wire.groups import *
from textko_server.admin_wire.log import *
from textko_server.admin_wire.messages import *
from textko_server.admin_wire.opt_outs import *
from textko_server.admin_wire.releases import *
from textko_server.admin_wire.scheduled import *
from textko_server.admin_wire.server import *
from textko_server.admin_wire.shapes import *
from textko_server.admin_wire.templates import *
from textko_server.admin_wire.webhooks import *
