import type { MLWSClient } from '../../api/client';
import type { Body, Data, PathOf, QueryOf } from '../../api/models';

/** Requests about a project, whichever one is shown. */
export class ProjectClient {
  constructor(
    private _client: MLWSClient,
    /** Undefined for the default project. */
    readonly project: string | undefined
  ) {}

  get<P extends PathOf<'get'>>(
    path: P,
    query?: QueryOf<'get', P>
  ): Promise<Data<'get', P>> {
    return this._client.get(path, this._query(query));
  }

  post<P extends PathOf<'post'>>(
    path: P,
    body?: Body<'post', P>,
    etag?: string
  ): Promise<Data<'post', P>> {
    return this._client.post(path, body, this._query(), etag);
  }

  stream<P extends PathOf<'get'>>(path: P, since: number) {
    return this._client.stream(path, this._query({ since }));
  }

  private _query<Q extends object>(query?: Q): Q {
    return { ...query, project: this.project } as unknown as Q;
  }
}
