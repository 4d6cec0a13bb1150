"""The results as JUnit XML: one test case for each oracle and persona, and one for each other criterion.

It is valid by the two schemas that tools check against: that of Ant's JUnit task (windyroad/JUnit-Schema) and Jenkins'
`junit-10.xsd`. The first wants every attribute and element that is written here, in this order.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from understudy.playtest.findings.finding import Finding
from understudy.playtest.persona import PersonaSpec
from understudy.playtest.report.cards import rate_words, replay_command
from understudy.playtest.results import Results

JUNIT_FILE = "junit.xml"


def write_junit(results: Results, path: Path) -> None:
    """Write the results of a playtest as JUnit XML.

    A finding fails the test case of its oracle for each persona that met it, unless the spec allows as many findings
    of its kind; it is then listed in the suite's output.
    """
    suite = ElementTree.Element("testsuite", name=f"playtest {results.spec.game.id}", package="playtest", id="0")
    _add_properties(suite, results)
    for persona in results.spec.personas:
        for oracle in results.spec.oracles:
            _add_case(suite, results, persona, oracle.kind)
    told = {each.kind for each in results.spec.oracles}
    met = {each.kind for each in results.findings}
    for each in results.verdict.criteria:
        # An oracle that threw fails without a finding that could say so.
        if each.name not in told or not (each.passed or each.name in met):
            case = ElementTree.SubElement(suite, "testcase", classname="playtest", name=each.name, time="0")
            if not each.passed:
                ElementTree.SubElement(case, "failure", message=_clean(each.found), type=each.name)
    _count(suite, results)
    ElementTree.SubElement(suite, "system-out").text = _clean(_allowed_words(results))
    ElementTree.SubElement(suite, "system-err").text = _clean(results.problem)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _add_properties(suite: ElementTree.Element, results: Results) -> None:
    known = {
        "build": results.spec.game.build,
        "spec": results.spec.digest,
        "report": str(results.out),
        "verdict": results.verdict.sentence,
    }
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in known.items():
        ElementTree.SubElement(properties, "property", name=name, value=_clean(value))


def _count(suite: ElementTree.Element, results: Results) -> None:
    suite.set("tests", str(len(suite.findall("testcase"))))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("errors", "0")
    suite.set("skipped", "0")
    suite.set("time", f"{results.seconds:.3f}")
    # The schema of Ant's task wants local time without a zone, and a name for the machine.
    suite.set("timestamp", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    suite.set("hostname", "localhost")


def _add_case(suite: ElementTree.Element, results: Results, persona: PersonaSpec, kind: str) -> None:
    met = [each for each in results.findings if each.kind == kind and persona.name in {s.persona for s in each.seen}]
    case = ElementTree.SubElement(suite, "testcase", classname=f"playtest.{persona.name}", name=kind, time="0")
    if met and not _is_allowed(results, kind):
        message = f"{len(met)} {kind} finding{'' if len(met) == 1 else 's'}: {met[0].message}"
        text = "\n".join(_words(each, results) for each in met)
        ElementTree.SubElement(case, "failure", message=_clean(message), type=kind).text = _clean(text)


def _allowed_words(results: Results) -> str:
    return "\n".join(_words(each, results) for each in results.findings if _is_allowed(results, each.kind))


def _is_allowed(results: Results, kind: str) -> bool:
    return all(each.passed for each in results.verdict.criteria if each.name == kind)


def _words(finding: Finding, results: Results) -> str:
    times = len(finding.seen)
    return (
        f"{finding.id} at {finding.place}: {finding.message} Seen {times} time{'' if times == 1 else 's'}, "
        f"{rate_words(finding)}. {replay_command(results, finding)}"
    )


def _clean(text: str) -> str:
    """What a game prints may hold control characters, which XML may not."""
    return "".join(each for each in text if each in "\n\t" or each.isprintable())
