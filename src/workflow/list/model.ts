import { IEventStream, MLWSClient } from '../../api/client';
import { WorkspaceModel } from '../../api/live';
import type {
  IPage,
  IWorkflowEvent,
  IWorkflowSummary,
  IWorkspaceEvent
} from '../../api/models';

/** The project's workflow files, each with the state of its newest run. */
export class WorkflowListModel extends WorkspaceModel {
  constructor(
    client: MLWSClient,
    workspace: IEventStream<IWorkspaceEvent>,
    runs: IEventStream<IWorkflowEvent>
  ) {
    super(client, workspace, ['workflows', 'history']);
    runs.message.connect(this._onRun, this);
  }

  get items(): readonly IWorkflowSummary[] {
    return this._items;
  }

  protected async load(): Promise<void> {
    const page = await this.client.get<IPage<IWorkflowSummary>>('/workflows');
    this._items = page.items;
  }

  protected reset(): void {
    this._items = [];
  }

  private _onRun(_: IEventStream, event: IWorkflowEvent): void {
    if (event.type === 'reset') {
      void this.refresh();
    }
    if (event.type !== 'run') {
      return;
    }
    const index = this._items.findIndex(item => item.path === event.path);
    if (index < 0) {
      void this.refresh();
      return;
    }
    const shown = this._items[index].run;
    // Run ids begin with their time: a late word of an older run changes nothing here.
    if (!shown || event.run >= shown.id) {
      const run = { ...event.data, status: event.status };
      this._items = this._items.map((item, at) =>
        at === index ? { ...item, run } : item
      );
      this.changed();
    }
  }

  private _items: readonly IWorkflowSummary[] = [];
}
