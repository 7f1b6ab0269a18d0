"""Load texts and convert them to features."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Folder, Table, component
from jupyter_mlws.components import columns as rules
from jupyter_mlws.components.artifacts import Transformer
from jupyter_mlws.components.needs import rows
from jupyter_mlws.components.parameters import AppliesTo, ColumnName, Labels
from jupyter_mlws.components.tables import TARGET
from jupyter_mlws.components.transforms import apply_transformer, as_texts

TEXT = "text"
TEXT_SUFFIXES = frozenset({".txt", ".md"})


class VectorizationResult(NamedTuple):
    """A table of numbers in place of texts, and what made it."""

    table: Table
    vectorizer: Transformer


@component(category="Text", title="Load Texts", columns=rules.load_texts)
def load_texts(folder: Folder, *, encoding: str = "utf-8") -> Table:
    """Read a folder of text files: one row per file, with its folder's name as the class.

    folder: Folder of .txt and .md files, with one subfolder per class.
    encoding: Character encoding of the files.
    """
    import pandas as pd

    files = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in TEXT_SUFFIXES]
    if not files:
        raise ValueError(f"no .txt or .md files in the folder {str(folder)!r}")
    table: Table = pd.DataFrame({TEXT: [file.read_text(encoding=encoding) for file in files]})
    classes = [file.parent.name for file in files]
    if set(classes) != {folder.name}:
        table = table.assign(**{TARGET: classes})
    return table


@component(
    category="Text", title="Text to TF-IDF", columns=rules.vectorize_text, needs=rows("data")
)
def vectorize_text(
    data: Table,
    *,
    column: Annotated[ColumnName, Field(title="Text column")] = TEXT,
    analyzer: Annotated[
        Literal["word", "char", "char_wb"],
        Labels(word="Words", char="Characters", char_wb="Characters within words"),
    ] = "word",
    longest: Annotated[int, Field(ge=1, le=10, title="Maximum n-gram length")] = 1,
    max_features: Annotated[int, Field(ge=1, title="Maximum features")] = 1000,
    min_rows: Annotated[int, Field(ge=1, title="Minimum document frequency")] = 1,
    stop_words: Annotated[Literal["none", "english"], AppliesTo(analyzer=("word",))] = "none",
    lowercase: Annotated[bool, Field(title="Convert to lowercase")] = True,
) -> VectorizationResult:
    """Convert text to TF-IDF features.

    data: Table to fit the vectorizer on.
    table: Table with TF-IDF columns in place of the text column.
    vectorizer: Fitted transformer; use it with “Apply Transformer”.
    column: Column that contains the text.
    analyzer: Split text into words or characters. Use characters for text without spaces, such as
        Chinese.
    longest: Maximum number of consecutive words or characters that form one feature.
    max_features: Keep only this many features, the most frequent ones.
    min_rows: Ignore words that appear in fewer rows than this.
    stop_words: Common words to ignore. Only used when splitting into words.
    lowercase: Treat uppercase and lowercase letters the same.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer

    if column not in data.columns:
        raise KeyError(f"the table has no column {column!r}; it has {list(data.columns)}")
    words = TfidfVectorizer(
        analyzer=analyzer,
        ngram_range=(1, longest),
        max_features=max_features,
        min_df=min_rows,
        stop_words=None if stop_words == "none" else stop_words,
        lowercase=lowercase,
    )
    # It keeps the column's name with the words.
    vectorizer = ColumnTransformer([(column, words, column)])
    vectorizer.fit(as_texts(data[[column]]))
    table = apply_transformer(vectorizer, data)
    # A memory address, of use within one process alone; equal models are to be equal files.
    vars(vectorizer.named_transformers_[column]).pop("_stop_words_id", None)
    return VectorizationResult(table, vectorizer)
