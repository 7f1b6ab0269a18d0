"""What a backup passes to PostgreSQL's programs."""

from __future__ import annotations

import pytest

from hub_config.backup import libpq


@pytest.mark.parametrize(
    ("url", "address", "environment"),
    [
        (
            "postgresql+psycopg2://hub:p%40ss@db.example:5433/hub?sslmode=require",
            "postgresql://hub@db.example:5433/hub?sslmode=require",
            {"PGPASSWORD": "p@ss"},
        ),
        ("postgresql://hub@/hub", "postgresql://hub@/hub", {}),
        ("postgresql:///hub?host=/run/postgresql", "postgresql:///hub?host=/run/postgresql", {}),
    ],
)
def test_the_password_is_not_an_argument(
    url: str, address: str, environment: dict[str, str]
) -> None:
    assert libpq(url) == (address, environment)
