"""What a playtest says in a GitHub workflow: an annotation for each finding, and a summary on the job's page.

Source: GitHub's documentation, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from understudy.playtest.findings.finding import Finding
from understudy.playtest.report.cards import rate_words, replay_command
from understudy.playtest.results import Results

# GitHub shows ten errors and ten warnings a step.
_MOST = 10


def annotate(results: Results, spec: Path | None, stream: TextIO, environ: Mapping[str, str] = os.environ) -> None:
    """Annotate the workflow that this runs in; does nothing outside of one.

    Args:
        results: Of the playtest.
        spec: The spec's file, which the annotations point at.
        stream: The step's output.
        environ: Says with `GITHUB_ACTIONS` that this is a workflow, with `GITHUB_STEP_SUMMARY` where its summary goes.
    """
    if environ.get("GITHUB_ACTIONS") != "true":
        return
    file = _from_root(spec, environ) if spec else ""
    for failed in (True, False):
        shown = [each for each in results.findings if results.verdict.is_failed_by(each) is failed][:_MOST]
        stream.writelines(_command("error" if failed else "warning", file, each, results) for each in shown)
    if not results.verdict.passed and not any(map(results.verdict.is_failed_by, results.findings)):
        stream.write(f"::error {_properties(file, 'playtest')}::{_escaped(results.verdict.sentence)}\n")
    stream.flush()
    summary = environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        # A runner that withdrew its summary is no reason to lose the verdict.
        with suppress(OSError), Path(summary).open("a", encoding="utf-8") as target:
            target.write(summary_text(results))


def summary_text(results: Results) -> str:
    """Return the summary in Markdown: the verdict, the criteria, and the findings with how to replay them."""
    passed = results.verdict.passed
    build = f" (build {results.spec.game.build})" if results.spec.game.build else ""
    lines = [
        f"## {_tick(passed=passed)} Playtest of `{results.spec.game.id}`{build}: {'passed' if passed else 'failed'}",
        "",
        *(f"- {_tick(passed=each.passed)} **{each.name}**: {_plain(each.found)}" for each in results.verdict.criteria),
        "",
    ]
    if results.findings:
        lines += ["| finding | what | where | seen | reproduces |", "|---|---|---|---|---|"]
        lines += [
            f"| {each.id} | {_plain(each.message)} | {each.place} | {len(each.seen)} | {rate_words(each)} |"
            for each in results.findings
        ]
        commands = [replay_command(results, each) for each in results.findings]
        lines += ["", "<details><summary>Replay</summary>", "", "```sh", *commands, "```", "", "</details>", ""]
    return "\n".join([*lines, ""])


def _command(level: str, file: str, finding: Finding, results: Results) -> str:
    times = len(finding.seen)
    text = (
        f"{finding.message} At {finding.place}; seen {times} time{'' if times == 1 else 's'}, {rate_words(finding)}.\n"
        f"{replay_command(results, finding)}"
    )
    return f"::{level} {_properties(file, finding.id)}::{_escaped(text)}\n"


def _properties(file: str, title: str) -> str:
    named = {"file": file, "title": title}
    return ",".join(
        f"{name}={_escaped(value).replace(':', '%3A').replace(',', '%2C')}" for name, value in named.items() if value
    )


def _from_root(spec: Path, environ: Mapping[str, str]) -> str:
    """The spec as the repository has it, since annotations name files from its root."""
    path, root = spec.resolve(), Path(environ.get("GITHUB_WORKSPACE", ".")).resolve()
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(spec)


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _plain(text: str) -> str:
    """Text that Markdown and a table's cell leave alone."""
    return "".join(f"\\{each}" if each in "\\`*_{}[]<>|#" else each for each in " ".join(text.split()))


def _tick(*, passed: bool) -> str:
    return "✅" if passed else "❌"
