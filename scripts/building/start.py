"""Where the frozen program begins."""

from textko_server.__main__ import main

main()
