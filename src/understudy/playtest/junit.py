"""The results as JUnit XML: one test case for each oracle and persona, and one for each other criterion."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from understudy.playtest.findings import Finding
from understudy.playtest.runner import Results
from understudy.playtest.spec import PersonaSpec

JUNIT_FILE = "junit.xml"


def write_junit(results: Results, path: Path) -> None:
    """Write the results of a playtest as JUnit XML.

    A finding fails the test case of its oracle for each persona that met it, unless the spec allows as many findings
    of its kind; it is then listed in the case's output.
    """
    suite = ElementTree.Element("testsuite", name=f"playtest {results.spec.game.id}")
    for persona in results.spec.personas:
        for oracle in results.spec.oracles:
            _add_case(suite, results, persona, oracle.kind)
    for each in results.verdict.criteria:
        if each.name in ("runs", "coverage"):
            case = ElementTree.SubElement(suite, "testcase", classname="playtest", name=each.name, time="0")
            if not each.passed:
                ElementTree.SubElement(case, "failure", message=_clean(each.found), type=each.name)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", "0")
    suite.set("time", f"{results.seconds:.3f}")
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _add_case(suite: ElementTree.Element, results: Results, persona: PersonaSpec, kind: str) -> None:
    met = [each for each in results.findings if each.kind == kind and persona.name in {s.persona for s in each.seen}]
    case = ElementTree.SubElement(suite, "testcase", classname=f"playtest.{persona.name}", name=kind, time="0")
    text = "\n".join(_words(each, results) for each in met)
    allowed = next(each.passed for each in results.verdict.criteria if each.name == kind)
    if met and not allowed:
        message = f"{len(met)} {kind} finding{'' if len(met) == 1 else 's'}: {met[0].message}"
        ElementTree.SubElement(case, "failure", message=_clean(message), type=kind).text = _clean(text)
    elif met:
        ElementTree.SubElement(case, "system-out").text = _clean(text)


def _words(finding: Finding, results: Results) -> str:
    return (
        f"{finding.id} at {finding.place}: {finding.message} Seen {len(finding.seen)} times, reproduced "
        f"{finding.reproduced} of {finding.replays} times. understudy replay {results.out / 'findings' / finding.id}"
    )


def _clean(text: str) -> str:
    """What a game prints may hold control characters, which XML may not."""
    return "".join(each for each in text if each in "\n\t" or each.isprintable())
