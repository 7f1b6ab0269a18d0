"""The form of the spawn page: image and size, and what each size means now for this user."""

from __future__ import annotations

import html
import logging
from collections.abc import Mapping
from typing import Any

from jupyter_mlws.containers.budgets import BUDGET_NAMES, Meter
from jupyter_mlws.containers.models import Amount, Resources
from jupyter_mlws.core.errors import HubUnavailableError
from jupyter_mlws.hub import words
from jupyter_mlws.hub.scheduling.admission import Offer, OfferRequest, SizeOffer
from mlws.core.i18n import Message

IMAGE_LABEL = Message("Image")
SIZE_LABEL = Message("Size")
SIZES = {
    "small": Message("Small"),
    "medium": Message("Medium"),
    "large": Message("Large"),
    "gpu": Message("GPU"),
}
KINDS = {"cpu": Message("CPU"), "memory": Message("memory"), "gpu": Message("GPUs")}
AT_ONCE = Message("starts at once")
RECOMMENDED = Message("recommended")
FREE = Message("Free now: {size}.")
EMPTY_QUEUE = Message("No lab waits.")
QUEUE = Message("{count} labs wait for {kind}.")
QUEUE_OF_ONE = Message("1 lab waits for {kind}.")
LIMIT = Message("Your limit: {limit}; your other labs use {used}.")
BUDGET = Message("This month {used:.1f} of {hours:g} {budget} are used.")
LASTS = Message("lasts {hours} h")
LAST_END = Message("Your last lab: {reason}")
UNKNOWN = Message("The Hub's service does not respond, so what is free is not known.")

log = logging.getLogger(__name__)


class SpawnForm:
    """The form for one user; ``offer`` is None if the service does not respond."""

    def __init__(self, spawner: Any, offer: Offer | None) -> None:
        self._policy = spawner.policy
        self._language = spawner.language
        self._last: Mapping[str, Any] = spawner.orm_spawner.user_options or {}
        self._offer = offer

    @classmethod
    async def load(cls, spawner: Any) -> SpawnForm:
        """Return the form with what the service offers now, if it responds."""
        question = OfferRequest(
            user=spawner.user.name, admin=bool(spawner.user.admin), server=spawner.name
        )
        offer = None
        try:
            offer = await spawner.admission.offer(question, spawner.language)
        except HubUnavailableError as error:
            log.warning("The spawn page does not show what is free: %s", error)
        return cls(spawner, offer)

    def html(self) -> str:
        """Return the form's fields."""
        return "".join([self._state(), self._images(), self._sizes()])

    def _state(self) -> str:
        """Return why the last lab ended, what is free, and the user's own limit."""
        offer = self._offer
        if offer is None:
            return f'<p class="alert alert-warning">{self._text(UNKNOWN)}</p>'
        facts = [FREE.fill(size=words.size(offer.free)), EMPTY_QUEUE]
        if offer.waiting:
            form = QUEUE_OF_ONE if offer.waiting == 1 else QUEUE
            facts[1] = form.fill(count=offer.waiting, kind=KINDS[offer.lacking])
        if offer.limit is not None and offer.used is not None:
            limit, used = words.size(offer.limit), words.size(offer.used)
            facts.append(LIMIT.fill(limit=limit, used=used))
        for use in offer.budgets:
            budget = BUDGET_NAMES[use.meter]
            facts.append(BUDGET.fill(used=use.used, hours=use.hours, budget=budget))
        end = ""
        if offer.ended is not None:
            end = f'<p class="alert alert-info">{self._text(LAST_END.fill(reason=offer.ended))}</p>'
        return f'{end}<p id="spawn-state">{" ".join(map(self._text, facts))}</p>'

    def _images(self) -> str:
        """Return a choice of images, if there are several; the last one is selected."""
        images = self._policy.images
        if len(images) < 2:
            return ""
        last = str(self._last.get("image", ""))
        selected = last if last in images else self._policy.default_image
        options = "".join(
            f"<option{' selected' if label == selected else ''}>{html.escape(label)}</option>"
            for label in images
        )
        return (
            f'<div class="mb-3"><label class="form-label" for="image">{self._text(IMAGE_LABEL)}'
            f'</label><select class="form-select" id="image" name="image">{options}</select></div>'
        )

    def _sizes(self) -> str:
        recommended = self._recommended()
        rows = [
            self._size(name, size.amount, name == recommended)
            for name, size in self._policy.profiles.items()
        ]
        legend = f'<legend class="fs-6">{self._text(SIZE_LABEL)}</legend>'
        return f"<fieldset>{legend}{''.join(rows)}</fieldset>"

    def _size(self, name: str, amount: Amount, is_recommended: bool) -> str:
        title = self._text(SIZES[name]) if name in SIZES else html.escape(name)
        key, offer = html.escape(name), self._offered(name)
        state = ["checked"] if is_recommended else []
        state += ["disabled"] if offer is not None and offer.error is not None else []
        return (
            '<div class="form-check mb-2"><input class="form-check-input" type="radio" name="size"'
            f' id="size-{key}" value="{key}" required {" ".join(state)}>'
            f'<label class="form-check-label" for="size-{key}">{title} '
            f'<span class="text-body-secondary">{self._text(words.size(amount))}</span>'
            f"{self._budget(amount)}{self._prospect(offer, is_recommended)}</label></div>"
        )

    def _budget(self, amount: Amount) -> str:
        """Return how long the hard budgets of this month last at a size."""
        rates = {
            Meter.CPU: amount.cpu,
            Meter.MEMORY: amount.memory / 1024**3,
            Meter.GPU: float(amount.gpu),
        }
        hours = [
            max(0.0, use.hours - use.used) / rates[use.meter]
            for use in (self._offer.budgets if self._offer is not None else [])
            if use.hard and rates[use.meter] > 0
        ]
        return f" · {self._text(LASTS.fill(hours=f'{min(hours):.0f}'))}" if hours else ""

    def _prospect(self, offer: SizeOffer | None, is_recommended: bool) -> str:
        """Return the result of a start of a size, in words."""
        if offer is None:
            return ""
        if offer.error is not None:
            return f' · <span class="text-danger">{self._text(offer.error)}</span>'
        if offer.queue is not None:
            return f" · {self._text(words.queue_position(offer.queue))}"
        badge = f'<span class="badge text-bg-success">{self._text(AT_ONCE)}</span>'
        return f" {badge} {self._text(RECOMMENDED) if is_recommended else ''}".rstrip()

    def _recommended(self) -> str:
        """Return the size to select: last chosen, default or largest, the first that starts now.

        If none does, the first of them that may wait.
        """
        policy = self._policy
        by_amount = {size.amount: name for name, size in policy.profiles.items()}
        wishes = [
            by_amount.get(self._last_amount()),
            by_amount.get(policy.default_resources.amount),
        ]
        ranked = sorted(by_amount, key=lambda amount: (amount.memory, amount.cpu), reverse=True)
        names = [name for name in [*wishes, *(by_amount[size] for size in ranked)] if name]
        possible = [name for name in names if self._is_possible(name)]
        at_once = [name for name in possible if self._starts_now(name)]
        return next(iter([*at_once, *possible]), "")

    def _last_amount(self) -> Amount | None:
        resources = self._last.get("resources")
        return Resources.model_validate(resources).amount if resources else None

    def _offered(self, name: str) -> SizeOffer | None:
        return self._offer.sizes.get(name) if self._offer is not None else None

    def _is_possible(self, name: str) -> bool:
        offer = self._offered(name)
        return offer is None or offer.error is None

    def _starts_now(self, name: str) -> bool:
        offer = self._offered(name)
        return offer is None or (offer.error is None and offer.queue is None)

    def _text(self, message: Message) -> str:
        return html.escape(message.in_(self._language))


def read_form(form: Mapping[str, list[str]], spawner: Any) -> dict[str, Any]:
    """Return the form's choices as ``user_options``; the policy check rejects unknown sizes."""
    options: dict[str, Any] = {}
    if "image" in form:
        options["image"] = form["image"][0]
    if "size" in form:
        size_name = form["size"][0]
        options["resources"] = spawner.profiles.get(size_name, size_name)
    return options
