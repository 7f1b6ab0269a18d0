"""Images, sizes and limits of containers, against which the service checks requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from jupyter_mlws.containers.models import Amount, ContainerCreate, Resources
from jupyter_mlws.containers.quantities import write_quantity
from jupyter_mlws.core import validation_messages
from jupyter_mlws.core.errors import InvalidContainerError
from mlws.core.errors import Fault
from mlws.core.i18n import Message

UNKNOWN_IMAGE = Message("must be one of {images}")
LIMIT_EXCEEDED = Message("{wanted} exceeds the limit of {limit} per container")


@dataclass(frozen=True)
class ResolvedSpec:
    """Complete specification of a container, without defaults."""

    label: str
    image: str
    resources: Amount
    environment: Mapping[str, str]
    devices: tuple[int, ...] = ()
    """Numbers of the leased devices."""
    rescue: bool = False


def sizes(profiles: Mapping[str, Any]) -> dict[str, Resources]:
    """Return the profiles of the configuration."""
    return {name: Resources.model_validate(size) for name, size in profiles.items()}


@dataclass(frozen=True)
class Policy:
    """Rules for requests. ``images``: label that users choose → image in Docker."""

    images: Mapping[str, str]
    default_image: str
    default_resources: Resources
    max_resources: Resources
    all_profiles: Mapping[str, Resources] = field(default_factory=dict)

    @property
    def profiles(self) -> dict[str, Resources]:
        """The available sizes by name: those within ``max_resources``."""
        most = self.max_resources.amount
        return {name: size for name, size in self.all_profiles.items() if size.amount.fits(most)}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Policy:
        """Return the policy in ``MLWS_SETTINGS``."""
        return cls(
            images=settings["images"],
            default_image=settings["default_image"],
            default_resources=Resources.model_validate(settings["default_resources"]),
            max_resources=Resources.model_validate(settings["max_resources"]),
            all_profiles=sizes(settings.get("profiles", {})),
        )

    def read(self, options: Mapping[str, Any]) -> ContainerCreate:
        """Parse ``user_options``; InvalidContainerError names each invalid field."""
        try:
            return ContainerCreate.model_validate(dict(options))
        except ValidationError as error:
            raise InvalidContainerError(faults=validation_messages.faults(error)) from error

    def with_images(self, own: Mapping[str, str]) -> Policy:
        """Return the policy with a user's own images; the Hub's images take precedence."""
        return replace(self, images={**own, **self.images}) if own else self

    def check(self, request: ContainerCreate) -> ResolvedSpec:
        """Return the request with defaults.

        InvalidContainerError names each field that is not allowed.
        """
        resources = request.resources or self.default_resources
        name = request.image or self.default_image
        # An image is requested by its label or by its name in Docker.
        labels = [label for label, image in self.images.items() if image == name]
        label = name if name in self.images else next(iter(labels), "")
        unknown = UNKNOWN_IMAGE.fill(images=", ".join(self.images))
        faults = [] if label else [Fault("image", unknown)]
        faults += self._size_faults(resources.amount)
        if faults:
            raise InvalidContainerError(faults=faults)
        return ResolvedSpec(
            label,
            self.images[label],
            resources.amount,
            request.environment,
            rescue=request.rescue,
        )

    def check_size(self, amount: Amount) -> None:
        """Raise InvalidContainerError with every resource above the limit of one container."""
        faults = self._size_faults(amount)
        if faults:
            raise InvalidContainerError(faults=faults)

    def _size_faults(self, amount: Amount) -> list[Fault]:
        most = self.max_resources.amount
        return [
            Fault(
                f"resources.{name}",
                LIMIT_EXCEEDED.fill(
                    wanted=write_quantity(name, getattr(amount, name)),
                    limit=write_quantity(name, getattr(most, name)),
                ),
            )
            for name in ("cpu", "memory", "gpu")
            if getattr(amount, name) > getattr(most, name)
        ]
