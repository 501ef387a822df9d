"""The one error that a user is meant to read."""


class InputError(ValueError):
    """What the user gave cannot be used; the message is one line that says what was wrong and what would be right.

    A command prints the message without a traceback and ends with exit code 2.
    """

    def __str__(self) -> str:
        """The message, in one line whatever the values that it names."""
        return " ".join(super().__str__().splitlines())
