"""Numbers as a reader takes them."""

from convstab.report.formatting import in_percent, points


def test_shares_and_points_show_what_is_small() -> None:
    assert [in_percent(share) for share in (0, 0.5, 0.0123, 0.000051, 2e-7)] == [
        "0 %",
        "50.00 %",
        "1.23 %",
        "0.0051 %",
        "below 0.0001 %",
    ]
    assert in_percent(float("nan")) == "none"
    assert [points(change) for change in (0.0123, -0.00079, 1e-7)] == ["+1.23 points", "-0.079 points", "0.00 points"]
