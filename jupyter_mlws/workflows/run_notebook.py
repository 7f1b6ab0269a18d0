"""Writes a notebook that loads a run: its values, curves, data, files and code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlws.versioning.experiments.models import RunDetail, RunFile, RunMetric
from jupyter_mlws.workflows.debug_notebook import (
    chdir_code,
    code_cell,
    markdown_cell,
    notebook_of,
    write_notebook,
)
from mlws.core.i18n import Message

MAX_CURVES = 12
MAX_DATA = 10
MAX_FIGURES = 6
READERS = {
    ".csv": "pd.read_csv(file)",
    ".tsv": 'pd.read_csv(file, sep="\\t")',
    ".json": "json.load(file)",
    ".jsonl": "pd.read_json(file, lines=True)",
    ".parquet": "pd.read_parquet(file)",
}
"""Expressions that read an open file, by its extension."""
BINARY = frozenset({".parquet"})

HEAD = Message(
    "# {title}\n\nThe run {id}. This notebook is yours: change it as you like. It is in a folder "
    "that git ignores; move it to keep it."
)
VALUES = Message("Parameters and metrics")
CURVES = Message("Curves")
DATA = Message("Data as it was, from DVC's cache or the remote storage")
FIGURES = Message("Figures")
FILES = Message("All files")
CODE = Message("The code as it was")


class RunNotebook:
    """Builds the notebook of one run in one language."""

    def __init__(self, root: Path, run: RunDetail, language: str) -> None:
        self._root = root
        self._run = run
        self._language = language

    def write(self, metrics: Sequence[RunMetric], files: Sequence[RunFile]) -> str:
        """Write the notebook unless it exists; return its path from the project's root."""
        name = f"run-{str(self._run.id)[:8]}.ipynb"
        return write_notebook(
            self._root, name, lambda: notebook_of([*self._cells(metrics, files)], {})
        )

    def _cells(
        self, metrics: Sequence[RunMetric], files: Sequence[RunFile]
    ) -> Iterator[dict[str, Any]]:
        run = self._run
        title = re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", run.title)
        yield markdown_cell(HEAD.fill(title=title, id=f"`{run.id}`").in_(self._language))
        yield code_cell(
            f"{chdir_code(self._root, '.')}\n\n"
            "import json\n\n"
            "import mlflow\n"
            "import pandas as pd\n\n"
            f"RUN = {run.id!r}\n"
            # The address may hold a password, so it is not written here.
            'uri = os.environ.get("MLFLOW_TRACKING_URI", "sqlite:///mlflow.db")\n'
            "client = mlflow.MlflowClient(uri)\n"
            "run = client.get_run(RUN)"
        )
        yield from self._part(
            VALUES, 'pd.Series(run.data.params, name="parameter", dtype=object).to_frame()'
        )
        yield code_cell('pd.Series(run.data.metrics, name="metric", dtype=float).to_frame()')
        curves = [one.name for one in metrics if one.is_curve][:MAX_CURVES]
        if curves:
            yield from self._part(
                CURVES,
                f"NAMES = {curves!r}\n"
                "curves = pd.DataFrame(\n"
                "    {\n"
                "        name: {m.step: m.value for m in client.get_metric_history(RUN, name)}\n"
                "        for name in NAMES\n"
                "    }\n"
                ").sort_index()\n"
                "curves.plot(subplots=True, figsize=(8, 2 * len(NAMES)));",
            )
        yield from self._data()
        figures = [one.path for one in files if one.kind == "Figure" and one.md5 is None]
        if figures:
            yield from self._part(
                FIGURES,
                "from IPython.display import Image, display\n\n"
                f"for path in {figures[:MAX_FIGURES]!r}:\n"
                "    display(Image(client.download_artifacts(RUN, path)))",
            )
        yield from self._part(
            FILES, "pd.DataFrame([(one.path, one.file_size) for one in client.list_artifacts(RUN)])"
        )
        source = run.workflow or run.source
        if run.commit and source and (self._root / source).is_file():
            yield from self._part(
                CODE,
                "import subprocess\n\n"
                f"print(subprocess.check_output(['git', 'show', {f'{run.commit}:{source}'!r}], "
                "text=True))",
            )

    def _data(self) -> Iterator[dict[str, Any]]:
        """Yield a cell that loads each table of the run."""
        tables = [path for path in self._run.data if Path(path).suffix.lower() in READERS]
        if not tables or self._run.commit is None:
            return
        lines = ["import dvc.api", "", "data = {}"]
        for path in tables[:MAX_DATA]:
            suffix = Path(path).suffix.lower()
            mode = ', mode="rb"' if suffix in BINARY else ""
            lines += [
                f"with dvc.api.open({path!r}, rev={self._run.commit!r}{mode}) as file:",
                f"    data[{path!r}] = {READERS[suffix]}",
            ]
        lines += ["", "pd.Series({path: str(type(one)) for path, one in data.items()})"]
        yield from self._part(DATA, "\n".join(lines))

    def _part(self, title: Message, code: str) -> Iterator[dict[str, Any]]:
        yield markdown_cell(f"## {title.in_(self._language)}")
        yield code_cell(code)
