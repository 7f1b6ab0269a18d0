"""Endpoints of runs: found, tracked, reproduced."""

from __future__ import annotations

from jupyter_mlws.api.models import Page
from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.operations import Operation
from jupyter_mlws.versioning.handling import WRITES, VersioningHandler
from jupyter_mlws.versioning.tracking.models import (
    ReproduceRequest,
    Reproduction,
    RunBegin,
    RunEnded,
    RunState,
    TrackedRun,
)
from jupyter_mlws.workflows.models import (
    Curves,
    CurvesQuery,
    ExperimentRun,
    RunColumns,
    RunsQuery,
)

KEEP_ERRORS = ("30102", "30103", "30104", "30106", "30204")


class RunsHandler(VersioningHandler):
    """All runs, of workflows, notebooks and scripts."""

    resource = "runs"

    @endpoint(
        "Search runs with parameters and metrics",
        Page[ExperimentRun],
        query=RunsQuery,
        shared=True,
        errors=["30105"],
    )
    async def get(self, query: RunsQuery) -> Page[ExperimentRun]:
        workspace = await self.open_workspace()
        experiments = await in_thread(lambda: workspace.experiments)
        return await in_thread(experiments.search, query)

    @endpoint(
        "Begin a run, with a commit of what the working tree is",
        TrackedRun,
        body=RunBegin,
        status=201,
        errors=[*KEEP_ERRORS, "30105"],
    )
    async def post(self, body: RunBegin) -> Reply:
        runs = (await self.managers()).runs
        made = await in_thread(runs.begin, body)
        return Reply(made, 201, location(self, "runs", made.id))


class RunColumnsHandler(VersioningHandler):
    """What runs can be shown and searched by."""

    resource = "runs"

    @endpoint("List the names of parameters and metrics", RunColumns, shared=True, errors=["30105"])
    async def get(self) -> RunColumns:
        workspace = await self.open_workspace()
        experiments = await in_thread(lambda: workspace.experiments)
        return await in_thread(experiments.columns)


class CurvesHandler(VersioningHandler):
    """A metric of several runs."""

    resource = "runs"

    @endpoint(
        "Get what runs measured step by step",
        Curves,
        query=CurvesQuery,
        errors=["30105", "30404"],
    )
    async def get(self, query: CurvesQuery) -> Curves:
        workspace = await self.open_workspace()
        experiments = await in_thread(lambda: workspace.experiments)
        return await in_thread(experiments.curves, query)


class RunStateHandler(VersioningHandler):
    """What a run would start from."""

    resource = "runs"

    @endpoint("Keep the working tree's state for a run", RunState, errors=KEEP_ERRORS)
    async def post(self) -> RunState:
        runs = (await self.managers()).runs
        return await in_thread(runs.state)


class ExperimentRunHandler(VersioningHandler):
    """One run."""

    resource = "runs"

    @endpoint("Get a run", ExperimentRun, errors=["30105", "30404"])
    async def get(self, identifier: str) -> ExperimentRun:
        workspace = await self.open_workspace()
        experiments = await in_thread(lambda: workspace.experiments)
        return await in_thread(experiments.get, identifier)


class RunEndHandler(VersioningHandler):
    """The end of a tracked run."""

    resource = "runs"

    @endpoint("End a tracked run", ExperimentRun, body=RunEnded, errors=["30105", "30404"])
    async def post(self, identifier: str, body: RunEnded) -> ExperimentRun:
        workspace = await self.open_workspace()
        runs = (await self.managers()).runs
        await in_thread(runs.end, identifier, body)
        return await in_thread(lambda: workspace.experiments.get(identifier))


class ReproduceHandler(VersioningHandler):
    """What a run started from, brought back."""

    resource = "runs"

    @endpoint(
        "Make a git worktree of what a run (or MODEL:VERSION) started from, with its data; the "
        "operation's result is a Reproduction",
        Operation,
        body=ReproduceRequest,
        status=202,
        also=WRITES,
        errors=["30105", "30271", "30272", "30404", "50302"],
    )
    async def post(self, identifier: str, body: ReproduceRequest) -> Reply:
        reproductions = (await self.managers()).reproductions
        await in_thread(reproductions.check, identifier, body)
        return self.begin("reproduction", lambda told: reproductions.create(identifier, body, told))


class ReproductionsHandler(VersioningHandler):
    """What was reproduced."""

    resource = "runs"

    @endpoint("List reproductions", Page[Reproduction], errors=["30106"])
    async def get(self) -> Page[Reproduction]:
        reproductions = (await self.managers()).reproductions
        return await in_thread(reproductions.list)


class ReproductionHandler(VersioningHandler):
    """One reproduction."""

    resource = "runs"

    @endpoint(
        "Remove a reproduction with all that was done in it",
        Reproduction,
        also=WRITES,
        errors=["30103", "30106", "30404"],
    )
    async def delete(self, identifier: str) -> Reproduction:
        reproductions = (await self.managers()).reproductions
        return await in_thread(reproductions.delete, identifier)


HANDLERS = [
    (r"runs", RunsHandler),
    (r"runs/columns", RunColumnsHandler),
    (r"runs/curves", CurvesHandler),
    (r"runs/state", RunStateHandler),
    (r"runs/([^/]+)", ExperimentRunHandler),
    (r"runs/([^/]+)/end", RunEndHandler),
    (r"runs/([^/]+)/reproduce", ReproduceHandler),
    (r"reproductions", ReproductionsHandler),
    (r"reproductions/([^/]+)", ReproductionHandler),
]
