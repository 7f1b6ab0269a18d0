"""Sizes that a user can start now, for the Hub's spawn page."""

from __future__ import annotations

import time
from collections.abc import Callable

from jupyter_mlws.containers.models import Amount, container_id
from jupyter_mlws.hub.lifecycle.registry import ContainerRegistry
from jupyter_mlws.hub.scheduling.admission import Offer, OfferRequest, SizeOffer
from jupyter_mlws.hub.scheduling.scheduler import ZERO_AMOUNT, Request, find_lack
from mlws.core.errors import MLWSError


def make_offer(
    registry: ContainerRegistry,
    question: OfferRequest,
    check_budget: Callable[[str, Amount], None],
) -> Offer:
    """Return what would happen to a start of each size that the Hub offers.

    ``check_budget`` raises an error if a budget of the user is used up.
    """
    scheduler = registry.scheduler
    now = time.time()
    identifier = container_id(question.user, question.server)
    ends = registry.usage_accounting.ends(registry.entries.values())

    def offer(amount: Amount) -> SizeOffer:
        request = Request(identifier, question.user, amount, 0, now)
        try:
            check_budget(question.user, amount)
            scheduler.check(request)
        except MLWSError as error:
            return SizeOffer(error=error.faults[0].message if error.faults else error.message)
        if scheduler.plan(request, now) is not None:
            return SizeOffer()
        return SizeOffer(queue=scheduler.position_of_new(request, now, ends))

    last = Request(identifier, question.user, ZERO_AMOUNT, 0, now)
    free = scheduler.available(last, now).values()
    emptiest = max(free, key=lambda amount: (amount.cpu, amount.memory), default=ZERO_AMOUNT)
    queue = [request for request in scheduler.queue(now) if request.id != identifier]
    entry = registry.entries.get(identifier)
    return Offer(
        sizes={name: offer(size.amount) for name, size in registry.policy.profiles.items()},
        free=Amount(
            cpu=max(0.0, emptiest.cpu), memory=max(0, emptiest.memory), gpu=max(0, emptiest.gpu)
        ),
        waiting=len(queue),
        lacking=find_lack(queue[0].amount, scheduler.free().values())[0] if queue else "",
        limit=scheduler.limit_of(question.user).amount,
        used=scheduler.used_by(question.user, without=identifier),
        ended=entry.end_reason if entry is not None else None,
    )
