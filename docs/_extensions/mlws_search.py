"""Words of questions that the site's search leaves out: pages need not have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sphinx.search.en import SearchEnglish
from sphinx.search.zh import SearchChinese

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ENGLISH = {"can", "does", "else", "else's", "happen", "happens", "need", "someone", "want"}
CHINESE = {
    "什么",
    "什么样",
    "会",
    "可以",
    "哪里",
    "哪儿",
    "如何",
    "怎么",
    "怎样",
    "怎么办",
    "我的",
    "能否",
}


class EnglishQuestions(SearchEnglish):
    """English, without the words of questions."""

    stopwords = SearchEnglish.stopwords | ENGLISH


class ChineseQuestions(SearchChinese):
    """Chinese, without the words of questions."""

    # Sphinx 9 takes the stemmer's name in the script from here, and there is none for Chinese.
    language_name = SearchEnglish.language_name
    stopwords = SearchChinese.stopwords | CHINESE


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the languages in the place of Sphinx's own."""
    app.add_search_language(EnglishQuestions)
    app.add_search_language(ChineseQuestions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
