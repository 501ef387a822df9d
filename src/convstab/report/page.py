"""A report as one page of HTML that needs nothing beside it: text, tables, pictures, charts and their scripts."""

import base64
import gzip
import hashlib
import json
import math
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from convstab.ledger import tables
from convstab.report.content import OTHER_IMAGES, Number, Report, ScoreTable
from convstab.report.figures import ReportFigure, figures
from convstab.report.inventory import machines, ran
from convstab.report.ledgers import Joined, image_table, said_of
from convstab.report.levels import NOTE, level_tables
from convstab.report.requirements import HEAD, SCOPE

PLOTLY = "plotly-cartesian-4.1.1.min.js.gz"  # of npm's plotly.js-cartesian-dist-min: a third of the whole
SCRIPTS = ("theme.js", "tables.js", "charts.js", "scatter.js", "attacks.js", "ledger.js", "page.js")
MARKS = {"agrees": "✓", "disagrees": "✗", "mixed": "±", "inconclusive": "?"}
GROUPS = {
    "rates": "All evaluations",
    "scatter": "Score against noise",
    "attack": "Least noise",
    "differences": "Differences from the paper",
}
NOTHING = "\u2013"  # in a cell: there is no such number
PLAIN = str.maketrans("<>&", ",.:")  # letters of base 85 that HTML gives a meaning to, and those in their place
LONG = 12  # characters of a class name that may need several lines


def as_html(report: Report) -> str:
    """The page, a file for itself: it loads nothing, and a browser that obeys its policy runs no other script."""
    script = Markup("\n".join(asset(name) for name in SCRIPTS))  # noqa: S704  # ours
    found = figures(report)
    template = environment().get_template("page.html.jinja")
    return template.render(
        report=report,
        groups={kind: [one for one in found if one.kind == kind] for kind in GROUPS},
        accounts=[account(joined, report, found) for joined in report.ledgers],
        names=GROUPS,
        marks=MARKS,
        other_images=OTHER_IMAGES,
        levels=level_tables(report.evidence),
        levels_note=NOTE,
        required_head=HEAD,
        required_note=SCOPE,
        ran=ran(report.evidence),
        machines=machines(report.evidence),
        style=Markup(asset("style.css")),  # noqa: S704  # ours
        dark=Markup(asset("dark.css")),  # noqa: S704  # ours
        script=script,
        plotly=plotly().packed,
        policy=policy([plotly().digest, digest(script)]),
    )


def account(joined: Joined, report: Report, found: list[ReportFigure]) -> dict[str, Any]:
    """What the page says of an evaluation image by image."""
    ledger = joined.ledger
    figure = next(one for one in found if one.id == joined.id)
    parts = {"distances": tables.distances(ledger), "levels": tables.levels(ledger), "classes": tables.classes(ledger)}
    return {"figure": figure, "images": image_table(joined), "sentences": said_of(joined, report.ledgers), **parts}


def environment() -> Environment:
    """Templates that escape whatever they are given, and what they need to write numbers."""
    found = Environment(
        loader=PackageLoader("convstab.report", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "share_cell": share_cell,
        "points_cell": points_cell,
        "interval_cell": interval_cell,
        "sort_key": sort_key,
        "has_interval": has_interval,
        "has_long_names": has_long_names,
        "as_json": as_json,
    }
    return found


def asset(name: str) -> str:
    """A file that the page is made of."""
    return (resources.files("convstab.report") / "assets" / name).read_text(encoding="utf-8")


class Packed(NamedTuple):
    """A script as gzip in base 85, two fifths of its size, which the page unpacks; and the digest of what comes out."""

    packed: str
    digest: str


@cache
def plotly() -> Packed:
    """Plotly with the kinds of charts that lie in a plane: a browser reads it in half the time of the whole."""
    packed = (resources.files("convstab.report") / "assets" / PLOTLY).read_bytes()
    letters = base64.b85encode(packed).decode()
    return Packed(letters.translate(PLAIN), digest(gzip.decompress(packed).decode()))


def digest(script: str) -> str:
    """By what a policy knows a script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def policy(digests: Sequence[str]) -> str:
    """What a browser may do for the page: run the scripts of these digests, show its own pictures, reach nothing."""
    allowed = " ".join(f"'sha256-{one}'" for one in digests)
    rules = ("default-src 'none'", f"script-src {allowed}", "style-src 'unsafe-inline'", "img-src data: blob:")
    return "; ".join((*rules, "base-uri 'none'", "form-action 'none'"))


def as_json(values: Any) -> Markup:
    """JSON that nothing in it can end: no character that HTML gives a meaning to."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  # it is escaped for a script


def share_cell(share: float | None, decimals: int = 4) -> str:
    """A share in per cent, without the sign; decimals: of the share itself."""
    return NOTHING if share is None or math.isnan(share) else f"{100 * share:.{max(0, decimals - 2)}f}"


def points_cell(difference: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    return NOTHING if difference is None or math.isnan(difference) else f"{100 * difference:+.2f}".replace("-", "−")  # noqa: RUF001


def interval_cell(number: Number) -> str:
    """The 95 % interval of a share in per cent."""
    if number.low is None or number.high is None or math.isnan(number.low):
        return NOTHING
    return f"{share_cell(number.low)} to {share_cell(number.high)}"


def has_interval(scores: ScoreTable, measure: str) -> bool:
    """Whether any class has an interval of its recall or precision."""
    return any(getattr(row, measure).low is not None for row in scores.rows)


def has_long_names(scores: ScoreTable) -> bool:
    """Whether a class has a name that may need several lines."""
    return any(len(row.name) > LONG for row in scores.rows)


def sort_key(number: float | None) -> str:
    """What a table sorts by; nothing where nothing is known."""
    return "" if number is None or math.isnan(number) else f"{number:.6f}"
