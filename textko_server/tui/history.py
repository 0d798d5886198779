"""Where one was among the pages and where one is going: the way back, the page before this one, the
next page of a number.

Refuses to know what a page shows and how it gets there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from textko_server.tui.pages import PAGE_NAMED, Page

_MAX_PLACES = 50


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere one was."""

    page: Page
    filter: str


class History:
    def __init__(self) -> None:
        self.last_page = PAGE_NAMED["overview"]
        """The page before this."""
        self._going_to = PAGE_NAMED["overview"]
        """Pressed fast, the page before is still in sight."""
        self._places: list[Place] = []

    @property
    def came_from(self) -> str:
        """The title of the page that led here, if one did."""
        return self._places[-1].page.title if self._places else ""

    def go(self, page: Page, left: Place | None, *, is_led: bool) -> None:
        """`left`: where one was, if anywhere. `is_led`: by what stood there, so that there is a way
        back."""
        if left is not None:
            if is_led:
                self._places.append(left)
                del self._places[:-_MAX_PLACES]
            else:
                self._places.clear()
            self.last_page = left.page
        self._going_to = page

    def back(self) -> Place | None:
        """None: nothing led here."""
        if not self._places:
            return None
        place = self._places.pop()
        self._going_to = place.page
        return place

    def next_of(self, pages: Sequence[Page]) -> Page:
        """The first of them; on one of them already, the next."""
        index = pages.index(self._going_to) + 1 if self._going_to in pages else 0
        return pages[index % len(pages)]

    def neighbour(self, pages: Sequence[Page], step: int) -> Page:
        here = pages.index(self._going_to) if self._going_to in pages else 0
        return pages[(here + step) % len(pages)]
