"""What `scripts/torture` does to a server: kill it at random moments, stop it under load.

Starts the server and its load with what scripts/benchmarks has for that.
"""
