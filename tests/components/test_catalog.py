"""Each component has help, an icon, Chinese, and a place in a template."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from jupyter_mlws.components.models import Component
from jupyter_mlws.components.registry import library

ROOT = Path(__file__).parents[2]
CHINESE = json.loads(
    (ROOT / "jupyter_mlws/locale/zh_CN/LC_MESSAGES/jupyter_mlws.json").read_text(encoding="utf-8")
)
ICONS = (ROOT / "src/workflow/operationIcons.ts").read_text(encoding="utf-8")
GALLERY = (ROOT / "src/workflow/import/gallery.ts").read_text(encoding="utf-8")
WITHOUT_A_TEMPLATE = {
    "load_table": "takes the place of sample data when a file is chosen",
    "load_sql": "needs a database", "load_texts": "needs a folder", "load_images": "needs a folder",
    "vectorize_text": "needs texts", "image_pixels": "needs images",
    "load_model": "needs a registered model", "register_model": "changes the registry",
    "data_preprocessing": "is several others in one", "model_training": "is several others in one",
    "train_network": "needs PyTorch", "prepare_columns": "takes its steps from a learner",
    "add_lags": "is in the forecast of an own table",
}  # fmt: skip


@pytest.mark.parametrize("component", library(), ids=lambda one: one.name)
def test_a_component_has_help_an_icon_chinese_and_a_template(component: Component) -> None:
    assert component.description, "no help"
    assert re.search(rf"^  {component.name}: icon\(", ICONS, re.MULTILINE), "no icon"
    assert re.search("[\u4e00-\u9fff]", CHINESE[component.title][0]), "no Chinese title"
    settings = component.settings.get("properties", {})
    assert [name for name, one in settings.items() if not one.get("description")] == []
    is_used = f"'{component.name}'" in GALLERY
    assert is_used != (component.name in WITHOUT_A_TEMPLATE), "in no template"


def test_ports_have_help_where_their_name_does_not_say_it() -> None:
    missing = [
        f"{one.name}.{port.name}"
        for one in library()
        for port in one.inputs
        if not port.description
    ]
    assert missing == []
