"""What is said of an input that does not validate: a sentence a field, in each language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from jupyter_mlws.errors import Fault, MLWSError, Words

Model = TypeVar("Model", bound=BaseModel)

NOT_AN_OBJECT = Words("The body must be a JSON object.", "请求体必须是 JSON 对象。")
NO_VERSION = Words(
    "This header must name the version that the change was made of: the ETag of a GET, or *.",
    "此标头须指明更改所基于的版本：GET 返回的 ETag，或 *。",
)
NO_UNICODE = Words(
    "must be valid Unicode text, without lone surrogates", "应为有效的 Unicode 文本，不含孤立代理项"
)
TOO_LARGE = Words("The body is larger than 16 MB.", "请求体超过 16 MB。")

_CHINESE = {
    "missing": "缺少此字段",
    "extra_forbidden": "未知字段",
    "string_type": "应为字符串",
    "string_too_short": "至少需要 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式应符合 {pattern}",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "bool_type": "应为布尔值",
    "bool_parsing": "应为布尔值",
    "list_type": "应为列表",
    "dict_type": "应为对象",
    "tuple_type": "应为列表",
    "too_short": "至少需要 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "string_unicode": "应为有效的 Unicode 文本",
    "model_type": "应为对象",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "应不小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "应不大于 {le}",
    "literal_error": "应为 {expected} 之一",
    "notebook_path": "应为服务器文件夹下以 .ipynb 结尾的路径，且不含隐藏部分",
    "one_source": "code、cells、all 与 up_to 须且仅须给出一个",
    "save_code": "自由代码不属于任何单元格，无法保存",
    "finite_number": "应为有限的数字",
    "scalar": "应为文本、数字、true、false 或 null",
    "staged_paths": "paths 与 staged 只能给出一个",
    "nul": "不能包含 NUL 字符",
    "amount": "不是有效的数量；请写成 {example} 这样",
    "container_name": "只能用小写字母、数字和其间的单个连字符，且不能是 {reserved}",
    "environment_name": "{name} 不是有效的变量名",
    "environment_reserved": "{name} 由 Hub 自身设置",
    "enum": "应为 {expected} 之一",
}


_PATTERNS: dict[str, Words] = {}


def pattern(expression: str, english: str, chinese: str) -> str:
    """``expression``, for a field's ``pattern``, told in words where it is not met."""
    _PATTERNS[expression] = Words(english, chinese)
    return expression


NOT_BLANK = pattern(r"\S", "must not be blank", "不能为空白")


def fault(field: str, message: Words) -> Fault:
    """One row of ``errors``."""
    return Fault(field, message)


def unencodable(value: Any, field: str = "") -> Iterator[Fault]:
    """A row for each text in a JSON value that cannot be UTF-8: no file, database or answer can
    hold it."""
    if isinstance(value, dict):
        for key, part in value.items():
            where = f"{field}.{key}" if field else key
            if not is_encodable(key):
                yield Fault(field, NO_UNICODE)
            else:
                yield from unencodable(part, where)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from unencodable(part, f"{field}.{place}" if field else str(place))
    elif isinstance(value, str) and not is_encodable(value):
        yield Fault(field, NO_UNICODE)


def is_encodable(text: str) -> bool:
    """Whether a text can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def not_json(error: Exception) -> Fault:
    """A body that is no JSON; says where it breaks."""
    return Fault(
        "",
        Words(f"The body is not valid JSON: {error}", f"请求体不是有效的 JSON：{error}"),
    )


def validate(model: type[Model], given: Mapping[str, Any]) -> Model:
    """Return ``given`` as ``model``; error 50201 names every field at fault."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise MLWSError("50201", *faults(error)) from error


def faults(error: ValidationError) -> list[Fault]:
    """A row for every field at fault, all at once."""
    return [
        Fault(
            ".".join(str(part) for part in row["loc"]),
            _words(row["type"], row.get("ctx", {}), row["msg"]),
        )
        for row in error.errors(include_url=False, include_input=False)
    ]


def _words(kind: str, facts: dict[str, Any], english: str) -> Words:
    if kind == "string_pattern_mismatch" and facts["pattern"] in _PATTERNS:
        return _PATTERNS[facts["pattern"]]
    template = _CHINESE.get(kind)
    # pydantic knows about a hundred kinds; a rare one is better in English than not at all.
    return Words(english, template.format(**facts) if template else f"无效：{english}")
