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
const MOST = 200;

/** What to run and how; all of it where nothing is said. */
export type IRunOptions = IExecuteRequest;

/** A message about the log of a node; `seq` is its size so far, in bytes. */
export type IOutputEvent = Data<
  'get',
  '/workflows/{workflow}/runs/{run}/nodes/{node}/output'
>;

/** Reads what the project of a workflow has to choose from. */
class ProjectReader {
  constructor(
    private _client: MLWSClient,
    private _query: { project: string | undefined }
  ) {}

  /** The registered models; the first so many. */
  async models(): Promise<IModel[]> {
    const query = { ...this._query, limit: MOST };
    return (await this._client.get('/models', query)).items;
  }

  async workflows(): Promise<IWorkflowSummary[]> {
    const reply = await this._client.get('/workflows', this._query);
    return reply.items;
  }
}

/** What the canvas asks the server about one workflow. */
export class WorkflowService {
  constructor(
    private _client: MLWSClient,
    /** From the project's root. */
    readonly path: string,
    /** Undefined for the default project. */
    readonly project: string | undefined,
    /** Returns the options of the runs that name none themselves. */
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

  /** Reads what runs made. */
  readonly reader: ResultReader;

  async components(): Promise<IComponent[]> {
    const { items } = await this._client.get('/components', this._query);
    const { trans } = this._client;
    return [
      ...items.map(component => translateComponent(component, trans)),
      pythonCode(trans)
    ];
  }

  /** What can be set of a notebook; the path is from the project's root. */
  notebook(path: string) {
    const id = encodeURIComponent(escapeId(path));
    return this._client.get(`/components/notebooks/${id}`, this._query);
  }

  /** What DVC tracks; the first so many. */
  async datasets(): Promise<IDataset[]> {
    const query = { ...this._query, limit: MOST };
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

  /** Writes a notebook that does what the node did, with its very inputs. */
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

  /** The variants of each sweep, ranked by a metric where one is named. */
  sweeps(metric?: string) {
    return this._client.get(`${this._base}/sweeps`, { ...this._query, metric });
  }

  /** Makes a plain stage of a sweep, of which `etag` is the file's version. */
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
