/** The JSON of the server: most of it as `schema.ts` declares it, which is generated. */
import type { components } from './schema';

type Schemas = components['schemas'];

export type ChangeKind = Schemas['ChangeKind'];
export type ChangeState = Schemas['ChangeState'];
export type ConflictHow = Schemas['ConflictHow'];
export type ContainerStatus = Schemas['ContainerStatus'];
export type DatasetState = Schemas['DatasetState'];
export type ExecutionState = Schemas['ExecutionStatus'];
export type IAttachment = Schemas['Attachment'];
export type IAliasChange = Schemas['AliasChange'];
export type IAmount = Schemas['Amount'];
export type IBestModels = Schemas['BestModels'];
export type IBranch = Schemas['Branch'];
export type ICellDiff = Schemas['CellDiff'];
export type ICellFailure = Schemas['CellFailure'];
export type ICellSides = Schemas['CellSides'];
export type IChange = Schemas['Change'];
export type IComparedValue = Schemas['ComparedValue'];
export type ICode = Schemas['Code'];
export type ICodePorts = Schemas['CodePorts'];
export type ICodeProblem = Schemas['CodeProblem'];
/** A port; without kinds, its model may be of any kind. */
type Port<T extends { kinds: string[] }> = Omit<T, 'kinds'> & {
  kinds?: string[];
};
export type IComponent = Omit<Schemas['Component'], 'inputs' | 'outputs'> & {
  inputs: Port<Schemas['InputPort']>[];
  outputs: Port<Schemas['OutputPort']>[];
  /** The category as the server names it, where `category` is translated. */
  group?: string;
};
export type IConflict = Schemas['Conflict'];
export type IConflictDetail = Schemas['ConflictDetail'];
export type IConflicts = Schemas['Conflicts'];
export type IContainer = Schemas['Container'];
export type ICurves = Schemas['Curves'];
export type IDataRemote = Schemas['DataRemote'];
export type IDataset = Schemas['Dataset'];
export type IDatasetDetail = Schemas['DatasetDetail'];
export type IDatasetDiff = Schemas['DatasetDiff'];
export type IDatasetUse = Schemas['DatasetUse'];
export type IDatasetVersion = Schemas['DatasetVersion'];
export type IDiffHunk = Schemas['DiffHunk'];
export type IDifferingValue = Schemas['DifferingRow'];
export type IIdentity = Schemas['Identity'];
export type IDiscarded = Schemas['Discarded'];
export type IEnvironment = Schemas['SavedEnvironment'];
export type IExecution = Schemas['Execution'];
export type IExecutionResult = Schemas['ExecutionResult'];
export type IExperimentRun = Schemas['ExperimentRun'];
export type IFailure = Schemas['NodeFailure'];
export type IFileDiff = Schemas['FileDiff'];
export type IGitStatus = Schemas['GitStatus'];
export type IHours = Schemas['Hours'];
export type IHoursReport = Schemas['HoursReport'];
export type IImported = Schemas['Imported'];
export type IRunOutput = Schemas['RunOutput'];
export type IReferenceEntry = Schemas['ReferenceEntry'];
export type IReferenceText = Schemas['ReferenceText'];
export type ILineage = Schemas['Lineage'];
export type ILineageEdge = Schemas['LineageEdge'];
export type ILineageNode = Schemas['LineageNode'];
export type ILogEntry = Schemas['LogEntry'];
export type ILogLine = Schemas['LogLine'];
export type IMachine = Schemas['Machine'];
export type ILearnedChecks = Schemas['LearnedChecks'];
export type IMeasure = Schemas['Measure'];
export type IModel = Schemas['Model'];
export type IModelComparison = Schemas['ModelComparison'];
export type IModelDetail = Schemas['ModelDetail'];
export type IModelVersion = Schemas['ModelVersion'];
export type INodeColumns = Schemas['NodeColumns'];
export type INodeLog = Schemas['Log'];
export type INodeOutput = Schemas['Output'];
export type INodePlan = Schemas['NodePlan'];
export type IColumnStatistics = Schemas['ColumnStatistics'];
export type ILiveExecution = Schemas['LiveExecution'];
export type IMetricChange = Schemas['MetricChange'];
export type IRunComparison = Schemas['RunComparison'];
export type ITableFilter = Schemas['TableFilter'];
export type ITablePage = Schemas['TablePage'];
export type ITableRequest = Schemas['TableRequest'];
export type INodeSummary = Schemas['NodeSummary'];
export type IOutOfMemory = Schemas['OutOfMemory'];
export type IOwnUsage = Schemas['OwnUsage'];
export type IPlan = Schemas['Plan'];
export type IProblem = Schemas['Problem'];
export type IProblemRepair = Schemas['Repair'];
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
export type ISourceProfile = Schemas['SourceProfile'];
export type ISnapshot = Schemas['Snapshot'];
export type ISnapshotChange = Schemas['VersionChange'];
export type ISnapshotCreated = Schemas['SnapshotCreated'];
export type ISnapshotDetail = Schemas['SnapshotDetail'];
export type ISnapshotDiff = Schemas['SnapshotDiff'];
export type IStaleNotebook = Schemas['StaleNotebook'];
export type IStash = Schemas['Stash'];
export type IStorageUse = Schemas['StorageUse'];
export type ISweeps = Schemas['Sweeps'];
export type IColumnPreparation = Schemas['ColumnPreparation'];
export type IColumnProfile = Schemas['ColumnProfile'];
export type ITableProfile = Schemas['TableProfile'];
export type ITableColumn = Schemas['TableColumn'];
export type ITableColumns = Schemas['TableColumns'];
export type ITag = Schemas['Tag'];
export type ITeamMember = Schemas['Member'];
export type ITeamProject = Schemas['TeamProject'];
export type IVariable = Schemas['Variable'];
export type IVariableItem = Schemas['VariableItem'];
export type IVariableItems = Schemas['VariableItems'];
export type IVariables = Schemas['Variables'];
export type IVariableTablePage = Schemas['VariableTablePage'];
export type IVariant = Schemas['Variant'];
export type IVolume = Schemas['Volume'];
export type IWaiting = Schemas['Waiting'];
export type IWorkflow = Schemas['Workflow'];
export type IWorkflowResults = Schemas['WorkflowResults'];
export type IWorkflowSummary = Schemas['WorkflowSummary'];
export type LineageKind = Schemas['LineageKind'];
export type OperationAction = Schemas['OperationAction'];
export type OperationState = Schemas['OperationState'];
export type TeamRole = Schemas['Role'];

/** One page of a list. */
export interface IPage<T> {
  items: T[];
  next_cursor: string | null;
}

/** The settings of a notebook: the variables that its cell tagged `parameters` assigns. */
export interface INotebookSettings {
  /** From the project's root. */
  path: string;
  /** JSON Schema of an object; empty where the notebook can't be read. */
  settings: Record<string, unknown>;
  /** The reason why it can't be read. */
  error: string | null;
}

export interface ITablePreview {
  type: 'Table';
  columns: { name: string; dtype: string }[];
  rows: unknown[][];
  row_count: number | null;
}

export type IPreview =
  | ITablePreview
  | { type: 'Metrics'; metrics: Record<string, unknown> }
  | { type: 'VegaLite'; mime: string; spec: unknown }
  | { type: 'Figure'; mime: string; data: string }
  | { type: 'Text'; text: string; truncated: boolean }
  | {
      type: 'Model';
      text: string;
      preparation: IColumnPreparation[] | null;
    }
  | { type: 'Notebook'; notebook: unknown };

export interface IRestoreResult {
  safety: string | null;
  restored: string[];
}

export interface IPushed {
  remote: string;
  branch: string;
  commit: string;
  previous: string | null;
  /** Number of commits that the remote did not have. */
  commits: number;
  data: string[];
}

export interface IPulled extends IPushed {
  outcome: 'up_to_date' | 'fast_forward' | 'merged';
}

/** The branches of a remote that a fetch has changed. */
export interface IFetched {
  remote: string;
  branches: { name: string; previous: string | null; commit: string | null }[];
}

export type Side = 'ours' | 'theirs' | 'base';

export type SideChoice = Side | 'both';

export interface IMerged {
  outcome: 'up_to_date' | 'fast_forward' | 'merged' | 'conflicts';
  commit: string;
  previous: string | null;
  data: string[];
  conflicts: IConflict[];
}

/** The result of continuing, skipping or aborting an operation. */
export interface IOperationStep {
  operation: string;
  unfinished: string | null;
  commit: string | null;
  safety: string | null;
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

export interface IOperation<T = unknown> {
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

/** First message after every connect. */
interface IHello {
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
  status: Schemas['Status'];
  data: {
    reasons?: string[];
    exit_code?: number;
    duration?: number;
    started?: string;
    ended?: string | null;
    attempt?: number;
    progress?: number;
    error?: IFailure | null;
    [more: string]: unknown;
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
  status: Schemas['Status'];
  data: IRunSummary;
}

/** More events were missed than the server keeps: everything has to be read again. */
interface IReset {
  type: 'reset';
  seq: number;
}

/** Messages of /workflows/status. */
export type IWorkflowEvent = IHello | IReset | INodeEvent | IRunEvent;

export type WorkspaceArea =
  'changes' | 'history' | 'components' | 'workflows' | 'runs';

/** These areas of the workspace have changed. */
interface IWorkspaceChange {
  type: 'workspace';
  seq: number;
  areas: WorkspaceArea[];
  /** The files of the area "changes"; undefined if others may have changed, too. */
  paths?: string[];
}

/** The server cannot watch the files any more: views are as old as their last refresh. */
interface IUnwatched {
  type: 'unwatched';
  seq: number;
  reason: string;
}

/** Messages of /workspace/status. */
export type IWorkspaceEvent = IHello | IReset | IWorkspaceChange | IUnwatched;

/** Messages of /operations/status. */
export type IOperationEvent =
  IHello | IReset | (IOperation & { type: 'operation'; seq: number });

/** Messages of /usage/status. */
export type IOwnUsageEvent =
  | IHello
  | IReset
  | ({ type: 'usage'; seq: number } & IOwnUsage)
  | ({ type: 'out_of_memory'; seq: number } & IOutOfMemory);

/** A request for a container; the Hub's defaults apply to fields that are left out. */
export interface IContainerCreate {
  image?: string;
  resources?: Partial<IResources>;
  environment?: Record<string, string>;
  name?: string;
  /** Start although the home is full. */
  rescue?: boolean;
}

/** Messages of /containers/status. */
export type IContainerEvent =
  | IHello
  | IReset
  | { type: 'container'; seq: number; container: IContainer }
  | { type: 'removed'; seq: number; id: string }
  | { type: 'resources'; seq: number; report: IResourceReport }
  | { type: 'environments'; seq: number; id: string };

/** Messages of /logs/{container}. */
export type ILogEvent = IHello | IReset | ({ type: 'log' } & ILogLine);

/** The stores that have the recorded content; `remote` is null if that is not known. */
export interface IDatasetPlace {
  id: string;
  path: string;
  md5: string;
  cached: boolean;
  remote: boolean | null;
}

export interface IDatasetPlaces {
  remote: string | null;
  /** The reason why the remote could not be reached. */
  unreachable: string | null;
  items: IDatasetPlace[];
}

/** The objects of the cache that no version uses, and those that are kept. */
export interface ICollected {
  freed: boolean;
  objects: number;
  bytes: number;
  kept_objects: number;
  kept_bytes: number;
  versions: number;
}

interface IFaultyObject {
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
    /** Each object was read and hashed again. */
    read: boolean;
    whole: boolean;
    faulty: IFaultyObject[];
  }[];
}

/** The new settings of a remote; credentials that are left out do not change. */
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
  /** An output of a workflow, which a run can create again. */
  output: boolean;
}

export interface IVerification {
  snapshot: string;
  objects: number;
  bytes: number;
  remote: string | null;
  /** The reason why the remote could not be reached. */
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

/** An output as nbformat has it. */
export type IOutputData = ILiveExecution['outputs'][number];

/** The messages of a notebook's stream about the outputs of an execution. */
export type OutputEvent = { execution: string } & (
  | { type: 'output'; output: IOutputData; display_id?: string }
  | { type: 'update'; output: IOutputData; display_id: string }
  | { type: 'clear'; wait: boolean }
  | { type: 'input'; prompt: string; password: boolean }
  | { type: 'answered' | 'limited' }
);

/** The messages of a notebook's stream that the lab uses. */
export type NotebookEvent =
  | { type: 'hello' | 'reset' | 'status' | 'request' }
  | OutputEvent
  | {
      type: 'execution';
      status: ExecutionState;
      execution: string;
      /** Executions of the API are not shown before they are saved. */
      origin: 'api' | 'lab' | 'client';
      cell: string | null;
      execution_count: number | null;
    }
  | { type: 'unsaved'; cell: string | null }
  | { type: 'saved'; cells: string[] }
  | { type: 'death'; exit_code: number | null; cells: string[] }
  | { type: 'memory'; level: 'warning' | 'limit'; used: number; limit: number };
