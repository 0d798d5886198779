"""HTTP: the dialects, the device protocol and the admin API on one port."""
