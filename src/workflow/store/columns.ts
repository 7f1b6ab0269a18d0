import type { MLWSClient } from '../../api/client';
import type { ITablePreview } from '../../api/models';

/** Options for reading a table file; empty options are detected from its content. */
export type IReading = Record<
  'separator' | 'encoding' | 'decimal' | 'sheet',
  string
>;

/** Reads the columns of a workflow's tables before a run. */
export class ColumnService {
  constructor(
    private _client: MLWSClient,
    private _path: string,
    private _query: { project: string | undefined }
  ) {}

  /** Returns the columns of the tables at a node's inputs. */
  read(text: string, node: string) {
    const body = { path: this._path, text, node };
    return this._client.post('/workflows/columns', body, this._query);
  }

  /** Returns rules that the table at a data check's input meets. */
  learnChecks(text: string, node: string) {
    const body = { path: this._path, text, node };
    return this._client.post('/workflows/checks', body, this._query);
  }

  /** Returns the first rows of the query of a node that loads from a database. */
  previewQuery(text: string, node: string) {
    const body = { path: this._path, text, node };
    return this._client.post(
      '/workflows/query',
      body,
      this._query
    ) as Promise<ITablePreview>;
  }

  /** Profiles the table that a node loads. */
  profileSource(text: string, node: string) {
    const body = { path: this._path, text, node };
    return this._client.post('/workflows/source', body, this._query);
  }

  /** Profiles a table file; `reading` overrides detected options. */
  profile(file: string, reading: IReading) {
    const body = { path: file, ...reading };
    return this._client.post('/workflows/table', body, this._query);
  }
}
