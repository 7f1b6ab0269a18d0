import { IEventStream, MLWSClient } from '../api/client';
import { WorkspaceModel } from '../api/live';
import type { IWorkspaceEvent } from '../api/models';
import type { IModelComparison } from '../api/models';

/** Versions of models side by side. */
export class ModelComparisonModel extends WorkspaceModel {
  constructor(
    client: MLWSClient,
    events: IEventStream<IWorkspaceEvent>,
    readonly ids: readonly string[]
  ) {
    super(client, events, ['runs']);
  }

  /** Null until read. */
  get comparison(): IModelComparison | null {
    return this._comparison;
  }

  protected async load(): Promise<void> {
    this._comparison = await this.client.get('/models/compare', {
      ids: this.ids
    });
  }

  protected reset(): void {
    this._comparison = null;
  }

  private _comparison: IModelComparison | null = null;
}
