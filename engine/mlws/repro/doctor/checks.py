"""All checks of the engine, in the order in which they are made and shown."""

from __future__ import annotations

from mlws.core.i18n import Message
from mlws.repro.doctor import dvc, git, machine, pipelines, remotes
from mlws.repro.doctor.findings import Check, Need
from mlws.repro.options import Area

GIT, DVC = (Need.GIT,), (Need.DVC,)
CHECKS = (
    Check("git.program", Area.GIT, Message("git"), git.check_program),
    Check("git.repository", Area.GIT, Message("git repository"), git.check_repository),
    Check("git.head", Area.GIT, Message("branch and last commit"), git.check_head, GIT),
    Check("git.identity", Area.GIT, Message("author of commits"), git.check_identity, GIT),
    Check("git.operation", Area.GIT, Message("merge or rebase"), git.check_operation, GIT),
    Check("git.locks", Area.GIT, Message("locks of git"), git.check_locks, GIT),
    Check("dvc.folder", Area.DVC, Message("DVC repository"), dvc.check_folder),
    Check("dvc.settings", Area.DVC, Message("settings of DVC"), dvc.check_settings, DVC),
    Check("dvc.program", Area.DVC, Message("DVC itself"), dvc.check_program, DVC),
    Check("dvc.files", Area.DVC, Message("pipeline and data files"), pipelines.check_files, DVC),
    Check("dvc.graph", Area.DVC, Message("stages and outputs"), pipelines.check_graph, DVC),
    Check("dvc.locks", Area.DVC, Message("locks of DVC"), dvc.check_locks, DVC),
    Check("dvc.ignored", Area.DVC, Message("ignored files"), pipelines.check_ignored, DVC),
    Check("dvc.cache", Area.DVC, Message("cache of DVC"), dvc.check_cache, DVC),
    Check("dvc.data", Area.DVC, Message("missing data"), pipelines.check_data, DVC),
    Check("dvc.tracked", Area.DVC, Message("data in git"), pipelines.check_tracked, (*GIT, *DVC)),
    Check("remotes.default", Area.REMOTES, Message("default remote"), remotes.check_default, DVC),
    Check("remotes.urls", Area.REMOTES, Message("addresses of remotes"), remotes.check_urls, DVC),
    Check("remotes.secrets", Area.REMOTES, Message("credentials"), remotes.check_secrets, DVC),
    Check(
        "remotes.packages",
        Area.REMOTES,
        Message("packages of remotes"),
        remotes.check_packages,
        DVC,
    ),
    Check("versions.packages", Area.VERSIONS, Message("packages"), machine.check_packages),
    Check("versions.programs", Area.VERSIONS, Message("programs on PATH"), machine.check_programs),
    Check("disk.space", Area.DISK, Message("free space"), machine.check_space),
    Check("disk.clock", Area.DISK, Message("times of files"), machine.check_clock),
    Check(
        "permissions.write", Area.PERMISSIONS, Message("write access"), machine.check_write_access
    ),
    Check("permissions.owner", Area.PERMISSIONS, Message("owner of files"), machine.check_owner),
)
