import { IEventStream, MLWSClient } from '../api/client';
import { WorkspaceModel } from '../api/live';
import type { IPage, IWorkflowEvent, IWorkspaceEvent } from '../api/models';
import type { IFoundRun } from '../api/models';

const SHOWN = 50;

/** The newest runs with their parameters and metrics, and which of them are to be compared. */
export class ExperimentsModel extends WorkspaceModel {
  constructor(
    client: MLWSClient,
    workspace: IEventStream<IWorkspaceEvent>,
    runs: IEventStream<IWorkflowEvent>
  ) {
    super(client, workspace, ['runs', 'history'], runs);
  }

  get items(): readonly IFoundRun[] {
    return this._items;
  }

  /** Ids of the chosen runs, in the order of choice. */
  get selected(): readonly string[] {
    return this._selected;
  }

  /** Chooses a run for the comparison, or no longer. */
  toggle(run: string): void {
    this._selected = this._selected.includes(run)
      ? this._selected.filter(one => one !== run)
      : [...this._selected, run];
    this.changed();
  }

  protected async load(): Promise<void> {
    const page = await this.client.get<IPage<IFoundRun>>('/runs', {
      limit: SHOWN
    });
    this._items = page.items;
    this._selected = this._selected.filter(one =>
      page.items.some(item => item.run === one)
    );
  }

  protected reset(): void {
    this._items = [];
    this._selected = [];
  }

  private _items: readonly IFoundRun[] = [];
  private _selected: readonly string[] = [];
}
