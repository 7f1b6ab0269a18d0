"""The words that the command line and ``%mlws`` take: what each needs, said in each language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import click

from jupyter_mlws.client import RemoteError
from jupyter_mlws.errors import MLWSError, Words
from jupyter_mlws.words import code, commands, data, experiments, versions
from jupyter_mlws.words.commands import Desk

Maker = Callable[[str], click.Parameter]
"""Makes a parameter in a language."""


SHOWN = 20
"""Runs that are offered for completion, the newest first."""


class Word(NamedTuple):
    """One word: its name, what it does, what is said of it, what it takes."""

    name: str
    action: Callable[..., int]
    about: Words
    parameters: list[Maker]
    passes_on: bool = False
    """What follows its first argument is for another program, options too."""


def _argument(name: str, **settings: Any) -> Maker:
    return lambda language: click.Argument([name], **settings)


def _option(*names: str, words: Words, **settings: Any) -> Maker:
    return lambda language: click.Option(names, help=words.in_(language), **settings)


def _complete_workflow(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    return _known(context, incomplete, lambda desk: [w["path"] for w in desk.session.workflows()])


def _complete_snapshot(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    return _known(
        context, incomplete, lambda desk: [s["short"] for s in desk.session.history(None, None, 20)]
    )


def _complete_branch(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    return _known(context, incomplete, lambda desk: [b["name"] for b in desk.session.branches()])


def _complete_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    def ids(desk: Desk) -> list[str]:
        session = desk.session
        known = [run["id"] for one in session.workflows() for run in session.runs_of(one["path"])]
        return [commands.LATEST, *sorted(known, reverse=True)[:SHOWN]]

    return _known(context, incomplete, ids)


def _known(
    context: click.Context, incomplete: str, names: Callable[[Desk], list[str]]
) -> list[str]:
    """The names that begin so; none where there is no project to ask."""
    desk = context.find_object(Desk)
    if desk is None:
        return []
    try:
        return [name for name in names(desk) if name.startswith(incomplete)]
    except (MLWSError, RemoteError):
        # The word itself will say what is wrong; a completion only has nothing to offer.
        return []
    finally:
        desk.close()


_JOBS = _option(
    "-j",
    "--jobs",
    type=click.IntRange(1),
    words=Words("Nodes at the same time.", "并行节点数。"),
)
_FORCE = _option(
    "-f",
    "--force",
    is_flag=True,
    words=Words("Run nodes that have not changed too.", "未更改的节点也重新运行。"),
)
_ACCEPT_COSMETIC = _option(
    "--accept-cosmetic",
    is_flag=True,
    words=Words(
        "Do not run nodes of which only comments, the form of YAML and JSON, or a notebook's "
        "outputs and notes have changed.",
        "若节点仅有注释、YAML 与 JSON 书写形式或笔记本输出与说明的更改，则不再运行。",
    ),
)

_SNAPSHOT = _argument("snapshot", default="HEAD", shell_complete=_complete_snapshot)
_QUICK = _option(
    "--quick",
    is_flag=True,
    words=Words(
        "At the remote look at names and sizes only, instead of reading every object.",
        "对远程存储仅检查名称与大小，而不读取每个对象。",
    ),
)
_WIDE = _option(
    "--wide",
    is_flag=True,
    words=Words(
        "Show all columns, also where the terminal is too narrow.",
        "显示全部列，即使终端宽度不足。",
    ),
)
_SWEEP = _argument("words", nargs=-1, metavar="[FILE] [NAME]", shell_complete=_complete_workflow)
_METRIC = _option("--metric", words=Words("Rank by this metric.", "按此指标排名。"))
_MODE = _option(
    "--mode",
    type=click.Choice(["max", "min"]),
    words=Words(
        "Which values are better; by default by the metric's name.",
        "哪些值更好；默认根据指标名称判断。",
    ),
)

WORDS: list[Word] = [
    Word(
        "status",
        commands.status,
        Words("Show the branch and what has changed.", "显示分支与更改。"),
        [],
    ),
    Word(
        "commit",
        commands.commit,
        Words(
            "Make a snapshot of code, data and models; of PATHS alone where they are given.",
            "为代码、数据与模型创建快照；给出 PATHS 时仅包含这些路径。",
        ),
        [
            _option(
                "-m",
                "--message",
                required=True,
                words=Words("What the snapshot is about.", "快照的说明。"),
            ),
            _option(
                "--allow-secrets",
                is_flag=True,
                words=Words(
                    "Commit files although they look like credentials.",
                    "即使文件疑似包含凭据也提交。",
                ),
            ),
            _option(
                "--allow-many",
                is_flag=True,
                words=Words(
                    "Commit new files to git although they are so many that they look like data.",
                    "即使新文件很多、疑似数据，也提交到 git。",
                ),
            ),
            _option(
                "--staged",
                is_flag=True,
                words=Words("Commit what is staged, and no more.", "仅提交已暂存的内容。"),
            ),
            _argument("paths", nargs=-1, type=click.Path()),
        ],
    ),
    Word(
        "log",
        commands.log,
        Words("List snapshots, of PATH alone where it is given.", "列出快照；可限定路径 PATH。"),
        [
            _argument("path", required=False, type=click.Path()),
            _option("-q", "--query", words=Words("Text in the message.", "说明中的文字。")),
            _option(
                "-n",
                "--number",
                type=click.IntRange(1),
                default=20,
                show_default=True,
                words=Words("At most so many.", "最多条数。"),
            ),
        ],
    ),
    Word(
        "diff",
        commands.diff,
        Words(
            "Compare a snapshot with the files, or two snapshots with each other.",
            "比较快照与当前文件，或比较两个快照。",
        ),
        [
            _argument("start", default="HEAD", shell_complete=_complete_snapshot),
            _argument("end", required=False, shell_complete=_complete_snapshot),
            _option(
                "-p",
                "--path",
                type=click.Path(),
                words=Words("Show the lines of this file.", "显示该文件的逐行差异。"),
            ),
        ],
    ),
    Word(
        "restore",
        commands.restore,
        Words(
            "Bring code and data back as they were in SNAPSHOT; of PATHS alone where given.",
            "将代码与数据恢复到 SNAPSHOT 时的状态；可限定 PATHS。",
        ),
        [
            _argument("snapshot", shell_complete=_complete_snapshot),
            _argument("paths", nargs=-1, type=click.Path()),
            _option(
                "-y",
                "--yes",
                is_flag=True,
                words=Words(
                    "Replace uncommitted work too (a safety snapshot keeps it).",
                    "同时替换未提交的内容（安全快照会保留）。",
                ),
            ),
            _option(
                "--dry-run",
                is_flag=True,
                words=Words("Only show what would be done.", "仅显示计划。"),
            ),
        ],
    ),
    Word(
        "verify",
        versions.verify,
        Words(
            "Look at every object of SNAPSHOT: in git, in the cache, at the remote. Exit code 1 "
            "where one is missing or damaged.",
            "逐一检查 SNAPSHOT 的所有对象：git、缓存与远程存储。有缺失或损坏时退出码为 1。",
        ),
        [_SNAPSHOT, _QUICK],
    ),
    Word(
        "repair",
        versions.repair,
        Words(
            "Mend what of SNAPSHOT is missing or damaged, from wherever it still is. Exit code 1 "
            "where something is lost.",
            "从仍存有内容的位置修复 SNAPSHOT 中缺失或损坏的对象。有内容丢失时退出码为 1。",
        ),
        [_SNAPSHOT, _QUICK],
    ),
    Word(
        "branch",
        versions.branch,
        Words(
            "List branches, or make NAME at START (HEAD where it is left out).",
            "列出分支；给出 NAME 时在 START（默认 HEAD）处创建分支。",
        ),
        [
            _argument("name", required=False, shell_complete=_complete_branch),
            _argument("start", required=False, shell_complete=_complete_branch),
            _option(
                "-d",
                "--delete",
                is_flag=True,
                words=Words("Delete NAME instead.", "改为删除 NAME。"),
            ),
            _option(
                "-f",
                "--force",
                is_flag=True,
                words=Words(
                    "Delete it although nothing else has its commits.",
                    "即使含有其他分支没有的提交也删除。",
                ),
            ),
        ],
    ),
    Word(
        "checkout",
        versions.checkout,
        Words(
            "Go to a branch, tag or snapshot, with its data.",
            "切换到分支、标签或快照及其数据。",
        ),
        [
            _argument("place", shell_complete=_complete_branch),
            _option(
                "-b",
                "--create",
                is_flag=True,
                words=Words("Make it as a branch first.", "先创建该分支。"),
            ),
        ],
    ),
    Word(
        "merge",
        code.merge,
        Words(
            "Merge REF (a branch, tag or snapshot) into the current branch, with its data; without "
            "REF, show what is in conflict. Exit code 1 while there are conflicts.",
            "将 REF（分支、标签或快照）及其数据合并到当前分支；不给出 REF 时显示冲突。"
            "仍有冲突时退出码为 1。",
        ),
        [
            _argument("ref", required=False, shell_complete=_complete_branch),
            _option("-m", "--message", words=Words("The commit's message.", "提交说明。")),
            _option(
                "--continue",
                "go_on",
                is_flag=True,
                words=Words(
                    "Finish the merge whose conflicts are resolved.", "完成已解决冲突的合并。"
                ),
            ),
            _option(
                "--abort",
                is_flag=True,
                words=Words("Go back to before the merge.", "回到合并之前。"),
            ),
            _option(
                "--take",
                type=click.Choice(["ours", "theirs", "base", "both"]),
                words=Words(
                    "Resolve the named paths by this side; both puts ours before theirs.",
                    "用这一方解决所列路径；both 将双方内容依次保留。",
                ),
            ),
            _argument("paths", nargs=-1, type=click.Path()),
        ],
    ),
    Word(
        "undo",
        code.undo,
        Words(
            "Take the last snapshot back by a new one with the content before it; with SNAPSHOT, "
            "all that came after that one.",
            "用一个新快照撤销上一个快照；给出 SNAPSHOT 时撤销其后的全部更改。",
        ),
        [
            _argument("snapshot", required=False, shell_complete=_complete_snapshot),
            _option("-m", "--message", words=Words("The commit's message.", "提交说明。")),
        ],
    ),
    Word(
        "stage",
        code.stage,
        Words(
            "Put changes into the next commit of staged changes; all where no PATHS are given.",
            "暂存更改以供下次提交；不给出 PATHS 时暂存全部。",
        ),
        [_argument("paths", nargs=-1, type=click.Path())],
    ),
    Word(
        "unstage",
        code.unstage,
        Words(
            "Take changes out of it again; the files stay as they are.",
            "取消暂存；文件保持不变。",
        ),
        [_argument("paths", nargs=-1, type=click.Path())],
    ),
    Word(
        "tag",
        code.tag,
        Words(
            "List tags, or give a snapshot (HEAD where REF is left out) the name NAME.",
            "列出标签；给出 NAME 时为快照（默认 HEAD）添加标签。",
        ),
        [
            _argument("name", required=False),
            _argument("ref", default="HEAD", shell_complete=_complete_snapshot),
            _option("-m", "--message", words=Words("What is said of it.", "标签说明。")),
            _option(
                "-d",
                "--delete",
                is_flag=True,
                words=Words("Delete NAME instead.", "改为删除 NAME。"),
            ),
        ],
    ),
    Word(
        "stash",
        code.stash,
        Words(
            "Put all changes aside, data too (push), bring them back (pop), list or drop them; the "
            "newest where no ID is given.",
            "储藏全部更改及数据（push）、取回（pop）、列出（list）或丢弃（drop）；"
            "不给出 ID 时为最新一项。",
        ),
        [
            _argument("action", type=click.Choice(["push", "pop", "list", "drop"]), default="push"),
            _argument("identifier", required=False, metavar="[ID]"),
            _option("-m", "--message", words=Words("What the work is about.", "内容说明。")),
            _option(
                "--keep",
                is_flag=True,
                words=Words("Keep it in the list after pop.", "取回后仍保留在列表中。"),
            ),
        ],
    ),
    Word(
        "safety",
        code.safety,
        Words(
            "List what restores, discards and aborted merges replaced, or restore COPY, with what "
            "was staged.",
            "列出恢复、丢弃与中止合并所替换的内容；给出 COPY 时恢复该副本及其暂存内容。",
        ),
        [_argument("identifier", required=False, metavar="[COPY]")],
    ),
    Word(
        "fetch",
        code.fetch,
        Words(
            "Learn where the branches of REMOTE are; nothing else changes.",
            "获取 REMOTE 各分支的位置；不做其他更改。",
        ),
        [
            _argument("remote", required=False),
            _option(
                "--prune",
                is_flag=True,
                words=Words("Forget branches that it has no longer.", "删除其已不存在的分支。"),
            ),
        ],
    ),
    Word(
        "push",
        versions.push,
        Words(
            "Bring the data of a branch, then the branch, to REMOTE.",
            "先将分支的数据、再将分支推送到 REMOTE。",
        ),
        [_argument("remote", required=False), _argument("branch", required=False)],
    ),
    Word(
        "pull",
        versions.pull,
        Words(
            "Bring a branch of REMOTE, with its data, into the current one.",
            "将 REMOTE 的分支及其数据拉取到当前分支。",
        ),
        [_argument("remote", required=False), _argument("branch", required=False)],
    ),
    Word(
        "models",
        versions.models,
        Words(
            "List models, the versions of NAME, or with `best METRIC` the versions that measured "
            "best.",
            "列出模型；给出 NAME 时列出其版本；`best METRIC` 列出该指标最佳的版本。",
        ),
        [
            _argument("name", required=False, metavar="[NAME | best METRIC]"),
            _argument("metric", required=False, metavar=""),
            _MODE,
            _option(
                "--aliases",
                is_flag=True,
                words=Words("What its aliases meant, and when.", "显示其别名的历史。"),
            ),
            _option("-q", "--query", words=Words("Text in the name.", "名称中的文字。")),
            _WIDE,
        ],
    ),
    Word(
        "runs",
        experiments.runs,
        Words(
            "List runs with their metrics, of FILE alone where it is given.",
            "列出运行及其指标；可限定 FILE。",
        ),
        [
            _argument("file", required=False, shell_complete=_complete_workflow),
            _option(
                "-f",
                "--filter",
                words=Words(
                    "In MLflow's language: \"metrics.acc > 0.9 and params.kind = 'forest'\".",
                    "MLflow 筛选语法：\"metrics.acc > 0.9 and params.kind = 'forest'\"。",
                ),
            ),
            _option("-q", "--query", words=Words("Text in the name.", "名称中的文字。")),
            _option(
                "-s",
                "--sort",
                multiple=True,
                metavar="COLUMN",
                words=Words("As `metrics.acc DESC`.", "例如 `metrics.acc DESC`。"),
            ),
            _option(
                "--nested",
                is_flag=True,
                words=Words("The runs of nodes, too.", "同时列出节点的运行。"),
            ),
            _WIDE,
            _option(
                "-n",
                "--number",
                type=click.IntRange(1),
                default=20,
                show_default=True,
                words=Words("At most so many.", "最多条数。"),
            ),
        ],
    ),
    Word(
        "compare",
        experiments.compare,
        Words(
            "Show runs, or versions of models (NAME:VERSION), side by side.",
            "并列显示运行或模型版本（名称:版本）。",
        ),
        [_argument("things", nargs=-1, metavar="THING...", shell_complete=_complete_run)],
    ),
    Word(
        "track",
        experiments.track,
        Words(
            "Run COMMAND as a run of MLflow's that names a true commit: uncommitted changes are "
            "kept on a hidden ref first. In a notebook without COMMAND: what the next cells log.",
            "将 COMMAND 作为 MLflow 运行并记录真实提交：未提交的更改会先保存到隐藏引用。"
            "在笔记本中省略 COMMAND 时，跟踪后续单元格。",
        ),
        [
            _argument("command", nargs=-1, type=click.UNPROCESSED),
            _option("--name", words=Words("The run's name.", "运行的名称。")),
            _option("--experiment", words=Words("Its experiment.", "所属实验。")),
            _option(
                "--auto",
                type=click.Choice(["on", "off"]),
                words=Words(
                    "In a notebook: every run that MLflow begins.",
                    "在笔记本中：MLflow 开始的每次运行。",
                ),
            ),
            _option(
                "--end",
                is_flag=True,
                words=Words(
                    "In a notebook: end the run that goes on.", "在笔记本中：结束当前运行。"
                ),
            ),
        ],
        passes_on=True,
    ),
    Word(
        "reproduce",
        experiments.reproduce,
        Words(
            "Bring what RUN (or MODEL:VERSION) started from into a git worktree of its own; list "
            "those that are there where RUN is left out.",
            "将 RUN（或 模型:版本）开始时的状态恢复到独立的 git 工作树；省略 RUN 时列出现有的。",
        ),
        [
            _argument("run", required=False, shell_complete=_complete_run),
            _option(
                "--path",
                type=click.Path(),
                words=Words("The folder of the worktree.", "工作树的文件夹。"),
            ),
            _option(
                "--remove",
                is_flag=True,
                words=Words("Remove it, with all that was done in it.", "移除它及其中的全部内容。"),
            ),
        ],
    ),
    Word(
        "lineage",
        experiments.lineage,
        Words(
            "Show what OF came of, and what came of it: the path of data, MODEL:VERSION, "
            "run:ID or snapshot:COMMIT.",
            "显示 OF 的来源与去向：数据路径、模型:版本、run:ID 或 snapshot:提交。",
        ),
        [_argument("of", type=click.Path())],
    ),
    Word(
        "plan",
        commands.plan,
        Words(
            "Show what a run of FILE would do; FILE may be left out where there is one workflow.",
            "显示运行 FILE 会执行的操作；只有一个工作流时可省略 FILE。",
        ),
        [
            _argument(
                "words", nargs=-1, metavar="[FILE] [TARGET]...", shell_complete=_complete_workflow
            ),
            _JOBS,
            _FORCE,
            _ACCEPT_COSMETIC,
        ],
    ),
    Word(
        "sweep",
        commands.sweep,
        Words(
            "Show the variants of the sweeps (`foreach`, `matrix`) of FILE, the best first.",
            "显示 FILE 中参数扫描（`foreach`、`matrix`）的变体，最佳者在前。",
        ),
        [_SWEEP, _METRIC, _MODE],
    ),
    Word(
        "promote",
        commands.promote,
        Words(
            "Make a plain stage of a sweep of FILE: its best variant, with the result it has.",
            "将 FILE 中的参数扫描变为普通阶段：取其最佳变体并保留其结果。",
        ),
        [
            _SWEEP,
            _option(
                "--variant",
                metavar="VARIANT",
                words=Words("This variant instead of the best.", "使用此变体而非最佳者。"),
            ),
            _METRIC,
            _MODE,
        ],
    ),
    Word(
        "run",
        commands.run,
        Words(
            "Run the workflow FILE, or what TARGETs need; FILE may be left out where there is one.",
            "运行工作流 FILE，或仅运行 TARGET 所需部分；只有一个工作流时可省略 FILE。",
        ),
        [
            _argument(
                "words", nargs=-1, metavar="[FILE] [TARGET]...", shell_complete=_complete_workflow
            ),
            _option(
                "-p",
                "--param",
                "params",
                multiple=True,
                metavar="NODE.KEY=VALUE",
                words=Words("A setting of a node, for this run.", "本次运行的节点配置。"),
            ),
            _JOBS,
            _option(
                "--executor",
                metavar="WHERE",
                words=Words(
                    "local, dask://HOST:PORT, or dask for the known scheduler; by default what "
                    "MLWS_EXECUTOR says.",
                    "local、dask://HOST:PORT，或用 dask 表示已知的调度器；默认取 MLWS_EXECUTOR。",
                ),
            ),
            _FORCE,
            _option(
                "-k",
                "--keep-going",
                is_flag=True,
                words=Words(
                    "After a failure go on with what does not need it.",
                    "某节点失败后继续运行不依赖它的节点。",
                ),
            ),
            _option(
                "--again",
                multiple=True,
                metavar="NODE",
                words=Words("Run NODE even where it is up to date.", "即使 NODE 已是最新也运行。"),
            ),
            _option(
                "--accept",
                multiple=True,
                metavar="NODE",
                words=Words(
                    "Take what NODE made before as its result, and do not run it.",
                    "将 NODE 现有的输出作为其结果，不再运行。",
                ),
            ),
            _ACCEPT_COSMETIC,
            _option(
                "--skip",
                "skipped",
                multiple=True,
                metavar="NODE",
                words=Words(
                    "Leave NODE out; what needs it runs with what is there.",
                    "跳过 NODE；依赖它的节点使用现有文件运行。",
                ),
            ),
        ],
    ),
    Word(
        "resume",
        commands.resume,
        Words(
            "Do what RUN (an id, or: latest) left undone.", "完成 RUN（id 或 latest）未完成的部分。"
        ),
        [_argument("run", default="latest", shell_complete=_complete_run)],
    ),
    Word(
        "retry",
        commands.retry,
        Words(
            "Run NODE of RUN again, and what depends on it.",
            "重新运行 RUN 中的 NODE 及依赖它的节点。",
        ),
        [_argument("run", shell_complete=_complete_run), _argument("node")],
    ),
    Word(
        "skip",
        commands.skip,
        Words(
            "Run what depends on NODE of RUN, with what NODE left.",
            "使用 NODE 留下的文件，运行 RUN 中依赖它的节点。",
        ),
        [_argument("run", shell_complete=_complete_run), _argument("node")],
    ),
    Word(
        "import",
        commands.import_file,
        Words(
            "Make a workflow of FILE: an Elyra .pipeline, a notebook (split into nodes by what its "
            "cells hand on), or a definition as JSON.",
            "将 FILE 导入为工作流：Elyra 的 .pipeline、笔记本（按单元格间的数据流拆分为节点）"
            "或 JSON 定义。",
        ),
        [
            _argument("file", type=click.Path()),
            _option(
                "--to",
                type=click.Path(),
                words=Words("The folder of the new workflow.", "新工作流的文件夹。"),
            ),
            _option("--name", words=Words("Its title.", "标题。")),
            _option(
                "--dry-run",
                is_flag=True,
                words=Words("Only show what would be written.", "仅显示将写入的内容。"),
            ),
        ],
    ),
    Word(
        "cancel",
        commands.cancel,
        Words("Stop RUN, or the one that is running.", "停止 RUN，或正在进行的运行。"),
        [_argument("run", required=False, shell_complete=_complete_run)],
    ),
    Word(
        "logs",
        commands.logs,
        Words(
            "Print what NODE printed in RUN (an id, or: latest).",
            "显示 NODE 在 RUN（id 或 latest）中的输出。",
        ),
        [
            _argument("run", shell_complete=_complete_run),
            _argument("node"),
            _option(
                "-f",
                "--follow",
                is_flag=True,
                words=Words("Go on until the node ends.", "持续输出直至节点结束。"),
            ),
        ],
    ),
    Word(
        "components",
        commands.components,
        Words("List the node library.", "列出组件库。"),
        [],
    ),
    Word(
        "trust",
        commands.trust_project,
        Words(
            "Trust the authors of this project: its code may run.",
            "信任此项目的作者：允许运行其中的代码。",
        ),
        [
            _option(
                "--withdraw",
                is_flag=True,
                words=Words("Trust them no longer.", "不再信任。"),
            )
        ],
    ),
]
PROJECT_WORDS: list[Word] = [
    Word(
        "list",
        commands.list_projects,
        Words("List the projects here.", "列出此处的项目。"),
        [],
    ),
    Word(
        "create",
        commands.create_project,
        Words("Make a project in the folder NAME.", "在文件夹 NAME 中创建项目。"),
        [
            _argument("name"),
            _option(
                "--template",
                type=click.Choice(["empty", "example"]),
                default="empty",
                show_default=True,
                words=Words("What it begins with.", "初始内容。"),
            ),
        ],
    ),
]
DATA_WORDS: list[Word] = [
    Word(
        "list",
        versions.list_data,
        Words("List the data that is tracked.", "列出已跟踪的数据。"),
        [_option("-q", "--query", words=Words("Text in the path.", "路径中的文字。"))],
    ),
    Word(
        "add",
        versions.add_data,
        Words(
            "Track PATH as data, or record what it is now.",
            "将 PATH 作为数据跟踪，或记录其当前内容。",
        ),
        [_argument("path", type=click.Path())],
    ),
    Word(
        "import",
        data.import_data,
        Words(
            "Download what is at URL to PATH, and track it.",
            "将 URL 的内容下载到 PATH 并跟踪。",
        ),
        [
            _argument("url"),
            _argument("path", type=click.Path()),
            _option(
                "--no-link",
                is_flag=True,
                words=Words("Do not record the address.", "不记录该地址。"),
            ),
        ],
    ),
    Word(
        "diff",
        data.diff_data,
        Words(
            "Compare versions of PATH file by file: START (what is recorded) with END (what is "
            "there).",
            "逐个文件比较 PATH 的版本：START（默认已记录的）与 END（默认当前的）。",
        ),
        [
            _argument("path", type=click.Path()),
            _argument("start", required=False, shell_complete=_complete_snapshot),
            _argument("end", required=False, shell_complete=_complete_snapshot),
        ],
    ),
    Word(
        "verify",
        data.verify_data,
        Words(
            "Read each object of PATH anew, and look what the remote has.",
            "重新读取 PATH 的每个对象，并检查远程存储。",
        ),
        [
            _argument("path", type=click.Path()),
            _option(
                "--version",
                words=Words("This version (a snapshot, or a hash).", "指定版本（快照或哈希）。"),
            ),
            _option(
                "--remote",
                type=click.Choice(["ask", "read", "none"]),
                default="ask",
                show_default=True,
                words=Words(
                    "Ask the remote for each object, or read each there.",
                    "向远程存储逐个查询，或逐个读取。",
                ),
            ),
        ],
    ),
    Word(
        "storage",
        data.storage,
        Words("Show what data takes of the disk.", "显示数据占用的空间。"),
        [],
    ),
    Word(
        "remote",
        data.remote,
        Words(
            "List the remotes for data, look whether NAME answers, or set it to URL: a folder, "
            "s3://BUCKET/PATH or ssh://HOST/PATH.",
            "列出数据远程存储；给出 NAME 时检查是否可访问；给出 URL（文件夹、s3://存储桶/路径 或 "
            "ssh://主机/路径）时设置。",
        ),
        [
            _argument("name", required=False),
            _argument("url", required=False),
            _option("-d", "--delete", is_flag=True, words=Words("Forget NAME.", "移除 NAME。")),
            _option(
                "--default",
                is_flag=True,
                words=Words("Data goes there from now on.", "此后数据存于该处。"),
            ),
            _option(
                "--credentials",
                is_flag=True,
                words=Words(
                    "Ask for keys or a password; they stay on this machine.",
                    "询问密钥或密码；仅保存在本机。",
                ),
            ),
            _option("--endpoint-url", words=Words("S3: another server.", "S3：其他服务器。")),
            _option("--region", words=Words("S3: its region.", "S3：区域。")),
            _option("--profile", words=Words("S3: a profile of AWS.", "S3：AWS 配置名。")),
            _option("--user", words=Words("SSH: who.", "SSH：用户名。")),
            _option(
                "--port",
                type=click.IntRange(1, 65535),
                words=Words("SSH: its port.", "SSH：端口。"),
            ),
            _option("--keyfile", words=Words("SSH: a private key.", "SSH：私钥文件。")),
        ],
    ),
    Word(
        "show",
        versions.show_data,
        Words("List the versions of PATH.", "列出 PATH 的版本。"),
        [_argument("path", type=click.Path())],
    ),
    Word(
        "checkout",
        versions.checkout_data,
        Words(
            "Bring PATH back as it was in VERSION (a snapshot, or a hash).",
            "将 PATH 恢复为 VERSION（快照或哈希）时的内容。",
        ),
        [_argument("path", type=click.Path()), _argument("version")],
    ),
    Word(
        "push",
        versions.push_data,
        Words("Bring PATH to its remote.", "将 PATH 推送到远程存储。"),
        [_argument("path", type=click.Path())],
    ),
    Word(
        "pull",
        versions.pull_data,
        Words(
            "Bring PATH from its remote, or all data that is not pulled where PATH is left out.",
            "从远程存储拉取 PATH；省略 PATH 时拉取所有未拉取的数据。",
        ),
        [_argument("path", required=False, type=click.Path())],
    ),
    Word(
        "gc",
        versions.collect,
        Words(
            "Tell what of the cache no branch, tag, stash, run or waiting snapshot names; with "
            "--confirm free it.",
            "显示缓存中没有任何分支、标签、储藏、运行或待传快照引用的内容；加 --confirm 即清理。",
        ),
        [
            _option(
                "--confirm",
                is_flag=True,
                words=Words("Delete it for good.", "永久删除。"),
            )
        ],
    ),
]
