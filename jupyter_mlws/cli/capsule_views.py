"""Views of capsules."""

from __future__ import annotations

from jupyter_mlws.cli.console import Block, Tone, line
from jupyter_mlws.cli.views import JSON, Views
from mlws.core.paths import format_size


def capsule(views: Views, row: JSON) -> list[Block]:
    """Render what a new capsule holds, and what it lacks."""
    facts = {"snapshot": row["commit"][:8], "path": row["path"], "size": format_size(row["size"])}
    blocks: list[Block] = [
        line(views.say("Wrote {snapshot} to {path} ({size}).", **facts), Tone.GOOD)
    ]
    if row["data"]:
        paths = ", ".join(row["data"])
        text = views.say("Data ({size}): {paths}", size=format_size(row["data_size"]), paths=paths)
        blocks.append(line(text, Tone.FAINT))
    command = f"jupyter mlws capsule open {row['path']} FOLDER"
    blocks.append(line(views.say("Open it elsewhere: {command}", command=command), Tone.FAINT))
    return [*blocks, *(line(text, Tone.WARN) for text in row["warnings"])]


def project(views: Views, row: JSON) -> list[Block]:
    """Render the new project and the commands that reproduce its results."""
    facts = {"snapshot": row["commit"][:8], "path": row["path"]}
    blocks: list[Block] = [line(views.say("Opened {snapshot} in {path}.", **facts), Tone.GOOD)]
    if row["commands"]:
        blocks.append(line(views.say("Reproduce its results:"), Tone.STRONG))
    return [*blocks, *(views.text(command) for command in row["commands"])]


def deposit(views: Views, row: JSON) -> list[Block]:
    """Render the draft or record, its DOI and the file that has the DOI now."""
    if row["published"]:
        text = views.say("Published: {url}", url=row["url"])
    else:
        text = views.say("Draft, not published: {url}", url=row["url"])
    blocks: list[Block] = [line(text, Tone.GOOD)]
    if row["doi"]:
        blocks.append(line(f"DOI: {row['doi']}", Tone.STRONG))
    if row["citation"]:
        blocks.append(line(views.say("Added the DOI to {path}.", path=row["citation"])))
    return blocks
