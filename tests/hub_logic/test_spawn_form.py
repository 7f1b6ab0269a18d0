"""The spawn page's form: which size is selected, and what it says of each."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlws.containers.budgets import BudgetUse, Meter, Subject
from jupyter_mlws.containers.models import Amount, QueuePlace, Resources
from jupyter_mlws.hub.scheduling.admission import Offer, SizeOffer
from jupyter_mlws.hub.scheduling.policy import Policy
from jupyter_mlws.hub.spawn_form import SpawnForm
from mlws.core.i18n import Message

SMALL = {"cpu": "500m", "memory": "1Gi"}
MEDIUM = {"cpu": "1", "memory": "2Gi"}
LARGE = {"cpu": "2", "memory": "4Gi"}
FREE = Amount(cpu=1.5, memory=3559 * 1024**2)
NOW = SizeOffer()
WAITS = SizeOffer(queue=QueuePlace(position=3, eta_seconds=300))
NEVER = SizeOffer(error=Message("more than <all>"))


def form(
    offers: dict[str, SizeOffer] | None, last: Any = None, language: str = "en", **facts: Any
) -> str:
    profiles = {"small": SMALL, "medium": MEDIUM, "large": LARGE}
    policy = Policy(
        images={"Lab": "lab", "R <4>": "r"},
        default_image="Lab",
        default_resources=Resources.model_validate(MEDIUM),
        max_resources=Resources.model_validate(LARGE),
        all_profiles={name: Resources.model_validate(size) for name, size in profiles.items()},
    )
    spawner = SimpleNamespace(
        policy=policy, language=language, orm_spawner=SimpleNamespace(user_options=last)
    )
    offer = None if offers is None else Offer(sizes=offers, free=FREE, **facts)
    return SpawnForm(spawner, offer).html()


def selected(page: str) -> str:
    [name] = re.findall(r'value="(\w+)" required checked', page)
    return str(name)


@pytest.mark.parametrize(
    ("offers", "last", "expected"),
    [
        ((NOW, NOW, NOW), None, "medium"),
        ((NOW, NOW, NOW), LARGE, "large"),
        ((NOW, NOW, WAITS), LARGE, "medium"),
        ((NOW, WAITS, WAITS), None, "small"),
        ((WAITS, WAITS, WAITS), SMALL, "small"),
        ((WAITS, NEVER, NEVER), None, "small"),
        ((NOW, NEVER, NOW), None, "large"),
        # A size that the Hub no longer offers.
        ((NOW, NOW, NOW), {"cpu": "9", "memory": "9Gi"}, "medium"),
    ],
)
def test_the_last_choice_is_selected_if_it_starts_at_once(
    offers: tuple[SizeOffer, ...], last: Any, expected: str
) -> None:
    named = dict(zip(("small", "medium", "large"), offers, strict=True))
    assert selected(form(named, {"resources": last} if last else None)) == expected


def test_it_says_what_each_size_means_now() -> None:
    page = form({"small": NOW, "medium": WAITS, "large": NEVER}, waiting=2, lacking="memory")
    assert "Free now: 1.5 CPU, 3.4 GiB memory. 2 labs wait for memory." in page
    assert "starts at once" in page
    assert "Position 3 in queue, about 5 min left" in page
    assert "more than &lt;all&gt;" in page
    assert re.search(r'value="large" required disabled', page)
    assert "空闲" in form({"small": NOW}, language="zh-CN")


def test_it_tells_why_the_last_lab_ended_and_the_own_limit() -> None:
    page = form(
        {"small": NOW},
        ended=Message("Stopped by {by}.", by="<b>"),
        limit=Amount(cpu=4, memory=8 * 1024**3),
        used=Amount(cpu=1, memory=2 * 1024**3),
    )
    assert "Your last lab: Stopped by &lt;b&gt;." in page
    assert "Your limit: 4 CPU, 8 GiB memory; your other labs use 1 CPU, 2 GiB memory." in page


def test_it_says_how_long_a_budget_lasts_at_each_size() -> None:
    budgets = [
        BudgetUse(meter=Meter.CPU, kind=Subject.USER, name="ada", hours=100, hard=True, used=79.96),
        BudgetUse(meter=Meter.MEMORY, kind=Subject.GROUP, name="lab", hours=10, hard=False, used=1),
    ]
    page = form({"small": NOW, "medium": NOW, "large": NOW}, budgets=budgets)
    assert "This month 80.0 of 100 core-hours are used." in page
    assert re.search(r'for="size-small">.*?lasts 40 h', page)
    assert re.search(r'for="size-large">.*?lasts 10 h', page)


def test_the_last_image_is_selected_while_it_exists() -> None:
    assert "<option selected>R &lt;4&gt;</option>" in form(None, {"image": "R <4>"})
    assert "<option selected>Lab</option>" in form(None, {"image": "gone"})


def test_without_the_service_every_size_can_be_chosen() -> None:
    page = form(None)
    assert "does not respond" in page
    assert selected(page) == "medium"
    assert "disabled" not in page
