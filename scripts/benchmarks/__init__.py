"""What `scripts/bench` measures: one module a figure of targets P1 to P8, and what they share."""
