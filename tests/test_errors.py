"""Errors of the user's are one line."""

from convstab.errors import InputError


def test_a_message_is_one_line_whatever_it_names() -> None:
    assert (
        str(InputError("the summary says images \n, the table gives\r\n30"))
        == "the summary says images  , the table gives 30"
    )
    assert str(InputError("one line")) == "one line"
