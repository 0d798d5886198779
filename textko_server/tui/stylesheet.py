"""Textual's style sheet, which reads a style again only when it has changed.

Textual reads all of them anew for every page that is opened the first time, whether the theme's
colours are others by then or not: some 40 ms each time on a desktop, and a Raspberry Pi is slower.
"""

from textual.css.stylesheet import Stylesheet


class CachedStylesheet(Stylesheet):
    def set_variables(self, variables: dict[str, str]) -> None:
        """Of the theme; others make all that was read void."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Take what was read before where the variables are the same.

        Raises:
            StylesheetError, StylesheetParseError: a style is wrong; what is in force stays.
        """
        self.parse()
