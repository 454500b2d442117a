"""A newcomer's way through the page, in a real browser."""
