"""Work with texts."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from jupyter_mlws.components import Folder, Model, Table, component
from jupyter_mlws.components.tables import TARGET
from jupyter_mlws.components.transforms import applied

TEXT = "text"
SUFFIXES = frozenset({".txt", ".md"})


class Vectorized(NamedTuple):
    """A table of numbers in place of texts, and what made it."""

    table: Table
    vectorizer: Model


@component(category="Text", title="Load texts")
def load_texts(folder: Folder, *, encoding: str = "utf-8") -> Table:
    """Read a folder of text files: a row each, with the folder's name as its class.

    folder: A folder of .txt and .md files; those of each class in a folder of their own.
    encoding: The character encoding of the files.
    """
    import pandas as pd

    files = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES]
    if not files:
        raise ValueError(f"there is no .txt or .md file in the folder {str(folder)!r}")
    table: Table = pd.DataFrame({TEXT: [file.read_text(encoding=encoding) for file in files]})
    classes = [file.parent.name for file in files]
    if set(classes) != {folder.name}:
        table = table.assign(**{TARGET: classes})
    return table


@component(category="Text", title="Text to TF-IDF")
def vectorize_text(
    data: Table,
    *,
    column: str = TEXT,
    analyzer: Literal["word", "char", "char_wb"] = "word",
    longest: Annotated[int, Field(ge=1, le=10)] = 1,
    max_features: Annotated[int, Field(ge=1)] = 1000,
    min_rows: Annotated[int, Field(ge=1)] = 1,
    stop_words: Literal["none", "english"] = "none",
    lowercase: bool = True,
) -> Vectorized:
    """Turn texts into numbers: how often a text has each word, and how rare the word is.

    data: The table to learn the words from.
    table: The table with a column for each word in place of the texts.
    vectorizer: What does the same to another table, by the component "Apply to table".
    column: The column of texts.
    analyzer: Words, or characters, as Chinese and other texts without spaces need.
    longest: How many words or characters in a row are looked at together, at most.
    max_features: Keep the most frequent words only.
    min_rows: Leave out words that fewer rows have.
    stop_words: Words that say nothing are left out.
    lowercase: Capital letters make no difference.
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
    vectorizer.fit(data[[column]].fillna(""))
    table = applied(vectorizer, data)
    # A memory address, of use within one process alone; equal models are to be equal files.
    vars(vectorizer.named_transformers_[column]).pop("_stop_words_id", None)
    return Vectorized(table, vectorizer)
