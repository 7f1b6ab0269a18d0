"""The heavy libraries in a warm node: threads of their own, chance, what they print."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workflows.forkserver.conftest import PYTHON, Run

pytestmark = pytest.mark.skipif(
    sys.executable != PYTHON, reason="another Python, with libraries or without"
)

SAME = {
    "matrices, in BLAS's threads": """
import numpy as np
a = np.arange(640_000.0).reshape(800, 800) / 640_000
print(float((a @ a).sum()), np.linalg.svd(a[:200, :200])[1][:3])
""",
    "a forest in two jobs": """
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier, HistGradientBoostingClassifier
x, y = load_iris(return_X_y=True)
print(RandomForestClassifier(20, n_jobs=2, random_state=0).fit(x, y).score(x, y))
print(HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(x, y).score(x, y))
""",
    "clusters, in OpenMP's threads": """
import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_info
x = np.random.RandomState(0).rand(2000, 4)
print(round(KMeans(4, n_init=2, random_state=0).fit(x).inertia_, 4))
print(sorted((i["user_api"], i["num_threads"]) for i in threadpool_info()))
""",
    "joblib's processes": """
from joblib import Parallel, delayed
def double(x): return 2 * x
if __name__ == "__main__":
    print(Parallel(2)(delayed(double)(i) for i in range(4)))
""",
    "tables": """
import pandas as pd, pyarrow.parquet as pq, pyarrow as pa
table = pd.DataFrame({"a": range(10_000), "b": ["x", "y"] * 5_000})
table.to_parquet("t.parquet"); table.to_csv("t.csv")
print(pd.read_parquet("t.parquet").groupby("b").a.sum(), pd.read_csv("t.csv").shape)
print(pq.read_table("t.parquet", use_threads=True).num_rows, pa.cpu_count())
""",
    "what C code prints": """
from sklearn.svm import SVC
SVC(verbose=True).fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])
""",
    "warnings of libraries": """
import warnings, sklearn.linear_model, numpy as np
from sklearn.exceptions import ConvergenceWarning
warnings.warn("a", ConvergenceWarning)
np.array([1.0]) / 0
sklearn.linear_model.LogisticRegression(max_iter=1).fit([[0], [1]], [0, 1])
""",
    "progress": """
from tqdm import tqdm
import io
for _ in tqdm(range(3), file=io.StringIO()): pass
print("done")
""",
    "figures, which are not preloaded": """
import sys; print("matplotlib" in sys.modules)
import matplotlib; print(matplotlib.get_backend())
""",
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", SAME)
def test_a_library_does_the_same(name: str, script: Callable[..., str], same: Run) -> None:
    assert same(script(SAME[name])).code == 0


@pytest.mark.exhaustive
def test_numpys_chance_differs_between_two_nodes(script: Callable[..., str], warm: Run) -> None:
    command = script("""
import numpy as np
print(np.random.rand(), np.random.mtrand._rand.rand(), np.random.default_rng().random())
print(np.random.get_bit_generator().seed_seq.entropy)
""")
    assert not set(warm(command).log.split()) & set(warm(command).log.split())


@pytest.mark.exhaustive
@pytest.mark.parametrize("program", ["jupyter mlws", "jupyter-mlws"])
def test_components(program: str, same: Run, tmp_path: Path) -> None:
    assert same(f"{program} node sample_data --table t.parquet").code == 0
    assert (tmp_path / "t.parquet").stat().st_size > 0
    assert "usage" in same(f"{program} node --help").log
    assert same(f"{program} node no_such_component").code == 2


def test_a_component_of_the_project(same: Run, script: Callable[..., str], tmp_path: Path) -> None:
    script(
        "from jupyter_mlws.components import Table, component\nimport pandas as pd\n\n"
        "@component\ndef two_rows(*, value: int = 1) -> Table:\n"
        '    """Two rows.\n\n    value: of both.\n    """\n'
        "    return pd.DataFrame({'a': [value, value]})\n",
        "components/rows.py",
    )
    told = same("jupyter mlws node two_rows --table t.csv --value 3")
    assert told.code == 0, told.log
    assert (tmp_path / "t.csv").read_text() == "a\n3\n3\n"
