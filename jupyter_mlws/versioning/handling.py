"""The base of the handlers of versions: which project's managers they speak to."""

from __future__ import annotations

from jupyter_mlws.api.base import PROJECT_ERRORS, APIHandler
from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.core.errors import (
    BranchMovedError,
    DamagedDVCFilesError,
    DataCredentialsError,
    DataDamagedError,
    DataMissingError,
    DVCConfigError,
    DVCNotInitializedError,
    DVCUnavailableError,
    FileTooLargeError,
    GitCommandError,
    GitIdentityMissingError,
    GitmodulesError,
    HookRejectedError,
    ManyNewFilesError,
    MLflowFailedError,
    NothingToCommitError,
    OperationInProgressError,
    RemoteUnreachableError,
    SecretsFoundError,
    SigningFailedError,
    UnfinishedOperationError,
)
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.versioning.versions import Versions

WRITES = [("write", "contents")]
"""What who changes files needs beside the right to the resource."""
GIT_ERRORS = (OperationInProgressError, GitCommandError, GitmodulesError)
"""Errors of any git command."""
DVC_ERRORS = (DVCUnavailableError, DVCNotInitializedError, DVCConfigError)
"""Errors of whatever reads DVC's files, and of every change: it completes an interrupted one."""
COMMIT_ERRORS = (
    *DVC_ERRORS,
    RemoteUnreachableError,
    MLflowFailedError,
    ManyNewFilesError,
    DataCredentialsError,
    UnfinishedOperationError,
    NothingToCommitError,
    GitIdentityMissingError,
    SecretsFoundError,
    HookRejectedError,
    BranchMovedError,
    SigningFailedError,
    FileTooLargeError,
    DamagedDVCFilesError,
    DataDamagedError,
    DataMissingError,
)


class VersioningHandler(APIHandler):
    """Base of the handlers here."""

    errors = (*PROJECT_ERRORS, *GIT_ERRORS)

    async def managers(self) -> Versions:
        """The managers of the project that is asked for."""
        workspace = await self.open_workspace()
        versions = await in_thread(lambda: workspace.versions)
        versions.serve()
        return versions

    async def snapshots(self) -> SnapshotManager:
        """The manager of its snapshots."""
        versions = await self.managers()
        return await in_thread(lambda: versions.snapshots)
