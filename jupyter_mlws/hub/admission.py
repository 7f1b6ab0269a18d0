"""The spawner's question to the service ``mlws``: is there room for this container?"""

from __future__ import annotations

import json
from dataclasses import dataclass

from jupyterhub.utils import url_path_join
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from jupyter_mlws.containers.models import Amount, ContainerCreate, Resources
from jupyter_mlws.errors import Fault, MLWSError, Words
from jupyter_mlws.hub import words
from jupyter_mlws.hub.policy import Wanted
from jupyter_mlws.hub.refusal import Refusal

LIMIT = 15.0
"""Seconds in which the service must grant or refuse."""
REFUSED = (400, 403, 404, 409)


@dataclass(frozen=True)
class Admission:
    """``address`` is the service's own; ``token`` proves that the Hub asks."""

    address: str
    token: str

    async def ask(
        self, user: str, server: str, request: ContainerCreate, wanted: Wanted, language: str
    ) -> Amount:
        """What is granted; a :class:`Refusal` in the service's words, or error 10103."""
        spec = {
            **request.model_dump(mode="json", exclude_none=True),
            "image": wanted.label,
            "resources": words.as_resources(wanted.resources),
        }
        body = {"user": user, "server": server, "spec": spec, "language": language}
        try:
            answer = await AsyncHTTPClient().fetch(
                url_path_join(self.address, "admissions"),
                method="POST",
                headers={
                    "Authorization": f"token {self.token}",
                    "Content-Type": "application/json",
                    "Accept-Language": language,
                },
                body=json.dumps(body),
                request_timeout=LIMIT,
            )
        except HTTPClientError as error:
            if error.code in REFUSED and error.response is not None:
                raise Refusal(json.loads(error.response.body), error.code, language) from error
            raise _unanswered(error) from error
        except (OSError, ValueError) as error:
            raise _unanswered(error) from error
        granted = json.loads(answer.body)
        return Resources.model_validate(granted.get("data", granted)["resources"]).amount


def _unanswered(error: Exception) -> MLWSError:
    english = f"the service that grants resources does not answer: {error}"
    return MLWSError("10103", Fault("service", Words(english, f"分配资源的服务没有应答：{error}")))
