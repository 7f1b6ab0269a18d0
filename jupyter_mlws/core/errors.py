"""Errors of the lab and the Hub; the engine's and what all have in common are in its package."""

from __future__ import annotations

import errno
import os
import sqlite3
from typing import Any

from mlws.core.errors import (
    DiskFullError,
    Fault,
    InvalidRequestError,
    ItemError,
    ItemNotFoundError,
    MLWSError,
    PathError,
    PathsError,
    ProgramError,
    ReasonError,
    is_full_disk,
)
from mlws.core.i18n import Message

# 10: containers.


class InsufficientResourcesError(ReasonError, code="10101", status=409):
    message = Message("Not enough {resource_type}: {required} requested, {available} available.")
    solution = Message("Request less, or wait until other containers stop.")
    available: Any
    required: Any
    resource_type: str


class ImageUnavailableError(ReasonError, code="10102", status=502):
    message = Message("Can't get the image {image!r}: {reason}")
    solution = Message("Choose another image, or ask the administrator to pull or build this one.")
    image: str


class HubUnavailableError(MLWSError, code="10103", status=503):
    message = Message("This requires JupyterHub, which is not available.")
    solution = Message("Start JupyterHub with `make hub`, sign in, and open JupyterLab from there.")


class ContainerBackendError(ReasonError, code="10104", status=502):
    message = Message("Hub or Docker error: {reason}")
    solution = Message(
        "Try again. If it keeps failing, ask the administrator to check the Hub's log."
    )


class ContainerCrashedError(MLWSError, code="10105", status=500):
    message = Message(
        "The container crashed ({cause}, exit code {exit_code}). Failed restarts: {restarts}."
    )
    solution = Message(
        "Check the last lines of its log, then start it with another image or more memory."
    )
    cause: str
    exit_code: Any
    last_log: list[str]
    restarts: int


class EnvironmentSaveError(ReasonError, code="10106", status=502):
    message = Message("Could not save the environment: {reason}")
    solution = Message(
        "Check the last lines of its log. Only packages that pip can download can be saved."
    )


class StorageQuotaError(MLWSError, code="10107", status=507):
    message = Message("Storage quota exceeded: {used} of {quota} used.")
    solution = Message(
        "Start the container in rescue mode (`rescue`) and delete files you no longer need."
    )
    quota: str
    used: Any


class DiskReserveError(MLWSError, code="10108", status=507):
    message = Message(
        "The disk of {machine} is almost full: {free} free; {reserve} are kept for the machine."
    )
    solution = Message(
        "Ask the administrator to free up space. Running labs continue; a start in rescue mode "
        "(`rescue`) works, to delete files."
    )
    machine: str
    free: str
    reserve: str


class HomeUnavailableError(MLWSError, code="10109", status=409):
    message = Message("Your files are on the machine {node}, which takes no labs now.")
    solution = Message(
        "Try again when the machine is back, or ask an administrator. With a volume driver that all"
        " machines share, labs start on any of them."
    )
    node: str


class InvalidContainerError(MLWSError, code="10201", status=400):
    message = Message("Invalid container request.")
    solution = Message("Correct the fields listed. `GET /resources` returns the limits and images.")


class ContainerQueuedError(MLWSError, code="10202", status=409):
    message = Message("Resources are busy. Your container is number {position} in the queue.")
    solution = Message(
        "It starts automatically as soon as resources are available. Check its position on the "
        "containers page."
    )
    position: int
    eta_seconds: float | None = None


class ContainerStoppingError(ItemError, code="10203", status=409):
    message = Message("The container {name!r} is being stopped.")
    solution = Message("Wait until it has stopped, then start it.")


class ContainerStateError(ItemError, code="10204", status=409):
    message = Message(
        "Not possible in the current state of the container {name!r}: it is starting, "
        "stopping, being resized or not running."
    )
    solution = Message(
        "Wait until it has started or stopped, then try again. It must be running to save its "
        "environment."
    )


class NotQueuedError(ItemError, code="10205", status=409):
    message = Message("The container {name!r} is not in the queue.")
    solution = Message("Check its status. Start it to queue it again.")


class VolumeInUseError(ItemError, code="10206", status=409):
    message = Message("The volume {name!r} is in use, or is not in the trash.")
    solution = Message(
        "Stop the user's containers first. Only volumes in the trash can be deleted permanently."
    )


class LastOwnerError(ItemError, code="10207", status=409):
    message = Message("{user!r} is the only owner of the project {name!r}.")
    solution = Message("Make another user an owner first, or delete the project.")
    user: str


class ProjectNotInTrashError(ItemError, code="10208", status=409):
    message = Message("The project {name!r} is not in the trash.")
    solution = Message("Only projects in the trash can be restored or deleted permanently.")


class ObjectHashError(ItemError, code="10209", status=400):
    message = Message("The uploaded content does not match the hash of the object {name}.")
    solution = Message(
        "Push again. If it happens again, check the data with `jupyter mlws verify`."
    )


class EnvironmentQuotaError(MLWSError, code="10210", status=507):
    message = Message("Environment quota exceeded: {size} (limit {most}).")
    solution = Message(
        "Delete an environment you no longer need, or uninstall packages before saving."
    )
    most: str
    size: Any


class SwarmUnsupportedError(MLWSError, code="10211", status=409):
    message = Message("Docker Swarm schedules containers itself and does not support {operation}.")
    solution = Message(
        "Stop the container and start it with the settings you need. It is queued automatically."
    )
    operation: str


class PlacementTimeoutError(MLWSError, code="10212", status=409):
    message = Message("No machine with enough free resources was found within {seconds:g} seconds.")
    solution = Message("Start it again later, or request less.")
    seconds: float


class EnvironmentInUseError(ItemError, code="10213", status=409):
    message = Message("The environment {name!r} is in use or being saved.")
    solution = Message("Wait until it is saved, or stop the containers that use it.")


class ProjectQuotaError(MLWSError, code="10214", status=507):
    message = Message(
        "The shared project {name!r} has reached its storage limit: {used} of {most} used."
    )
    solution = Message(
        "Delete data you no longer need, or ask an administrator to raise the limit."
    )
    most: str
    name: str
    used: Any


class TooManyProjectsError(MLWSError, code="10215", status=409):
    message = Message("You own {count} shared projects, the maximum per user.")
    solution = Message(
        "Delete one, also from the trash, or transfer its ownership to another user."
    )
    count: int


class TooManyGitRequestsError(MLWSError, code="10216", status=429):
    message = Message("Too many concurrent git requests from you or from all users.")
    solution = Message("Wait until some of them finish, then try again.")


class TooManySharedPagesError(MLWSError, code="10217", status=409):
    message = Message("You share {count} pages, the maximum per user.")
    solution = Message("Stop sharing one of them, then try again.")
    count: int


class BudgetExceededError(MLWSError, code="10218", status=409):
    message = Message(
        "The monthly budget of {name!r} is used up: {used:.1f} of {hours:g} {budget}."
    )
    solution = Message(
        "It starts anew at {resets_at} UTC. Ask an administrator to raise the budget if you need "
        "more before."
    )
    budget: Any
    hours: float
    name: str
    resets_at: str
    used: float


class ImageInUseError(ItemError, code="10219", status=409):
    message = Message("The image {name!r} is in use.")
    solution = Message(
        "It is the default image, or containers or saved environments need it. Choose another "
        "default, or delete those first."
    )


class ContainerForbiddenError(ItemError, code="10301", status=403):
    message = Message("The container {name!r} belongs to another user.")
    solution = Message("Use your own container, or ask an administrator.")


class AdministratorRequiredError(MLWSError, code="10302", status=403):
    message = Message("Only Hub administrators can do this.")
    solution = Message("Ask an administrator.")


class RoleRequiredError(ItemError, code="10303", status=403):
    message = Message(
        "This requires the role {needed}; your role in the project {name!r} is {role}."
    )
    solution = Message("Ask an owner of the project for that role.")
    needed: str
    role: str


class HubTokenRequiredError(MLWSError, code="10304", status=401):
    message = Message("A Hub token is required.")
    solution = Message(
        "Create one on the Hub's Token page and enter it as the password. In JupyterLab on the "
        "Hub it is provided automatically."
    )


class ContainerNotFoundError(ItemError, code="10404", status=404):
    message = Message("The container {name!r} was not found.")
    solution = Message("List your containers and use an ID from that list.")


class VolumeNotFoundError(ItemError, code="10405", status=404):
    message = Message("The volume {name!r} was not found.")
    solution = Message("List the volumes and use a name from that list.")


class SharedProjectNotFoundError(ItemError, code="10406", status=404):
    message = Message("The shared project {name!r} was not found, or you are not a member.")
    solution = Message(
        "List your shared projects. An owner of the project can add you as a member."
    )


class MemberNotFoundError(ItemError, code="10407", status=404):
    message = Message("{user!r} is not a member of the project {name!r}.")
    solution = Message("List its members and use a name from that list.")
    user: str


class EnvironmentNotFoundError(ItemError, code="10408", status=404):
    message = Message("The environment {name!r} was not found.")
    solution = Message("List the environments and use an ID from that list.")


class AnnouncementNotFoundError(ItemError, code="10411", status=404):
    message = Message("The announcement {name!r} does not exist.")
    solution = Message("It may have ended. Reload the page.")


class ImageNotFoundError(ItemError, code="10412", status=404):
    message = Message("The Hub has no image {name!r}.")
    solution = Message("`GET /images` lists the images. Reload the page.")


class SharedPageNotFoundError(ItemError, code="10409", status=404):
    message = Message("The shared page {name!r} was not found, or it isn't yours.")
    solution = Message("List your shared pages and use an ID from that list.")


class AccountNotFoundError(ItemError, code="10410", status=404):
    message = Message("JupyterHub has no {kind} {name!r}.")
    solution = Message("Check the name on the Hub's page, under Users.")
    kind: str


# 20: notebooks.


class KernelDiedError(MLWSError, code="20101", status=500):
    message = Message("The kernel died (exit code {exit_code}). Its variables are lost.")
    solution = Message(
        "If `restarted` is false, restart the kernel. Then rerun the cells that this one depends "
        "on."
    )
    exit_code: int | None
    restarted: bool | None = None
    lost: list[str] | None = None


class KernelStartError(ReasonError, code="20102", status=503):
    message = Message("Could not start the kernel {kernel!r}: {reason}")
    solution = Message(
        "Choose a kernel listed by `jupyter kernelspec list`. The server's log has more details."
    )
    kernel: str


class CodeCheckError(ReasonError, code="20103", status=503):
    message = Message("Could not run the code check: {reason}")
    solution = Message(
        "Install it with `pip install 'jupyter-mlws[check]'`, or set `code_policy` to `off`."
    )


class NotebookSaveError(PathError, ReasonError, code="20104", status=500):
    message = Message("Could not save the notebook {path!r}: {reason}")
    solution = Message(
        "Check the permissions of its folder and the free disk space, then try again."
    )


class KernelBusyError(MLWSError, code="20105", status=409):
    message = Message("The kernel is busy.")
    solution = Message("Try again when the running cell has ended, or interrupt it.")


class ExecutionTimeoutError(MLWSError, code="20201", status=504):
    message = Message("Timed out after {timeout:g} s. The code was interrupted.")
    solution = Message(
        "Set a larger `timeout`, or make the code faster. If `restarted` is true, the kernel "
        "was restarted and its variables are lost."
    )
    timeout: float | None
    restarted: bool


class CodeFailedError(MLWSError, code="20202", status=422):
    message = Message("The code failed: {ename}: {evalue}")
    solution = Message("Fix the reported line and run the code again.")
    ename: str
    evalue: str
    line: int | None
    traceback: list[str]
    cell: Any = None


class OutOfMemoryError(MLWSError, code="20203", status=507):
    message = Message("The code ran out of memory: {evalue}")
    solution = Message(
        "Process less data at a time, free memory you no longer need, or use a larger container."
    )
    ename: str
    evalue: str
    line: int | None = None
    cell: Any = None
    traceback: list[str] | None = None
    exit_code: int | None = None
    restarted: bool | None = None
    lost: list[str] | None = None
    used: Any = None
    limit: Any = None


class ExecutionCanceledError(MLWSError, code="20204", status=409):
    message = Message(
        "The execution was canceled: its kernel was interrupted, restarted or stopped."
    )
    solution = Message("You can run it again.")
    by: str


class ExecutionLostError(MLWSError, code="20205", status=409):
    message = Message("The server stopped before the execution started. No code was run.")
    solution = Message("You can run it again.")


class VariableError(ItemError, ReasonError, code="20206", status=422):
    message = Message("Can't show the variable {name!r}: {reason}")
    solution = Message("Change the filter, or choose another column or variable.")


class CodeBlockedError(ReasonError, code="20301", status=403):
    message = Message("Blocked by the code check (line {line}): {reason}")
    solution = Message(
        "Change the lines listed in `findings`, or mark intended ones with `# nosec`."
    )
    line: int | None
    test: str
    findings: list[Any]
    cell: Any = None


class NotebookItemNotFoundError(ItemNotFoundError, code="20401"):
    """A missing item of a notebook, such as a cell, kernel or variable."""


class NotebookUnreadableError(PathError, ReasonError, code="20402", status=422):
    message = Message("Can't read {path!r} as a notebook: {reason}")
    solution = Message("Open the file in a text editor and fix it, or restore an earlier version.")


class NotebookChangedError(PathError, code="20403", status=409):
    message = Message("The notebook {path!r} was changed in the meantime; outputs were not saved.")
    solution = Message(
        "The response contains the outputs. Run the cells again to save them in the notebook."
    )


# 30: versioning.


class ReadOnlyDiskError(ReasonError, code="30107", status=507):
    message = Message("The disk is read-only: {reason}")
    solution = Message(
        "Make the file system writable, or copy the project to another one, then try again. "
        "Nothing was changed."
    )


class MLflowFailedError(ReasonError, code="30105", status=502):
    message = Message("MLflow failed: {reason}")
    solution = Message("Check that the MLflow tracking store is accessible, then try again.")


class GitCommandError(ReasonError, code="30106", status=500):
    message = Message("`{command}` failed: {reason}")
    solution = Message("Try again. If it keeps failing, run the command in a terminal for details.")
    command: str


class UnfinishedOperationError(MLWSError, code="30201", status=409):
    message = Message("Blocked by conflicts or an unfinished {operation}.")
    solution = Message(
        "Resolve the conflicts, then finish or abort the operation, in Source Control or with "
        "`jupyter mlws operation continue` or `abort`. A pull with conflicts changes nothing: "
        "merge the remote branch, then push."
    )
    operation: str
    paths: Any


class UncommittedChangesError(PathsError, code="30202", status=409):
    message = Message("Uncommitted changes would be lost: {named}")
    solution = Message(
        "Commit these changes or restore these paths, then try again. Nothing was changed."
    )


class NothingToCommitError(MLWSError, code="30203", status=400):
    message = Message("No changes to commit.")
    solution = Message("Change or add a file first. Track large files with DVC.")


class GitIdentityMissingError(MLWSError, code="30205", status=400):
    message = Message("Your git user name and email are not set.")
    solution = Message(
        'Run `git config --global user.name "Your Name"` and '
        '`git config --global user.email "you@example.com"`.'
    )


class SecretsFoundError(MLWSError, code="30206", status=400):
    message = Message("These files may contain secrets: {places}")
    solution = Message(
        "Remove the secrets, or leave the files out with `--leave-out PATH` (API: `leave_out`). If "
        "they are not secrets, commit with `--allow-secrets` (API: `allow_secrets`)."
    )
    places: str
    """Path, line and kind of the first in each file; in a notebook, the cell in brackets."""
    paths: Any


class HookRejectedError(ReasonError, code="30207", status=422):
    message = Message("The {hook} hook rejected the commit: {reason}")
    solution = Message("Fix what the hook reports and commit again. Nothing was committed.")
    hook: str


class BranchMovedError(MLWSError, code="30208", status=409):
    message = Message("The branch {branch!r} has changed in the meantime.")
    solution = Message("Check the history and commit again. Your files were not changed.")
    branch: str


class SigningFailedError(ReasonError, code="30209", status=400):
    message = Message("Could not sign the commit: {reason}")
    solution = Message("Make the signing key available, or set `commit.gpgsign` to false.")
    command: str


class FileTooLargeError(PathsError, code="30210", status=400):
    message = Message("Too large for git: {named}")
    solution = Message(
        "Track them with DVC (`jupyter mlws data add PATH`), or raise the git setting "
        "`mlws.largefile` (bytes)."
    )


class BranchCheckedOutError(MLWSError, code="30211", status=409):
    message = Message("The branch {branch!r} is checked out.")
    solution = Message(
        "Check out another branch in that worktree first. `git worktree list` shows where the "
        "branch is checked out."
    )
    branch: str


class BranchNotMergedError(MLWSError, code="30212", status=409):
    message = Message("The branch {branch!r} is not fully merged.")
    solution = Message(
        "Merge or push it first, or delete it with `force`: a safety copy keeps its latest commit, "
        "{commit}."
    )
    branch: str
    commit: str


class RemoteAheadError(MLWSError, code="30213", status=409):
    message = Message(
        "The remote {remote!r} has commits on {branch!r} that you don't have locally."
    )
    solution = Message("Pull first, then push again.")
    branch: str
    remote: str


class DataRemoteMissingError(MLWSError, code="30214", status=409):
    message = Message("No data remote is configured for the data of this project.")
    solution = Message(
        "Add one with `jupyter mlws data remote --default NAME URL`, then try again, or push the "
        "code alone (`push --code-only`)."
    )
    paths: Any


class DetachedHeadError(MLWSError, code="30215", status=409):
    message = Message("You are in detached HEAD state.")
    solution = Message("Check out a branch, or create one here.")


class PushRejectedError(ReasonError, code="30216", status=409):
    message = Message("The push of {branch!r} to {remote!r} was rejected: {reason}")
    solution = Message("Check the rules of the remote, or push to another branch.")
    branch: str
    remote: str


class UnrelatedHistoriesError(MLWSError, code="30217", status=409):
    message = Message("The two histories are unrelated: they have no common commit.")
    solution = Message(
        "Check that this is the right remote. If it is, merge with `git merge "
        "--allow-unrelated-histories`."
    )


class TrackedByGitError(PathsError, code="30218", status=409):
    message = Message("Already tracked by git: {named}")
    solution = Message(
        "Remove these files from git with `git rm -r --cached`, commit, then track the path "
        "with DVC."
    )


class ManyNewFilesError(PathsError, code="30221", status=400):
    message = Message("{count} new files ({size} MB) would be added to git: {named}")
    solution = Message(
        "Track data folders with `jupyter mlws data add PATH`, exclude files in `.gitignore`, "
        "or commit with `--allow-many` (API: `allow_many`)."
    )
    count: int
    size: Any


class GitmodulesError(ReasonError, code="30222", status=409):
    message = Message("git rejected `.gitmodules`: {reason}")
    solution = Message(
        "Fix or delete that line of `.gitmodules`, or restore the file from a snapshot."
    )


class DataNotPushedError(PathsError, code="30230", status=409):
    message = Message("Push the data first: {named} is not on the data remote.")
    solution = Message(
        "Push with `jupyter mlws push`, which pushes the data first, or run `dvc push` before "
        "pushing."
    )


class RunInProgressError(MLWSError, code="30232", status=409):
    message = Message("A run is in progress ({run}); its results are not recorded yet.")
    solution = Message("Wait until it finishes, or cancel it, and try again.")
    run: str


class DamagedDVCFilesError(PathsError, code="30233", status=409):
    message = Message("These `.dvc` files are damaged and no longer reference their data: {named}")
    solution = Message(
        "Record the data again (`jupyter mlws data add PATH`), restore the file with `git "
        "checkout -- FILE`, or delete it if you no longer need the data."
    )


class UnresolvedCellsError(PathsError, code="30250", status=400):
    message = Message("These cells still have conflicts: {named}")
    solution = Message("Choose a side for each cell, or accept one side for the whole notebook.")


class HunkOutdatedError(PathError, ReasonError, code="30251", status=409):
    message = Message("{path!r} has changed; this hunk no longer applies: {reason}")
    solution = Message("Refresh the diff and select again. Nothing was changed.")


class NoMergeError(MLWSError, code="30252", status=409):
    message = Message("No merge in progress.")
    solution = Message("Start a merge first. A merge without conflicts is finished immediately.")


class DataNotStageableError(PathsError, code="30253", status=409):
    message = Message("Data tracked by DVC can't be staged directly: {named}")
    solution = Message(
        "Commit it by its path, or record it (`jupyter mlws data add PATH`) and stage the `.dvc` "
        "file."
    )


class GitCredentialsError(ReasonError, code="30254", status=403):
    message = Message("The remote {remote!r} rejected the credentials: {reason}")
    solution = Message(
        "Try again with other credentials. Many hosts require a token instead of a password."
    )
    remote: str


class PromptTimeoutError(MLWSError, code="30255", status=504):
    message = Message("Timed out after {seconds} s waiting for input: {prompt}")
    solution = Message(
        "Try again and answer the prompt, or set up a git credential helper or an SSH agent."
    )
    prompt: str
    seconds: str


class StashConflictError(PathsError, code="30256", status=409):
    message = Message("The stash conflicts with your current files: {named}")
    solution = Message("Check out the commit it was created on, {base}, and apply the stash there.")
    base: str


class NotAncestorError(MLWSError, code="30257", status=409):
    message = Message("{commit} is not an ancestor of HEAD.")
    solution = Message("Check out that commit or restore its files instead.")
    commit: str


class NothingToStashError(MLWSError, code="30258", status=400):
    message = Message("No changes to stash.")
    solution = Message("Large new files and files ignored by git are not stashed.")


class NoPromptError(ItemError, code="30259", status=409):
    message = Message("The operation {name!r} is not waiting for input.")
    solution = Message("It has finished or was answered elsewhere. Check its status.")


class NoOperationError(MLWSError, code="30260", status=409):
    message = Message("Nothing is in progress that offers {action!r}.")
    solution = Message("See `jupyter mlws status` for what is in progress.")
    action: str


class RunCommitMissingError(MLWSError, code="30271", status=409):
    message = Message("The commit of the run {run!r} is not available: {commit}")
    solution = Message(
        "Fetch it if another repository has it. Only the latest 200 runs with uncommitted "
        "changes are kept; create snapshots to keep the important ones."
    )
    commit: str
    run: str


class AlreadyReproducedError(PathError, code="30272", status=409):
    message = Message("The run {run!r} is already reproduced in {path!r}.")
    solution = Message(
        "Use that folder, or delete it with `jupyter mlws reproduce --remove {run}` and try again."
    )
    run: str


class CitationUnreadableError(ReasonError, code="30273", status=409):
    message = Message("Can't add the DOI to {path!r}: {reason}")
    solution = Message("Correct the file, and add the DOI that was printed to its identifiers.")
    path: str


class DepositError(ReasonError, code="30274", status=502):
    message = Message("{url} did not accept the capsule: {reason}")
    solution = Message("Nothing was published. Fix the cause if it is here, and publish again.")
    url: str


class DepositLeftError(DepositError, code="30275", status=502):
    solution = Message(
        "Nothing was published, but an incomplete draft is left: {draft}. Delete it there, and "
        "publish again."
    )
    draft: str


class DepositTokenError(ReasonError, code="30276", status=403):
    message = Message("{url} rejected the token: {reason}")
    solution = Message(
        "Create a token there with the scopes deposit:write and deposit:actions, and publish "
        "again. Nothing was uploaded."
    )
    url: str


class ShallowHistoryError(MLWSError, code="30277", status=409):
    message = Message("The history of {snapshot} is incomplete: the repository is a shallow clone.")
    solution = Message("Run `git fetch --unshallow`, and try again.")
    snapshot: str


class RunNotRecordedError(MLWSError, code="30280", status=409):
    message = Message("MLflow has no record of the run {run}.")
    solution = Message(
        "A run whose nodes were all cached has no record of its own: change the run before it. "
        "Other runs are recorded after they end."
    )
    run: str


class RunDeletedError(MLWSError, code="30281", status=409):
    message = Message("The run {run} is deleted.")
    solution = Message("Restore it first: `jupyter mlws runs restore {run}`")
    run: str


class NestedRunError(MLWSError, code="30282", status=409):
    message = Message("{node} is a part of the run {run}.")
    solution = Message("Delete or restore {run}, which includes the runs of its nodes.")
    node: str
    run: str


class AmbiguousRunError(MLWSError, code="30283", status=409):
    message = Message("Several runs match {name!r}: {candidates}")
    solution = Message("Use more characters of the ID, or another name.")
    name: str
    candidates: str


class RunViewsInvalidError(PathError, ReasonError, code="30284", status=409):
    message = Message("Can't read the views of runs in {path!r}: {reason}")
    solution = Message("Correct the file, or delete it to begin with no saved views.")


class CommitPushedError(MLWSError, code="30285", status=409):
    message = Message("The commit {commit} is on {branches}, where others may have it.")
    solution = Message(
        "Create a commit that reverts it: `jupyter mlws revert`. To change it all the same, add "
        "`--pushed` to the command; your branch then has to replace {branches}."
    )
    commit: str
    branches: str


class CommitNotUndoneError(ReasonError, code="30286", status=409):
    message = Message("The commit {commit} can't be undone: {reason}.")
    solution = Message("Revert it or restore an earlier snapshot instead.")
    commit: str


class CommitUnsuitableError(ReasonError, code="30287", status=409):
    message = Message("The commit {commit} can't be used for this: {reason}.")
    solution = Message("Choose another commit; `jupyter mlws log` lists them.")
    commit: str


class CapsuleDataMissingError(PathsError, code="30403", status=409):
    message = Message("Data of the snapshot is in neither the cache nor the remote: {named}")
    solution = Message(
        "Run `jupyter mlws data pull` where the data is, or connect the remote that has it. "
        "`--data none` or `--data PATH` makes a capsule without it."
    )


class CapsuleInvalidError(ReasonError, code="30405", status=422):
    message = Message("{name!r} is no capsule that can be opened: {reason}")
    solution = Message("Get the file again, and compare its checksum. Nothing was unpacked.")
    name: str


class RunBundleInvalidError(ReasonError, code="30406", status=422):
    message = Message("What the remote has of the run {run!r} is not valid: {reason}")
    solution = Message("Ask those who pushed the run to push it again. Nothing of it was stored.")
    run: str


class VersionItemNotFoundError(ItemNotFoundError, code="30404"):
    """A missing item of versioning, such as a snapshot, branch, dataset, model or run."""


# 40: workflows.


class RunInterruptedError(MLWSError, code="40105", status=500):
    message = Message("The run was interrupted: its process is no longer running.")
    solution = Message("Run again. Completed nodes are not run again.")


class WorkflowProblemsError(MLWSError, code="40201", status=400):
    message = Message("Problems in the workflow {workflow!r}: {count}.")
    solution = Message("Fix the nodes listed.")
    count: int
    workflow: str


class InvalidConnectionError(MLWSError, code="40202", status=400):
    message = Message("Invalid connection.")
    solution = Message("Connect ports of matching types.")
    workflow: str


class WorkflowCycleError(MLWSError, code="40203", status=400):
    message = Message("The workflow {workflow!r} has a cycle: {cycle}.")
    solution = Message("Remove one of the connections in the cycle.")
    cycle: Any
    workflow: str


class InvalidRunParameterError(MLWSError, code="40204", status=400):
    message = Message("Invalid run parameter.")
    solution = Message("Use the form `node.key=value` with an existing node and setting.")
    node: Any = None


class PreviewError(ReasonError, code="40206", status=422):
    message = Message("Can't preview this {kind}: {reason}")
    solution = Message("Check the node's log. If its output is damaged, run the node again.")
    kind: str


class WorkflowRunningError(MLWSError, code="40207", status=409):
    message = Message("The workflow {workflow!r} is running ({run}).")
    solution = Message("Wait until the run finishes, or cancel it.")
    run: str
    workflow: str


class MetricMissingError(MLWSError, code="40208", status=400):
    message = Message(
        "No variant of {sweep!r} has the metric {metric!r}. Available metrics: {known}."
    )
    solution = Message("Use one of the available metrics, or run the workflow first.")
    known: Any
    metric: str
    sweep: str


class PromotionError(ReasonError, code="40209", status=409):
    message = Message("Can't replace the sweep {sweep!r} with a single node: {reason}")
    solution = Message(
        "Run the workflow so that its variants have metrics, specify a variant, or edit the "
        "file as text."
    )
    sweep: str


class ImportFailedError(ReasonError, code="40211", status=400):
    message = Message("Can't import {path!r}: {reason}")
    solution = Message(
        "Fix the problem in the tool that created the file, then import it again. Nothing was "
        "written."
    )
    line: int | None
    path: str


class InputsNotPulledError(PathsError, code="40212", status=409):
    message = Message("Data that the workflow reads has not been pulled: {named}")
    solution = Message(
        "Choose “Pull Data and Run”, or use `jupyter mlws run --pull`: both fetch it from the "
        "remote storage first."
    )


class WorkflowItemNotFoundError(ItemNotFoundError, code="40401"):
    """A missing item of a workflow, such as a node, run or file."""


class WorkflowChangedError(MLWSError, code="40402", status=412):
    message = Message("{path!r} has changed since it was loaded.")
    solution = Message("Reload it and make your change again. API: send the new ETag as If-Match.")
    etag: str
    path: str


# 50: the server itself.


class InternalError(MLWSError, code="50101", status=500):
    message = Message("Internal error (log ID {id}).")
    solution = Message(
        "Try again. If it happens again, send the log lines with this ID to the maintainers."
    )
    id: str


class RequestFailedError(ReasonError, code="50102", status=503):
    message = Message("The request to {url} failed: {reason}")
    solution = Message(
        "Check that the server is running and that this machine can reach it, then try again."
    )
    url: str


class MethodNotSupportedError(MLWSError, code="50202", status=405):
    message = Message("{method} is not supported here.")
    solution = Message("See openapi.json for the supported methods.")
    method: str


class AlreadyExistsError(ItemError, code="50203", status=409):
    message = Message("{name!r} already exists.")
    solution = Message("Choose another name.")


class PackageChangeError(ItemError, ReasonError, code="50204", status=422):
    message = Message("The environment {name!r} was not changed: {reason}")
    solution = Message(
        "Correct the requirement that is named, or the connection to the package index, and try "
        "again. The environment is as it was."
    )


class EnvironmentToolError(ItemError, code="50205", status=422):
    message = Message("{tool} of the environment {name!r} can't do this here.")
    solution = Message("Install the program, or edit the environment's file and install it again.")
    tool: str


class PermissionDeniedError(MLWSError, code="50301", status=403):
    message = Message("You don't have permission, or you are not signed in.")
    solution = Message("Sign in, or ask the administrator for permission to {action} {resource}.")
    action: str
    resource: str


class NotTrustedError(ItemError, code="50303", status=403):
    message = Message("The project {name!r} is not trusted, so its code can't run.")
    solution = Message(
        "If you trust its authors, run `jupyter mlws trust` in its folder, or select Trust Authors "
        "in Source Control."
    )


class EndpointNotFoundError(MLWSError, code="50401", status=404):
    message = Message("Endpoint not found.")
    solution = Message("See openapi.json for the available endpoints.")


class OperationNotFoundError(ItemError, code="50403", status=404):
    message = Message("The operation {name!r} was not found.")
    solution = Message(
        "Start it again if needed. Finished operations are kept only for a while, at most "
        "until the server stops."
    )


class ReferencePageNotFoundError(ItemError, code="50404", status=404):
    message = Message("The reference has no page {name!r}.")
    solution = Message("Choose a page from the list of the reference.")


class ProjectEnvironmentNotFoundError(ItemError, code="50405", status=404):
    message = Message("The project has no environment {name!r}.")
    solution = Message("`jupyter mlws env list` lists what there is.")


TOO_LONG_NAME = Message("The name {name!r} exceeds the limit of 255 bytes for file names.")


def too_long_name(path: str) -> MLWSError:
    """The error for a path with a name that no file can have."""
    name = max(path.split("/"), key=len)
    display_name = f"{name[:60]}…" if len(name) > 60 else name
    return InvalidRequestError(faults=[Fault("path", TOO_LONG_NAME.fill(name=display_name))])


DISK_FULL_MESSAGES = ("No space left on device", "Disk quota exceeded", "Out of diskspace")


READ_ONLY_MESSAGES = ("Read-only file system", "attempt to write a readonly database")


NAME_TOO_LONG = "File name too long"
"""How the system, git and SQLite name these errors in English."""


def of_system(error: BaseException) -> MLWSError | None:
    """Return the catalogue's error for one of a program, of the disk or of a too long file name.

    None for all other errors.
    """
    if isinstance(error, ProgramError):
        return error.to_mlws_error()
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return too_long_name(os.fsdecode(error.filename or ""))
    if is_full_disk(error):
        return DiskFullError(reason=str(error))
    if isinstance(error, OSError | sqlite3.OperationalError):
        return of_message(str(error))
    return None


def of_message(reason: str) -> MLWSError | None:
    """Return the catalogue's error for another program's message; None if it has none."""
    if NAME_TOO_LONG in reason:
        return too_long_name(reason)
    if any(words in reason for words in DISK_FULL_MESSAGES):
        return DiskFullError(reason=reason)
    if any(words in reason for words in READ_ONLY_MESSAGES):
        return ReadOnlyDiskError(reason=reason)
    return None
