"""Numbers of things in words; and what a text will be billed as, in a line that follows it while it
is typed.
"""

from textko_server.gateway.segments import segment


def counted(text: str) -> str:
    """`2 segments (UCS-2, 85 units)`"""
    found = segment(text)
    return f"{many(found.segments, 'segment')} ({found.encoding}, {many(found.units, 'unit')})"


def many(count: int, noun: str) -> str:
    """`1 credit`, `2,000 credits`"""
    return f"{count:,} {noun}{'s' * (count != 1)}"
