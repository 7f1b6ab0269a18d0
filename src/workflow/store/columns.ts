import type { ITablePreview } from '../../api/models';
import type { ProjectClient } from './projectClient';

/** Options for reading a table file; empty options are detected from its content. */
export type IReading = Record<
  'separator' | 'encoding' | 'decimal' | 'sheet',
  string
>;

/** Reads the columns of a workflow's tables before a run. */
export class ColumnService {
  constructor(
    private _client: ProjectClient,
    private _path: string
  ) {}

  /** Returns the columns of the tables at a node's inputs. */
  read(text: string, node: string) {
    return this._client.post('/workflows/columns', this._body(text, node));
  }

  /** Returns rules that the table at a data check's input meets. */
  learnChecks(text: string, node: string) {
    return this._client.post('/workflows/checks', this._body(text, node));
  }

  /** Returns the first rows of the query of a node that loads from a database. */
  previewQuery(text: string, node: string) {
    const body = this._body(text, node);
    return this._client.post(
      '/workflows/query',
      body
    ) as Promise<ITablePreview>;
  }

  /** Profiles the table that a node loads. */
  profileSource(text: string, node: string) {
    return this._client.post('/workflows/source', this._body(text, node));
  }

  /** Profiles a table file; `reading` overrides detected options. */
  profile(file: string, reading: IReading) {
    return this._client.post('/workflows/table', { path: file, ...reading });
  }

  private _body(text: string, node: string) {
    return { path: this._path, text, node };
  }
}
