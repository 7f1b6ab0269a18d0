"""Endpoints of runs: found, tracked, reproduced."""

from __future__ import annotations

from jupyter_mlws.api.rest import Reply, endpoint, in_thread, location
from jupyter_mlws.core.errors import (
    AlreadyReproducedError,
    MLflowFailedError,
    RunCommitMissingError,
    VersionItemNotFoundError,
)
from jupyter_mlws.core.operations import Operation
from jupyter_mlws.core.schemas import Page
from jupyter_mlws.versioning.handling import DVC_ERRORS, WRITES, VersioningHandler
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


class RunsHandler(VersioningHandler):
    """All runs, of workflows, notebooks and scripts."""

    resource = "runs"

    @endpoint(
        "Search runs with parameters and metrics",
        Page[ExperimentRun],
        query=RunsQuery,
        shared=True,
        errors=[MLflowFailedError],
    )
    async def get(self, query: RunsQuery) -> Page[ExperimentRun]:
        workspace = await self.open_workspace()
        experiments = await in_thread(lambda: workspace.experiments)
        return await in_thread(experiments.search, query)

    @endpoint(
        "Start a run, with a commit of the working tree",
        TrackedRun,
        body=RunBegin,
        status=201,
        errors=[*DVC_ERRORS, MLflowFailedError, VersionItemNotFoundError],
    )
    async def post(self, body: RunBegin) -> Reply:
        runs = (await self.managers()).runs
        made = await in_thread(runs.begin, body)
        return Reply(made, 201, location(self, "runs", made.id))


class RunColumnsHandler(VersioningHandler):
    """What runs can be shown and searched by."""

    resource = "runs"

    @endpoint(
        "List the names of parameters and metrics",
        RunColumns,
        shared=True,
        errors=[MLflowFailedError],
    )
    async def get(self) -> RunColumns:
        workspace = await self.open_workspace()
        experiments = await in_thread(lambda: workspace.experiments)
        return await in_thread(experiments.columns)


class CurvesHandler(VersioningHandler):
    """A metric of several runs."""

    resource = "runs"

    @endpoint(
        "Get the metrics of runs by step",
        Curves,
        query=CurvesQuery,
        errors=[MLflowFailedError, VersionItemNotFoundError],
    )
    async def get(self, query: CurvesQuery) -> Curves:
        workspace = await self.open_workspace()
        experiments = await in_thread(lambda: workspace.experiments)
        return await in_thread(experiments.curves, query)


class RunStateHandler(VersioningHandler):
    """What a run would start from."""

    resource = "runs"

    @endpoint(
        "Save the state of the working tree for a run",
        RunState,
        errors=[*DVC_ERRORS, VersionItemNotFoundError],
    )
    async def post(self) -> RunState:
        runs = (await self.managers()).runs
        return await in_thread(runs.state)


class ExperimentRunHandler(VersioningHandler):
    """One run."""

    resource = "runs"

    @endpoint("Get a run", ExperimentRun, errors=[MLflowFailedError, VersionItemNotFoundError])
    async def get(self, identifier: str) -> ExperimentRun:
        workspace = await self.open_workspace()
        experiments = await in_thread(lambda: workspace.experiments)
        return await in_thread(experiments.get, identifier)


class RunEndHandler(VersioningHandler):
    """The end of a tracked run."""

    resource = "runs"

    @endpoint(
        "End a tracked run",
        ExperimentRun,
        body=RunEnded,
        errors=[MLflowFailedError, VersionItemNotFoundError],
    )
    async def post(self, identifier: str, body: RunEnded) -> ExperimentRun:
        workspace = await self.open_workspace()
        runs = (await self.managers()).runs
        await in_thread(runs.end, identifier, body)
        return await in_thread(lambda: workspace.experiments.get(identifier))


class ReproduceHandler(VersioningHandler):
    """What a run started from, brought back."""

    resource = "runs"

    @endpoint(
        "Recreate the code and data of a run (or MODEL:VERSION) in a git worktree; the "
        "operation's result is a Reproduction",
        Operation,
        body=ReproduceRequest,
        status=202,
        also=WRITES,
        errors=[
            MLflowFailedError,
            RunCommitMissingError,
            AlreadyReproducedError,
            VersionItemNotFoundError,
        ],
    )
    async def post(self, identifier: str, body: ReproduceRequest) -> Reply:
        reproductions = (await self.managers()).reproductions
        await in_thread(reproductions.check, identifier, body)
        return self.begin("reproduction", lambda told: reproductions.create(identifier, body, told))


class ReproductionsHandler(VersioningHandler):
    """What was reproduced."""

    resource = "runs"

    @endpoint("List reproductions", Page[Reproduction])
    async def get(self) -> Page[Reproduction]:
        reproductions = (await self.managers()).reproductions
        return await in_thread(reproductions.list)


class ReproductionHandler(VersioningHandler):
    """One reproduction."""

    resource = "runs"

    @endpoint(
        "Delete a reproduction, including all work in it",
        Reproduction,
        also=WRITES,
        errors=[*DVC_ERRORS, VersionItemNotFoundError],
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
