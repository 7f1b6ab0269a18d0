import type { MLWSClient } from '../../api/client';
import type { IOutput, IPreview, ITableRequest } from '../../api/models';

/** Reads the results of a workflow's runs. */
export class ResultReader {
  constructor(
    private _client: MLWSClient,
    /** The path of a run. */
    private _run: (run: string) => `/workflows/${string}/runs/${string}`,
    private _query: { project: string | undefined }
  ) {}

  /** Metrics of a run, with changes since the previous run. */
  compare(run: string) {
    return this._client.get(`${this._run(run)}/comparison`, this._query);
  }

  /** The result of every node as of a run, in a line each. */
  results(run: string) {
    return this._client.get(`${this._run(run)}/results`, this._query);
  }

  /** The text of the workflow as a run read it. */
  async text(run: string): Promise<string> {
    const path = `${this._run(run)}/text` as const;
    return (await this._client.get(path, this._query)).text;
  }

  async outputs(run: string, node: string): Promise<IOutput[]> {
    const path =
      `${this._run(run)}/nodes/${encodeURIComponent(node)}/outputs` as const;
    return (await this._client.get(path, this._query)).items;
  }

  preview(run: string, node: string, port: string) {
    const path = `${this._output(run, node, port)}/preview` as const;
    return this._client.get(path, this._query) as Promise<IPreview>;
  }

  /** Rows of a table, filtered and sorted. */
  table(run: string, node: string, port: string, request: ITableRequest) {
    const path = `${this._output(run, node, port)}/table` as const;
    return this._client.post(path, request, this._query);
  }

  /** The distribution of a column of a table. */
  statistics(run: string, node: string, port: string, column: string) {
    const path = `${this._output(run, node, port)}/statistics` as const;
    return this._client.post(path, { column }, this._query);
  }

  private _output(run: string, node: string, port: string) {
    const [one, output] = [node, port].map(encodeURIComponent);
    return `${this._run(run)}/nodes/${one}/outputs/${output}` as const;
  }
}
