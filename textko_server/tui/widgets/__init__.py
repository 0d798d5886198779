"""Parts of the screens: the list, its filter, the lines around them."""
