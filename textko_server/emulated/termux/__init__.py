"""A phone with Termux: stand-ins for its commands, and the program of textko_server/termux on it.

Played as the sources of Termux:API 0.53 and of the package termux-api have it, with their silences.
Refuses to know what the program does with the commands.
"""
