/** The JSON of the server: most of it as `schema.ts` declares it, which is generated. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type ChangeKind = Schemas['ChangeKind'];
export type ChangeState = Schemas['ChangeState'];
export type ConflictHow = Schemas['ConflictHow'];
export type ContainerStatus = Schemas['ContainerStatus'];
export type DatasetState = Schemas['DatasetState'];
export type ExecutionState = Schemas['ExecutionStatus'];
export type IAborted = Schemas['Aborted'];
export type IAliasChange = Schemas['AliasChange'];
export type IAmount = Schemas['Amount'];
export type IBestModels = Schemas['BestModels'];
export type IBranch = Schemas['Branch'];
export type ICellDiff = Schemas['CellDiff'];
export type ICellFailure = Schemas['CellFailure'];
export type ICellSides = Schemas['CellSides'];
export type IChange = Schemas['Change'];
export type ICodeVersion = Schemas['CodeVersion'];
export type IComparedValue = Schemas['ComparedValue'];
export type IComponent = Schemas['Component'];
export type IConflict = Schemas['Conflict'];
export type IConflictDetail = Schemas['ConflictDetail'];
export type IConflicts = Schemas['Conflicts'];
export type IContainer = Schemas['Container'];
export type ICurves = Schemas['Curves'];
export type IDataRemote = Schemas['DataRemote'];
export type IDataset = Schemas['Dataset'];
export type IDatasetDetail = Schemas['DatasetDetail'];
export type IDatasetDiff = Schemas['DatasetDiff'];
export type IDatasetSide = Schemas['DatasetSide'];
export type IDatasetUse = Schemas['DatasetUse'];
export type IDatasetVersion = Schemas['DatasetVersion'];
export type IDiffHunk = Schemas['DiffHunk'];
export type IDifferingValue = Schemas['DifferingRow'];
export type IDiscarded = Schemas['Discarded'];
export type IEdge = Schemas['Edge'];
export type IEnvironment = Schemas['SavedEnvironment'];
export type IExecution = Schemas['Execution'];
export type IExecutionError = Schemas['ExecutionError'];
export type IExperimentRun = Schemas['ExperimentRun'];
export type IFailure = Schemas['NodeFailure'];
export type IFileDiff = Schemas['FileDiff'];
export type IFoundRun = Schemas['ExperimentRun'];
export type IGitStatus = Schemas['GitStatus'];
export type IHours = Schemas['Hours'];
export type IHoursReport = Schemas['HoursReport'];
export type IImported = Schemas['Imported'];
export type IInputPort = Schemas['InputPort'];
export type ILineage = Schemas['Lineage'];
export type ILineageEdge = Schemas['LineageEdge'];
export type ILineageNode = Schemas['LineageNode'];
export type ILockHolder = Schemas['LockHolder'];
export type ILogEntry = Schemas['LogEntry'];
export type ILogLine = Schemas['LogLine'];
export type IMachine = Schemas['Machine'];
export type IModel = Schemas['Model'];
export type IModelComparison = Schemas['ModelComparison'];
export type IModelDetail = Schemas['ModelDetail'];
export type IModelVersion = Schemas['ModelVersion'];
export type INode = Schemas['Node'];
export type INodeLog = Schemas['Log'];
export type INodeOutput = Schemas['Output'];
export type INodePlan = Schemas['NodePlan'];
export type INodeRun = Schemas['NodeRun'];
export type IOutOfMemory = Schemas['OutOfMemory'];
export type IOutputPort = Schemas['OutputPort'];
export type IOwnUsage = Schemas['OwnUsage'];
export type IPlan = Schemas['Plan'];
export type IProblem = Schemas['Problem'];
export type IProject = Schemas['ProjectInfo'];
export type IProof = Schemas['Proof'];
export type IQuestion = Schemas['Question'];
export type IQueuePlace = Schemas['QueuePlace'];
export type IRemote = Schemas['Remote'];
export type IReproduction = Schemas['Reproduction'];
export type IResourceReport = Schemas['ResourceReport'];
export type IResources = Schemas['Resources'];
export type IRestorePlan = Schemas['RestorePlan'];
export type IRun = Schemas['Run'];
export type IRunColumns = Schemas['RunColumns'];
export type IRunSummary = Schemas['RunSummary'];
export type ISafetyCopy = Schemas['SafetyCopy'];
export type ISavedCell = Schemas['Cell'];
export type ISimilar = Schemas['Similar'];
export type ISnapshot = Schemas['Snapshot'];
export type ISnapshotChange = Schemas['VersionChange'];
export type ISnapshotCreated = Schemas['SnapshotCreated'];
export type ISnapshotData = Schemas['SnapshotData'];
export type ISnapshotDetail = Schemas['SnapshotDetail'];
export type ISnapshotDiff = Schemas['SnapshotDiff'];
export type IStash = Schemas['Stash'];
export type IStorageUse = Schemas['StorageUse'];
export type ISweep = Schemas['Sweep'];
export type ISweeps = Schemas['Sweeps'];
export type ITag = Schemas['Tag'];
export type ITeamMember = Schemas['Member'];
export type ITeamProject = Schemas['TeamProject'];
export type IUsage = Schemas['Usage'];
export type IVariant = Schemas['Variant'];
export type IVolume = Schemas['Volume'];
export type IWaiting = Schemas['Waiting'];
export type IWorkflow = Schemas['Workflow'];
export type IWorkflowSummary = Schemas['WorkflowSummary'];
export type LineageKind = Schemas['LineageKind'];
export type OperationState = Schemas['OperationState'];
export type PlanAction = Schemas['Action'];
export type TeamRole = Schemas['Role'];

/** One page of a list. */
export interface IPage<T> {
  items: T[];
  next_cursor: string | null;
}

export type ArtifactType =
  'Table' | 'Model' | 'Metrics' | 'Figure' | 'Text' | 'Folder' | 'File';

export type IPort = IInputPort | IOutputPort;

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
export type RunStatus = Schemas['Status'];

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

export interface IRestoreResult {
  safety: string | null;
  restored: string[];
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

export interface IMerged {
  outcome: 'up_to_date' | 'fast_forward' | 'merged' | 'conflicts';
  commit: string;
  previous: string | null;
  data: string[];
  conflicts: IConflict[];
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

/** What /containers/status sends. */
export type IContainerEvent =
  | IHello
  | IReset
  | { type: 'container'; seq: number; container: IContainer }
  | { type: 'removed'; seq: number; id: string }
  | { type: 'resources'; seq: number; report: IResourceReport }
  | { type: 'environments'; seq: number; id: string };

/** What /logs/{container} sends. */
export type ILogEvent = IHello | IReset | ({ type: 'log' } & ILogLine);

/** Where the recorded content is; `remote` is null where nobody can say. */
export interface IDatasetPlace {
  id: string;
  path: string;
  md5: string;
  cached: boolean;
  remote: boolean | null;
}

export interface IDatasetPlaces {
  remote: string | null;
  /** Why the remote could not be asked. */
  unreachable: string | null;
  items: IDatasetPlace[];
}

/** Of what of the cache nothing names. */
export interface ICollected {
  freed: boolean;
  objects: number;
  bytes: number;
  kept_objects: number;
  kept_bytes: number;
  versions: number;
}

export interface IFaultyObject {
  md5: string;
  state: string;
  files: string[];
}

export interface IDatasetVerified {
  path: string;
  md5: string;
  objects: number;
  size: number | null;
  whole: boolean;
  stores: {
    name: string;
    /** Each object was read and hashed anew. */
    read: boolean;
    whole: boolean;
    faulty: IFaultyObject[];
  }[];
}

/** A remote as it is to be; credentials that are left out stay as they are. */
export interface IDataRemotePut {
  url: string;
  default?: boolean;
  [option: string]: string | number | boolean | undefined;
}

export type Store = 'git' | 'cache' | 'remote' | 'workspace';

/** An object that a store does not hold as it should. */
export interface IObjectProblem {
  path: string;
  hash: string;
  where: Store;
  problem: 'missing' | 'damaged';
  /** A workflow makes it, so that a run can make it again. */
  output: boolean;
}

export interface IVerification {
  snapshot: string;
  objects: number;
  bytes: number;
  remote: string | null;
  /** Why the remote could not be asked. */
  unreachable: string | null;
  problems: IObjectProblem[];
  proof: IProof;
}

export interface IRepaired {
  snapshot: string;
  mended: { path: string; hash: string; where: Store; source: Store }[];
  lost: IObjectProblem[];
  unreachable: string | null;
}

/** A new version of a model, of a run. */
export interface IModelCreate {
  name: string;
  run_id: string;
  artifacts?: string[];
}

/** What the stream of a notebook tells, as far as the lab heeds it. */
export type NotebookEvent =
  | { type: 'hello' | 'reset' | 'status' | 'request' | 'limited' }
  | { type: 'execution'; status: ExecutionState; cell: string | null }
  | { type: 'saved'; cells: string[] }
  | { type: 'death'; exit_code: number | null; cells: string[] }
  | { type: 'memory'; level: 'warning' | 'limit'; used: number; limit: number };
