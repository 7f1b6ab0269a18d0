"""Kinds of what functions, methods and attributes of pandas, numpy and scikit-learn return.

Only what the name makes certain is listed; the rest is opaque.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from jupyter_mlws.workflows.importers.notebook_split.kinds import (
    PANDAS,
    Kind,
    Result,
    combine_kinds,
    words,
)

SAME_KIND_METHODS = words(
    "head tail copy drop dropna fillna ffill bfill rename reset_index set_index sort_values "
    "sort_index sample assign query astype replace round drop_duplicates filter clip diff shift "
    "pct_change cumsum cumprod cummax cummin isna isnull notna notnull where mask interpolate "
    "reindex abs rank isin eq ne lt le gt ge add sub mul div nlargest nsmallest map "
    "convert_dtypes infer_objects tz_localize tz_convert truncate between combine_first take"
)
"""Methods of pandas that give a table of a table, and a series of a series."""
TABLE_METHODS = words(
    "merge join describe corr cov select_dtypes pivot pivot_table melt transpose applymap"
)
REDUCTIONS = words(
    "mean sum min max median std var count nunique any all idxmax idxmin prod skew kurt sem"
)
GROUPBY_METHODS = words(
    "mean sum min max median std var count nunique size agg aggregate first last head"
)
SAME_ARRAY_METHODS = words(
    "reshape astype copy flatten ravel dot round clip cumsum argsort transpose squeeze "
    "repeat swapaxes"
)
ARRAY_REDUCTIONS = words("mean sum min max std var any all argmax argmin prod ptp")
READERS = words("read_csv read_table read_parquet read_excel read_feather read_sql read_sql_query "
                "read_fwf read_stata read_sas read_orc read_pickle read_sql_table")  # fmt: skip
PANDAS_TABLES = words(
    "DataFrame get_dummies crosstab melt pivot_table merge json_normalize merge_asof merge_ordered"
)
NUMPY_REDUCTIONS = words(
    "mean sum min max median std var prod amin amax average percentile quantile count_nonzero any "
    "all argmax argmin nanmean nanstd nansum nanmin nanmax nanmedian dot isclose allclose"
)
NUMPY_OPAQUE = words("default_rng RandomState Generator seed load savez memmap nditer")
PREDICTION_METHODS = words(
    "predict predict_proba predict_log_proba decision_function fit_predict score_samples apply"
)
TRANSFORM_METHODS = words("transform fit_transform inverse_transform")
MODEL_ARRAYS = words(
    "coef_ feature_importances_ classes_ components_ labels_ cluster_centers_ intercept_ mean_ "
    "explained_variance_ratio_ explained_variance_ support_vectors_ scale_ var_"
)
MODEL_SCALARS = words("best_score_ n_iter_ inertia_ n_features_in_ best_index_ oob_score_")
MODEL_FACTORIES = words("make_pipeline clone make_union make_column_transformer")
GENERATED_DATASETS = words("make_classification make_regression make_blobs make_moons make_circles")
CURVES = words("roc_curve precision_recall_curve det_curve")
METRIC_ARRAYS = words("confusion_matrix multilabel_confusion_matrix pairwise_distances")
SPARSE_OUTPUT_NAMES = words(
    "CountVectorizer TfidfVectorizer TfidfTransformer OneHotEncoder HashingVectorizer "
    "DictVectorizer FeatureHasher set_output ColumnTransformer make_column_transformer"
)
"""Names with which a transformer's result may be something other than an array."""
UFUNCS = words(
    "log log1p log2 log10 exp expm1 sqrt abs absolute sin cos tan round floor ceil sign square "
    "clip maximum minimum isnan power add subtract multiply divide tanh arctan nan_to_num"
)
NUMPY_ARRAYS = words(
    "array asarray zeros ones empty full arange linspace logspace eye identity concatenate vstack "
    "hstack stack column_stack where reshape ravel transpose argsort sort unique cumsum diff tile "
    "repeat zeros_like ones_like full_like random histogram digitize outer matmul append delete "
    "insert flip roll squeeze expand_dims bincount corrcoef cov inv solve pinv"
)
CONVERSION_METHODS = {
    "to_numpy": Kind.ARRAY,
    "to_list": Kind.PLAIN,
    "to_dict": Kind.PLAIN,
    "to_frame": Kind.TABLE,
    "to_string": Kind.SCALAR,
}
OTHER_FUNCTIONS: Mapping[str, Kind] = {
    "json.load": Kind.PLAIN,
    "json.loads": Kind.PLAIN,
    "glob.glob": Kind.PLAIN,
    "os.listdir": Kind.PLAIN,
    "re.findall": Kind.PLAIN,
    "re.split": Kind.PLAIN,
    "re.sub": Kind.SCALAR,
    "json.dumps": Kind.SCALAR,
    "pathlib.Path": Kind.SCALAR,
    "os.getcwd": Kind.SCALAR,
    "datetime.datetime": Kind.SCALAR,
    "datetime.date": Kind.SCALAR,
    "datetime.timedelta": Kind.SCALAR,
}


def attribute(whole: Kind, name: str) -> Kind:
    """Return the kind of an attribute."""
    if whole in PANDAS:
        if name in ("shape", "size", "ndim", "empty", "name"):
            return Kind.SCALAR
        if name == "values":
            return Kind.ARRAY
        if name == "T":
            return whole
        if name in ("columns", "index", "dtypes", "str", "dt"):
            return Kind.SERIES
        # A column: `table.price`.
        return Kind.SERIES if whole is Kind.TABLE and name not in SAME_KIND_METHODS else Kind.OPAQUE
    if whole is Kind.ARRAY:
        kinds = {"T": Kind.ARRAY, "shape": Kind.SCALAR, "size": Kind.SCALAR, "ndim": Kind.SCALAR}
        return kinds.get(name, Kind.OPAQUE)
    if whole is Kind.BUNCH:
        return Kind.PLAIN if name == "feature_names" else Kind.ARRAY
    if whole is Kind.MODEL:
        if name in MODEL_ARRAYS:
            return Kind.ARRAY
        if name in MODEL_SCALARS:
            return Kind.SCALAR
        return {"best_params_": Kind.PLAIN, "best_estimator_": Kind.MODEL}.get(name, Kind.OPAQUE)
    return Kind.SCALAR if whole is Kind.SCALAR else Kind.OPAQUE


def method(whole: Kind, name: str, arguments: int, keywords: Collection[str], sparse: bool) -> Kind:
    """Return the kind of a method's result; ``sparse``: transformers may return other types."""
    if whole in PANDAS:
        return _pandas_method(whole, name, keywords)
    if whole is Kind.ARRAY:
        if name in ARRAY_REDUCTIONS:
            return Kind.ARRAY if arguments or "axis" in keywords else Kind.SCALAR
        kinds = {"tolist": Kind.PLAIN, "item": Kind.SCALAR}
        return Kind.ARRAY if name in SAME_ARRAY_METHODS else kinds.get(name, Kind.OPAQUE)
    if whole is Kind.MODEL:
        if name in ("fit", "partial_fit", "set_params"):
            return Kind.MODEL
        if name == "score":
            return Kind.SCALAR
        if name in PREDICTION_METHODS or name == "get_feature_names_out":
            return Kind.ARRAY
        return Kind.ARRAY if name in TRANSFORM_METHODS and not sparse else Kind.OPAQUE
    if whole is Kind.SCALAR:
        return Kind.PLAIN if name in ("split", "rsplit", "splitlines", "partition") else Kind.SCALAR
    if whole is Kind.PLAIN:
        return Kind.OPAQUE if name in ("keys", "values", "items") else Kind.PLAIN
    return Kind.OPAQUE


def _pandas_method(whole: Kind, name: str, keywords: Collection[str]) -> Kind:
    if "inplace" in keywords or (name.startswith("to_") and name not in CONVERSION_METHODS):
        return Kind.SCALAR
    if name in CONVERSION_METHODS:
        return CONVERSION_METHODS[name]
    if name in ("reset_index", "to_frame") and whole is not Kind.TABLE:
        return Kind.FRAME
    if name in SAME_KIND_METHODS:
        return whole
    if name in TABLE_METHODS:
        return Kind.FRAME if whole is not Kind.TABLE or name == "describe" else Kind.TABLE
    if name in REDUCTIONS:
        return {Kind.TABLE: Kind.SERIES, Kind.SERIES: Kind.SCALAR}.get(whole, Kind.OPAQUE)
    return {
        "value_counts": Kind.SERIES,
        "unique": Kind.ARRAY,
        "tolist": Kind.PLAIN,
        "stack": Kind.FRAME,
        "unstack": Kind.FRAME,
        "quantile": Kind.FRAME if whole is Kind.TABLE else Kind.OPAQUE,
        "mode": whole,
        "duplicated": Kind.SERIES,
        "pop": Kind.SERIES,
        "item": Kind.SCALAR,
        "info": Kind.SCALAR,
    }.get(name, Kind.OPAQUE)


def function(dotted_name: str, kinds: Sequence[Kind], keywords: Collection[str]) -> Result:
    """Return the kind of a library function's result, for arguments of these kinds."""
    package, _, name = dotted_name.rpartition(".")
    top = dotted_name.partition(".")[0]
    if top == "pandas":
        if name in READERS or name in PANDAS_TABLES:
            return Kind.TABLE
        if name in ("Series", "date_range", "Index"):
            return Kind.SERIES
        return Kind.FRAME if name == "concat" else Kind.OPAQUE
    if top == "numpy":
        return _numpy_function(package, name, kinds, keywords)
    if top == "sklearn":
        return _sklearn_function(package, name, kinds, keywords)
    if top in ("math", "time", "statistics") or dotted_name.startswith("os.path."):
        return Kind.SCALAR
    if dotted_name in ("copy.copy", "copy.deepcopy") and kinds:
        return kinds[0]
    return OTHER_FUNCTIONS.get(dotted_name, Kind.OPAQUE)


def _numpy_function(
    package: str, name: str, kinds: Sequence[Kind], keywords: Collection[str]
) -> Result:
    if name in NUMPY_OPAQUE or package not in ("numpy", "numpy.random", "numpy.linalg"):
        return Kind.OPAQUE
    if name == "unique" and keywords:
        return tuple([Kind.ARRAY] * (1 + len(keywords)))
    if name in NUMPY_REDUCTIONS:
        return Kind.ARRAY if len(kinds) > 1 or "axis" in keywords else Kind.SCALAR
    if package == "numpy.random":
        return Kind.ARRAY if kinds or keywords else Kind.SCALAR
    if name in UFUNCS and kinds:
        return combine_kinds(kinds) if kinds[0] is not Kind.PLAIN else Kind.ARRAY
    return Kind.ARRAY if name in NUMPY_ARRAYS else Kind.OPAQUE


def _sklearn_function(
    package: str, name: str, kinds: Sequence[Kind], keywords: Collection[str]
) -> Result:
    if package.endswith("datasets"):
        is_frame = "as_frame" in keywords
        if name in GENERATED_DATASETS:
            return (Kind.ARRAY, Kind.ARRAY)
        if "return_X_y" in keywords:
            return (Kind.TABLE, Kind.SERIES) if is_frame else (Kind.ARRAY, Kind.ARRAY)
        return Kind.OPAQUE if is_frame else Kind.BUNCH
    if name[:1].isupper() or name in MODEL_FACTORIES:
        return Kind.MODEL
    if name == "train_test_split":
        return tuple(kind for kind in kinds for _ in range(2))
    if name in ("shuffle", "resample"):
        return kinds[0] if len(kinds) == 1 else tuple(kinds)
    if name in CURVES:
        return (Kind.ARRAY,) * 3
    if name in METRIC_ARRAYS or name in ("cross_val_score", "cross_val_predict"):
        return Kind.ARRAY
    if name == "cross_validate" or "output_dict" in keywords:
        return Kind.PLAIN
    return Kind.SCALAR if package.endswith("metrics") else Kind.OPAQUE
