"""What compose.yaml says, without an engine."""

from __future__ import annotations

import re

import yaml

from hub_config.compose import FILE

EXACT = re.compile(r"\$\{[A-Z]+_IMAGE:-[a-z/]+:(v?\d+\.\d+(\.\d+)?|RELEASE\.[0-9TZ-]+)\}")
OWN = "${HUB_NAME:-mlws}-hub"


def test_every_image_has_an_exact_version_and_can_be_another_one() -> None:
    services = yaml.safe_load(FILE.read_text())["services"]
    images = {name: service["image"] for name, service in services.items()}
    assert {name for name, image in images.items() if not EXACT.fullmatch(image)} == {
        name for name, image in images.items() if image == OWN
    }
