/** The JSON of the server, field for field. */

/** One page of a list. */
export interface IPage<T> {
  items: T[];
  next_cursor: string | null;
}

/** A failure as the API tells it, also inside runs and operations. */
export interface IFailure {
  code: string;
  message: string;
  details?: any;
  solution?: string;
}

export interface IProject {
  id: string;
  name: string;
  /** Relative to the server's root; "" or "." when the root itself is the project. */
  path: string;
  default: boolean;
  branch: string | null;
  head: string | null;
  dvc: boolean;
  /** Whether its code may run; the server refuses all else before. */
  trusted: boolean;
}

// Components and workflows

export type ArtifactType =
  'Table' | 'Model' | 'Metrics' | 'Figure' | 'Text' | 'Folder' | 'File';

export interface IInputPort {
  name: string;
  type: ArtifactType;
  required: boolean;
  multiple: boolean;
  description: string;
}

export interface IOutputPort {
  name: string;
  type: ArtifactType;
  extension: string;
  description: string;
}

export type IPort = IInputPort | IOutputPort;

export interface IComponent {
  name: string;
  title: string;
  category: string;
  description: string;
  inputs: IInputPort[];
  outputs: IOutputPort[];
  /** JSON Schema of an object. */
  settings: any;
  source: 'library' | 'project';
  error: string | null;
}

/** What can be set of a notebook: what its cell tagged `parameters` assigns. */
export interface INotebookSettings {
  /** From the project's root. */
  path: string;
  /** JSON Schema of an object; empty where the notebook can't be read. */
  settings: any;
  /** Why it can't be read. */
  error: string | null;
}

/** States of a run and of its nodes; a plain string because the server may learn new ones. */
export type RunStatus = string;

export interface IProblem {
  code: string;
  severity: 'error' | 'warning' | 'info';
  node: string | null;
  field: string | null;
  edge: string | null;
  line: number | null;
  message: string;
  fix: string | null;
}

export interface INode {
  id: string;
  type: string;
  kind: string;
  config: Record<string, any>;
  status: RunStatus | null;
  inputs: Record<string, string[]>;
  outputs: Record<string, string>;
  deps: string[];
  outs: string[];
}

export interface IEdge {
  source: string;
  target: string;
  path: string;
  source_port: string | null;
  target_port: string | null;
}

export interface IWorkflow {
  id: string;
  path: string;
  name: string;
  status: RunStatus | null;
  nodes: INode[];
  edges: IEdge[];
  problems: IProblem[];
  etag: string;
}

/** What an import makes, or would; the notes tell what could not be carried over. */
export interface IImported {
  workflow: IWorkflow;
  format: string;
  written: boolean;
  notes: { place: string; reason: string }[];
  files: { path: string; text: string }[];
  text: string;
}

export interface IWorkflowSummary {
  id: string;
  path: string;
  name: string;
  node_count: number;
  error: { message: string; line: number | null } | null;
  run: IRunSummary | null;
}

export type PlanAction = 'run' | 'cached' | 'restorable' | 'frozen';

export interface INodePlan {
  id: string;
  action: PlanAction;
  reasons: string[];
  estimate_seconds: number | null;
  /** Only looks have changed: a run with `accept_cosmetic` takes what is there. */
  cosmetic: boolean;
  /** The run that made what would be restored. */
  restored_from: string | null;
}

export interface IPlan {
  nodes: INodePlan[];
  summary: {
    run: number;
    cached: number;
    restorable: number;
    cosmetic: number;
  };
  jobs: number;
  /** Of the nodes whose time is known; null where none is. */
  estimate_seconds: number | null;
  /** How many would run whose time is not known. */
  without_estimate: number;
}

/** One stage that a sweep generates; `rank` counts from 1. */
export interface IVariant {
  id: string;
  values: { [name: string]: any };
  status: RunStatus | null;
  duration: number | null;
  run: string | null;
  params: { [name: string]: any };
  metrics: { [name: string]: number };
  outputs: string[];
  rank: number | null;
  best: boolean;
  error: string | null;
}

/** A stage with `foreach` or `matrix`, the best variant first. */
export interface ISweep {
  name: string;
  kind: 'foreach' | 'matrix';
  line: number | null;
  metrics: string[];
  metric: string | null;
  mode: 'max' | 'min' | null;
  best: string | null;
  variants: IVariant[];
}

export interface ISweeps {
  items: ISweep[];
  etag: string;
}

export interface IRunSummary {
  id: string;
  workflow: string;
  path: string;
  status: RunStatus;
  created: string;
  started: string | null;
  ended: string | null;
  duration: number | null;
  jobs: number | null;
  origin: string;
  error: (IFailure & { node?: string | null }) | null;
  counts: Record<string, number>;
  mlflow_run: string | null;
  commit: string | null;
  resumes: string | null;
}

export interface INodeRun {
  id: string;
  status: RunStatus;
  started: string | null;
  ended: string | null;
  duration: number | null;
  exit_code: number | null;
  reasons: string[];
  attempt: number;
  /** What it tells of itself while it runs, 0 to 1. */
  progress: number | null;
  error: IFailure | null;
}

export interface IRun extends IRunSummary {
  nodes: INodeRun[];
  last_seq: number;
}

export interface INodeLog {
  text: string;
  offset: number;
  size: number;
  complete: boolean;
}

export interface INodeOutput {
  port: string;
  type: ArtifactType;
  path: string;
  size: number | null;
  md5: string | null;
  exists: boolean;
}

export type IPreview =
  | {
      type: 'Table';
      columns: { name: string; dtype: string }[];
      rows: any[][];
      row_count: number | null;
    }
  | { type: 'Metrics'; metrics: Record<string, any> }
  | { type: 'VegaLite'; mime: string; spec: any }
  | { type: 'Figure'; mime: string; data: string }
  | { type: 'Text'; text: string; truncated: boolean }
  | { type: 'Model'; text: string };

// Versions

export type ChangeKind = 'code' | 'notebook' | 'data';
export type ChangeState =
  | 'added'
  | 'modified'
  | 'deleted'
  | 'renamed'
  | 'untracked'
  | 'conflicted'
  | 'not_pulled';

export interface IChange {
  path: string;
  kind: ChangeKind;
  state: ChangeState;
  staged: boolean;
  /** How what is staged differs from HEAD; null where it does not. */
  index_state: ChangeState | null;
  /** How the working tree differs from what is staged; null where it does not. */
  worktree_state: ChangeState | null;
  old_path: string | null;
  size: number | null;
}

/** Who changes the project just now, and since when. */
export interface ILockHolder {
  operation: string;
  who: string;
  since: string;
  host: string;
  pid: number;
}

export interface IGitStatus {
  branch: string | null;
  head: string | null;
  upstream: string | null;
  changes: IChange[];
  /** The merge, rebase… that waits to be finished. */
  operation: string | null;
  lock: ILockHolder | null;
  /** Snapshots whose data waits for the remote. */
  outbox: string[];
  /** The other snapshot that the files were restored to. */
  restored: { commit: string; short: string; subject: string } | null;
}

/** Lines that differ, as git prints them; `id` is what staging takes. */
export interface IDiffHunk {
  id: string;
  old_start: number;
  old_lines: number;
  new_start: number;
  new_lines: number;
  section: string;
  lines: string[];
}

export interface ICellDiff {
  id: string;
  type: string;
  state: 'unchanged' | 'added' | 'deleted' | 'modified';
  old: string | null;
  new: string | null;
  outputs_changed: boolean;
  /** The difference of the source. */
  unified: string;
}

export interface IFileDiff {
  path: string;
  binary: boolean;
  unified: string;
  old: string | null;
  new: string | null;
  truncated: boolean;
  old_size: number | null;
  new_size: number | null;
  hunks: IDiffHunk[];
  /** Of notebooks that can be compared cell by cell. */
  cells: ICellDiff[] | null;
}

/** A commit that keeps what a restore, a discard or an aborted merge replaced. */
export interface ISafetyCopy {
  id: string;
  reason: string;
  base: string | null;
  timestamp: string;
  files: string[];
}

/** `safety`: a commit that keeps what was there. */
export interface IDiscarded {
  safety: string | null;
  paths: string[];
}

export interface ICodeVersion {
  commit_id: string;
  message: string;
  author: string;
  timestamp: string;
  changes: { path: string; state: ChangeState }[];
}

/** What was checked of a snapshot: true, false, or null where there is nothing to check. */
export interface IProof {
  code: boolean;
  data_local: boolean | null;
  data_remote: boolean | null;
  runs: boolean | null;
  checked: string;
}

export interface ISnapshotData {
  path: string;
  md5: string | null;
  size: number | null;
  files: number | null;
}

export interface ISnapshot {
  id: string;
  short: string;
  parents: string[];
  subject: string;
  message: string;
  author: { name: string; email: string };
  timestamp: string;
  refs: string[];
  current: boolean;
  /** Ids of MLflow runs. */
  runs: string[];
  data: ISnapshotData[];
  stats: { code: number; data: number; notebook: number };
  proof: IProof | null;
}

export interface ISnapshotChange {
  path: string;
  state: ChangeState;
  kind: ChangeKind;
  old_path: string | null;
}

export interface ISnapshotDetail extends ISnapshot {
  changes: ISnapshotChange[];
}

/** A snapshot just made; the warnings tell what was left out, and why. */
export interface ISnapshotCreated extends ISnapshot {
  warnings: string[];
}

export interface IRestorePlan {
  snapshot: string;
  code: { path: string; action: 'write' | 'delete' }[];
  data: {
    path: string;
    action: 'checkout' | 'fetch' | 'delete';
    size: number | null;
  }[];
  bytes_to_fetch: number;
  /** Work not in any snapshot that the restore overwrites; a safety copy keeps it. */
  lost: { path: string; reason: string }[];
  /** Data that no store holds any more. */
  missing: { path: string; md5: string }[];
  /** The remote that could not be asked for what is missing. */
  unreachable: { remote: string; reason: string } | null;
  nothing: boolean;
}

export interface IRestoreResult {
  safety: string | null;
  restored: string[];
}

export interface IDifferingValue {
  name: string;
  from: any;
  to: any;
}

export interface ISnapshotDiff {
  files: {
    path: string;
    state: ChangeState;
    kind: ChangeKind;
    additions: number | null;
    deletions: number | null;
  }[];
  data: {
    path: string;
    state: ChangeState;
    from_md5: string | null;
    to_md5: string | null;
    from_size: number | null;
    to_size: number | null;
  }[];
  metrics: IDifferingValue[];
  params: IDifferingValue[];
}

// Branches, tags, stashes and remotes

/** `remote`: null for branches of this repository; counts are against `upstream`. */
export interface IBranch {
  name: string;
  remote: string | null;
  commit: string;
  current: boolean;
  upstream: string | null;
  ahead: number | null;
  behind: number | null;
  timestamp: string;
  subject: string;
}

export interface IRemote {
  name: string;
  /** Passwords are masked. */
  url: string;
  push_url: string;
}

export interface ITag {
  name: string;
  commit: string;
  message: string | null;
  tagger: string | null;
  timestamp: string;
  subject: string;
}

export interface IStash {
  id: string;
  message: string;
  branch: string | null;
  base: string;
  timestamp: string;
  files: string[];
}

export interface IPushed {
  remote: string;
  branch: string;
  commit: string;
  previous: string | null;
  /** How many are new at the remote. */
  commits: number;
  data: string[];
}

export interface IPulled extends IPushed {
  outcome: 'up_to_date' | 'fast_forward' | 'merged';
}

/** What is known of a remote now and was not before. */
export interface IFetched {
  remote: string;
  branches: { name: string; previous: string | null; commit: string | null }[];
}

// Merges

export type Side = 'ours' | 'theirs' | 'base';
export type SideChoice = Side | 'both';

export type ConflictHow =
  | 'both_modified'
  | 'both_added'
  | 'both_deleted'
  | 'deleted_by_us'
  | 'deleted_by_them'
  | 'added_by_us'
  | 'added_by_them';

export interface IConflict {
  path: string;
  kind: ChangeKind;
  how: ConflictHow;
  /** Bytes of the sides that have it. */
  sizes: Partial<Record<Side, number | null>>;
}

/** What is in conflict; `theirs` names what is merged. */
export interface IConflicts {
  operation: string | null;
  ours: string | null;
  theirs: string | null;
  commit: string | null;
  items: IConflict[];
}

/** One cell of a notebook in all versions; null where a version lacks it. */
export interface ICellSides {
  id: string;
  type: string;
  base: string | null;
  ours: string | null;
  theirs: string | null;
  merged: string;
  conflict: boolean;
}

/** Texts are null for sides that lack the path, for binary files and large ones. */
export interface IConflictDetail extends IConflict {
  base: string | null;
  ours: string | null;
  theirs: string | null;
  /** What the working tree holds now. */
  merged: string | null;
  binary: boolean;
  truncated: boolean;
  cells: ICellSides[] | null;
  data: Partial<Record<Side, ISnapshotData[]>>;
}

export interface IMerged {
  outcome: 'up_to_date' | 'fast_forward' | 'merged' | 'conflicts';
  commit: string;
  previous: string | null;
  data: string[];
  conflicts: IConflict[];
}

/** `safety`: a commit that keeps what had been resolved. */
export interface IAborted {
  commit: string;
  safety: string | null;
}

export interface IRolledBack {
  mode: 'revert' | 'restore';
  to: string;
  commit: string;
  previous: string;
  safety: string | null;
  data: string[];
}

// Experiments and operations

/** A run with its values, as the experiment table shows it. */
export interface IExperimentRun {
  /** MLflow's id of the run, when it was tracked. */
  id: string | null;
  run: string;
  workflow: string | null;
  status: RunStatus;
  started: string | null;
  duration: number | null;
  params: Record<string, any>;
  metrics: Record<string, any>;
  commit: string | null;
}

export type OperationState =
  'PENDING' | 'RUNNING' | 'WAITING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

/** What work asks a person; a secret answer is not to be shown. */
export interface IQuestion {
  prompt: string;
  secret: boolean;
}

export interface IOperation<T = any> {
  id: string;
  kind: string;
  state: OperationState;
  done: number;
  total: number | null;
  unit: string | null;
  rate: number | null;
  message: string | null;
  /** While it is WAITING. */
  question: IQuestion | null;
  result: T | null;
  error: IFailure | null;
}

// Datasets and models

export type DatasetState =
  'unchanged' | 'modified' | 'deleted' | 'not_pulled' | 'unrecorded';

/** Data that DVC tracks, as recorded now. */
export interface IDataset {
  id: string;
  path: string;
  /** The file that names it. */
  source: string;
  /** A workflow makes it. */
  output: boolean;
  md5: string | null;
  size: number | null;
  /** Of a folder. */
  files: number | null;
  state: DatasetState;
}

/** A version of a model; its parameters are text, as MLflow keeps them. */
export interface IModelVersion {
  id: string;
  name: string;
  version: number;
  params: Record<string, string>;
  /** Null where it is no finite number. */
  metrics: Record<string, number | null>;
  /** Files, by their paths in the project. */
  artifacts: string[];
  timestamp: string;
  run_id: string | null;
  commit: string | null;
  tags: Record<string, string>;
  aliases: string[];
  uri: string;
}

export interface IModel {
  id: string;
  name: string;
  description: string;
  created: string;
  updated: string;
  tags: Record<string, string>;
  /** The versions that they mean. */
  aliases: Record<string, number>;
  newest: IModelVersion | null;
}

// Streams

/** First message after every connect. */
export interface IHello {
  type: 'hello';
  seq: number;
}

export interface INodeEvent {
  type: 'node';
  seq: number;
  time: string;
  run: string;
  workflow: string;
  path: string;
  node: string;
  status: RunStatus;
  data: {
    reasons?: string[];
    exit_code?: number;
    duration?: number;
    ended?: string | null;
    attempt?: number;
    error?: IFailure | null;
    [more: string]: any;
  };
}

export interface IRunEvent {
  type: 'run';
  seq: number;
  time: string;
  run: string;
  workflow: string;
  path: string;
  node: null;
  status: RunStatus;
  data: IRunSummary;
}

/** More was missed than the server remembers: fetch everything anew. */
export interface IReset {
  type: 'reset';
  seq: number;
}

/** What /workflows/status sends. */
export type IWorkflowEvent = IHello | IReset | INodeEvent | IRunEvent;

export type WorkspaceArea =
  'changes' | 'history' | 'components' | 'workflows' | 'runs';

/** These areas of the workspace are no longer as they were. */
export interface IWorkspaceNews {
  type: 'workspace';
  seq: number;
  areas: WorkspaceArea[];
  /** The files of the area "changes", where no others can have changed by them. */
  paths?: string[];
}

/** The server cannot watch the files any more: what is shown is as old as its last refresh. */
export interface IUnwatched {
  type: 'unwatched';
  seq: number;
  reason: string;
}

/** What /workspace/status sends. */
export type IWorkspaceEvent = IHello | IReset | IWorkspaceNews | IUnwatched;

/** What /operations/status sends. */
export type IOperationEvent =
  IHello | IReset | (IOperation & { type: 'operation'; seq: number });

// Containers

export type ContainerStatus =
  | 'CREATED'
  | 'QUEUED'
  | 'STARTING'
  | 'RUNNING'
  | 'UNHEALTHY'
  | 'STOPPING'
  | 'STOPPED'
  | 'CRASHED';

/** Resources as numbers: cores, bytes, devices. */
export interface IAmount {
  cpu: number;
  memory: number;
  gpu: number;
}

/** Resources as people write them: "2" or "500m", "4Gi", "1". */
export interface IResources {
  cpu: string;
  memory: string;
  gpu: string | null;
}

/** `position` counts from 1. */
export interface IQueuePlace {
  position: number;
  eta_seconds: number | null;
}

/** What a container uses now: cores, bytes, processes. */
export interface IUsage {
  cpu: number;
  memory: number;
  memory_limit: number;
  processes: number;
  time: string;
}

/** A person's server; `name` is "" for the default one. */
export interface IContainer {
  id: string;
  user: string;
  name: string;
  status: ContainerStatus;
  resources: IResources;
  /** Values that look like credentials are masked. */
  config: { image: string; environment: Record<string, string> };
  created_at: string;
  updated_at: string;
  started_at: string | null;
  /** Where its lab answers, on this host. */
  url: string | null;
  node: string | null;
  priority: number;
  /** "healthy", "unhealthy" or "starting". */
  health: string | null;
  restarts: number;
  exit_code: number | null;
  /** Why it stopped or does not start. */
  reason: string | null;
  last_log: string[];
  queue: IQueuePlace | null;
  usage: IUsage | null;
}

/** The kernel has ended processes because the container's memory was used up. */
export interface IOutOfMemory {
  time: string;
  memory_limit: number;
  kernels: string[];
  /** Their notebooks. */
  paths: string[];
}

/** What the container uses that the lab runs in; null where it runs in none. */
export interface IOwnUsage {
  cpu: number | null;
  cpu_limit: number | null;
  memory: number | null;
  memory_limit: number | null;
  processes_killed: number;
  out_of_memory: IOutOfMemory | null;
}

/** What /usage/status sends. */
export type IOwnUsageEvent =
  | IHello
  | IReset
  | ({ type: 'usage'; seq: number } & IOwnUsage)
  | ({ type: 'out_of_memory'; seq: number } & IOutOfMemory);

/** A container that is wanted; what is left out is the Hub's default. */
export interface IContainerCreate {
  image?: string;
  resources?: Partial<IResources>;
  environment?: Record<string, string>;
  name?: string;
  /** Start although the home is full. */
  rescue?: boolean;
}

/** A machine: what it has, what is promised to containers, what they use of it. */
export interface IMachine {
  name: string;
  capacity: IAmount;
  allocated: IAmount;
  used: IAmount;
  containers: number;
}

/** A request that waits for resources. */
export interface IWaiting {
  id: string;
  user: string;
  position: number;
  priority: number;
  resources: IResources;
  since: string;
  eta_seconds: number | null;
}

export interface IResourceReport {
  nodes: IMachine[];
  queue: IWaiting[];
  /** The most that one container of this person may have. */
  limits: IAmount;
  defaults: IResources;
  images: string[];
  /** Sizes to choose from, by name. */
  profiles: Record<string, IResources>;
}

/** A person's files: mounted in all containers of the person, or in the trash. */
export interface IVolume {
  name: string;
  user: string;
  created_at: string;
  trashed_at: string | null;
  /** When it is removed for good. */
  purge_at: string | null;
  size: number | null;
  quota: number | null;
  in_use: boolean;
}

/** What a person has saved of what a container had installed. */
export interface IEnvironment {
  id: string;
  user: string;
  name: string;
  /** What a container is asked for with. */
  image: string;
  state: 'SAVING' | 'READY' | 'FAILED';
  base: string | null;
  packages: number | null;
  /** Bytes beyond its base. */
  size: number | null;
  created_at: string | null;
  /** What can't be had from anywhere else. */
  left_out: string[];
  reason: string | null;
  last_log: string[];
}

/** How much one person has used: hours of containers, and those times what each had. */
export interface IHours {
  user: string;
  hours: number;
  cpu_hours: number;
  memory_gib_hours: number;
  gpu_hours: number;
}

export interface IHoursReport {
  days: number;
  items: IHours[];
}

/** What /containers/status sends. */
export type IContainerEvent =
  | IHello
  | IReset
  | { type: 'container'; seq: number; container: IContainer }
  | { type: 'removed'; seq: number; id: string }
  | { type: 'resources'; seq: number; report: IResourceReport }
  | { type: 'environments'; seq: number; id: string };

/** A line of a container's log; `seq` counts the lines since its start. */
export interface ILogLine {
  seq: number;
  /** "event": what happened to the container itself. */
  stream: 'stdout' | 'stderr' | 'event';
  text: string;
  time: string;
}

/** What /logs/{container} sends. */
export type ILogEvent = IHello | IReset | ({ type: 'log' } & ILogLine);

/** What a member of a shared project may do; each may what those before it may. */
export type TeamRole = 'reader' | 'writer' | 'owner';

export interface ITeamMember {
  user: string;
  role: TeamRole;
  since: string;
}

/** A project that people of the Hub share; `role` is that of the person who asks. */
export interface ITeamProject {
  name: string;
  description: string;
  role: TeamRole;
  members: ITeamMember[];
  created_at: string;
  /** When it was put into the trash. */
  trashed_at: string | null;
  git_url: string;
  data_url: string;
  tracking_url: string | null;
}
