import type { MLWSClient } from '../../api/client';
import type {
  ILearnedChecks,
  INodeColumns,
  ITablePreview
} from '../../api/models';

/** Reads the columns of a workflow's tables before a run. */
export class ColumnService {
  constructor(
    private _client: MLWSClient,
    private _path: string,
    private _query: { project: string | undefined }
  ) {}

  /** Returns the columns of the tables at a node's inputs. */
  read(text: string, node: string): Promise<INodeColumns> {
    const body = { path: this._path, text, node };
    return this._client.post('/workflows/columns', body, this._query);
  }

  /** Returns rules that the table at a data check's input meets. */
  learnChecks(text: string, node: string): Promise<ILearnedChecks> {
    const body = { path: this._path, text, node };
    return this._client.post('/workflows/checks', body, this._query);
  }

  /** Returns the first rows of the query of a node that loads from a database. */
  previewQuery(text: string, node: string): Promise<ITablePreview> {
    const body = { path: this._path, text, node };
    return this._client.post('/workflows/query', body, this._query);
  }
}
