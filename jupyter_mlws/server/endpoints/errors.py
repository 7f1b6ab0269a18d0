"""Errors that several endpoints of versions declare."""

from __future__ import annotations

from jupyter_mlws.core.errors import (
    BranchMovedError,
    CommitPushedError,
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
