import type { IOutput, IPreview, ITableRequest } from '../../api/models';
import type { ProjectClient } from './projectClient';

/** Reads the results of a workflow's runs. */
export class ResultReader {
  constructor(
    private _client: ProjectClient,
    /** The path of a run. */
    private _run: (run: string) => `/workflows/${string}/runs/${string}`
  ) {}

  /** Metrics of a run, with changes since the previous run. */
  compare(run: string) {
    return this._client.get(`${this._run(run)}/comparison`);
  }

  /** The result of every node as of a run, in a line each. */
  results(run: string) {
    return this._client.get(`${this._run(run)}/results`);
  }

  /** The text of the workflow as a run read it. */
  async text(run: string): Promise<string> {
    const path = `${this._run(run)}/text` as const;
    return (await this._client.get(path)).text;
  }

  async outputs(run: string, node: string): Promise<IOutput[]> {
    const path =
      `${this._run(run)}/nodes/${encodeURIComponent(node)}/outputs` as const;
    return (await this._client.get(path)).items;
  }

  preview(run: string, node: string, port: string) {
    const path = `${this._output(run, node, port)}/preview` as const;
    return this._client.get(path) as Promise<IPreview>;
  }

  /** Rows of a table, filtered and sorted. */
  table(run: string, node: string, port: string, request: ITableRequest) {
    const path = `${this._output(run, node, port)}/table` as const;
    return this._client.post(path, request);
  }

  /** The distribution of a column of a table. */
  statistics(run: string, node: string, port: string, column: string) {
    const path = `${this._output(run, node, port)}/statistics` as const;
    return this._client.post(path, { column });
  }

  private _output(run: string, node: string, port: string) {
    const [one, output] = [node, port].map(encodeURIComponent);
    return `${this._run(run)}/nodes/${one}/outputs/${output}` as const;
  }
}
