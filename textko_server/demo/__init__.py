"""The demonstration: a real server, simulated phones as a process, a webhook receiver."""
