"""The metadata of a capsule: an RO-Crate of the profile Provenance Run Crate.

Profiles, version 0.5, on RO-Crate 1.1: https://www.researchobject.org/workflow-run-crate/profiles/
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from jupyter_mlws._version import __version__
from jupyter_mlws.capsules.citation import Author
from jupyter_mlws.capsules.provenance import (
    FINISHED,
    Artifact,
    Step,
    StepRun,
    Workflow,
    WorkflowRun,
    lock_of,
)
from mlws.core.secrets import mask_credentials

METADATA = "ro-crate-metadata.json"
README = "README.md"
BUNDLE = "project.bundle"
FILES = "project/"
"""Folder with the files of the snapshot."""
DATA = "data/"
"""Folder with the data of the snapshot, as in DVC's cache and remotes."""
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run#"
TERMS = {
    "buildInstructions": "https://codemeta.github.io/terms/buildInstructions",
    **{
        name: f"{RUN_TERMS}{name}"
        for name in (
            "ParameterConnection", "connection", "sourceParameter", "targetParameter",
            "md5", "sha256",
        )
    },
}  # fmt: skip
"""Terms that the context of RO-Crate 1.1 lacks."""
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
WORKFLOW_PROFILE = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
REQUIREMENTS_FORMAT = "https://pip.pypa.io/en/stable/reference/requirements-file-format/"
DVC = "https://dvc.org/"
STATUSES = ("http://schema.org/FailedActionStatus", "http://schema.org/CompletedActionStatus")
MEDIA_TYPES = {
    ".csv": "text/csv",
    ".ipynb": "application/x-ipynb+json",
    ".json": "application/json",
    ".lock": "application/yaml",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".py": "text/x-python",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
NO_LICENSE = "No license is stated. Ask the authors before you use or share this."

LICENSE_NAMES = ("LICENSE", "LICENCE", "COPYING")
SPDX = "https://spdx.org/licenses/"
LISTED_NAMES = (
    *(".dvc", ".ipynb", "dvc.lock", "dvc.yaml", "params.yaml", *LICENSE_NAMES),
    *("pixi.lock", "pylock.toml", "pyproject.toml", "requirements.txt", "uv.lock"),
)
"""Ends of the names of files that the metadata has even if no step reads them."""
ENVIRONMENTS = ".mlws/environments/"

Reference = dict[str, str]


@dataclass(frozen=True)
class Content:
    """A file of the capsule: its path there, bytes, MD5 and SHA-256."""

    name: str
    size: int
    md5: str
    sha256: str


@dataclass(frozen=True)
class Description:
    """Facts of the snapshot that a capsule is about.

    ``files``: those of the snapshot by path,
    ``objects``: data in the capsule by DVC's hash, ``listings``: files (path inside, hash) of
    directories by theirs.
    """

    title: str
    message: str
    commit: str
    timestamp: str
    authors: Sequence[Author]
    license: str | None
    files: Mapping[str, Content]
    objects: Mapping[str, Content]
    listings: Mapping[str, Sequence[tuple[str, str]]]
    workflows: Sequence[Workflow]
    extra: Sequence[Content]
    """Files beside those of the project: the bundle, the README and the citation."""


class CrateBuilder:
    """The graph of one description, entity after entity."""

    def __init__(self, description: Description) -> None:
        self._facts = description
        self._entities: dict[str, dict[str, Any]] = {}
        self._parts: list[Reference] = []
        self._mentions: list[Reference] = []

    def build(self) -> bytes:
        """Return the text of the metadata file."""
        # Importing it takes longer than most commands run.
        from rocrate.rocrate import ROCrate

        facts = self._facts
        crate = ROCrate(version="1.1")
        for content in facts.extra:
            self._file(content)
        self._entities[README]["about"] = {"@id": "./"}
        self._entities[BUNDLE]["encodingFormat"] = "application/x-git-bundle"
        for path, content in facts.files.items():
            name = posixpath.basename(path)
            if path.startswith(ENVIRONMENTS) or name.endswith(LISTED_NAMES):
                self._file(content)
        for content in facts.objects.values():
            self._file(content)
        root = {
            "name": facts.title,
            "description": facts.message,
            "datePublished": facts.timestamp,
            "version": facts.commit,
            "author": [self._person(author) for author in facts.authors],
            "license": self._license(),
        }
        for workflow in facts.workflows:
            self._workflow(workflow)
        if facts.workflows:
            root["mainEntity"] = {"@id": quote(FILES + facts.workflows[0].path)}
            root["conformsTo"] = [
                self._add(url, "CreativeWork", name=name, version=version)
                for url, (name, version) in PROFILES.items()
            ]
            crate.metadata["conformsTo"] = [
                {"@id": "https://w3id.org/ro/crate/1.1"},
                {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
            ]
        for name, value in {**root, "hasPart": self._parts, "mentions": self._mentions}.items():
            crate.root_dataset[name] = _only(value)
        crate.metadata.extra_terms.update(TERMS)
        for identifier, properties in self._entities.items():
            # RO-Crate 1.1 has no lists of one.
            compact = {name: _only(value) for name, value in properties.items()}
            crate.add_jsonld({"@id": identifier, **compact})
        document = crate.metadata.generate()
        return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False).encode()

    def _add(self, identifier: str, kind: str | list[str], /, **properties: Any) -> Reference:
        """Add an entity unless there is one; properties without a value are left out."""
        values = {name: value for name, value in properties.items() if value not in (None, "", [])}
        self._entities.setdefault(identifier, {"@type": kind, **values})
        return {"@id": identifier}

    def _link(self, reference: Reference, name: str, target: Reference) -> None:
        targets = self._entities[reference["@id"]].setdefault(name, [])
        if target not in targets:
            targets.append(target)

    def _person(self, author: Author) -> Reference:
        affiliation = None
        if author.affiliation:
            name = author.affiliation
            affiliation = self._add(
                f"#organization/{quote(name, safe='')}", "Organization", name=name
            )
        identifier = f"#person/{quote(author.name, safe='')}"
        if author.orcid:
            identifier = f"https://orcid.org/{author.orcid}"
        return self._add(identifier, "Person", name=author.name, affiliation=affiliation)

    def _license(self) -> Reference:
        if self._facts.license:
            name = self._facts.license
            return self._add(f"{SPDX}{quote(name)}", "CreativeWork", name=name)
        for path, content in self._facts.files.items():
            if posixpath.splitext(path)[0] in LICENSE_NAMES:
                return self._file(content)
        return self._add("#license", "CreativeWork", name="No license", description=NO_LICENSE)

    # Files and data

    def _file(self, content: Content) -> Reference:
        """Add a file of the capsule."""
        identifier = quote(content.name)
        if identifier not in self._entities:
            self._parts.append({"@id": identifier})
        return self._add(
            identifier,
            "File",
            name=posixpath.basename(content.name),
            encodingFormat=_media_type(content.name),
            contentSize=str(content.size),
            md5=content.md5,
            sha256=content.sha256,
        )

    def _artifact(self, artifact: Artifact) -> Reference:
        """Add what a step reads or writes: a file of the capsule, or one that it lacks.

        A directory is a collection of its files, as far as its listing is known.
        """
        content = self._facts.files.get(artifact.path)
        if content is not None and artifact.md5 in (content.md5, None):
            return self._file(content)
        facts = self._facts
        key = artifact.md5 or quote(artifact.path)
        if not artifact.folder:
            if key in facts.objects:
                reference = self._file(facts.objects[key])
            else:
                # An identifier with # is that of a file which the crate does not contain.
                reference = self._add(
                    f"#md5/{key}",
                    "File",
                    md5=artifact.md5,
                    contentSize=None if artifact.size is None else str(artifact.size),
                )
            entity = self._entities[reference["@id"]]
            entity["name"] = artifact.path
            entity["encodingFormat"] = _media_type(artifact.path)
            return reference
        reference = self._add(f"#md5/{key}", "Collection", name=artifact.path, md5=artifact.md5)
        if "hasPart" not in self._entities[reference["@id"]]:
            self._mentions.append(reference)
            for inside, md5 in facts.listings.get(key, ()):
                part = self._artifact(Artifact(f"{artifact.path}/{inside}", md5))
                self._link(reference, "hasPart", part)
            if key in facts.objects:
                listing = self._file(facts.objects[key])
                self._entities[reference["@id"]]["mainEntity"] = listing
        return reference

    # Workflows and runs

    def _workflow(self, workflow: Workflow) -> None:
        facts, entity = self._facts, {"@id": quote(FILES + workflow.path)}
        title = posixpath.dirname(workflow.path) or facts.title
        language = self._add(
            "https://w3id.org/workflowhub/workflow-ro-crate#dvc",
            "ComputerLanguage",
            name="DVC pipeline (dvc.yaml)",
            alternateName="DVC",
            identifier={"@id": DVC},
            url={"@id": DVC},
        )
        self._entities[entity["@id"]] |= {
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            "name": title,
            "programmingLanguage": language,
            "version": facts.commit,
            "author": [self._person(author) for author in facts.authors],
            "license": self._license(),
            "url": {"@id": entity["@id"]},
            "conformsTo": self._add(
                WORKFLOW_PROFILE, "CreativeWork", name="ComputationalWorkflow", version="1.0"
            ),
            "input": [],
            "output": [],
        }
        makers = {out.path: step for step in workflow.steps for out in step.outputs}
        read = {item.path for step in workflow.steps for item in step.inputs}
        for place, step in enumerate(workflow.steps, 1):
            self._step(workflow, step, place)
        for step in workflow.steps:
            tool, how = _tool(workflow, step), _how(workflow, step)
            for item in step.inputs:
                target = self._parameter(tool, "input", item)
                maker = makers.get(item.path)
                source = (
                    self._parameter(entity, "input", item)
                    if maker is None
                    else self._parameter(_tool(workflow, maker), "output", item)
                )
                self._connect(how, source, target)
            for out in step.outputs:
                source = self._parameter(tool, "output", out)
                if out.path not in read:
                    self._connect(entity, source, self._parameter(entity, "output", out))
        for run in workflow.runs:
            self._run(workflow, entity, run)

    def _step(self, workflow: Workflow, step: Step, place: int) -> None:
        entity = {"@id": quote(FILES + workflow.path)}
        tool = self._add(
            _tool(workflow, step)["@id"],
            "SoftwareApplication",
            name=step.name,
            description=mask_credentials(step.command),
            softwareVersion=self._facts.commit,
            url=entity,
            input=[],
            output=[],
        )
        how = self._add(
            _how(workflow, step)["@id"],
            "HowToStep",
            name=step.name,
            description=step.about,
            position=str(place),
            workExample=tool,
        )
        self._link(entity, "hasPart", tool)
        self._link(entity, "step", how)
        path = f"{ENVIRONMENTS}{(step.environment or '')[:12]}.txt"
        if path in self._facts.files:
            file = self._file(self._facts.files[path])
            self._entities[file["@id"]]["conformsTo"] = self._add(
                REQUIREMENTS_FORMAT, "WebPage", name="Requirements file of pip"
            )
            self._entities[how["@id"]]["buildInstructions"] = file

    def _parameter(self, owner: Reference, kind: str, item: Artifact) -> Reference:
        """Add the formal parameter of a tool or workflow for an artifact."""
        example = self._artifact(item)
        reference = self._formal(owner, kind, item.path, "Collection" if item.folder else "File")
        self._link(reference, "workExample", example)
        self._link(example, "exampleOfWork", reference)
        return reference

    def _formal(self, owner: Reference, kind: str, name: str, of: str) -> Reference:
        identifier = f"#{kind}/{owner['@id'].lstrip('#')}/{quote(name, safe='')}"
        reference = self._add(identifier, "FormalParameter", name=name, additionalType=of)
        self._link(owner, kind, reference)
        return reference

    def _value(self, owner: Reference, kind: str, run: str, name: str, value: Any) -> Reference:
        """Add a setting (``input``) or metric (``output``) of a run."""
        if isinstance(value, dict | list | bool):
            value = json.dumps(value, ensure_ascii=False)
        elif isinstance(value, str):
            value = mask_credentials(value)
        of = "Number" if isinstance(value, int | float) else "Text"
        formal = self._formal(owner, kind, name, of)
        reference = self._add(
            f"#value/{quote(run, safe='')}/{owner['@id'].lstrip('#')}/{quote(name, safe='')}",
            "PropertyValue",
            name=name,
            value="" if value is None else value,
            exampleOfWork=formal,
        )
        self._link(formal, "workExample", reference)
        return reference

    def _connect(self, owner: Reference, source: Reference, target: Reference) -> None:
        """Say that a parameter is another's value; ``owner`` is the step or workflow with it."""
        connection = self._add(
            f"#connection/{quote(source['@id'], safe='')}/{quote(target['@id'], safe='')}",
            "ParameterConnection",
            sourceParameter=source,
            targetParameter=target,
        )
        self._link(owner, "connection", connection)

    def _run(self, workflow: Workflow, entity: Reference, run: WorkflowRun) -> None:
        outputs = {out.path for step in workflow.steps for out in step.outputs}
        read = {item.path for step in workflow.steps for item in step.inputs}
        steps = workflow.steps
        action = self._action(
            f"#run/{quote(run.id or lock_of(workflow.path))}",
            f"Run {run.name} of {workflow.path}",
            entity,
            run,
            inputs=[item for step in steps for item in step.inputs if item.path not in outputs],
            outputs=[out for step in steps for out in step.outputs if out.path not in read],
            params=run.params,
            metrics=run.metrics,
        )
        engine = (
            self._add(
                "#engine", "SoftwareApplication", name="jupyter-mlws", softwareVersion=__version__
            )
            if run.id
            else self._add(DVC, "SoftwareApplication", name="DVC", url=DVC, softwareVersion="3")
        )
        controls = []
        for execution in run.steps:
            step, tool = execution.step, _tool(workflow, execution.step)
            prefix = f"{step.name}."
            settings = {
                name.removeprefix(prefix): value
                for name, value in run.params.items()
                if name.startswith(prefix) and name not in step.params
            }
            where = f"{quote(execution.id)}" if execution.id else f"{action['@id'][1:]}/{step.name}"
            origin = f" in run {execution.run}" if execution.run else ""
            of_step = self._action(
                f"#run/{quote(where)}",
                f"{step.name}{origin}",
                tool,
                execution,
                inputs=step.inputs,
                outputs=step.outputs,
                params={**step.params, **settings},
                metrics={},
            )
            controls.append(
                self._add(
                    f"#control/{action['@id'][1:]}/{quote(step.name, safe='')}",
                    "ControlAction",
                    name=f"Orchestrate {step.name}",
                    instrument=_how(workflow, step),
                    object=of_step,
                )
            )
        organize = self._add(
            f"#organize/{action['@id'][1:]}",
            "OrganizeAction",
            name=f"Run of {workflow.path} by {self._entities[engine['@id']]['name']}",
            instrument=engine,
            object=controls,
            result=action,
            agent=self._person(self._facts.authors[0]),
        )
        self._mentions.append(organize)

    def _action(
        self,
        identifier: str,
        name: str,
        instrument: Reference,
        run: WorkflowRun | StepRun,
        *,
        inputs: Iterable[Artifact],
        outputs: Iterable[Artifact],
        params: Mapping[str, Any],
        metrics: Mapping[str, Any],
    ) -> Reference:
        """Add an execution of a tool or workflow; a failed one has no outputs."""
        is_completed = run.status == FINISHED
        unique = {item.path: item for item in inputs}
        values = [
            self._value(instrument, "input", identifier, key, value)
            for key, value in params.items()
        ]
        scores = [
            self._value(instrument, "output", identifier, key, value)
            for key, value in metrics.items()
        ]
        if identifier not in self._entities:
            self._mentions.append({"@id": identifier})
        return self._add(
            identifier,
            "CreateAction",
            name=name,
            description="As recorded by MLflow." if run.id else "As recorded by dvc.lock.",
            identifier=run.id,
            instrument=instrument,
            agent=self._person(self._facts.authors[0]),
            actionStatus=STATUSES[is_completed],
            startTime=_iso(run.started),
            endTime=_iso(run.finished),
            object=[*map(self._artifact, unique.values()), *values],
            result=[*(map(self._artifact, outputs) if is_completed else ()), *scores],
        )


def _tool(workflow: Workflow, step: Step) -> Reference:
    return {"@id": f"#tool/{quote(workflow.path)}/{quote(step.name, safe='')}"}


def _how(workflow: Workflow, step: Step) -> Reference:
    return {"@id": f"#step/{quote(workflow.path)}/{quote(step.name, safe='')}"}


def _only(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _media_type(path: str) -> str:
    return MEDIA_TYPES.get(posixpath.splitext(path)[1], "application/octet-stream")


def _iso(timestamp: float | None) -> str | None:
    if timestamp is None:
        return None
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="milliseconds")
