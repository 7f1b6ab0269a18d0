"""New figures, without pyplot and its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

if TYPE_CHECKING:
    import matplotlib.figure

Inches = Annotated[float, Field(gt=0, le=40)]
CJK_FONTS = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "SimHei")

MORE_CJK_FONTS = ("WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB")
"""Of Debian, Windows and macOS, for characters that the font before them lacks."""


def new_figure(width: float, height: float) -> matplotlib.figure.Figure:
    """Return an empty figure of a size in inches, with a font for Chinese titles."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as NewFigure
    from matplotlib.font_manager import fontManager

    # Chinese titles need a font that has the characters; the first that is installed serves.
    mpl.rcParams["font.sans-serif"] = [*CJK_FONTS, *mpl.rcParams["font.sans-serif"]]
    installed = {font.name for font in fontManager.ttflist}
    more = [name for name in MORE_CJK_FONTS if name in installed]
    # Only families are looked up for each character.
    mpl.rcParams["font.family"] = [*dict.fromkeys([*mpl.rcParams["font.family"], *more])]
    mpl.rcParams["axes.unicode_minus"] = False
    figure = NewFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
