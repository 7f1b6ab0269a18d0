import { escapeId, type MLWSClient } from '../../api/client';
import type {
  Data,
  IComponent,
  IDataset,
  IExecuteRequest,
  IModel,
  IProblem,
  IRun,
  IWorkflowSummary
} from '../../api/models';
import { ColumnService } from './columns';
import { CodeService, pythonCode, translateComponent } from './components';
import { ProjectClient } from './projectClient';
import { ResultReader } from './resultReader';

/** A list that is chosen from. */
const CHOICES = { limit: 200 };

/** The ways to go on with a run; the id of a node is encoded. */
export type Continuation = 'resume' | `nodes/${string}/${'retry' | 'skip'}`;

/** Options of a run; by default all nodes are run. */
export type IRunOptions = IExecuteRequest;

/** A message about the log of a node; `seq` is its size so far, in bytes. */
export type IOutputEvent = Data<
  'get',
  '/workflows/{workflow}/runs/{run}/nodes/{node}/output'
>;

/** Requests of the canvas about a workflow. */
export class WorkflowService {
  constructor(
    client: MLWSClient,
    /** From the project's root. */
    readonly path: string,
    /** Undefined for the default project. */
    readonly project: string | undefined,
    /** `_defaults`: returns the default options of runs. */
    private _defaults: () => IRunOptions = () => ({})
  ) {
    this._client = new ProjectClient(client, project);
    this.code = new CodeService(this._client);
    this.columns = new ColumnService(this._client, path);
    this.reader = new ResultReader(this._client, run => this._run(run));
  }

  /** Creates and changes the code of nodes. */
  readonly code: CodeService;

  /** Reads the columns of tables before a run. */
  readonly columns: ColumnService;

  readonly reader: ResultReader;

  async components(): Promise<IComponent[]> {
    const { items } = await this._client.get('/components');
    return [...items.map(translateComponent), pythonCode()];
  }

  /** Settings of a notebook; the path is from the project's root. */
  notebook(path: string) {
    const id = encodeURIComponent(escapeId(path));
    return this._client.get(`/components/notebooks/${id}`);
  }

  /** Data that DVC tracks, up to a maximum number. */
  async datasets(): Promise<IDataset[]> {
    return (await this._client.get('/datasets', CHOICES)).items;
  }

  /** Registered models, up to a maximum number. */
  async models(): Promise<IModel[]> {
    return (await this._client.get('/models', CHOICES)).items;
  }

  /** The workflows of the project. */
  async workflows(): Promise<IWorkflowSummary[]> {
    return (await this._client.get('/workflows')).items;
  }

  /** Plans a run of a text that need not be saved. */
  plan(text: string) {
    return this._client.post(`${this._base}/plan`, { text });
  }

  /** Judges a text that need not be saved. */
  async validate(text: string): Promise<IProblem[]> {
    const body = { path: this.path, text };
    return (await this._client.post('/workflows/validate', body)).problems;
  }

  /** Newest first; `cursor` is of the page before. */
  runs(cursor?: string) {
    return this._client.get(`${this._base}/runs`, { cursor });
  }

  /** A run with its nodes; the newest by default, which must exist. */
  run(run = 'latest') {
    return this._client.get(this._run(run));
  }

  execute(options: IRunOptions = {}): Promise<IRun> {
    const origin = 'canvas' as const;
    const body = { ...this._defaults(), ...options, origin };
    return this._client.post(`${this._base}/execute`, body);
  }

  /** Runs the incomplete nodes of a run, a node again, or the dependents of a node. */
  continue(run: string, how: Continuation, pull = false): Promise<IRun> {
    return this._client.post(`${this._run(run)}/${how}`, { pull });
  }

  cancel(run: string) {
    return this._client.post(`${this._run(run)}/cancel`);
  }

  /** Writes a notebook with the code and inputs of a node. */
  debug(run: string, node: string): Promise<{ path: string }> {
    return this._client.post(`${this._node(run, node)}/notebook`);
  }

  /** The newest result of every node, in a line each. */
  results() {
    return this._client.get(`${this._base}/results`);
  }

  /** Variants of each sweep, ranked by a metric if given. */
  sweeps(metric?: string) {
    return this._client.get(`${this._base}/sweeps`, { metric });
  }

  /** Replaces a sweep by a variant; `etag` is the file's version. */
  promote(sweep: string, variant: string, etag: string) {
    const path =
      `${this._base}/sweeps/${encodeURIComponent(sweep)}/promote` as const;
    return this._client.post(path, { variant }, etag);
  }

  /** The workflow as a Python script. */
  script(): Promise<{ text: string; name: string }> {
    return this._client.get(`${this._base}/script`);
  }

  log(run: string, node: string, offset: number) {
    return this._client.get(`${this._node(run, node)}/log`, { offset });
  }

  /** The output of a running node from an offset on, as it is written. */
  output(run: string, node: string, offset: number) {
    return this._client.stream(`${this._node(run, node)}/output`, offset);
  }

  private get _base() {
    return `/workflows/${encodeURIComponent(escapeId(this.path))}` as const;
  }

  private _run(run: string) {
    return `${this._base}/runs/${encodeURIComponent(run)}` as const;
  }

  private _node(run: string, node: string) {
    return `${this._run(run)}/nodes/${encodeURIComponent(node)}` as const;
  }

  private _client: ProjectClient;
}
