"""Keeping an installation well: what its data directory holds, backups of it, and their return.

Works on files, with the server running or not. Refuses to know HTTP, the command line and what the
database means.
"""
