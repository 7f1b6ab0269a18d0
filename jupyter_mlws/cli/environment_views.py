"""Views of environments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jupyter_mlws.cli.console import Block, Cell, Tone, line
from jupyter_mlws.cli.views import DASH, JSON, Column, Views
from mlws.core.i18n import Message

STATES = {
    "missing": Tone.WARN,
    "unlocked": Tone.WARN,
    "changed": Tone.WARN,
    "ready": Tone.GOOD,
}


def project_environments(views: Views, rows: Sequence[JSON]) -> list[Block]:
    """Render the environments of a project."""
    if not rows:
        text = views.say("No environment yet. Create one: jupyter mlws env create project")
        return [line(text, Tone.FAINT)]
    return [
        views.table(
            rows,
            Column(Message("Environment"), "name", Tone.STRONG),
            Column(
                Message("State"),
                lambda row: Cell(views.word(row["state"]).text, STATES[row["state"]]),
            ),
            Column(Message("Tool"), "tool", Tone.FAINT),
            Column(Message("Files"), lambda row: ", ".join(row["files"])),
            Column(Message("Lock"), lambda row: row["lock"] or DASH),
        )
    ]


def project_environment(views: Views, row: JSON) -> list[Block]:
    """Render an environment with its packages, and those that differ from the lock."""
    blocks = project_environments(views, [row])
    locked = {one["name"]: one["locked"] for one in row["differences"]}
    packages = dict.fromkeys(locked, "") | row["packages"]
    if packages:
        blocks.append(
            views.table(
                [{"name": name, "version": packages[name]} for name in sorted(packages)],
                Column(Message("Package"), "name"),
                Column(Message("Version"), lambda one: one["version"] or DASH),
                Column(
                    Message("In the lock"),
                    lambda one: Cell(locked.get(one["name"]) or "", Tone.WARN),
                ),
            )
        )
        size = views.say("{size} MB on disk", size=round(row["size"] / 1e6))
        blocks.append(line(size, Tone.FAINT))
    if row["used_by"]:
        uses = (
            f"{one['path']}: {one['name']}" if one["kind"] == "node" else one["path"]
            for one in row["used_by"]
        )
        blocks.append(line(views.say("Used by: ") + ", ".join(uses), Tone.FAINT))
    return blocks


def deleted(views: Views, result: JSON) -> list[Block]:
    paths = ", ".join(result["paths"])
    return [line(views.say("Deleted {paths}.", paths=paths), Tone.GOOD)]


def environments(views: Views, result: JSON) -> list[Block]:
    """Render the environments of a run, and the number of packages that changed."""
    if not result["environments"]:
        return [line(views.say("No environment of {run} is known.", run=result["run"]))]
    blocks: list[Block] = [
        views.table(
            result["environments"],
            Column(Message("Environment"), lambda row: row["id"][:12], Tone.FAINT),
            Column(Message("Interpreter"), "title", Tone.STRONG),
            Column(Message("Platform"), "platform", Tone.FAINT),
            Column(Message("Packages"), lambda row: str(len(row["packages"]))),
            Column(Message("Nodes"), lambda row: ", ".join(row["nodes"])),
        )
    ]
    return [*blocks, *(changes(views, result) if result["previous"] else ())]


def requirements(views: Views, result: JSON) -> list[Block]:
    """Render the packages of each environment as a requirements file."""
    return [views.text(one["requirements"].rstrip()) for one in result["environments"]]


def changes(views: Views, result: JSON) -> list[Block]:
    """Render what differs from the environments of another run."""
    if result["previous"] is None:
        return [line(views.say("There is no run before {run}.", run=result["run"]))]
    if not result["changes"]:
        text = views.say("The environments are those of {previous}.", **result)
        return [line(text, Tone.GOOD)]
    rows = list(_rows(result))
    return [
        line(views.say("Changed since {previous}:", **result), Tone.STRONG),
        views.table(
            rows,
            Column(Message("Package"), "name", Tone.STRONG),
            Column(Message("Before"), lambda row: row["before"] or DASH),
            Column(Message("After"), lambda row: row["after"] or DASH),
            Column(Message("Nodes"), lambda row: ", ".join(row["nodes"]), Tone.FAINT),
        ),
    ]


def _rows(result: JSON) -> Iterator[JSON]:
    for change in result["changes"]:
        for package in change["packages"]:
            yield {**package, "nodes": change["nodes"]}
