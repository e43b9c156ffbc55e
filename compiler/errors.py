"""The error a user sees: one line that says what was wrong, where, and what would be right."""


class UserError(Exception):
    """A mistake of the user's, told in one line."""
