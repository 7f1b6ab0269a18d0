import { ISignal, Signal } from '@lumino/signaling';

import { APIError, escapeId, IEventStream, MLWSClient } from '../../api/client';
import { WorkspaceModel } from '../../api/live';
import type {
  IConflictDetail,
  IConflicts,
  IWorkspaceEvent,
  SideChoice
} from '../../api/models';

/** Code of the error that a path is in no conflict (any more). */
const NOT_THERE = '30404';

/** How a path is settled: by a side, by a text, or cell by cell. */
export type Resolution =
  | { take: SideChoice }
  | { text: string }
  | { cells: Record<string, SideChoice | { source: string }> };

/** One path in conflict, and how it is settled. */
export class ConflictModel extends WorkspaceModel {
  constructor(
    client: MLWSClient,
    events: IEventStream<IWorkspaceEvent>,
    readonly path: string
  ) {
    super(client, events, ['changes']);
  }

  /** Its three sides; null until read, and once it is settled. */
  get detail(): IConflictDetail | null {
    return this._detail;
  }

  /** What is merged into what, and what else is in conflict. */
  get conflicts(): IConflicts | null {
    return this._conflicts;
  }

  /** Why it could not be settled. */
  get failure(): APIError | null {
    return this._failure;
  }

  get busy(): boolean {
    return this._busy;
  }

  /** Whether what the person has chosen here would be lost with the view. */
  get touched(): boolean {
    return this._touched;
  }

  set touched(touched: boolean) {
    if (touched !== this._touched) {
      this._touched = touched;
      this.changed();
    }
  }

  /** Emitted when nobody shows it any more. */
  get disposed(): ISignal<this, void> {
    return this._disposed;
  }

  dispose(): void {
    if (!this.isDisposed) {
      this._disposed.emit();
    }
    super.dispose();
  }

  /** Settles it; resolves to whether that was done. */
  async resolve(resolution: Resolution): Promise<boolean> {
    this._busy = true;
    this._failure = null;
    this.changed();
    try {
      const path = encodeURIComponent(escapeId(this.path));
      this._conflicts = await this.client.post<IConflicts>(
        `/git/conflicts/${path}`,
        resolution
      );
      this._detail = null;
      this.touched = false;
      return true;
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      this._failure = error;
      return false;
    } finally {
      this._busy = false;
      this.changed();
    }
  }

  protected async load(): Promise<void> {
    const path = encodeURIComponent(escapeId(this.path));
    this._conflicts = await this.client.get<IConflicts>('/git/conflicts');
    try {
      const read = await this.client.get<IConflictDetail>(
        `/git/conflicts/${path}`
      );
      if (!sameSides(this._detail, read)) {
        this._detail = read;
      }
    } catch (error) {
      if (!(error instanceof APIError && error.code === NOT_THERE)) {
        throw error;
      }
      this._detail = null;
      this.touched = false;
    }
  }

  protected reset(): void {
    this._detail = this._conflicts = this._failure = null;
    this.touched = false;
  }

  private _detail: IConflictDetail | null = null;
  private _conflicts: IConflicts | null = null;
  private _failure: APIError | null = null;
  private _busy = false;
  private _touched = false;
  private _disposed = new Signal<this, void>(this);
}

/** Whether it still is the same conflict: then what was chosen of it holds. */
function sameSides(
  one: IConflictDetail | null,
  other: IConflictDetail
): boolean {
  return (
    one !== null &&
    one.how === other.how &&
    one.base === other.base &&
    one.ours === other.ours &&
    one.theirs === other.theirs
  );
}
