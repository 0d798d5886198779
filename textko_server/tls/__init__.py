"""Certificates: reading and making them, the local authority, the orders at a public one.

Blocks, and loads cryptography and acme when they are needed and not before. Refuses to know when
any of it happens; that is gateway/certificates.py.
"""
