"""A list that grows at its end: while one is at the end, it goes along with it."""

from textko_server.tui.widgets.records import Records, Row


class TailRecords(Records[Row]):
    is_following = True
    """False: sorted, so that the newest is not the last."""
    is_at_end = True
    """Neither the cursor nor the mouse wheel was moved up from there."""

    async def reload(self) -> None:
        was_at_end = self.is_at_end or self.row_count == 0
        await super().reload()
        if was_at_end and self.is_following:
            self._go_to_end()

    def after(self, key: str) -> int:
        """How many rows come after that one; 0: it is not there."""
        index = self._rows.find(key) if self._rows else None
        return 0 if index is None else self.row_count - 1 - index

    def watch_cursor(self) -> None:
        self.is_at_end = self.cursor >= self.row_count - 1
        super().watch_cursor()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value:
            self.is_at_end = False
        elif self.is_vertical_scroll_end and self.cursor >= self.row_count - 1:
            self.is_at_end = True

    def on_resize(self) -> None:
        if self.is_at_end:
            self.call_after_refresh(self.keep_at_end)

    def _go_to_end(self) -> None:
        self.action_last()
        self.is_at_end = True
        # The first time the list is longer than its room, there is no scroll bar yet.
        self.call_after_refresh(self.keep_at_end)

    def keep_at_end(self) -> None:
        """After something that may have moved it from there, if that is where one was."""
        if self.is_at_end and self.is_following:
            self.scroll_end(animate=False, immediate=True)
