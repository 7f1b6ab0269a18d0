"""The base of the handlers of versions: which project's managers they speak to."""

from __future__ import annotations

from jupyter_mlws.api.base import APIHandler
from jupyter_mlws.api.rest import in_thread
from jupyter_mlws.errors import (
    BranchMovedError,
    DamagedDVCFilesError,
    DataDamagedError,
    DataMissingError,
    DiskFullError,
    FileTooLargeError,
    GitCommandError,
    GitIdentityMissingError,
    HookRejectedError,
    NothingToCommitError,
    OperationInProgressError,
    OutsideWorkspaceError,
    SecretsFoundError,
    SigningFailedError,
    UnfinishedOperationError,
)
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.versioning.versions import Versions

WRITES = [("write", "contents")]
"""What who changes files needs beside the right to the resource."""
COMMIT_ERRORS = (
    DiskFullError,
    OperationInProgressError,
    GitCommandError,
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
    OutsideWorkspaceError,
)


class VersioningHandler(APIHandler):
    """Base of the handlers here."""

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
