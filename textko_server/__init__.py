"""textko: a self-hosted SMS gateway in one process."""

__version__ = "0.1.0"
