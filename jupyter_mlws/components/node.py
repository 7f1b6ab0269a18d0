"""``jupyter mlws node NAME --PORT path … --SETTING value …``: runs one component.

Exit codes: 0; 1 if the component raised an exception (its traceback is on stderr); 2 for an
invalid command line or input.
"""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jupyter_mlws.components.declaration import (
    DeclarationError,
    describe,
    settings_model,
)
from jupyter_mlws.components.failures import run_component
from jupyter_mlws.components.kinds import chosen_columns, with_choices
from jupyter_mlws.components.models import Component

USAGE = "usage: jupyter mlws node NAME --PORT path ... [--SETTING value ...]"
NUMBER = re.compile(r"-(\d|\.\d|inf|nan)", re.IGNORECASE)


class UsageError(Exception):
    """An invalid command line; the message names the argument."""


def main(argv: Sequence[str]) -> int:
    """Run one component and return the exit code."""
    if not argv or argv[0] in ("-h", "--help"):
        return _help(argv)
    # As in a zygote (see `preload.load`).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    name, arguments = argv[0], argv[1:]
    if "-h" in arguments or "--help" in arguments:
        return _help([name])
    try:
        function, component = _find(name)
        options = parse(arguments)
        ports = _ports(component, options)
        settings = _settings(function, options)
        inputs = _read_inputs(component, ports)
    except (UsageError, DeclarationError, ValueError, OSError) as error:
        return _fail(f"{name}: {error}")
    try:
        if function.__module__.startswith("jupyter_mlws."):
            result = run_component(function, inputs, settings)
        else:
            result = function(**inputs, **settings)
    except Exception:  # noqa: BLE001  also the user's own code
        traceback.print_exc()
        return 1
    from jupyter_mlws.components import values

    several = hasattr(result, "_fields")
    choices = _choices(component, inputs)
    for output in component.outputs:
        value = getattr(result, output.name) if several else result
        if choices and output.type == "Table" and hasattr(value, "attrs"):
            value = with_choices(value, {**choices, **chosen_columns(value)})
        for path in ports[output.name]:
            try:
                values.write(output.type, value, path)
            except (values.ArtifactError, OSError, ValueError) as error:
                return _fail(f"{component.name}: --{output.name} {path}: {error}")
    return 0


def parse(arguments: Sequence[str]) -> dict[str, list[str]]:
    """``--a 1 --b.c 2 3`` → ``{"a": ["1"], "b.c": ["2", "3"]}``; a repeated name adds values."""
    options: dict[str, list[str]] = {}
    current: list[str] | None = None
    for argument in arguments:
        if argument.startswith("-") and not NUMBER.match(argument) and argument != "-":
            if not argument.startswith("--") or argument == "--":
                raise UsageError(f"{argument}: arguments must start with two dashes and a name")
            name, equals, value = argument[2:].partition("=")
            current = options.setdefault(name, [])
            if equals:
                current.append(value)
        elif current is None:
            raise UsageError(f"unexpected argument {argument!r}; use --NAME {argument}")
        else:
            current.append(argument)
    return options


def _find(name: str) -> tuple[Callable[..., Any], Component]:
    from jupyter_mlws.components.registry import load_function

    result = load_function(name, Path(os.environ.get("DVC_ROOT") or Path.cwd()))
    if result is None:
        raise UsageError("component not found, neither in the library nor in components/")
    function, source = result
    return function, describe(function, source)


def _ports(component: Component, options: dict[str, list[str]]) -> dict[str, list[Path]]:
    """Remove the ports' paths from ``options`` and return them by port."""
    ports: dict[str, list[Path]] = {}
    for port in component.inputs:
        values = options.pop(port.name, [])
        if not values and port.required:
            raise UsageError(f"--{port.name}: input is missing")
        if len(values) > 1 and not port.multiple:
            raise UsageError(f"--{port.name}: expects one path, not {len(values)}")
        ports[port.name] = [Path(value) for value in values]
    for output in component.outputs:
        values = options.pop(output.name, [])
        if len(values) > 1:
            raise UsageError(f"--{output.name}: expects one path, not {len(values)}")
        ports[output.name] = [Path(value) for value in values]
    if not any(ports[output.name] for output in component.outputs):
        names = ", ".join(f"--{output.name}" for output in component.outputs)
        raise UsageError(f"no output path given; set at least one of {names}")
    return ports


def _settings(function: Callable[..., Any], options: dict[str, list[str]]) -> dict[str, Any]:
    """Return the validated settings of the function; one error names every fault."""
    model = settings_model(function)
    data: dict[str, Any] = {}
    for name, values in options.items():
        field, *path = name.split(".")
        value: Any = True if not values else values[0] if len(values) == 1 else list(values)
        if field not in model.model_fields and field.startswith("no-") and not values:
            field, value = field[3:], False
        if field in model.model_fields and not path:
            # A single value of a list is a list of one; `null` and an empty text are None.
            hint = str(model.model_fields[field].annotation)
            if hint.startswith(("list", "typing.List", "tuple", "set")) or "list[" in hint:
                value = list(values)
            elif values in (["null"], ["None"], [""]) and "None" in hint:
                value = None
        *parents, last = (field, *path)
        target = data
        for part in parents:
            target = target.setdefault(part, {})
            if not isinstance(target, dict):
                raise UsageError(f"--{name}: given both as a value and as a group of values")
        target[last] = value
    try:
        settings = model.model_validate(data)
    except ValidationError as error:
        faults = [
            f"--{'.'.join(str(part) for part in row['loc'])}: {row['msg']}"
            for row in error.errors(include_url=False)
        ]
        raise UsageError("; ".join(faults)) from error
    return {name: getattr(settings, name) for name in model.model_fields}


def _read_inputs(component: Component, ports: dict[str, list[Path]]) -> dict[str, Any]:
    from jupyter_mlws.components import values

    inputs: dict[str, Any] = {}
    for port in component.inputs:
        paths = ports[port.name]
        try:
            read = [values.read(port.type, path) for path in paths]
        except Exception as error:
            # Libraries do not name the file that they cannot read.
            path_list = ", ".join(str(path) for path in paths)
            raise UsageError(f"--{port.name} {path_list}: {error}") from error
        if port.multiple:
            inputs[port.name] = values.Several(read, paths)
        elif read:
            inputs[port.name] = read[0]
    return inputs


def _choices(component: Component, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the kinds and roles that the input tables carry; the first one's where two differ."""
    choices: dict[str, Any] = {}
    for port in component.inputs:
        value = inputs.get(port.name) if port.type == "Table" else None
        tables: Iterable[Any] = value or () if port.multiple else (value,)
        for table in tables:
            if hasattr(table, "attrs"):
                choices = {**chosen_columns(table), **choices}
    return choices


def _fail(message: str) -> int:
    print(f"jupyter mlws node: {message}", file=sys.stderr)  # noqa: T201
    return 2


def _help(argv: Sequence[str]) -> int:
    if not argv or argv[0] in ("-h", "--help"):
        print(USAGE)  # noqa: T201
        return 0 if argv else 2
    try:
        _, component = _find(argv[0])
    except (UsageError, DeclarationError) as error:
        return _fail(f"{argv[0]}: {error}")
    lines = [f"{component.title}: {component.description}", ""]
    for port in component.inputs:
        note = "" if port.required else " (optional)"
        lines.append(f"  --{port.name} PATH  {port.type}{note}. {port.description}")
    lines += [
        f"  --{out.name} PATH  {out.type}, made. {out.description}" for out in component.outputs
    ]
    for name, setting in component.settings.get("properties", {}).items():
        default = f" [{setting['default']}]" if "default" in setting else ""
        lines.append(f"  --{name}{default}  {setting.get('description', '')}")
    print("\n".join(lines))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
