import type { MLWSClient } from '../../api/client';
import { escapeId } from '../../api/client';
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
import { ResultReader } from './resultReader';

/** Items of a list that is chosen from. */
const MAX_ITEMS = 200;

/** Options of a run; by default all nodes are run. */
export type IRunOptions = IExecuteRequest;

/** A message about the log of a node; `seq` is its size so far, in bytes. */
export type IOutputEvent = Data<
  'get',
  '/workflows/{workflow}/runs/{run}/nodes/{node}/output'
>;

/** Reads the choices that a workflow's project offers. */
class ProjectReader {
  constructor(
    private _client: MLWSClient,
    private _query: { project: string | undefined }
  ) {}

  /** Registered models, up to a maximum number. */
  async models(): Promise<IModel[]> {
    const query = { ...this._query, limit: MAX_ITEMS };
    return (await this._client.get('/models', query)).items;
  }

  async workflows(): Promise<IWorkflowSummary[]> {
    const reply = await this._client.get('/workflows', this._query);
    return reply.items;
  }
}

/** Requests of the canvas about a workflow. */
export class WorkflowService {
  constructor(
    private _client: MLWSClient,
    /** From the project's root. */
    readonly path: string,
    /** Undefined for the default project. */
    readonly project: string | undefined,
    /** `_defaults`: returns the default options of runs. */
    private _defaults: () => IRunOptions = () => ({})
  ) {
    this.code = new CodeService(_client, this._query);
    this.columns = new ColumnService(_client, path, this._query);
    this.choices = new ProjectReader(_client, this._query);
    this.reader = new ResultReader(_client, run => this._run(run), this._query);
  }

  /** Creates and changes the code of nodes. */
  readonly code: CodeService;

  /** Reads the columns of tables before a run. */
  readonly columns: ColumnService;

  /** Reads the models and workflows of the project. */
  readonly choices: ProjectReader;

  readonly reader: ResultReader;

  async components(): Promise<IComponent[]> {
    const { items } = await this._client.get('/components', this._query);
    const { trans } = this._client;
    return [
      ...items.map(component => translateComponent(component, trans)),
      pythonCode(trans)
    ];
  }

  /** Settings of a notebook; the path is from the project's root. */
  notebook(path: string) {
    const id = encodeURIComponent(escapeId(path));
    return this._client.get(`/components/notebooks/${id}`, this._query);
  }

  /** Data that DVC tracks, up to a maximum number. */
  async datasets(): Promise<IDataset[]> {
    const query = { ...this._query, limit: MAX_ITEMS };
    return (await this._client.get('/datasets', query)).items;
  }

  /** Plans a run of a text that need not be saved. */
  plan(text: string) {
    return this._client.post(`${this._base}/plan`, { text }, this._query);
  }

  /** Judges a text that need not be saved. */
  async validate(text: string): Promise<IProblem[]> {
    const body = { path: this.path, text };
    const reply = await this._client.post(
      '/workflows/validate',
      body,
      this._query
    );
    return reply.problems;
  }

  /** Newest first; `cursor` is of the page before. */
  runs(cursor?: string) {
    return this._client.get(`${this._base}/runs`, { ...this._query, cursor });
  }

  /** A run with its nodes; the newest by default, which must exist. */
  run(run = 'latest') {
    return this._client.get(this._run(run), this._query);
  }

  execute(options: IRunOptions = {}): Promise<IRun> {
    const origin = 'canvas' as const;
    const body = { ...this._defaults(), ...options, origin };
    return this._client.post(`${this._base}/execute`, body, this._query);
  }

  resume(run: string, pull = false) {
    return this._client.post(`${this._run(run)}/resume`, { pull }, this._query);
  }

  retry(run: string, node: string, pull = false) {
    const path = `${this._node(run, node)}/retry` as const;
    return this._client.post(path, { pull }, this._query);
  }

  skip(run: string, node: string, pull = false) {
    const path = `${this._node(run, node)}/skip` as const;
    return this._client.post(path, { pull }, this._query);
  }

  cancel(run: string) {
    return this._client.post(`${this._run(run)}/cancel`, {}, this._query);
  }

  /** Writes a notebook with the code and inputs of a node. */
  debug(run: string, node: string): Promise<{ path: string }> {
    return this._client.post(
      `${this._node(run, node)}/notebook`,
      {},
      this._query
    );
  }

  /** The newest result of every node, in a line each. */
  results() {
    return this._client.get(`${this._base}/results`, this._query);
  }

  /** Variants of each sweep, ranked by a metric if given. */
  sweeps(metric?: string) {
    return this._client.get(`${this._base}/sweeps`, { ...this._query, metric });
  }

  /** Replaces a sweep by a variant; `etag` is the file's version. */
  promote(sweep: string, variant: string, etag: string) {
    const path =
      `${this._base}/sweeps/${encodeURIComponent(sweep)}/promote` as const;
    return this._client.post(path, { variant }, this._query, etag);
  }

  /** The workflow as a Python script. */
  script(): Promise<{ text: string; name: string }> {
    return this._client.get(`${this._base}/script`, this._query);
  }

  log(run: string, node: string, offset: number) {
    return this._client.get(`${this._node(run, node)}/log`, {
      ...this._query,
      offset
    });
  }

  /** The output of a running node from an offset on, as it is written. */
  output(run: string, node: string, offset: number) {
    return this._client.stream(`${this._node(run, node)}/output`, {
      ...this._query,
      since: offset
    });
  }

  private get _query(): { project: string | undefined } {
    return { project: this.project };
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
}
