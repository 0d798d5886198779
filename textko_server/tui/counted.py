"""What a text will be billed as, in a line that follows it while it is typed."""

from textko_server.gateway.segments import segment


def counted(text: str) -> str:
    """`2 segments (UCS-2, 85 units)`"""
    found = segment(text)
    plural = "s" * (found.segments != 1)
    return f"{found.segments} segment{plural} ({found.encoding}, {found.units} units)"
