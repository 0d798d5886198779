"""A phone that is a GSM modem with a SIM, driven by AT commands in PDU mode.

Refuses to know the server's inside: it is a client of the device protocol like any other phone.
"""
