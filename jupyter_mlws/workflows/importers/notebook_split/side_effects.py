"""Finds the side effects of a statement: changed objects, random state, files and settings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from jupyter_mlws.workflows.importers.notebook_split.kinds import PANDAS, SIMPLE, Kind, one, words
from jupyter_mlws.workflows.importers.notebook_split.name_usage import globals_written
from jupyter_mlws.workflows.importers.notebook_split.type_inference import (
    Function,
    Scope,
    bind,
    infer,
    record_bindings,
)

PURE_PACKAGES = words(
    "pandas numpy sklearn scipy matplotlib seaborn math statistics json re os pathlib datetime "
    "collections itertools functools IPython statsmodels plotly warnings time random string typing "
    "operator copy pprint tqdm joblib skops mlflow PIL textwrap sys glob shutil csv altair bokeh "
    "logging platform tempfile hashlib dataclasses enum pyarrow missingno yellowbrick shap"
)
"""Packages whose functions leave their arguments as they are, but for ``MUTATING_FUNCTIONS``."""
MUTATING_FUNCTIONS = words(
    "numpy.random.shuffle random.shuffle numpy.fill_diagonal numpy.put numpy.place numpy.copyto "
    "heapq.heappush heapq.heappop heapq.heapify bisect.insort bisect.insort_left "
    "numpy.put_along_axis"
)
MUTATING_METHODS: Mapping[Kind, frozenset[str]] = {
    Kind.TABLE: words("insert pop update"),
    Kind.SERIES: words("pop update"),
    Kind.FRAME: words("insert pop update"),
    Kind.ARRAY: words("sort fill resize put partition itemset setflags setfield"),
    Kind.PLAIN: words(
        "append extend insert remove pop clear sort reverse update setdefault add discard popitem"
    ),
    Kind.MODEL: words("fit partial_fit fit_transform fit_predict set_params set_output"),
    Kind.BUNCH: words("update pop clear setdefault"),
    Kind.SCALAR: frozenset(),
    Kind.CODE: frozenset(),
}
"""The methods of each kind that change the object; of what is not known, any may."""
CONFIGURATION_FUNCTIONS = (
    *("pandas.set_option", "pandas.reset_option", "numpy.set_printoptions", "numpy.seterr"),
    *("warnings.filterwarnings", "warnings.simplefilter", "logging.basicConfig"),
    *("matplotlib.use", "matplotlib.rc", "matplotlib.pyplot.style.use", "matplotlib.pyplot.rc"),
    *("matplotlib.pyplot.ion", "matplotlib.pyplot.ioff", "sklearn.set_config"),
    *("matplotlib.pyplot.rcParams.update", "matplotlib.rcParams.update"),
    *("sys.path.append", "sys.path.insert", "os.environ.setdefault", "os.environ.update"),
    *("seaborn.set", "seaborn.set_theme", "seaborn.set_style", "seaborn.set_palette"),
    *("seaborn.set_context", "locale.setlocale", "os.makedirs"),
)
SETTING_OBJECTS = (
    "os.environ",
    "matplotlib.pyplot.rcParams",
    "matplotlib.rcParams",
    "pandas.options",
)
SEED_FUNCTIONS = {
    "numpy.random.seed": "numpy.random",
    "random.seed": "random",
    "torch.manual_seed": "torch",
    "tensorflow.random.set_seed": "tensorflow",
}
DETERMINISTIC_NAMES = words(
    "LinearRegression Ridge Lasso ElasticNet LogisticRegression StandardScaler MinMaxScaler "
    "RobustScaler MaxAbsScaler Normalizer Binarizer OneHotEncoder OrdinalEncoder LabelEncoder "
    "LabelBinarizer SimpleImputer KNeighborsClassifier KNeighborsRegressor GaussianNB "
    "MultinomialNB BernoulliNB SVR LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis "
    "Pipeline ColumnTransformer FunctionTransformer PolynomialFeatures CountVectorizer "
    "TfidfVectorizer TfidfTransformer VarianceThreshold SelectKBest make_pipeline "
    "make_column_transformer FeatureUnion make_union DBSCAN AgglomerativeClustering "
    "PowerTransformer KBinsDiscretizer "
    "GridSearchCV PCA KFold StratifiedKFold GroupKFold TimeSeriesSplit NearestNeighbors clone SVC"
)
"""Names of scikit-learn that draw no random numbers by default."""
RANDOM_FUNCTIONS = words("train_test_split shuffle resample permutation_importance")


def root(node: ast.expr, scope: Scope) -> str | None:
    """Return the variable whose object a chain of attributes, items and calls is part of."""
    if isinstance(node, ast.Name):
        return None if node.id in scope.imports else node.id
    if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        return root(node.value, scope)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        # `model.fit(…)` is the model itself; what a table gives is another.
        inner = one(infer(node.func.value, scope))
        return root(node.func.value, scope) if inner in (Kind.MODEL, Kind.OPAQUE) else None
    return None


def find_mutated_variables(statement: ast.AST, scope: Scope) -> set[str]:
    """Return the variables whose objects a statement changes."""
    roots: set[str | None] = set()
    for node in walk(statement):
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            roots.add(root(node.value, scope))
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            if one(infer(ast.Name(node.target.id, ast.Load()), scope)) is not Kind.SCALAR:
                roots.add(node.target.id)
        elif isinstance(node, ast.Call):
            roots |= _find_mutated_by_call(node, scope)
    return {name for name in roots if name is not None}


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes except those inside functions and classes, which are only defined."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from walk(child)


def _find_mutated_by_call(call: ast.Call, scope: Scope) -> set[str | None]:
    roots: set[str | None] = set()
    for keyword in call.keywords:
        if keyword.arg == "out":
            roots.add(root(keyword.value, scope))
    dotted_name = scope.dotted_name(call.func)
    if dotted_name:
        if dotted_name in MUTATING_FUNCTIONS and call.args:
            roots.add(root(call.args[0], scope))
        elif dotted_name.partition(".")[0] not in PURE_PACKAGES:
            roots |= _arguments(call, scope, sparing=frozenset())
    elif isinstance(call.func, ast.Name):
        name = call.func.id
        if name in scope.functions:
            roots |= _find_mutated_by_notebook_function(scope.functions[name], call, scope)
        elif name in ("setattr", "delattr", "next") and call.args:
            roots.add(root(call.args[0], scope))
        elif scope.kinds.get(name) is Kind.CODE:
            # An instance of a notebook's class keeps its arguments.
            roots |= _arguments(call, scope, sparing=PANDAS | {Kind.ARRAY})
        elif name in scope.kinds:
            roots |= {name, *_arguments(call, scope, sparing=frozenset())}
    elif isinstance(call.func, ast.Attribute):
        kind = one(infer(call.func.value, scope))
        inplace = any(keyword.arg == "inplace" for keyword in call.keywords)
        if inplace or kind not in MUTATING_METHODS or call.func.attr in MUTATING_METHODS[kind]:
            roots.add(root(call.func.value, scope))
        if kind is Kind.OPAQUE:
            roots |= _arguments(call, scope, sparing=PANDAS | {Kind.ARRAY})
    return roots


def _arguments(call: ast.Call, scope: Scope, sparing: frozenset[Kind]) -> set[str | None]:
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    safe = {Kind.SCALAR, Kind.CODE, *sparing}
    return {root(value, scope) for value in values if one(infer(value, scope)) not in safe}


def _find_mutated_by_notebook_function(
    function: Function, call: ast.Call, scope: Scope
) -> set[str | None]:
    """Return the arguments and the notebook's names that a function of the notebook changes."""
    if scope.depth >= 3:
        return _arguments(call, scope, sparing=frozenset())
    if isinstance(function.node, ast.Lambda):
        return set()
    inner = Scope(
        dict(scope.kinds), dict(scope.imports), dict(scope.functions), scope.sparse, scope.depth + 1
    )
    parameters = [*function.node.args.posonlyargs, *function.node.args.args]
    arguments: dict[str, ast.expr] = dict(
        zip((argument.arg for argument in parameters), call.args, strict=False)
    )
    arguments |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    for argument in (*parameters, *function.node.args.kwonlyargs):
        value = arguments.get(argument.arg)
        kind = infer(value, scope) if value is not None else Kind.SCALAR
        bind(ast.Name(argument.arg, ast.Store()), kind, inner)
    changed_names: set[str] = set()
    for statement in function.node.body:
        changed_names |= find_mutated_variables(statement, inner)
        for part in walk(statement):
            if isinstance(part, ast.stmt):
                record_bindings(part, inner)
    local = {argument.arg for argument in (*parameters, *function.node.args.kwonlyargs)}
    outer: set[str | None] = {
        root(value, scope) for name, value in arguments.items() if name in changed_names
    }
    return outer | {name for name in changed_names if name in scope.kinds and name not in local}


def aliases(node: ast.expr | None, scope: Scope) -> set[str]:
    """Return the variables whose objects the value of an expression may share."""
    if node is None or one(infer(node, scope)) is Kind.SCALAR:
        return set()
    if isinstance(node, ast.Name):
        is_code = node.id in scope.imports or node.id in scope.functions
        return set() if is_code else {node.id}
    if isinstance(node, ast.Attribute | ast.Starred):
        return aliases(node.value, scope)
    if isinstance(node, ast.Subscript):
        whole, part = one(infer(node.value, scope)), one(infer(node, scope))
        # Rows and columns by list, mask or condition are copies.
        return set() if whole is Kind.TABLE and part is Kind.TABLE else aliases(node.value, scope)
    if isinstance(node, ast.Call):
        return _aliases_of_call(node, scope)
    if isinstance(node, ast.BinOp | ast.Compare | ast.UnaryOp):
        return set() if one(infer(node, scope)) in (*PANDAS, Kind.ARRAY) else _inside(node, scope)
    if isinstance(node, ast.Constant | ast.JoinedStr | ast.Lambda):
        return set()
    return _inside(node, scope)


def _inside(node: ast.AST, scope: Scope) -> set[str]:
    children = list(ast.iter_child_nodes(node))
    parts = [child for child in children if isinstance(child, ast.expr)]
    parts += [child.iter for child in children if isinstance(child, ast.comprehension)]
    return {name for part in parts for name in aliases(part, scope)}


VIEW_FUNCTIONS = words("reshape ravel view transpose squeeze swapaxes")
COPY_FUNCTIONS = words("deepcopy copy train_test_split clone")


def _aliases_of_call(call: ast.Call, scope: Scope) -> set[str]:
    dotted_name = scope.dotted_name(call.func)
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    argument_aliases = {name for value in values for name in aliases(value, scope)}
    result_kind = one(infer(call, scope))
    if dotted_name:
        name = dotted_name.rpartition(".")[2]
        if name in COPY_FUNCTIONS:
            return set()
        if result_kind is Kind.MODEL:
            return {
                n
                for n in argument_aliases
                if one(scope.kinds.get(n, Kind.OPAQUE)) is not Kind.PLAIN
            }
        views = dotted_name.startswith("numpy.") and name in VIEW_FUNCTIONS | {"asarray"}
        pure = dotted_name.partition(".")[0] in PURE_PACKAGES and result_kind in (
            *PANDAS,
            Kind.ARRAY,
            *SIMPLE,
        )
        return argument_aliases if views or not pure else set()
    if isinstance(call.func, ast.Attribute):
        kind = one(infer(call.func.value, scope))
        if kind in PANDAS or (kind is Kind.ARRAY and call.func.attr not in VIEW_FUNCTIONS):
            return set()
        if kind is Kind.MODEL and result_kind is Kind.ARRAY:
            return set()
        return aliases(call.func.value, scope) | (
            argument_aliases if result_kind is Kind.OPAQUE else set()
        )
    return argument_aliases


def names_in_queries(statement: ast.AST) -> Iterator[str]:
    """Yield the names in texts that pandas evaluates.

    Examples: `pd.eval("a + b")`, `t.query("x > @limit")`.
    """
    for node in walk(statement):
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Attribute) and function.attr in ("eval", "query"):
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield from re.findall(r"[^\W\d]\w*", part.value)


def sets_up(statement: ast.stmt, scope: Scope) -> bool:
    """Return whether a statement only configures libraries, so that every node needs it."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        dotted_name = scope.dotted_name(statement.value.func)
        if dotted_name == "os.makedirs":
            return any(keyword.arg == "exist_ok" for keyword in statement.value.keywords)
        return dotted_name in CONFIGURATION_FUNCTIONS
    if isinstance(statement, ast.Assign):
        return all(
            isinstance(target, ast.Subscript | ast.Attribute)
            and scope.dotted_name(target.value).startswith(SETTING_OBJECTS)
            for target in statement.targets
        )
    return False


def seeds(statement: ast.AST, scope: Scope) -> set[str]:
    """Return the random states that a statement seeds."""
    calls = (node for node in ast.walk(statement) if isinstance(node, ast.Call))
    return {
        SEED_FUNCTIONS[name]
        for call in calls
        if (name := scope.dotted_name(call.func)) in SEED_FUNCTIONS
    }


def draws(statement: ast.AST, scope: Scope, depth: int = 0) -> set[str]:
    """Return the random states that a statement draws from, itself or by notebook functions."""
    states: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and node.id in scope.functions and depth < 3:
            states |= draws(scope.functions[node.id].node, scope, depth + 1)
        if not isinstance(node, ast.Call):
            continue
        dotted_name = scope.dotted_name(node.func)
        package, _, name = dotted_name.rpartition(".")
        has_seed = any(keyword.arg == "random_state" for keyword in node.keywords)
        if package == "numpy.random" and name not in ("seed", "default_rng", "RandomState"):
            states.add("numpy.random")
        elif package == "random" and name != "seed":
            states.add("random")
        elif dotted_name.startswith("sklearn.") and not has_seed:
            estimator = name[:1].isupper() and name not in DETERMINISTIC_NAMES
            if estimator or name in RANDOM_FUNCTIONS:
                states.add("numpy.random")
        elif dotted_name.startswith(("torch.", "tensorflow.")):
            states.add(dotted_name.partition(".")[0])
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "sample" and not has_seed:
            states.add("numpy.random")
    return states


READ_FUNCTIONS = words(
    "read_csv read_table read_parquet read_excel read_feather read_json read_pickle read_fwf "
    "imread loadtxt genfromtxt read_text read_bytes open_dataset"
)
WRITE_FUNCTIONS = words(
    "to_csv to_parquet to_excel to_feather to_json to_pickle savefig imsave savetxt write_text "
    "write_bytes write_image write_html savez"
)


def files(
    statement: ast.AST, scope: Scope, texts: Mapping[str, str]
) -> Iterator[tuple[bool, str | None]]:
    """Yield (whether it is written, path) of each file that a statement uses; None if unknown.

    ``texts`` are the variables whose text is known.
    """
    for node in ast.walk(statement):
        if not isinstance(node, ast.Call):
            continue
        use = _file_use(node, scope)
        if use is None:
            continue
        writes, argument = use
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            path: str | None = argument.value
        else:
            path = texts.get(argument.id) if isinstance(argument, ast.Name) else None
        # A buffer in memory, such as `io.StringIO(…)`, is no file; a URL is none of the project.
        is_buffer = isinstance(argument, ast.Call) and scope.dotted_name(argument.func).startswith(
            "io."
        )
        if argument is not None and not is_buffer and "://" not in (path or ""):
            yield writes, path


def _file_use(node: ast.Call, scope: Scope) -> tuple[bool, ast.expr | None] | None:
    dotted_name = scope.dotted_name(node.func)
    first = node.args[0] if node.args else None
    if isinstance(node.func, ast.Name) and node.func.id == "open":
        mode = node.args[1] if len(node.args) > 1 else None
        mode = next((k.value for k in node.keywords if k.arg == "mode"), mode)
        text = mode.value if isinstance(mode, ast.Constant) else "r" if mode is None else "w"
        return any(sign in str(text) for sign in "wax+"), first
    name = (
        node.func.attr if isinstance(node.func, ast.Attribute) else dotted_name.rpartition(".")[2]
    )
    if dotted_name in ("joblib.load", "numpy.load", "skops.io.load"):
        return False, first
    if dotted_name in ("joblib.dump", "skops.io.dump"):
        return True, node.args[1] if len(node.args) > 1 else None
    if dotted_name == "numpy.save":
        return True, first
    if name in READ_FUNCTIONS:
        return False, _receiver(node) if name in ("read_text", "read_bytes") else first
    if name in WRITE_FUNCTIONS:
        return True, _receiver(node) if name in ("write_text", "write_bytes") else first
    return None


def _receiver(node: ast.Call) -> ast.expr | None:
    inner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if isinstance(inner, ast.Call) and inner.args:
        return inner.args[0]
    return inner


def written_globals(statement: ast.AST, scope: Scope) -> set[str]:
    """Return the globals that functions which a statement refers to may assign."""
    names: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and node.id in scope.functions:
            names |= globals_written(scope.functions[node.id].node)
    return names
