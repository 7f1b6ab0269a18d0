"""Deposits capsules at Zenodo and other instances of InvenioRDM.

API: https://inveniordm.docs.cern.ch/reference/rest_api_drafts_records/
"""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jupyter_mlws._version import __version__
from jupyter_mlws.capsules import citation
from jupyter_mlws.capsules.archive import open_archive
from jupyter_mlws.capsules.crate import METADATA
from jupyter_mlws.capsules.models import Deposit
from jupyter_mlws.core.errors import (
    CapsuleInvalidError,
    DepositError,
    DepositLeftError,
    DepositTokenError,
)
from jupyter_mlws.core.trust import require_trust
from jupyter_mlws.git.adapter import Git
from mlws.core.atomic import atomic_write
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message
from mlws.core.progress import ProgressCallback, no_progress
from mlws.core.project import Project
from mlws.dvc.pointers import as_mapping, load_mapping

TIMEOUT = 120.0
"""Seconds without an answer, or in which no part of an upload is accepted."""
MAX_ANSWER_BYTES = 10_000_000
MAX_REASON = 500
"""Characters of a server's answer that an error quotes."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
INVALID_URL = Message("must be an https URL, without a user or password")
INVALID_TOKEN = Message("it is empty, or has characters that no token has")
WRONG_CHECKSUM = Message("the upload arrived with the checksum {checksum} instead of {expected}")
CLOSED = Message("the server closed the connection, perhaps because the file is too large")
NO_METADATA = Message("its metadata can't be read")
DOI_NOTE = "The capsule of the snapshot {commit}"

JSON = dict[str, Any]


class Depository:
    """One instance of InvenioRDM; the token is kept in memory and sent to it alone."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._token = token
        self._opener = urllib.request.build_opener(_NoRedirects())

    def request(
        self, method: str, path: str, body: Any = None, *, content: Path | None = None
    ) -> JSON:
        """Return the answer to a request with a JSON body, or with the content of a file.

        Raises DepositTokenError if the token is rejected, DepositError for other failures.
        """
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {self._token}",
            "User-Agent": f"jupyter-mlws/{__version__}",
        }
        if content is not None:
            headers |= {
                "Content-Type": "application/octet-stream",
                "Content-Length": str(content.stat().st_size),
            }
        elif body is not None:
            headers["Content-Type"] = "application/json"
        text = None if body is None else json.dumps(body).encode()
        with content.open("rb") if content is not None else nullcontext(text) as data:
            request = urllib.request.Request(  # noqa: S310  https, or this machine
                f"{self.url}/api/records{path}", data, headers, method=method
            )
            try:
                with self._opener.open(request, timeout=TIMEOUT) as answer:
                    reply = answer.read(MAX_ANSWER_BYTES)
                document = json.loads(reply) if reply.strip() else {}
            except urllib.error.HTTPError as error:
                with error:
                    quotation = self._quote(error.read(MAX_REASON * 4))
                is_rejected = error.code in (401, 403)
                failure = DepositTokenError if is_rejected else DepositError
                words = f"HTTP {error.code}: {quotation}".rstrip(": ")
                raise failure(url=self.url, reason=words) from None
            except (OSError, http.client.HTTPException, ValueError) as error:
                cause = error.reason if isinstance(error, urllib.error.URLError) else error
                reason: str | Message = str(cause) or type(cause).__name__
                if isinstance(cause, BrokenPipeError | ConnectionResetError):
                    reason = CLOSED
                raise DepositError(url=self.url, reason=reason) from None
        return document if isinstance(document, dict) else {}

    def upload(self, draft: str, path: Path) -> str | None:
        """Add a file to the draft at the path ``draft``, reserve a DOI, and return it.

        Raises DepositError if the file arrives changed.
        """
        key = quote(path.name, safe="")
        self.request("POST", f"{draft}/files", [{"key": path.name}])
        with path.open("rb") as file:
            expected = f"md5:{hashlib.file_digest(file, 'md5').hexdigest()}"
        self.request("PUT", f"{draft}/files/{key}/content", content=path)
        checksum = self.request("POST", f"{draft}/files/{key}/commit").get("checksum")
        if checksum != expected:
            reason = WRONG_CHECKSUM.fill(checksum=checksum, expected=expected)
            raise DepositError(url=self.url, reason=reason)
        return _doi(self.request("POST", f"{draft}/pids/doi"))

    def _quote(self, text: bytes) -> str:
        """Return what a server says of an error, without the token."""
        words = text.decode(errors="replace")
        try:
            document = json.loads(words)
        except ValueError:
            document = None
        if isinstance(document, dict):
            faults = document.get("errors")
            rows = map(as_mapping, faults if isinstance(faults, list) else ())
            details = [f"{row.get('field')}: {row.get('messages')}" for row in rows]
            words = "; ".join([str(document.get("message", "")), *details])
        elif "<" in words:
            # A page for browsers says no more than its status.
            words = ""
        return " ".join(words.replace(self._token, "***").split())[:MAX_REASON]


def publish_capsule(
    path: Path,
    url: str,
    ask_token: Callable[[], str],
    *,
    project: Project | None = None,
    publish: bool = False,
    progress: ProgressCallback = no_progress,
) -> Deposit:
    """Upload the capsule at ``path`` as a draft with a reserved DOI, and publish it if asked.

    ``project``: its `CITATION.cff` gets the DOI, if the capsule is of one of its snapshots. After a
    failure the draft is deleted. Raises CapsuleInvalidError, InvalidRequestError for a URL,
    DepositTokenError, DepositError or DepositLeftError, NotTrustedError, CitationUnreadableError.
    """
    url = address_of(url)
    with open_archive(path, path.parent) as archive:
        metadata, about = archive.read(METADATA), archive.read(citation.FILE)
    root = read_root(path, metadata)
    commit = str(root.get("version") or "")
    if project is not None:
        # The settings of an untrusted project may name programs for git to run.
        require_trust(project)
        project = None if Git(project.root).find(commit) is None else project
    token = ask_token()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        # An error of the HTTP library would quote it.
        raise DepositTokenError(url=url, reason=INVALID_TOKEN)
    depository = Depository(url, token)
    progress(0, message="draft")
    draft = depository.request("POST", "", draft_of(root, load_mapping(about)))
    identifier = quote(str(draft.get("id", "")), safe="")
    link = str(as_mapping(draft.get("links")).get("self_html") or f"{url}/uploads/{identifier}")
    with _deleting_draft(depository, identifier, link):
        progress(0, message="upload")
        doi = depository.upload(f"/{identifier}/draft", path)
        if publish:
            progress(0, message="publish")
            record = depository.request("POST", f"/{identifier}/draft/actions/publish")
            links = as_mapping(record.get("links"))
            link = str(links.get("self_html") or f"{url}/records/{identifier}")
            doi = _doi(record) or doi
    file = project.root / citation.FILE if project is not None and doi else None
    if file is not None and doi is not None:
        text = file.read_bytes() if file.exists() else about
        atomic_write(file, citation.add_doi(text, doi, DOI_NOTE.format(commit=commit[:8])))
    return Deposit(
        url=link, doi=doi, published=publish, citation=None if file is None else file.name
    )


@contextmanager
def _deleting_draft(depository: Depository, identifier: str, link: str) -> Iterator[None]:
    """Delete the draft after an error; DepositLeftError if that fails, too."""
    try:
        yield
    except BaseException as error:
        try:
            depository.request("DELETE", f"/{identifier}/draft")
        except (DepositError, DepositTokenError):
            if not isinstance(error, DepositError | DepositTokenError):
                raise
            reason = error.reason
            raise DepositLeftError(url=depository.url, reason=reason, draft=link) from None
        raise


def draft_of(root: Mapping[str, Any], about: Mapping[str, Any]) -> JSON:
    """Return the draft of a capsule; ``about`` is its citation."""
    creators = []
    for author in citation.read_authors(about):
        person: JSON = {"type": "personal", "family_name": author.family}
        if author.given:
            person["given_name"] = author.given
        if author.orcid:
            person["identifiers"] = [{"scheme": "orcid", "identifier": author.orcid}]
        affiliations = [{"name": author.affiliation}] if author.affiliation else []
        creators.append({"person_or_org": person, "affiliations": affiliations})
    license_name = about.get("license")
    return {
        "access": {"record": "public", "files": "public"},
        "files": {"enabled": True},
        "metadata": {
            "title": str(root.get("name") or ""),
            "description": str(root.get("description") or ""),
            "version": str(root.get("version") or ""),
            "publication_date": datetime.now(UTC).date().isoformat(),
            "resource_type": {"id": "dataset"},
            "creators": creators,
            "rights": [{"title": {"en": str(license_name)}}] if license_name else [],
        },
    }


def read_root(path: Path, metadata: bytes) -> Mapping[str, Any]:
    """Return the entity of a capsule as a whole; CapsuleInvalidError if there is none."""
    try:
        graph = json.loads(metadata)["@graph"]
        return next(as_mapping(entity) for entity in graph if as_mapping(entity).get("@id") == "./")
    except (ValueError, KeyError, TypeError, StopIteration, RecursionError) as error:
        raise CapsuleInvalidError(name=path.name, reason=NO_METADATA) from error


def address_of(url: str) -> str:
    """Return the address of an instance without its API's path; InvalidRequestError."""
    try:
        parts = urlsplit(url)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    except ValueError:
        is_safe = False
    if not is_safe or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidRequestError(faults=[Fault("url", INVALID_URL)])
    return url.rstrip("/").removesuffix("/records").removesuffix("/api")


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirects: they would take the token to other servers."""

    def redirect_request(self, *arguments: Any) -> None:
        return None


def _doi(record: Mapping[str, Any]) -> str | None:
    doi = as_mapping(as_mapping(record.get("pids")).get("doi")).get("identifier")
    return str(doi) if doi else None
