import { IEventStream, MLWSClient } from '../api/client';
import { WorkspaceModel } from '../api/live';
import type { IWorkspaceEvent } from '../api/models';
import type { IDatasetDiff } from '../api/models';

const PAGE = 200;

/** What of a dataset differs between a version and the working tree. */
export class DatasetDiffModel extends WorkspaceModel {
  /** `id`: the dataset's; `from`: the commit that names the version. */
  constructor(
    client: MLWSClient,
    events: IEventStream<IWorkspaceEvent>,
    readonly id: string,
    readonly from: string
  ) {
    super(client, events, ['changes']);
  }

  /** Null until read; its items as far as they were asked for. */
  get diff(): IDatasetDiff | null {
    return this._diff;
  }

  /** Reads the next files. */
  async more(): Promise<void> {
    const known = this._diff;
    if (known && known.next_cursor !== null) {
      const next = await this._page(known.next_cursor);
      this._diff = { ...next, items: [...known.items, ...next.items] };
      this.changed();
    }
  }

  protected async load(): Promise<void> {
    this._diff = await this._page();
  }

  protected reset(): void {
    this._diff = null;
  }

  private _page(cursor?: string): Promise<IDatasetDiff> {
    return this.client.get(`/datasets/${encodeURIComponent(this.id)}/diff`, {
      from: this.from,
      limit: PAGE,
      cursor
    });
  }

  private _diff: IDatasetDiff | null = null;
}
