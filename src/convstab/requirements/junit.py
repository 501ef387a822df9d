"""Verdicts as JUnit XML, which servers that run tests show."""

from collections.abc import Sequence
from xml.etree import ElementTree as Xml

from convstab.requirements.assessment import Assessed
from convstab.requirements.decision import FAIL, PASS, UNDECIDED
from convstab.requirements.markdown import HEAD, cells, printable


def as_junit(assessed: Sequence[Assessed]) -> str:
    """JUnit XML: a test case for each requirement, of which a fail is a failure and an undecided one is skipped."""
    verdicts = [one.verdict for one in assessed]
    numbers = {"tests": len(verdicts), "failures": verdicts.count(FAIL), "skipped": verdicts.count(UNDECIDED)}
    suite = Xml.Element("testsuite", {"name": "convstab-require", "errors": "0", "time": "0"})
    suite.attrib |= {name: str(number) for name, number in numbers.items()}
    for one in assessed:
        wanted = one.requirement
        names = {"classname": f"convstab.{wanted.metric}", "name": printable(wanted.name), "time": "0"}
        case = Xml.SubElement(suite, "testcase", names)
        said = printable("; ".join(f"{name}: {cell}" for name, cell in zip(HEAD[1:], cells(one)[1:], strict=True)))
        if one.verdict != PASS:
            Xml.SubElement(case, "failure" if one.verdict == FAIL else "skipped", {"message": said})
        Xml.SubElement(case, "system-out").text = said
    Xml.indent(suite)
    content: bytes = Xml.tostring(suite, encoding="utf-8", xml_declaration=True)
    return content.decode() + "\n"
