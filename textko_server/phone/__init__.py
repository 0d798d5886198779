"""Programs that play the phone: clients of the device protocol (docs/device-protocol.md).

Refuses to know the server's inside: all that is shared with it is the document.
"""
