"""The far ends that phones of other makers bring along: their apps, a modem, a phone's commands.

Each is played as its source or its standard has it, so that what speaks with it can be tried whole
without the thing itself. Refuses to know the server's inside: what is shared is the document.
"""
