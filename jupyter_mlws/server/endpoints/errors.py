"""Errors that several endpoints of versions declare."""

from __future__ import annotations

from jupyter_mlws.core.errors import (
    BranchMovedError,
    CommitPushedError,
    DamagedDVCFilesError,
    FileTooLargeError,
    GitCommandError,
    GitIdentityMissingError,
    GitmodulesError,
    HookRejectedError,
    ManyNewFilesError,
    MLflowFailedError,
    NothingToCommitError,
    SecretsFoundError,
    SigningFailedError,
    UnfinishedOperationError,
)
from mlws.core.errors import (
    DataCredentialsError,
    DataDamagedError,
    DataMissingError,
    DVCConfigError,
    DVCNotInitializedError,
    DVCUnavailableError,
    OperationInProgressError,
    RemoteUnreachableError,
)

GIT_ERRORS = (OperationInProgressError, GitCommandError, GitmodulesError)
"""Errors of every git command."""
DVC_ERRORS = (DVCUnavailableError, DVCNotInitializedError, DVCConfigError)
"""Errors of reading DVC's files, and of every change, which first completes an interrupted one."""
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
    CommitPushedError,
    SigningFailedError,
    FileTooLargeError,
    DamagedDVCFilesError,
    DataDamagedError,
    DataMissingError,
)
