"""What `scripts/build` does: freezes textko into a program that needs no Python, and tries it.

The files that make it (everything but checks) use the standard library alone: under emulation there
is nothing else.
"""
