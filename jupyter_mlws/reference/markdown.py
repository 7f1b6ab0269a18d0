"""Markdown of the reference: escapes, tables, and headings in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from jupyter_mlws.core.i18n import CHINESE, ENGLISH, Message

CODE = re.compile(r"(`+)(.+?)\1")
SPECIAL = re.compile(r"([\\*_\[\]<>{}|~$#])")
HEADINGS = {
    "A WebSocket": "WebSocket",
    "Arguments": "参数",
    "Body": "请求体",
    "Command": "命令",
    "Commands": "命令",
    "Commands of the lab": "实验室命令",
    "Components": "组件",
    "Default": "默认值",
    "Description": "说明",
    "Details": "详细信息字段",
    "Errors": "错误",
    "Field": "字段",
    "HTTP status": "HTTP 状态码",
    "Inputs": "输入",
    "Keys": "快捷键",
    "Magics of a cell": "单元格魔法命令",
    "Message": "消息",
    "Name": "名称",
    "Option": "选项",
    "Outputs": "输出",
    "Parameter": "参数",
    "Port": "端口",
    "Programs that nodes start": "节点启动的程序",
    "Reply": "响应",
    "Setting": "设置",
    "Settings": "设置",
    "Solution": "解决办法",
    "Summary": "概要",
    "Type": "类型",
    "Values": "取值",
    "Where": "位置",
    "any": "任意",
    "list": "列表",
    "none": "无",
    "optional": "可选",
    "required": "必填",
    "several": "可多个",
    "Containers": "容器",
    "Notebooks": "笔记本",
    "Versions": "版本",
    "Workflows": "工作流",
    "The server": "服务器",
    "Hidden": "隐藏",
    "on the canvas": "画布",
    "in the commit box": "提交框",
    "on a row of Changes": "“更改”中的一行",
    "in a notebook": "笔记本",
    "in the tab of a workflow": "工作流标签页",
}
"""Headings of generated pages in Chinese."""


def product_language(language: str) -> str:
    """Return the product's code of one of Sphinx's languages."""
    return CHINESE if language.startswith("zh") else ENGLISH


def heading(text: str, language: str) -> str:
    """Return a heading of a generated page in ``language``."""
    return HEADINGS[text] if product_language(language) == CHINESE else text


def translate(text: str, language: str) -> str:
    """Return a text of the product in ``language``, from the product's catalogues."""
    return Message(text).in_(product_language(language))


def escape(text: str) -> str:
    """Return a text as Markdown that shows it: only its code in backticks keeps its meaning."""
    text = re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split()))
    parts = []
    end = 0
    for match in CODE.finditer(text):
        parts += [SPECIAL.sub(r"\\\1", text[end : match.start()]), code(match[2])]
        end = match.end()
    return "".join([*parts, SPECIAL.sub(r"\\\1", text[end:])])


def code(text: object) -> str:
    """Return a text as code, also within a table."""
    return f"`{text}`".replace("|", "\\|") if str(text) else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without its empty columns; an empty text without rows."""
    rows = list(rows)
    full = [index for index in range(len(columns)) if any(row[index] for row in rows)]
    if not full:
        return ""
    lines = [" | ".join(row[index] for index in full) for row in rows]
    head = [" | ".join(columns[index] for index in full), "|".join("---" for _ in full)]
    return "\n".join(f"| {line} |" for line in [*head, *lines]) + "\n"


def join(parts: Iterable[str]) -> str:
    """Return the parts that are not empty as paragraphs."""
    return "\n\n".join(part for part in parts if part) + "\n"
