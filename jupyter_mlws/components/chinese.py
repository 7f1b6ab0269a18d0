"""Words of Chinese tables: how dates are written, and what columns are called."""

from __future__ import annotations

import re

CHARACTER = re.compile(r"[\u3400-\u9fff]")
DATE = r"\d{4}年\d{1,2}月(\d{1,2}日)?([ T]\d{1,2}:\d{2}.*)?"
DATE_FORMATS = ("%Y年%m月%d日", "%Y年%m月", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日 %H:%M:%S")
YEAR_OR_MONTH, DAY = "[年月]", "日"
IDENTIFIER_NAMES = ".*编号|.*序号"
TARGET_NAMES = (
    "目标|标签|类别|结果|分类",
    "流失|违约|情感|是否.*",
    "价格|房价|销量|销售额|工资|收入|评分|成绩|金额",
)
"""The likeliest first."""
