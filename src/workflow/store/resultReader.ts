import type { IPage, MLWSClient, Query } from '../../api/client';
import type {
  IColumnStatistics,
  INodeOutput,
  IPreview,
  IRunComparison,
  ITablePage,
  ITableRequest,
  IWorkflowResults
} from '../../api/models';

/** Reads from the server what runs of one workflow made. */
export class ResultReader {
  constructor(
    private _client: MLWSClient,
    /** The path of a run. */
    private _run: (run: string) => string,
    private _query: Query
  ) {}

  /** The metrics of a run, and what changed since the run before. */
  compare(run: string): Promise<IRunComparison> {
    return this._client.get(`${this._run(run)}/comparison`, this._query);
  }

  /** The result of every node as of a run, in a line each. */
  results(run: string): Promise<IWorkflowResults> {
    return this._client.get(`${this._run(run)}/results`, this._query);
  }

  /** The text of the workflow as a run read it. */
  async text(run: string): Promise<string> {
    const path = `${this._run(run)}/text`;
    return (await this._client.get<{ text: string }>(path, this._query)).text;
  }

  async outputs(run: string, node: string): Promise<INodeOutput[]> {
    const path = `${this._run(run)}/nodes/${encodeURIComponent(node)}/outputs`;
    return (await this._client.get<IPage<INodeOutput>>(path, this._query))
      .items;
  }

  preview(run: string, node: string, port: string): Promise<IPreview> {
    const path = `${this._output(run, node, port)}/preview`;
    return this._client.get(path, this._query);
  }

  /** Rows of a table, filtered and sorted. */
  table(
    run: string,
    node: string,
    port: string,
    request: ITableRequest
  ): Promise<ITablePage> {
    const path = `${this._output(run, node, port)}/table`;
    return this._client.post(path, request, this._query);
  }

  /** The distribution of a column of a table. */
  statistics(
    run: string,
    node: string,
    port: string,
    column: string
  ): Promise<IColumnStatistics> {
    const path = `${this._output(run, node, port)}/statistics`;
    return this._client.post(path, { column }, this._query);
  }

  private _output(run: string, node: string, port: string): string {
    const [one, output] = [node, port].map(encodeURIComponent);
    return `${this._run(run)}/nodes/${one}/outputs/${output}`;
  }
}
