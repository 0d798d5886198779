"""SQLite, and the only door to it: nobody outside this package sees SQL or a driver."""
