"""Translation of the Hub's pages, JupyterHub's own included.

Templates are in English. When one is compiled, each text and translatable attribute outside of
scripts becomes a call that looks it up in the catalogue, in the language of the request. So
JupyterHub's templates need no copies.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from http.client import responses
from typing import Any

from jinja2 import Environment, pass_context
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from jinja2.runtime import Context
from markupsafe import Markup

from mlws.core.i18n import ENGLISH, Message, preferred_language

ATTRIBUTES = re.compile(
    r"""(?<![\w-])(title|placeholder|aria-label|alt|data-confirm|value)=(["'])([^"'<>{}]*?)\2"""
)
SUBMIT = re.compile(r"""type=["']submit["']""")
SCRIPT_TEXT = re.compile(r"""(?<=\.text\()'([^'\\<>]*)'(?=\))""")
"""Texts that scripts of JupyterHub's templates show."""
TAG = re.compile(r"<!.*?>|<(/?[a-zA-Z][\w-]*)", re.DOTALL)
RAW_TAGS = ("script", "style")
CALL = re.compile(r"""translate_text\("([^"\\]+)"\)""")
STATUS_NAMES = (
    Message("Bad Request"),
    Message("Forbidden"),
    Message("Not Found"),
    Message("Method Not Allowed"),
    Message("Too Many Requests"),
    Message("Internal Server Error"),
    Message("Service Unavailable"),
)
"""Titles of JupyterHub's pages of errors, which error.html translates."""


class TemplateScanner:
    """Finds the texts of a template, whose tags may continue after an expression."""

    def __init__(self, text: Callable[[str], Any]) -> None:
        self._text = text
        self._tag = ""
        """Tag whose end has not been read."""
        self._raw = ""
        """Element whose content is not text."""

    def scan(self, data: str) -> Iterator[Any]:
        """Yield literal parts of the data, and the results of ``text`` for the others."""
        position = 0
        while position < len(data):
            if self._tag:
                end = data.find(">", position)
                stop = len(data) if end < 0 else end + 1
                yield from self._attributes(data[position:stop])
                if end >= 0:
                    self._raw = self._tag if self._tag in RAW_TAGS else ""
                    self._tag = ""
                position = stop
                continue
            if self._raw:
                end = data.find(f"</{self._raw}", position)
                stop = len(data) if end < 0 else end
                yield from self._script(data[position:stop])
                if end >= 0:
                    self._raw = ""
                position = stop
                if end < 0:
                    continue
            match = TAG.search(data, position)
            stop = match.start() if match else len(data)
            yield from self._plain(data[position:stop])
            position = stop
            if match and match[1] is None:
                yield match[0]
                position = match.end()
            elif match:
                self._tag = match[1].lower()

    def _plain(self, data: str) -> Iterator[Any]:
        text = data.strip()
        if not any(map(str.isalpha, html.unescape(text))):
            yield data
            return
        start = data.index(text)
        yield data[:start]
        yield self._text(text)
        yield data[start + len(text) :]

    def _attributes(self, data: str) -> Iterator[Any]:
        position = 0
        for match in ATTRIBUTES.finditer(data):
            is_text = any(map(str.isalpha, match[3]))
            if is_text and (match[1] != "value" or SUBMIT.search(data)):
                yield data[position : match.start(3)]
                yield self._text(match[3])
                position = match.end(3)
        yield data[position:]

    def _script(self, data: str) -> Iterator[Any]:
        position = 0
        for match in SCRIPT_TEXT.finditer(data):
            yield data[position : match.start(1)]
            yield self._text(match[1])
            position = match.end(1)
        yield data[position:]


@pass_context
def translate_text(context: Context, text: str) -> Markup:
    """Return a text of a template in the language of the request."""
    language = page_language(context)
    if language == ENGLISH:
        return Markup(text)  # noqa: S704  from a template
    message = " ".join(html.unescape(text).split())
    translation = Message(message).in_(language)
    return Markup(text) if translation == message else Markup(html.escape(translation))  # noqa: S704


@pass_context
def status_name(context: Context, status: int, message: str | None) -> str:
    """Return the title of a page of an error, which may hold what the user sent: not as HTML."""
    name = message or responses.get(status, "")
    return Message(name).in_(page_language(context))


@pass_context
def page_language(context: Context) -> str:
    """Return the language of the request that a template answers."""
    # The Hub gives its templates no request, but this method of the request's handler.
    handler = getattr(context.get("static_url"), "__self__", None)
    header = "" if handler is None else handler.request.headers.get("Accept-Language", "")
    return preferred_language(header)


class TemplateTranslation(Extension):
    """Jinja extension that makes the texts of all templates translatable."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals["translate_text"] = translate_text
        environment.globals["page_language"] = page_language
        environment.globals["status_name"] = status_name

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        line = 0

        def call(text: str) -> list[Token]:
            return [
                Token(line, "variable_begin", "{{"),
                Token(line, "name", "translate_text"),
                Token(line, "lparen", "("),
                Token(line, "string", text),
                Token(line, "rparen", ")"),
                Token(line, "variable_end", "}}"),
            ]

        scanner = TemplateScanner(call)
        for token in stream:
            if token.type != "data":
                yield token
                continue
            line = token.lineno
            for part in scanner.scan(token.value):
                if isinstance(part, str):
                    yield Token(line, "data", part)
                else:
                    yield from part


def template_texts(source: str) -> list[str]:
    """Return the texts of a template, as they are in the catalogue."""
    environment = Environment(autoescape=True)
    texts: list[str] = []

    def note(text: str) -> str:
        texts.append(" ".join(html.unescape(text).split()))
        return text

    scanner = TemplateScanner(note)
    for _, kind, value in environment.lex(source):
        if kind == "data":
            for _ in scanner.scan(value):
                pass
    return [*texts, *CALL.findall(source)]
