"""Rewrites a YAML text so that it holds other data; unchanged values keep every byte.

Dumping parsed YAML loses comments, quotes and order. This module compares the data with that of
the text, and prints only what differs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from mlws.core.errors import WorkflowUnreadableError
from mlws.core.i18n import Message
from mlws.document.parse import Document, parse
from mlws.document.printing import INDENT_WIDTH, block, flow, is_plain, item

ALIAS = re.compile(r"\*[^\s,\[\]{}]+")
WORD = re.compile(r"(\s*)(\S+)")
COMMENT = re.compile(r"([ \t]+)#[^\n]*(?:\n|$)")
DEPTHS = {0: 3, 1: 2, 2: 1}
"""Depth to which a new value nests as blocks, by its level: stages do, settings do not."""

Data = Any
Node = Any


class RewriteError(Exception):
    """The text is written in a way (anchors, merges) that does not allow this change."""


@dataclass(frozen=True)
class Splice:
    """``text[start:end]`` becomes ``insert``."""

    start: int
    end: int
    insert: str


def rewrite(document: Document, target: Mapping[str, Data]) -> str:
    """Return the text of a document, changed so that it holds ``target``.

    :class:`RewriteError` if the text does not allow the change.
    """
    text, current = document.text, document.data
    if are_equal(current, target):
        return text
    if not _share_keys(current, target):
        # Only comments before and after the data are kept.
        root = _compose(text) if text.strip() else None
        eol = _eol(text)
        if root is not None:
            text = text[: root.start_mark.index] + text[root.end_mark.index :].lstrip()
        if text and not text.endswith("\n"):
            text += eol
        lines = (line for key, value in target.items() for line in block(key, value, DEPTHS[0]))
        return text + "".join(f"{line}{eol}" for line in lines)
    new_text = _Rewriter(text).run(current, target)
    try:
        is_equal = are_equal(parse(document.path, new_text).data, target)
    except WorkflowUnreadableError as error:
        # The change broke the text: an anchor is gone, for example.
        raise RewriteError(error.reason) from error
    if not is_equal:
        raise RewriteError(Message("the value is shared with another place in the file"))
    return new_text


def are_equal(one: Data, other: Data) -> bool:
    """Return whether two values are equal, also in their types (1 is not true)."""
    return _canonical(one) == _canonical(other)


def _canonical(value: Data) -> str:
    return json.dumps(_stringify_keys(value), sort_keys=True, default=repr)


def _stringify_keys(value: Data) -> Data:
    if isinstance(value, Mapping):
        return {str(key): _stringify_keys(part) for key, part in value.items()}
    return [_stringify_keys(part) for part in value] if isinstance(value, list) else value


def _eol(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _compose(text: str) -> Node:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).compose(text)


class _Rewriter:
    def __init__(self, text: str) -> None:
        self._text = text
        self._eol = _eol(text)
        self._splices: list[Splice] = []
        self._root = _compose(text)
        stages = [value for key, value in self._root.value if key.value == "stages"]
        inside = [value for node in stages if node.id == "mapping" for _, value in node.value]
        list_steps = (
            value.start_mark.column - key.start_mark.column
            for node in (*inside, self._root)
            if node.id == "mapping"
            for key, value in node.value
            if value.id == "sequence" and not value.flow_style and value.value
        )
        self._list_step = max(0, next(list_steps, INDENT_WIDTH))
        """Columns by which the file indents lists below their key."""
        steps = (
            value.start_mark.column
            for _, value in self._root.value
            if value.id == "mapping" and not value.flow_style and value.value
        )
        self._step = next(steps, INDENT_WIDTH)
        """Columns by which the file indents mappings."""

    def run(self, current: Data, target: Mapping[str, Data]) -> str:
        self._mapping(self._root, current, target, 0)
        result, end = "", 0
        for splice in sorted(self._splices, key=lambda s: (s.start, s.end)):
            result += self._text[end : splice.start] + splice.insert
            end = max(end, splice.end)
        return result + self._text[end:]

    def _entry_ends(self, mapping: Node) -> list[int]:
        return [max(key.end_mark.index, self._value(key, value)[1]) for key, value in mapping.value]

    def _value(self, key: Node, value: Node) -> tuple[int, int]:
        """Return start and end of a mapping's value; of an alias, those of the alias itself."""
        if value.start_mark.index < key.end_mark.index:
            return self._alias(key.end_mark.index)
        start, end = value.start_mark.index, self._end(value)
        # The parser places an empty value at the next token; it belongs behind the colon.
        return (start, end) if start < end else (self._colon(key),) * 2

    def _items(self, sequence: Node) -> list[tuple[int, int]]:
        places = []
        end = sequence.start_mark.index
        for node in sequence.value:
            if node.start_mark.index < end:
                place = self._alias(end)
            else:
                place = node.start_mark.index, self._end(node)
            places.append(place)
            end = place[1]
        return places

    def _alias(self, after: int) -> tuple[int, int]:
        match = ALIAS.search(self._text, after)
        if match is None:
            raise RewriteError(Message("an alias was not found where it was expected"))
        return match.span()

    def _end(self, node: Node) -> int:
        """Return the end of a value, without the comments and space after it."""
        if node.id in ("mapping", "sequence") and not node.flow_style and node.value:
            return self._entry_ends(node)[-1] if node.id == "mapping" else self._items(node)[-1][1]
        start: int = node.start_mark.index
        end: int = node.end_mark.index
        return start + len(self._text[start:end].rstrip())

    def _line_start(self, place: int) -> int:
        return self._text.rfind("\n", 0, place) + 1

    def _line_end(self, place: int) -> int:
        """Return the offset after the line break."""
        index = self._text.find("\n", place)
        return len(self._text) if index < 0 else index + 1

    def _colon(self, key: Node) -> int:
        return self._text.index(":", key.end_mark.index) + 1

    def _add_splice(self, start: int, end: int, insert: str) -> None:
        self._splices.append(Splice(start, end, insert))

    def _mapping(self, node: Node, current: Mapping[Any, Data], target: Data, level: int) -> None:
        if are_equal(current, target):
            return
        if node.id != "mapping" or not node.value:
            raise RewriteError(Message("a mapping was expected here"))
        values = {str(key): value for key, value in target.items()}
        before = {str(key): value for key, value in current.items()}
        removals = [n for n, (key, _) in enumerate(node.value) if key.value not in values]
        for n, (key, value) in enumerate(node.value):
            if n not in removals and key.value != "<<":
                self._pair(node, key, value, before.get(key.value), values[key.value], level)
        self._remove_entries(node, removals)
        there = {key.value for key, _ in node.value}
        # A merged value exists already, unless it changes.
        news = {
            key: value
            for key, value in values.items()
            if key not in there and not (key in before and are_equal(before[key], value))
        }
        if news:
            self._add_entries(node, news, list(values), removals, level)

    def _pair(
        self, mapping: Node, key: Node, value: Node, current: Data, target: Data, level: int
    ) -> None:
        if are_equal(current, target):
            return
        alias = value.start_mark.index < key.end_mark.index
        if not alias and value.id == "mapping" and _share_keys(current, target):
            self._mapping(value, current, target, level + 1)
            return
        are_lists = all(isinstance(part, list) and part for part in (current, target))
        if not alias and value.id == "sequence" and are_lists:
            self._sequence(value, current, target, level + 1)
            return
        are_texts = isinstance(current, str) and isinstance(target, str)
        if not alias and are_texts and self._words(value, current, target, mapping.flow_style):
            return
        may_nest = current in (None, {}, []) or not (alias or _is_inline(value))
        lines = self._lines(key.value, target, level) if may_nest else []
        colon, (start, end) = self._colon(key), self._value(key, value)
        style = getattr(value, "style", None)
        inside = bool(mapping.flow_style)
        if len(lines) > 1 and not inside:
            # The value becomes lines below its key; a comment behind the key stays there.
            indent = " " * key.start_mark.column
            self._add_splice(colon, max(colon, end), "")
            self._insert_lines(
                self._line_end(max(colon, end)), [indent + line for line in lines[1:]]
            )
        elif start < end and "\n" not in self._text[colon:start] and _is_inline(value):
            quote = style if isinstance(target, str) and style in ("'", '"') else None
            self._add_splice(start, end, flow(target, inside or not isinstance(target, str), quote))
        else:
            text = flow(target, inside or not isinstance(target, str))
            self._add_splice(colon, max(colon, end), f" {text}")

    def _words(self, node: Node, current: str, target: str, inside: bool) -> bool:
        """Write only the words that differ, so that a command over several lines keeps these.

        False if the words are not written as they are, or cannot stand there.
        """
        is_block = node.style in ("|", ">")
        if node.style in ("'", '"') or not (is_block or _stays_plain(current, target, inside)):
            return False
        start, end = node.start_mark.index, self._end(node)
        first = self._line_end(start) if is_block else start
        places = [*WORD.finditer(self._text, first, end)]
        old, new = [*WORD.finditer(current)], [*WORD.finditer(target)]
        if (
            not (old and new)
            or [word[2] for word in places] != [word[2] for word in old]
            or old[0][1] != new[0][1]
            or current[old[-1].end() :] != target[new[-1].end() :]
        ):
            return False
        indent = places[0][1] if is_block else ""
        splices = []
        matcher = SequenceMatcher(None, [w[0] for w in old], [w[0] for w in new], autojunk=False)
        for kind, a, b, c, d in matcher.get_opcodes():
            if kind == "equal":
                continue
            # The space in front is another, or goes along with the words that go.
            keeps_space = b > a and d > c and old[a][1] == new[c][1]
            head = places[a].start(2) if keeps_space else places[a - 1].end()
            words = target[new[c].start(2) if keeps_space else new[c - 1].end() : new[d - 1].end()]
            if node.style != "|" and "\n" in words:
                return False
            words = words.replace("\n", self._eol + indent)
            splices.append(Splice(head, places[b - 1].end(), words))
        self._splices += splices
        return True

    def _lines(self, key: str, value: Data, level: int) -> list[str]:
        return block(key, value, DEPTHS.get(level, 0), self._list_step, self._step)

    def _add_entries(
        self,
        mapping: Node,
        news: Mapping[str, Data],
        order: Sequence[str],
        removals: Sequence[int],
        level: int,
    ) -> None:
        """Insert each new entry after the one that precedes it in ``order``."""
        ends = self._entry_ends(mapping)
        places = {key.value: n for n, (key, _) in enumerate(mapping.value) if n not in removals}
        if mapping.flow_style:
            end = ends[max(places.values())]
            entries = (f", {flow(key)}: {flow(value)}" for key, value in news.items())
            self._add_splice(end, end, "".join(entries))
            return
        first = mapping.value[0][0].start_mark
        indent = " " * first.column
        groups: dict[int | None, list[str]] = {}
        behind: int | None = None
        for key in order:
            if key in places:
                behind = places[key]
            elif key in news:
                lines = self._lines(key, news[key], level)
                groups.setdefault(behind, []).extend(indent + line for line in lines)
        for place, lines in groups.items():
            if place is None and self._text[self._line_start(first.index) : first.index].strip():
                raise RewriteError(Message("the first entry does not start on its own line"))
            at = (
                self._line_start(first.index)
                if place is None
                else self._end_with_comments(ends[place], first.column)
            )
            self._insert_lines(at, lines)

    def _end_with_comments(self, end: int, column: int) -> int:
        """Return the offset after an entry's last line and the comments that belong to it."""
        place = self._line_end(end)
        while (match := COMMENT.match(self._text, place)) and len(match[1]) >= max(1, column):
            place = match.end()
        return place

    def _insert_lines(self, place: int, lines: Sequence[str]) -> None:
        text = "".join(line + self._eol for line in lines)
        if place == len(self._text) and self._text and not self._text.endswith("\n"):
            text = self._eol + text.removesuffix(self._eol)
        self._add_splice(place, place, text)

    def _sequence(self, node: Node, current: list[Data], target: list[Data], level: int) -> None:
        places = self._items(node)
        if node.flow_style and len(current) != len(target):
            self._add_splice(node.start_mark.index, node.end_mark.index, flow(target))
            return
        if node.flow_style:
            for n in range(len(current)):
                self._item(node, n, current[n], target[n], level)
            return
        matcher = SequenceMatcher(
            None,
            [_match_key(part) for part in current],
            [_match_key(part) for part in target],
            autojunk=False,
        )
        removals: list[int] = []
        news: dict[int, list[Data]] = {}
        for kind, start, end, new_start, new_end in matcher.get_opcodes():
            if kind == "equal":
                pairs = zip(range(start, end), range(new_start, new_end), strict=True)
                for old, new in pairs:
                    self._item(node, old, current[old], target[new], level)
                continue
            # Removed and inserted again: a comment beside the old item does not fit the new one.
            removals += range(start, end)
            if new_start < new_end:
                news[start - 1] = target[new_start:new_end]
        for n in removals:
            self._remove_lines(self._dash(places[n][0]), places[n][1])
        column = node.start_mark.column
        for behind, parts in news.items():
            at = (
                self._line_start(self._dash(places[0][0]))
                if behind < 0
                else self._end_with_comments(places[behind][1], column)
            )
            self._insert_lines(at, [f"{' ' * column}- {item(part)}" for part in parts])

    def _item(self, sequence: Node, n: int, current: Data, target: Data, level: int) -> None:
        if are_equal(current, target):
            return
        node, (start, end) = sequence.value[n], self._items(sequence)[n]
        alias = node.start_mark.index != start
        if not alias and node.id == "mapping" and _share_keys(current, target):
            self._mapping(node, current, target, level + 1)
        elif _is_inline(node) or alias:
            text = isinstance(target, str)
            style = getattr(node, "style", None)
            quote = style if text and not alias and style in ("'", '"') else None
            self._add_splice(start, end, flow(target, bool(sequence.flow_style) or not text, quote))
        else:
            self._add_splice(start, end, item(target))

    def _remove_lines(self, start: int, end: int) -> None:
        start, end = self._line_start(start), self._line_end(end)
        if end == len(self._text) and not self._text.endswith("\n"):
            # The new last line has no line end either.
            start -= len(self._eol)
        self._add_splice(max(0, start), end, "")

    def _dash(self, place: int) -> int:
        dash = self._text.rfind("-", 0, place)
        if dash < 0 or self._text[self._line_start(dash) : dash].strip():
            raise RewriteError(Message("an item does not start on its own line"))
        return dash

    def _remove_entries(self, mapping: Node, removals: Sequence[int]) -> None:
        starts = [key.start_mark.index for key, _ in mapping.value]
        ends = self._entry_ends(mapping)
        last_kept = max(set(range(len(starts))).difference(removals), default=-1)
        for n in removals:
            head = self._line_start(starts[n])
            if mapping.flow_style and n > last_kept:
                self._add_splice(ends[n - 1], ends[n], "")
            elif not mapping.flow_style and not self._text[head : starts[n]].strip():
                self._remove_lines(head, ends[n])
            elif n + 1 < len(starts):
                # In `- a: 1` with more keys below, the next key takes this place.
                self._add_splice(starts[n], starts[n + 1], "")
            else:
                raise RewriteError(Message("the entry does not start on its own line"))


def _share_keys(one: Data, other: Data) -> bool:
    """Return whether both values are mappings with a key in common."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return False
    return not {str(key) for key in one}.isdisjoint(str(key) for key in other)


def _is_inline(node: Node) -> bool:
    """Return whether a value is on the line of its key: not a block of any kind."""
    if node.id == "scalar":
        return node.style not in ("|", ">")
    return bool(node.flow_style)


def _stays_plain(before: str, after: str, inside: bool) -> bool:
    """Return whether a text without quotes can be another one without quotes."""
    # Single words may be of another type: numbers, dates, null.
    if inside or before[:3] != after[:3] or not re.search(r"\D\s", after):
        return is_plain(after, inside)
    return not re.search(r":(\s|$)|\s#", after)


def _match_key(part: Data) -> str:
    """Return a text that is equal for two list items if one is a changed form of the other."""
    if isinstance(part, Mapping) and part:
        return f"key {next(iter(part))}"
    return _canonical(part)
