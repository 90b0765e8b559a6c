"""Pictures: checking and normalising uploads, reading text, understanding the page."""
