"""Text on a page: where it stands (detector), what it says (recogniser), the whole page (page)."""
