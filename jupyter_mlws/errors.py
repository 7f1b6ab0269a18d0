"""The catalogue of error codes (AABCC) and the exception that carries one.

AA names the part: 10 containers, 20 notebooks, 30 versioning, 40 workflows, 50 the server itself.
B names the kind: 1 system, 2 business, 3 permission, 4 data. CC counts.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from dataclasses import dataclass
from typing import Any, NamedTuple

ENGLISH = "en"
CHINESE = "zh-CN"


NAMED_BY_TERMS = ("cause", "exit_code", "kind", "operation", "resource_type")
"""Facts whose values are words of ours: programs get the English one, sentences their own."""
TERMS = {
    "a fault": "程序异常",
    "sweep": "参数扫描",
    "variant": "变体",
    "active run": "进行中的运行",
    "alias": "别名",
    "branch": "分支",
    "cell": "单元格",
    "change": "更改",
    "checkout": "检出",
    "cherry-pick": "拣选",
    "code cell": "代码单元格",
    "commit": "提交",
    "conflict": "冲突",
    "cpu": "CPU",
    "data remote": "数据远程存储",
    "dataset": "数据集",
    "execution": "执行",
    "file": "文件",
    "gpu": "GPU",
    "keep state": "状态保存",
    "lack of memory": "内存不足",
    "live resize": "在线调整规格",
    "saving of environments": "保存环境",
    "reservation": "预留",
    "change of order": "调整顺序",
    "memory": "内存",
    "merge": "合并",
    "model version": "模型版本",
    "model": "模型",
    "node": "节点",
    "none: its worker was lost time after time": "无（其工作进程屡次丢失）",
    "notebook": "笔记本",
    "output": "输出",
    "plot": "图表",
    "page": "页",
    "pull": "拉取",
    "question": "提问",
    "rebase": "变基",
    "recovery": "恢复清理",
    "remote": "远程仓库",
    "reproduction": "重现",
    "restore": "恢复",
    "revert": "还原",
    "run": "运行",
    "snapshot": "快照",
    "safety copy": "安全副本",
    "stash": "储藏",
    "tag": "标签",
    "version": "版本",
    "workflow": "工作流",
}


class Words(NamedTuple):
    """A sentence in every language that the product speaks; may hold ``{fact}`` fields."""

    en: str
    zh: str

    def in_(self, language: str) -> str:
        """The sentence in ``language``; English for every language but Chinese."""
        return self.zh if language.lower().startswith("zh") else self.en

    def fill(self, **facts: Any) -> Words:
        """The same sentence with its fields filled; a field without a fact stays as written."""
        chinese = {
            key: TERMS.get(fact, fact) if key in NAMED_BY_TERMS else fact
            for key, fact in facts.items()
        }
        return Words(self.en.format_map(_Facts(facts)), self.zh.format_map(_Facts(chinese)))


class _Facts(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


class Entry(NamedTuple):
    """One row of the catalogue."""

    status: int
    message: Words
    solution: Words


@dataclass(frozen=True)
class Fault:
    """What is wrong with one field of an input, for the ``errors`` list of a reply."""

    field: str
    message: Words


class MLWSError(Exception):
    """An error that people and programs can act on.

    ``code`` is a key of :data:`CATALOGUE`; ``facts`` fill the message's fields and become the
    reply's ``details``; ``faults`` name every field at fault.
    """

    def __init__(self, code: str, *faults: Fault, **facts: Any) -> None:
        self.code = code
        self.faults = faults
        self.facts = facts
        super().__init__(f"{code}: {self.message.en}")

    @property
    def entry(self) -> Entry:
        return CATALOGUE[self.code]

    @property
    def status(self) -> int:
        return self.entry.status

    @property
    def message(self) -> Words:
        return self.entry.message.fill(**self.facts)

    @property
    def solution(self) -> Words:
        return self.entry.solution.fill(**self.facts)

    def as_dict(self, language: str) -> dict[str, Any]:
        """The reply's fields, without the timestamp."""
        return {
            "code": self.code,
            "message": self.message.in_(language),
            "details": self.facts,
            "errors": [
                {"field": fault.field, "message": fault.message.in_(language)}
                for fault in self.faults
            ],
            "solution": self.solution.in_(language),
        }


TOO_LONG_NAME = Words(
    "The name {name!r} is longer than the 255 bytes that a file's name may have.",
    "名称 {name!r} 超过文件名的上限 255 字节。",
)


def too_long_name(path: str) -> MLWSError:
    """The error for a path with a name that no file can have."""
    name = max(path.split("/"), key=len)
    shown = f"{name[:60]}…" if len(name) > 60 else name
    return MLWSError("50201", Fault("path", TOO_LONG_NAME.fill(name=shown)))


def of_system(error: BaseException) -> MLWSError | None:
    """The error of the catalogue for what the system refuses everywhere: more data on a full disk,
    and too long names. None for all others."""
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return too_long_name(os.fsdecode(error.filename or ""))
    return MLWSError("30102", reason=str(error)) if is_full_disk(error) else None


def is_full_disk(error: BaseException) -> bool:
    """Whether no space or quota is left."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    # SQLite has no class for it.
    return isinstance(error, sqlite3.OperationalError) and "disk is full" in str(error)


CATALOGUE: dict[str, Entry] = {
    "10101": Entry(
        409,
        Words(
            "Not enough {resource_type}: {required} wanted, {available} available.",
            "{resource_type} 资源不足：需要 {required}，可用 {available}。",
        ),
        Words(
            "Ask for less, or wait until others have stopped their containers.",
            "请减少资源需求，或等待其他容器停止后重试。",
        ),
    ),
    "10102": Entry(
        502,
        Words("The image {image!r} cannot be had: {reason}", "无法获取镜像 {image!r}：{reason}"),
        Words(
            "Choose another image, or ask the administrator to pull or build this one.",
            "请选择其他镜像，或请管理员拉取或构建此镜像。",
        ),
    ),
    "10103": Entry(
        503,
        Words("There is no Hub that could run containers.", "没有可运行容器的 Hub。"),
        Words(
            "Start one with `make hub`, sign in there, and open your lab from it.",
            "请用 `make hub` 启动 Hub，登录后从中打开您的工作台。",
        ),
    ),
    "10104": Entry(
        502,
        Words(
            "Docker or the containers' network failed: {reason}",
            "Docker 或容器网络出错：{reason}",
        ),
        Words(
            "Try again; if it stays, the administrator finds the cause in the Hub's log.",
            "请重试；若仍失败，请管理员查看 Hub 日志。",
        ),
    ),
    "10105": Entry(
        500,
        Words(
            "The container ended by {cause} (exit code {exit_code}) and was started again "
            "{restarts} times in vain.",
            "容器因{cause}而退出（退出码 {exit_code}），已重新启动 {restarts} 次仍失败。",
        ),
        Words(
            "See the last lines of its log; start it again with another image or more memory.",
            "请查看其日志的最后几行；可更换镜像或增加内存后重新启动。",
        ),
    ),
    "10106": Entry(
        502,
        Words("The environment could not be saved: {reason}", "无法保存环境：{reason}"),
        Words(
            "See the last lines of its log; what can't be had by pip anywhere else can't be saved.",
            "请查看其日志的最后几行；无法通过 pip 从其他位置获取的包无法保存。",
        ),
    ),
    "10107": Entry(
        507,
        Words(
            "The files take {used}, more than the {quota} that they may.",
            "文件已占用 {used}，超过配额 {quota}。",
        ),
        Words(
            "Start with `rescue` (on the containers' page: Rescue) and delete what is not needed.",
            "请以 `rescue` 方式启动（容器页面上的“救援启动”），删除不需要的文件。",
        ),
    ),
    "10201": Entry(
        400,
        Words("The container cannot be made as asked.", "无法按请求创建容器。"),
        Words(
            "Correct the fields that are named; `GET /resources` tells limits and images.",
            "请修正所列字段；`GET /resources` 会给出限额与镜像。",
        ),
    ),
    "10202": Entry(
        409,
        Words(
            "There is not enough free now: the container waits at place {position}.",
            "当前资源不足：容器正在排队，位于第 {position} 位。",
        ),
        Words(
            "It starts by itself as soon as there is room; your containers' page shows it.",
            "资源空出后会自动启动；可在容器页面查看排队情况。",
        ),
    ),
    "10203": Entry(
        409,
        Words("The container {name!r} is being stopped.", "容器 {name!r} 正在停止。"),
        Words(
            "Wait until it has stopped, then start it.",
            "请等待其停止后再启动。",
        ),
    ),
    "10204": Entry(
        409,
        Words(
            "The container {name!r} is starting, stopping or changing: its size stays for now.",
            "容器 {name!r} 正在启动、停止或变更，暂时无法调整其规格。",
        ),
        Words("Try again in some seconds.", "请在几秒后重试。"),
    ),
    "10205": Entry(
        409,
        Words(
            "The container {name!r} does not wait in the queue (any more).",
            "容器 {name!r} 不在（或已不在）队列中。",
        ),
        Words(
            "See where it stands; start it to have it wait again.",
            "请查看其状态；如需重新排队，请启动它。",
        ),
    ),
    "10206": Entry(
        409,
        Words(
            "The volume {name!r} is mounted or current: that can't be done with it.",
            "卷 {name!r} 正在使用或为当前卷，无法执行此操作。",
        ),
        Words(
            "Stop the person's containers first; only what is in the trash is removed for good.",
            "请先停止该用户的容器；只有回收站中的卷才能彻底删除。",
        ),
    ),
    "10207": Entry(
        409,
        Words(
            "{user!r} is the last owner of the project {name!r}.",
            "{user!r} 是项目 {name!r} 的最后一位所有者。",
        ),
        Words(
            "Make somebody else an owner first, or delete the project.",
            "请先指定另一位所有者，或删除该项目。",
        ),
    ),
    "10208": Entry(
        409,
        Words(
            "The project {name!r} is not in the trash.",
            "项目 {name!r} 不在回收站中。",
        ),
        Words(
            "Only what is in the trash is brought back or removed for good.",
            "只有回收站中的项目才能恢复或彻底删除。",
        ),
    ),
    "10209": Entry(
        400,
        Words(
            "What was sent is not the object {name}: its content has another hash.",
            "发送的内容不是对象 {name}：其哈希值不符。",
        ),
        Words(
            "Push again; where it happens again, run `jupyter mlws verify` on the data.",
            "请重新推送；若再次出现，请用 `jupyter mlws verify` 检查数据。",
        ),
    ),
    "10210": Entry(
        507,
        Words(
            "The environments would take more than they may: {size}, at most {most}.",
            "环境占用超过限额：{size}，上限 {most}。",
        ),
        Words(
            "Delete an environment that is not needed, or uninstall packages before saving.",
            "请删除不需要的环境，或在保存前卸载部分软件包。",
        ),
    ),
    "10211": Entry(
        409,
        Words(
            "Docker Swarm places and queues by itself: it does no {operation}.",
            "Docker Swarm 自行调度与排队，不支持{operation}。",
        ),
        Words(
            "Stop the container and start it as you want it; it waits for room by itself.",
            "请停止容器后按需要重新启动；它会自动等待空闲资源。",
        ),
    ),
    "10212": Entry(
        409,
        Words(
            "No machine had room for the container within {seconds:g} seconds.",
            "{seconds:g} 秒内没有机器能容纳此容器。",
        ),
        Words(
            "Start it again later, or ask for less.",
            "请稍后重新启动，或减少资源需求。",
        ),
    ),
    "10213": Entry(
        409,
        Words(
            "The environment {name!r} is in use, or is being saved just now.",
            "环境 {name!r} 正在使用或正在保存。",
        ),
        Words(
            "Wait until it is saved, or stop the containers that run in it.",
            "请等待保存完成，或停止使用它的容器。",
        ),
    ),
    "10214": Entry(
        507,
        Words(
            "The shared project {name!r} takes {used}, and may take {most}.",
            "共享项目 {name!r} 已占用 {used}，上限为 {most}。",
        ),
        Words(
            "Delete what is not needed, or ask an administrator for a larger limit.",
            "请删除不需要的内容，或向管理员申请更大的限额。",
        ),
    ),
    "10215": Entry(
        409,
        Words(
            "You own {count} shared projects, as many as a user may.",
            "您已拥有 {count} 个共享项目，达到上限。",
        ),
        Words(
            "Delete one, also from the trash, or make someone else its owner.",
            "请删除一个（包括回收站中的），或将其所有者改为他人。",
        ),
    ),
    "10216": Entry(
        429,
        Words(
            "Too many git requests of yours, or of all users, are being answered.",
            "您或所有用户的 git 请求过多。",
        ),
        Words("Wait until they end, then try again.", "请等待其结束后重试。"),
    ),
    "10301": Entry(
        403,
        Words("{name!r} is another person's container.", "{name!r} 是他人的容器。"),
        Words(
            "Use a container of your own, or ask an administrator.",
            "请使用您自己的容器，或联系管理员。",
        ),
    ),
    "10302": Entry(
        403,
        Words("That is for administrators of the Hub only.", "此操作仅限 Hub 管理员。"),
        Words("Ask an administrator.", "请联系管理员。"),
    ),
    "10303": Entry(
        403,
        Words(
            "In the project {name!r} you are a {role}; this is for a {needed}.",
            "您在项目 {name!r} 中的角色是 {role}；此操作需要 {needed}。",
        ),
        Words(
            "Ask an owner of the project for that role.",
            "请向项目所有者申请该角色。",
        ),
    ),
    "10304": Entry(
        401,
        Words("This needs a token of the Hub.", "此处需要 Hub 令牌。"),
        Words(
            "Make one on the Hub's page *Token* and give it as the password; in a lab it is given "
            "by itself.",
            "请在 Hub 的“令牌”页面创建令牌，并作为密码输入；在工作台中会自动提供。",
        ),
    ),
    "10404": Entry(
        404,
        Words("There is no container {name!r}.", "找不到容器 {name!r}。"),
        Words(
            "List your containers and use an id from that list.",
            "请先列出您的容器，再使用其中的 id。",
        ),
    ),
    "10405": Entry(
        404,
        Words("There is no volume {name!r}.", "找不到卷 {name!r}。"),
        Words(
            "List the volumes and use a name from that list.",
            "请先列出各卷，再使用其中的名称。",
        ),
    ),
    "10406": Entry(
        404,
        Words(
            "There is no shared project {name!r} that you are a member of.",
            "找不到您所参与的共享项目 {name!r}。",
        ),
        Words(
            "List your shared projects; an owner of it can make you a member.",
            "请先列出您的共享项目；其所有者可以将您加为成员。",
        ),
    ),
    "10407": Entry(
        404,
        Words(
            "The project {name!r} has no member {user!r}.",
            "项目 {name!r} 没有成员 {user!r}。",
        ),
        Words(
            "See its members and use a name from that list.",
            "请先查看其成员，再使用其中的名称。",
        ),
    ),
    "10408": Entry(
        404,
        Words("There is no environment {name!r}.", "找不到环境 {name!r}。"),
        Words(
            "List the environments and use an id from that list.",
            "请先列出各环境，再使用其中的 id。",
        ),
    ),
    "20101": Entry(
        500,
        Words(
            "The kernel died while it ran this (exit code {exit_code}); what it held in memory "
            "is lost.",
            "内核在运行此代码时崩溃（退出码 {exit_code}）；其内存中的内容已丢失。",
        ),
        Words(
            "A new kernel was started: run the cells again that this one needs.",
            "已启动新的内核：请重新运行此单元格所依赖的单元格。",
        ),
    ),
    "20102": Entry(
        503,
        Words("No kernel {kernel!r} could start: {reason}", "无法启动内核 {kernel!r}：{reason}"),
        Words(
            "Choose a kernel that `jupyter kernelspec list` shows; the server's log has more.",
            "请选择 `jupyter kernelspec list` 所列的内核；服务器日志中有更多信息。",
        ),
    ),
    "20103": Entry(
        503,
        Words("The code check cannot be done: {reason}", "无法进行代码检查：{reason}"),
        Words(
            "Install it with `pip install jupyter-mlws[check]`, or set `code_policy` to `off`.",
            "请用 `pip install jupyter-mlws[check]` 安装，或将 `code_policy` 设为 `off`。",
        ),
    ),
    "20104": Entry(
        500,
        Words(
            "The notebook {path!r} cannot be written: {reason}",
            "无法写入笔记本 {path!r}：{reason}",
        ),
        Words(
            "Check the rights of its folder and the free space, then try again.",
            "请检查其文件夹的权限与剩余空间，然后重试。",
        ),
    ),
    "20201": Entry(
        504,
        Words(
            "The code took longer than {timeout:g} seconds and was interrupted.",
            "代码运行超过 {timeout:g} 秒，已被中断。",
        ),
        Words(
            "Give a larger `timeout`, or see where the time goes; where `restarted` is true, the "
            "kernel had to be restarted and its memory is lost.",
            "请设置更大的 `timeout`，或检查耗时之处；若 `restarted` 为 true，"
            "内核已被重启，其内存内容已丢失。",
        ),
    ),
    "20202": Entry(
        422,
        Words("The code failed: {ename}: {evalue}", "代码出错：{ename}: {evalue}"),
        Words(
            "Correct the line that is named and run it again.",
            "请修正所指的行后重新运行。",
        ),
    ),
    "20203": Entry(
        507,
        Words("The code ran out of memory: {evalue}", "代码内存不足：{evalue}"),
        Words(
            "Work on less data at once, free what is not needed, or use a larger container.",
            "请减少一次处理的数据，释放不再需要的内容，或使用更大的容器。",
        ),
    ),
    "20204": Entry(
        409,
        Words(
            "The execution was cancelled; its kernel was interrupted, restarted or stopped.",
            "执行已取消：其内核被中断、重启或停止。",
        ),
        Words("Run it again when you like.", "可随时重新运行。"),
    ),
    "20205": Entry(
        409,
        Words(
            "The server ended before the execution began; none of it ran.",
            "服务器在执行开始前已结束；代码未运行。",
        ),
        Words("Run it again when you like.", "可随时重新运行。"),
    ),
    "20301": Entry(
        403,
        Words(
            "The code check does not let this run (line {line}): {reason}",
            "代码检查不允许运行此代码（第 {line} 行）：{reason}",
        ),
        Words(
            "Change the lines in `findings`, or mark one that is meant so with `# nosec`.",
            "请修改 `findings` 所列各行；确属有意的行可用 `# nosec` 标注。",
        ),
    ),
    "20401": Entry(
        404,
        Words("There is no {kind} {name!r}.", "找不到{kind} {name!r}。"),
        Words(
            "List what there is and use an id from that list.",
            "请先列出现有项，再使用其中的 id。",
        ),
    ),
    "20402": Entry(
        422,
        Words(
            "{path!r} cannot be read as a notebook: {reason}",
            "无法将 {path!r} 读取为笔记本：{reason}",
        ),
        Words(
            "Open the file as text and correct it, or restore an earlier version.",
            "请以文本方式打开并修正该文件，或恢复较早的版本。",
        ),
    ),
    "20403": Entry(
        409,
        Words(
            "The notebook {path!r} was changed meanwhile; the outputs were not written into it.",
            "笔记本 {path!r} 在此期间被修改；输出未写入其中。",
        ),
        Words(
            "The outputs are in this answer; run the cells again to have them in the document.",
            "输出包含在本次响应中；如需写入文档，请重新运行这些单元格。",
        ),
    ),
    "30101": Entry(
        502,
        Words(
            "The remote {remote!r} cannot be reached: {reason}",
            "无法连接远程存储 {remote!r}：{reason}",
        ),
        Words(
            "Check the network and the remote's address and credentials, then try again.",
            "请检查网络、远程存储的地址与凭据，然后重试。",
        ),
    ),
    "30102": Entry(
        507,
        Words("The storage is full: {reason}", "存储空间不足：{reason}"),
        Words(
            "Free some space and try again; nothing was changed.",
            "请释放空间后重试；未做任何更改。",
        ),
    ),
    "30103": Entry(
        423,
        Words(
            "Another operation holds the workspace: {operation}, by {who} since {since}.",
            "工作区正被另一操作占用：{operation}，由 {who} 自 {since} 起持有。",
        ),
        Words(
            "Wait until it ends and try again; if its process is gone, the lock frees itself.",
            "请等待其结束后重试；若该进程已退出，锁会自动释放。",
        ),
    ),
    "30104": Entry(
        503,
        Words("DVC cannot be loaded: {reason}", "无法加载 DVC：{reason}"),
        Words(
            "Install it beside jupyter-mlws: pip install dvc",
            "请在 jupyter-mlws 所在环境中安装：pip install dvc",
        ),
    ),
    "30105": Entry(
        502,
        Words("MLflow failed: {reason}", "MLflow 调用失败：{reason}"),
        Words(
            "Check that the tracking store can be opened, then try again.",
            "请确认跟踪存储可以打开，然后重试。",
        ),
    ),
    "30106": Entry(
        500,
        Words("git failed at `{command}`: {reason}", "git 命令 `{command}` 失败：{reason}"),
        Words(
            "Try again; if it stays, run the command in a terminal to see more.",
            "请重试；若仍失败，请在终端中运行该命令以查看详情。",
        ),
    ),
    "30201": Entry(
        409,
        Words(
            "Conflicts or an unfinished {operation} stand in the way.",
            "存在冲突或未完成的 {operation}。",
        ),
        Words(
            "Resolve the conflicts and finish or abort it first; restore again after a restore. "
            "A pull that meets conflicts changes nothing: merge the remote's branch, then push.",
            "请先解决冲突，并完成或中止该操作；若为恢复操作，请重新恢复一次。"
            "拉取遇到冲突时不做任何更改：请合并远程分支后再推送。",
        ),
    ),
    "30202": Entry(
        409,
        Words(
            "Uncommitted changes would be lost: {named}",
            "未提交的更改将会丢失：{named}",
        ),
        Words(
            "Commit them, or restore these paths, and try again; nothing was changed.",
            "请先提交或恢复这些路径，然后重试；未做任何更改。",
        ),
    ),
    "30203": Entry(
        400,
        Words("There is nothing to commit.", "没有可提交的更改。"),
        Words(
            "Change or add a file first; large files are tracked with DVC.",
            "请先修改或添加文件；大文件请用 DVC 跟踪。",
        ),
    ),
    "30204": Entry(
        409,
        Words(
            "This project does not track data yet: DVC is not set up in it.",
            "该项目尚未启用数据管理：其中没有初始化 DVC。",
        ),
        Words(
            "Run `dvc init` in the project's root folder, or create the project from the sidebar.",
            "请在项目根目录运行 `dvc init`，或在侧边栏中创建项目。",
        ),
    ),
    "30205": Entry(
        400,
        Words("git does not know who you are.", "git 不知道您的身份。"),
        Words(
            'Run `git config --global user.name "Your Name"` and '
            '`git config --global user.email "you@example.com"`.',
            '请运行 `git config --global user.name "姓名"` 和 '
            '`git config --global user.email "you@example.com"`。',
        ),
    ),
    "30206": Entry(
        400,
        Words("Some files seem to hold secrets: {paths}", "有文件疑似包含密钥或凭据：{paths}"),
        Words(
            "Take the secrets out; when they are none, commit with `--allow-secrets` (in the API "
            "`allow_secrets`).",
            "请移除其中的密钥；若确认不是密钥，请使用 `--allow-secrets`（API 中为 `allow_secrets`）"
            "提交。",
        ),
    ),
    "30207": Entry(
        422,
        Words("The {hook} hook refused the commit: {reason}", "{hook} 钩子拒绝了提交：{reason}"),
        Words(
            "Correct what the hook names and commit again; nothing was committed.",
            "请按钩子提示修正后重新提交；尚未提交任何内容。",
        ),
    ),
    "30208": Entry(
        409,
        Words(
            "The branch {branch!r} was changed by somebody else meanwhile.",
            "分支 {branch!r} 在此期间被他人修改。",
        ),
        Words(
            "Look at the history and commit again; your files are as they were.",
            "请查看历史后重新提交；您的文件保持原样。",
        ),
    ),
    "30209": Entry(
        400,
        Words("The commit could not be signed: {reason}", "无法为提交签名：{reason}"),
        Words(
            "Make the signing key available, or set `commit.gpgsign` to false.",
            "请确保签名密钥可用，或将 `commit.gpgsign` 设为 false。",
        ),
    ),
    "30210": Entry(
        400,
        Words("Too large for git: {paths}", "文件过大，不适合用 git 管理：{paths}"),
        Words(
            "Track them as data (`jupyter mlws data add PATH`), or raise the git setting "
            "`mlws.largefile` (bytes).",
            "请作为数据跟踪（`jupyter mlws data add PATH`），或调高 git 设置 `mlws.largefile`"
            "（字节）。",
        ),
    ),
    "30211": Entry(
        409,
        Words("The branch {branch!r} is checked out.", "分支 {branch!r} 正被检出。"),
        Words(
            "Check out another branch there first; `git worktree list` shows where.",
            "请先在该处检出其他分支；`git worktree list` 可查看位置。",
        ),
    ),
    "30212": Entry(
        409,
        Words(
            "The branch {branch!r} holds commits that nothing else has.",
            "分支 {branch!r} 含有其他分支没有的提交。",
        ),
        Words(
            "Merge or push it first, or delete it with `force`; {commit} names its last commit.",
            "请先合并或推送，或使用 `force` 删除；其最后的提交为 {commit}。",
        ),
    ),
    "30213": Entry(
        409,
        Words(
            "The remote {remote!r} has commits on {branch!r} that are not here.",
            "远程仓库 {remote!r} 的 {branch!r} 上有本地没有的提交。",
        ),
        Words("Pull first, then push again.", "请先拉取，再推送。"),
    ),
    "30214": Entry(
        409,
        Words(
            "The branch names data, and the project has no remote for data: {named}",
            "该分支引用了数据，而项目没有数据远程存储：{named}",
        ),
        Words(
            "Set one up with `dvc remote add --default NAME ADDRESS` and push again.",
            "请用 `dvc remote add --default 名称 地址` 设置后重新推送。",
        ),
    ),
    "30215": Entry(
        409,
        Words("HEAD is on no branch.", "HEAD 不在任何分支上。"),
        Words(
            "Check out a branch, or create one here.",
            "请检出一个分支，或在此处新建分支。",
        ),
    ),
    "30216": Entry(
        409,
        Words(
            "The remote {remote!r} did not take the branch {branch!r}: {reason}",
            "远程仓库 {remote!r} 未接受分支 {branch!r}：{reason}",
        ),
        Words(
            "See what its rules ask for, or push to another branch.",
            "请查看其规则要求，或推送到其他分支。",
        ),
    ),
    "30217": Entry(
        409,
        Words(
            "The two histories have no commit in common.",
            "两段历史没有共同的提交。",
        ),
        Words(
            "See whether this is the right remote; "
            "`git merge --allow-unrelated-histories` joins them if it is.",
            "请确认远程仓库是否正确；若正确，可用 `git merge --allow-unrelated-histories` 合并。",
        ),
    ),
    "30218": Entry(
        409,
        Words(
            "git versions this already: {named}",
            "这些文件已由 git 管理：{named}",
        ),
        Words(
            "Take it out of git first with `git rm -r --cached`, commit, then add it as data.",
            "请先用 `git rm -r --cached` 将其移出 git 并提交，再添加为数据。",
        ),
    ),
    "30219": Entry(
        409,
        Words(
            "{path!r} cannot be tracked as data: {reason}", "无法将 {path!r} 作为数据跟踪：{reason}"
        ),
        Words(
            "Choose another path, or remove what stands against it.",
            "请选择其他路径，或先消除所述原因。",
        ),
    ),
    "30220": Entry(
        409,
        Words("DVC's settings cannot be read: {reason}", "无法读取 DVC 的设置：{reason}"),
        Words(
            "Correct `.dvc/config`, or restore it from a snapshot.",
            "请修正 `.dvc/config`，或从快照中恢复该文件。",
        ),
    ),
    "30221": Entry(
        400,
        Words(
            "{count} new files ({size} MB) would go into git: {named}",
            "将有 {count} 个新文件（{size} MB）存入 git：{named}",
        ),
        Words(
            "Track folders of data with `jupyter mlws data add PATH`, name what is to be left out "
            "in `.gitignore`, or commit with `--allow-many` (in the API `allow_many`).",
            "请用 `jupyter mlws data add PATH` 跟踪数据文件夹，将无需提交的内容写入 `.gitignore`，"
            "或使用 `--allow-many`（API 中为 `allow_many`）提交。",
        ),
    ),
    "30222": Entry(
        409,
        Words("git refuses `.gitmodules`: {reason}", "git 拒绝 `.gitmodules`：{reason}"),
        Words(
            "Correct or remove that line of `.gitmodules`, or restore the file from a snapshot.",
            "请修正或删除 `.gitmodules` 中的该行，或从快照中恢复该文件。",
        ),
    ),
    "30230": Entry(
        409,
        Words(
            "Code is not pushed before its data: {named} is not at the remote for data.",
            "数据先于代码推送：{named} 尚未到达数据远程存储。",
        ),
        Words(
            "Push with `jupyter mlws push`, which sends the data first, or with `dvc push`.",
            "请用 `jupyter mlws push`（先推送数据）或 `dvc push` 推送。",
        ),
    ),
    "30231": Entry(
        409,
        Words(
            "The cache {path!r} is outside this project and may hold the data of others.",
            "缓存 {path!r} 位于项目之外，可能存有其他项目的数据。",
        ),
        Words(
            "Free it with `dvc gc --projects`, naming every project that uses it.",
            "请用 `dvc gc --projects` 并列出所有使用该缓存的项目来清理。",
        ),
    ),
    "30232": Entry(
        409,
        Words(
            "A run is going on ({run}); what it makes is named by nothing yet.",
            "有运行正在进行（{run}）；其产物尚未被任何版本引用。",
        ),
        Words("Wait until it ends, or cancel it, and try again.", "请等待其结束或取消后重试。"),
    ),
    "30233": Entry(
        409,
        Words(
            "These files named data and can no longer be read as such: {named}",
            "这些文件曾引用数据，现已无法读取：{named}",
        ),
        Words(
            "Record the data again (`jupyter mlws data add`), bring the file back with "
            "`git checkout -- FILE`, or delete it if the data is to go.",
            "请重新记录数据（`jupyter mlws data add`），或用 `git checkout -- 文件` 恢复；"
            "若不再需要该数据，请删除该文件。",
        ),
    ),
    "30250": Entry(
        400,
        Words("These cells are still in conflict: {named}", "这些单元格仍有冲突：{named}"),
        Words(
            "Choose a side for each of them, or take one side for the whole notebook.",
            "请为每个单元格选择一方，或让整个笔记本采用一方。",
        ),
    ),
    "30251": Entry(
        409,
        Words(
            "{path!r} changed meanwhile; this part of it is not there any more: {reason}",
            "{path!r} 在此期间发生了变化，所选部分已不存在：{reason}",
        ),
        Words(
            "Compare the file again and choose anew; nothing was changed.",
            "请重新比较该文件后再选择；未做任何更改。",
        ),
    ),
    "30252": Entry(
        409,
        Words("No merge waits to be finished.", "没有等待完成的合并。"),
        Words(
            "Begin one; one without conflicts is finished at once.",
            "请先开始合并；没有冲突的合并会立即完成。",
        ),
    ),
    "30253": Entry(
        409,
        Words(
            "Data that DVC tracks is not staged by itself: {named}",
            "由 DVC 跟踪的数据不能单独暂存：{named}",
        ),
        Words(
            "Commit it with its path, or record it (`jupyter mlws data add`) and stage the `.dvc` "
            "file.",
            "请按其路径提交，或先记录（`jupyter mlws data add`）再暂存其 `.dvc` 文件。",
        ),
    ),
    "30254": Entry(
        403,
        Words(
            "The remote {remote!r} did not accept the credentials: {reason}",
            "远程仓库 {remote!r} 未接受凭据：{reason}",
        ),
        Words(
            "Try again with others; many hosts want a token instead of a password.",
            "请换用其他凭据重试；许多托管平台要求用令牌代替密码。",
        ),
    ),
    "30255": Entry(
        504,
        Words(
            "Nobody answered within {seconds} s: {prompt}",
            "在 {seconds} 秒内无人回答：{prompt}",
        ),
        Words(
            "Begin again and answer, or set up a credential helper or an SSH agent.",
            "请重新开始并回答，或配置凭据助手或 SSH 代理。",
        ),
    ),
    "30256": Entry(
        409,
        Words(
            "What was put aside does not fit to what is here now: {named}",
            "储藏的内容与当前内容冲突：{named}",
        ),
        Words(
            "Check out the commit that it was made on, {base}, and bring it back there.",
            "请检出其所基于的提交 {base}，并在那里恢复。",
        ),
    ),
    "30257": Entry(
        409,
        Words(
            "HEAD does not come from {commit}; there is no way back to it.",
            "HEAD 并非源自 {commit}，无法回退到该提交。",
        ),
        Words(
            "Check it out, or restore its files, instead.",
            "请改为检出该提交，或恢复其文件。",
        ),
    ),
    "30258": Entry(
        400,
        Words("There is nothing to put aside.", "没有可储藏的内容。"),
        Words(
            "Large new files and files that git ignores stay where they are.",
            "大型新文件以及被 git 忽略的文件会保留在原处。",
        ),
    ),
    "30259": Entry(
        409,
        Words("The operation {name!r} asks nothing now.", "操作 {name!r} 当前没有提问。"),
        Words(
            "It has ended, or somebody else has answered; look at its state.",
            "它已结束或已有人回答；请查看其状态。",
        ),
    ),
    "30270": Entry(
        403,
        Words(
            "The remote {remote!r} refuses the credentials: {reason}",
            "远程存储 {remote!r} 拒绝了凭据：{reason}",
        ),
        Words(
            "Set them with `PUT /datasets/remotes/NAME` or `mlws data remote set`, or in the "
            "environment; nothing was changed.",
            "请用 `PUT /datasets/remotes/NAME` 或 `mlws data remote set` 设置凭据，或在环境变量中"
            "设置；未做任何更改。",
        ),
    ),
    "30271": Entry(
        409,
        Words(
            "The run {run!r} names no commit that is still here: {commit}",
            "运行 {run!r} 未指明仍存在的提交：{commit}",
        ),
        Words(
            "Fetch it if another repository has it. Of runs with uncommitted changes the newest "
            "200 are kept; make a snapshot of those that matter.",
            "若其他仓库有该提交，请先获取。带有未提交更改的运行仅保留最新的 200 个；"
            "重要的请创建快照。",
        ),
    ),
    "30272": Entry(
        409,
        Words(
            "The run {run!r} is reproduced already, at {path!r}.",
            "运行 {run!r} 已在 {path!r} 重现。",
        ),
        Words(
            "Use that one, or remove it with `mlws reproduce --remove` and ask again.",
            "请直接使用，或先用 `mlws reproduce --remove` 移除后重试。",
        ),
    ),
    "30401": Entry(
        409,
        Words(
            "The stored data of {path!r} does not match its hash {md5}.",
            "{path!r} 的存储数据与其哈希 {md5} 不符。",
        ),
        Words(
            "Fetch it anew from the remote, or add the data again.",
            "请从远程存储重新获取，或重新添加该数据。",
        ),
    ),
    "30402": Entry(
        404,
        Words(
            "This version names data that no store has: {paths}",
            "该版本引用的数据已不在任何存储中：{paths}",
        ),
        Words(
            "Make the remote that holds it available, or restore other paths.",
            "请使存有该数据的远程存储可用，或只恢复其他路径。",
        ),
    ),
    "30404": Entry(
        404,
        Words("There is no {kind} {name!r}.", "找不到{kind} {name!r}。"),
        Words(
            "List what there is and use an id from that list.",
            "请先列出现有项，再使用其中的 id。",
        ),
    ),
    "40101": Entry(
        500,
        Words(
            "The node {node!r} failed with exit code {exit_code}.",
            "节点 {node!r} 失败，退出码 {exit_code}。",
        ),
        Words(
            "Read its log, correct the cause and run again; what is done is not run twice.",
            "请查看其日志并修正原因后重新运行；已完成的部分不会重复运行。",
        ),
    ),
    "40102": Entry(
        409,
        Words(
            "The node {node!r} wants {required} of {resource}; there is {available} at all.",
            "节点 {node!r} 需要 {resource} {required}，而总共只有 {available}。",
        ),
        Words(
            "Ask for less in the node's settings, or run it where there is more.",
            "请在节点设置中减少需求，或在资源更多的地方运行。",
        ),
    ),
    "40103": Entry(
        409,
        Words(
            "The node {node!r} went over its limit of {limit} ({resource}) and was stopped.",
            "节点 {node!r} 超出其 {limit} 的限制（{resource}），已被停止。",
        ),
        Words(
            "Raise the limit in the node's settings, or make it need less.",
            "请在节点设置中提高限制，或减少其需求。",
        ),
    ),
    "40104": Entry(
        500,
        Words("The run could not go on: {reason}", "运行无法继续：{reason}"),
        Words(
            "Correct the cause and run again; what is done is not run twice.",
            "请修正原因后重新运行；已完成的部分不会重复运行。",
        ),
    ),
    "40105": Entry(
        500,
        Words(
            "The process of this run is gone; it was interrupted.",
            "该运行的进程已消失，运行被中断。",
        ),
        Words(
            "Run again; what is done is not run twice.",
            "请重新运行；已完成的部分不会重复运行。",
        ),
    ),
    "40106": Entry(
        503,
        Words(
            "No Dask scheduler answers at {address}: {reason}",
            "{address} 处没有 Dask 调度器应答：{reason}",
        ),
        Words(
            "Correct the address or start the scheduler, then run again; or give --executor local.",
            "请更正地址或启动调度器后重新运行，或使用 --executor local。",
        ),
    ),
    "40107": Entry(
        503,
        Words(
            "The Dask scheduler at {address} is gone: {reason}",
            "{address} 处的 Dask 调度器已断开：{reason}",
        ),
        Words(
            "Resume the run when it is back; what is done is not run twice.",
            "待其恢复后继续该运行；已完成的部分不会重复运行。",
        ),
    ),
    "40108": Entry(
        409,
        Words(
            "Runs on Dask need the package distributed, which is not installed here.",
            "在 Dask 上运行需要 distributed 包，此处未安装。",
        ),
        Words(
            "Install it: pip install 'jupyter-mlws[dask]'.",
            "请安装：pip install 'jupyter-mlws[dask]'。",
        ),
    ),
    "40109": Entry(
        409,
        Words(
            "The worker {worker} differs from this machine: {differences}",
            "工作进程 {worker} 与本机不一致：{differences}",
        ),
        Words(
            "Install the same jupyter-mlws, distributed and Python on the cluster as here.",
            "请在集群上安装与本机相同的 jupyter-mlws、distributed 和 Python。",
        ),
    ),
    "40110": Entry(
        503,
        Words(
            "The Dask cluster at {address} has no workers.",
            "{address} 处的 Dask 集群没有工作进程。",
        ),
        Words("Start workers and run again.", "请启动工作进程后重新运行。"),
    ),
    "40111": Entry(
        409,
        Words(
            "The workers do not see the project's folder, and there is no DVC remote for its data.",
            "工作进程无法访问项目文件夹，且没有可传送数据的 DVC 远程存储。",
        ),
        Words(
            "Share the folder with the workers, or set a default DVC remote that both reach.",
            "请与工作进程共享该文件夹，或设置双方均可访问的默认 DVC 远程存储。",
        ),
    ),
    "40201": Entry(
        400,
        Words(
            "The workflow {workflow!r} has faults: {count}.",
            "工作流 {workflow!r} 存在 {count} 个问题。",
        ),
        Words("Correct the nodes that are named.", "请修正所列节点。"),
    ),
    "40202": Entry(
        400,
        Words("A connection is not valid.", "连接无效。"),
        Words("Connect ports whose types fit.", "请连接类型匹配的端口。"),
    ),
    "40203": Entry(
        400,
        Words(
            "The workflow {workflow!r} has a cycle: {cycle}.",
            "工作流 {workflow!r} 存在循环：{cycle}。",
        ),
        Words("Remove one connection of the cycle.", "请删除循环中的一条连接。"),
    ),
    "40204": Entry(
        400,
        Words("A parameter of the run is not valid.", "运行参数无效。"),
        Words(
            "Give parameters as node.key=value, with a node and a setting that exist.",
            "请以 node.key=value 的形式给出参数，节点与配置项须存在。",
        ),
    ),
    "40205": Entry(
        400,
        Words(
            "{path!r} cannot be read as a workflow: {reason}",
            "无法将 {path!r} 读取为工作流：{reason}",
        ),
        Words(
            "Open the file as text and correct the line that is named.",
            "请以文本方式打开该文件并修正所指的行。",
        ),
    ),
    "40206": Entry(
        422,
        Words("This is no {kind} that can be shown: {reason}", "无法作为 {kind} 预览：{reason}"),
        Words(
            "Look at the node's log; run it again if its output was damaged.",
            "请查看该节点的日志；若输出已损坏，请重新运行。",
        ),
    ),
    "40207": Entry(
        409,
        Words(
            "The workflow {workflow!r} is running: {run}.", "工作流 {workflow!r} 正在运行：{run}。"
        ),
        Words("Wait until it ends, or cancel it.", "请等待其结束，或先取消运行。"),
    ),
    "40208": Entry(
        400,
        Words(
            "No variant of {sweep!r} has the metric {metric!r}; there are: {known}.",
            "{sweep!r} 的任何变体都没有指标 {metric!r}；现有指标：{known}。",
        ),
        Words("Use one of these, or run the workflow first.", "请使用其中之一，或先运行工作流。"),
    ),
    "40209": Entry(
        409,
        Words(
            "The sweep {sweep!r} cannot become a plain stage: {reason}",
            "参数扫描 {sweep!r} 无法变为普通阶段：{reason}",
        ),
        Words(
            "Run the workflow so that its variants have metrics, name a variant, or edit the file "
            "as text.",
            "请运行工作流以获得变体的指标，或指定变体，或以文本方式编辑该文件。",
        ),
    ),
    "40210": Entry(
        400,
        Words("The executor {executor!r} is not known.", "未知的执行器 {executor!r}。"),
        Words(
            "Give local, or the address of a Dask scheduler: dask://HOST:PORT.",
            "请使用 local，或 Dask 调度器的地址：dask://HOST:PORT。",
        ),
    ),
    "40211": Entry(
        400,
        Words("{path!r} cannot be imported: {reason}", "无法导入 {path!r}：{reason}"),
        Words(
            "Correct what is named, in the tool that the file is from; nothing was written.",
            "请在生成该文件的工具中修正所指之处；未写入任何内容。",
        ),
    ),
    "40401": Entry(
        404,
        Words("There is no {kind} {name!r}.", "找不到{kind} {name!r}。"),
        Words(
            "List what there is and use an id from that list.",
            "请先列出现有项，再使用其中的 id。",
        ),
    ),
    "40402": Entry(
        412,
        Words(
            "{path!r} has changed since it was read.",
            "{path!r} 自读取后已被修改。",
        ),
        Words(
            "Get it again, make your change there, and send its new ETag as If-Match.",
            "请重新获取，在新版本上修改，并以其新的 ETag 作为 If-Match 发送。",
        ),
    ),
    "50101": Entry(
        500,
        Words(
            "The server failed to do this; the log has the cause under {id}.",
            "服务器内部错误；日志中以 {id} 记录了原因。",
        ),
        Words(
            "Try again; if it happens again, send the log lines with this id to the maintainers.",
            "请重试；若再次出现，请将日志中带有该编号的内容发送给维护者。",
        ),
    ),
    "50102": Entry(
        503,
        Words(
            "The server at {url} did not answer as it should: {reason}",
            "位于 {url} 的服务器未正常响应：{reason}",
        ),
        Words(
            "See whether it still runs; without one, the same command works on the files.",
            "请检查它是否仍在运行；没有服务器时，同一命令会直接操作文件。",
        ),
    ),
    "50201": Entry(
        400,
        Words("The request is not valid.", "请求无效。"),
        Words(
            "Correct the fields that are named and send it again.",
            "请修正所列字段后重新发送。",
        ),
    ),
    "50202": Entry(
        405,
        Words("{method} is not possible here.", "此处不支持 {method}。"),
        Words("See openapi.json for what is.", "可用的方法见 openapi.json。"),
    ),
    "50203": Entry(
        409,
        Words("{name!r} exists already.", "{name!r} 已存在。"),
        Words("Choose another name.", "请换一个名称。"),
    ),
    "50301": Entry(
        403,
        Words(
            "Not allowed, or not signed in.",
            "没有权限，或尚未登录。",
        ),
        Words(
            "Sign in, or ask the administrator for the right to {action} {resource}.",
            "请先登录，或向管理员申请对 {resource} 的 {action} 权限。",
        ),
    ),
    "50302": Entry(
        403,
        Words("{path!r} is outside the workspace.", "{path!r} 位于工作区之外。"),
        Words(
            "Give a path inside the project's folder.",
            "请使用项目文件夹内的路径。",
        ),
    ),
    "50303": Entry(
        403,
        Words(
            "The project {name!r} is not trusted, so none of its code runs.",
            "尚未信任项目 {name!r}，因此不会运行其中的代码。",
        ),
        Words(
            "If you trust its authors: choose Trust in the sidebar, or run `jupyter mlws trust`.",
            "如果信任其作者：在侧边栏中选择“信任”，或运行 `jupyter mlws trust`。",
        ),
    ),
    "50401": Entry(
        404,
        Words("There is no such endpoint.", "没有这个接口。"),
        Words("See openapi.json for those there are.", "可用接口见 openapi.json。"),
    ),
    "50402": Entry(
        404,
        Words("There is no project {name!r}.", "找不到项目 {name!r}。"),
        Words(
            "Create a project, or open the example; projects are git repositories.",
            "请新建项目或打开示例；项目即 git 仓库。",
        ),
    ),
    "50403": Entry(
        404,
        Words("There is no operation {name!r}.", "找不到操作 {name!r}。"),
        Words(
            "Operations are kept for a while after they end, until the server stops.",
            "操作结束后会保留一段时间，服务器停止后清除。",
        ),
    ),
}


def as_markdown() -> str:
    """The catalogue as the table of ``docs/errors.md``: ``python -m jupyter_mlws.errors``."""
    lines = [
        "# Error codes",
        "",
        "AABCC: AA is the part (10 containers, 20 notebooks, 30 versioning, 40 workflows,",
        "50 the server itself), B the kind (1 system, 2 business, 3 permission, 4 data).",
        "This page is made from the catalogue: `python -m jupyter_mlws.errors > docs/errors.md`.",
        "",
        "| code | status | message | what to do | 中文 |",
        "|---|---|---|---|---|",
    ]
    for code, entry in sorted(CATALOGUE.items()):
        cells = (entry.message.en, entry.solution.en, f"{entry.message.zh}{entry.solution.zh}")
        texts = " | ".join(cell.replace("|", "\\|") for cell in cells)
        lines.append(f"| {code} | {entry.status} | {texts} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201  this is the command's output
