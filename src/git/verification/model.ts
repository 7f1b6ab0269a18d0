import { IEventStream, MLWSClient } from '../../api/client';
import { WorkspaceModel } from '../../api/live';
import type {
  IOperation,
  ISnapshotDetail,
  IWorkspaceEvent
} from '../../api/models';
import { Works } from '../../operations/works';
import type { IRepaired, IVerification } from '../../api/models';

/** The key of the one work at a time. */
export const WORK = 'proof';

/** Whether all that a snapshot names is stored, and what is wrong where it is not. */
export class ProofModel extends WorkspaceModel {
  constructor(
    client: MLWSClient,
    events: IEventStream<IWorkspaceEvent>,
    readonly id: string
  ) {
    super(client, events, ['history']);
    this.works = new Works(client);
    this.works.changed.connect(this.changed, this);
  }

  readonly works: Works;

  /** Null until read. */
  get snapshot(): ISnapshotDetail | null {
    return this._snapshot;
  }

  /** What the newest look at every object has found. */
  get verification(): IVerification | null {
    return this._verification;
  }

  /** What the newest repair has done. */
  get repaired(): IRepaired | null {
    return this._repaired;
  }

  dispose(): void {
    this.works.dispose();
    super.dispose();
  }

  /** Looks at every object; `quick`: at the remote at names and sizes alone. */
  async verify(label: string, quick = false): Promise<void> {
    this._verification = await this._work<IVerification>(
      'verify',
      label,
      quick
    );
    await this.refresh();
  }

  /** Mends what is not whole from wherever it still is, then looks again. */
  async repair(label: string, after: string): Promise<void> {
    this._repaired = await this._work<IRepaired>('repair', label, false);
    if (this._repaired) {
      await this.verify(after);
    }
  }

  protected async load(): Promise<void> {
    this._snapshot = await this.client.get(`/snapshots/${this.id}`);
  }

  protected reset(): void {
    this._snapshot = this._verification = this._repaired = null;
  }

  private _work<T>(
    what: 'verify' | 'repair',
    label: string,
    quick: boolean
  ): Promise<T | null> {
    return this.works.begin(WORK, label, () =>
      this.client.post<IOperation<T>>(`/snapshots/${this.id}/${what}`, {
        quick
      })
    );
  }

  private _snapshot: ISnapshotDetail | null = null;
  private _verification: IVerification | null = null;
  private _repaired: IRepaired | null = null;
}
