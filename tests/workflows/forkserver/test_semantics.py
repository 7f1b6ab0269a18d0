"""A node can not tell whether it is warm: each script runs fresh and warm, with one outcome."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflows.forkserver.conftest import Run

SAME = {
    "main module": """
import sys
print(__name__, __file__, __spec__, __package__, __doc__, __builtins__, type(__loader__).__name__)
print(list(globals()), sys.modules["__main__"].__dict__ is globals())
""",
    "interpreter": """
import sys, gc, threading, multiprocessing, os
print(sys.argv, sys.orig_argv, sys.executable, sys.flags, sys.warnoptions, sys.prefix)
print(gc.isenabled(), gc.get_threshold(), sys.getrecursionlimit(), sys.getswitchinterval())
print(threading.enumerate() == [threading.main_thread()], multiprocessing.parent_process())
print(sys.exc_info(), [hasattr(sys, n) for n in ("last_value", "last_type", "last_exc")])
print(sys.excepthook is sys.__excepthook__, sys.stdout is sys.__stdout__)
""",
    "folder and path": "import os, sys\nprint(os.getcwd(), sys.path, os.environ['PWD'])",
    "environment": """
import os, subprocess
hidden = ("_", "SHLVL", "OLDPWD")  # what some shells add
print(sorted(item for item in os.environ.items() if item[0] not in hidden))
told = subprocess.run(["env"], capture_output=True, text=True).stdout.splitlines()
print(sorted(line for line in told if line.split("=")[0] not in hidden))
""",
    "group, session, umask and handlers": """
import os, signal
print(os.getsid(0) == os.getpid() == os.getpgrp(), os.umask(0))
print([signal.getsignal(n) for n in sorted(signal.valid_signals())], signal.pthread_sigmask(0, []))
""",
    "open files": """
import os, subprocess
print(sorted(os.listdir("/proc/self/fd"))[:4], [os.readlink(f"/proc/self/fd/{n}") for n in (0,)])
subprocess.run(["ls", "/proc/self/fd"], close_fds=False)
""",
    "streams": """
import sys, os
for s in (sys.stdin, sys.stdout, sys.stderr):
    print(s.name, s.mode, s.encoding, s.errors, s.isatty(), s.fileno())
    print(s.line_buffering, s.write_through, type(s.buffer).__name__, s.newlines, s.buffer.name)
print(repr(sys.stdin.read()))
""",
    "order of output": """
import sys, os, subprocess
print("one"); print("two", file=sys.stderr); os.write(1, b"three\\n"); print("four", end="")
subprocess.run(["echo", "five"]); sys.stderr.write("six"); sys.stdout.write("seven")
""",
    "exit with a number": "import sys; sys.exit(7)",
    "exit with a large number": "import sys; sys.exit(257)",
    "exit with a text": "import sys; print('out'); sys.exit('told')",
    "exit with nothing": "raise SystemExit",
    "exit with an object": "raise SystemExit([1, 2])",
    "exit at once": "import os, atexit; atexit.register(print, 'never'); os._exit(9)",
    "exception": "def f(x):\n    return 1 / x\n\nprint('before')\nf(0)\n",
    "chained exceptions": """
try:
    {}["a"]
except KeyError as error:
    raise ValueError("b") from error
""",
    "exception while another is handled": """
try:
    {}["a"]
except KeyError:
    undefined
""",
    "exception with notes and groups": """
import sys
if sys.version_info >= (3, 11):
    error = ValueError("a"); error.add_note("a note")
    raise ExceptionGroup("several", [error, TypeError("b")])
""",
    "context of an exception": """
try:
    1 / 0
except ZeroDivisionError as error:
    print(error.__context__, error.__cause__)
""",
    "syntax error": "print('a')\nif True\n    pass\n",
    "indentation error": "if True:\nprint('a')\n",
    "warning of the compiler": "print('\\d', 1 is 1)\n",
    "future statement": """
from __future__ import annotations
def f(a: undefined): ...
print(f.__annotations__)
""",
    "no future statement of ours": "def f(a: int): ...\nprint(f.__annotations__)",
    "recursion without end": """
def f(): return f()
try:
    f()
except RecursionError as error:
    print(error)
""",
    "hook for exceptions": """
import sys
sys.excepthook = lambda kind, error, trace: print("hooked", kind.__name__, error, trace.tb_lineno)
1 / 0
""",
    "hook that exits": "import sys\nsys.excepthook = lambda *a: sys.exit(5)\n1 / 0",
    "interrupt": "print('a')\nraise KeyboardInterrupt",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "aborted": "import os; os.abort()",
    "handler of a signal": """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *a: sys.exit(4))
os.kill(os.getpid(), signal.SIGTERM)
""",
    "end: threads, then atexit, then finalizers": """
import atexit, threading, time
class Late:
    def __del__(self): print("deleted")
late = Late(); late.me = late
atexit.register(print, "atexit 1"); atexit.register(print, "atexit 2")
def work():
    time.sleep(0.1); print("thread")
threading.Thread(target=work).start()
print("main ends")
""",
    "end by an exception: threads and atexit as well": """
import atexit, threading, time
threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
atexit.register(print, "atexit")
1 / 0
""",
    "daemon thread does not hold it": """
import threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
file = open("daemon.txt", "w"); file.write("kept")
print("done")
""",
    "atexit that fails": """
import atexit
class Call:
    def __call__(self): 1 / 0
    def __repr__(self): return "call"
atexit.register(Call()); atexit.register(print, "a")
""",
    "pool of threads": """
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(2); pool.submit(print, "late")
""",
    "standard output closed": "import sys; print('a'); sys.stdout.close()",
    "standard output full": """
import os
full = os.open("/dev/full", os.O_WRONLY); os.dup2(full, 1); os.close(full)
import sys; sys.stdout.write("lost")
""",
    "logging and warnings": """
import logging, warnings
logging.warning("a"); logging.getLogger("x").info("b")
print(logging.root.handlers, logging.root.level)
for _ in range(2): warnings.warn("once")
warnings.warn("not shown", ImportWarning); warnings.warn("shown", DeprecationWarning)
""",
    "pickles of main's classes": """
import pickle
class A: pass
print(pickle.dumps(A()), type(pickle.loads(pickle.dumps(A()))) is A)
""",
    "locale and time": """
import locale, time, sys
print(locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(), sys.getfilesystemencoding())
print(time.tzname, time.timezone, time.localtime(0))
""",
    "output of C": "import ctypes; ctypes.CDLL(None).printf(b'from C\\n'); print('from Python')",
    "asyncio": """
import asyncio
async def f(): await asyncio.sleep(0); print("ran")
asyncio.run(f())
""",
    "cpu time": "import time; print(time.process_time() < 5)",
    "temporary folder": "import tempfile; print(tempfile.gettempdir())",
    "main module by import": "import __main__; print(__main__.__file__)",
    "imports from beside": "import beside; print(beside.__file__, beside.VALUE)",
    "dataclasses, enums and hints": """
from __future__ import annotations
import dataclasses, enum, typing
@dataclasses.dataclass
class A:
    x: int
    y: typing.Optional[B] = None
class B(enum.Enum): ONE = 1
print(typing.get_type_hints(A), A(1))
""",
}


@pytest.mark.parametrize("name", SAME)
def test_a_script_does_the_same(
    name: str, script: Callable[..., str], same: Run, tmp_path: Path
) -> None:
    script("VALUE = 1\n", "beside.py")
    same(script(SAME[name]) + " 'a b' --c=d")


@pytest.mark.parametrize(
    "name",
    [
        *("streams", "order of output", "exit with a text", "exception", "output of C"),
        *("end: threads, then atexit, then finalizers", "standard output full", "killed"),
    ],
)
def test_output_that_is_buffered_comes_in_the_same_order(
    name: str, script: Callable[..., str], same: Run, buffered: dict[str, str]
) -> None:
    same(script(SAME[name]), buffered)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_in_all_its_ways(
    method: str, script: Callable[..., str], same: Run
) -> None:
    command = script(f"""
import multiprocessing, os
class Number:
    def __init__(self, n): self.n = n
def double(number): return Number(number.n * 2)
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    with context.Pool(2) as pool:
        print([one.n for one in pool.map(double, [Number(1), Number(2)])])
    process = context.Process(target=print, args=("in", os.path.basename(os.getcwd())))
    process.start(); process.join(); print(process.exitcode, multiprocessing.current_process().name)
""")
    assert "[2, 4]" in same(command).log


def test_files_left_open_are_written(script: Callable[..., str], warm: Run, tmp_path: Path) -> None:
    script("kept = open('beside.txt', 'w'); kept.write('b')", "beside.py")
    command = script(
        "import beside\nfile = open('own.txt', 'w')\nfile.write('a')\n"
        "cycle = [file]\ncycle.append(cycle)\n"
    )
    assert warm(command).code == 0
    assert (tmp_path / "own.txt").read_text() == "a"
    assert (tmp_path / "beside.txt").read_text() == "b"


MODULE = """
import sys
print(__name__, __file__, __spec__.name, __package__, sys.argv, sys.path[0], sys.orig_argv)
if len(sys.argv) > 1:
    raise ValueError(sys.argv[1])
"""


@pytest.mark.parametrize("command", ["-m parts.one", "-m parts.one bad", "-m parts", "-m missing"])
def test_modules(
    command: str, script: Callable[..., str], same: Run, buffered: dict[str, str]
) -> None:
    script("", "parts/__init__.py")
    script(MODULE, "parts/one.py")
    script(MODULE, "parts/__main__.py")
    same(f"python {command}")
    same(f"python {command}", buffered)


@pytest.mark.parametrize(
    "command",
    [
        "-c 'import sys; print(sys.argv, sys.path[0] == str(), __name__, list(globals()))' a b",
        "-c 'raise SystemExit(3)'",
        "-c 'x ='",
        '-c "import beside; print(beside.__file__)"',
        "-c 'print(1); 1 / 0'",
    ],
)
def test_texts(
    command: str, script: Callable[..., str], same: Run, buffered: dict[str, str]
) -> None:
    script("", "beside.py")
    same(f"python {command}")
    same(f"python {command}", buffered)


def test_a_script_by_a_link_imports_from_where_the_file_is(
    script: Callable[..., str], same: Run, tmp_path: Path
) -> None:
    script("VALUE = 2", "inner/beside.py")
    script("import sys, beside; print(beside.VALUE, sys.path[0], __file__)", "inner/real.py")
    (tmp_path / "link.py").symlink_to("inner/real.py")
    same("python ./link.py")
    same("python inner/../inner/real.py")
    same(f"python {tmp_path}/inner/real.py", cwd=tmp_path / "inner")


@pytest.mark.parametrize("program", ["python3", "{bin}/python", "bin/python"])
def test_other_names_of_the_same_python(
    program: str,
    script: Callable[..., str],
    same: Run,
    environment: dict[str, str],
    tmp_path: Path,
) -> None:
    script("import sys; print(sys.executable, sys.orig_argv)")
    folder = Path(environment["PATH"].partition(":")[0])
    same(f"{program.format(bin=folder)} {tmp_path}/script.py", cwd=folder.parent)


def test_variables_of_one_node_do_not_reach_the_next(
    script: Callable[..., str], same: Run, environment: dict[str, str]
) -> None:
    command = script(
        "import os; print(os.getenv('A'), os.environb.get(b'B'), os.system('echo $A $B'))"
    )
    assert "1 b'" in same(command, {**environment, "A": "1", "B": "ü\udcff"}).log
    assert "None None" in same(command).log


def test_chance_differs_between_two_nodes(script: Callable[..., str], warm: Run) -> None:
    command = script(
        "import random, uuid, tempfile\nprint(random.random(), uuid.uuid4(), tempfile.mktemp())"
    )
    one, two = warm(command).log.split(), warm(command).log.split()
    assert not set(one) & set(two)
