"""A GSM modem on a serial port that is none: AT commands, a SIM, message memories, and a network.

3GPP TS 27.005 (texts), TS 27.007 (the rest), ITU-T V.250 (the dialogue). EmulatedModem in
emulated_modem.py is what a test or a demonstration starts. What it sends is written down in air.py:
the proof of what was sent, and how often. Refuses to know who drives it.
"""
