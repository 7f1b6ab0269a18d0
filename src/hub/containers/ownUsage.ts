import { Signal, type ISignal } from '@lumino/signaling';

import type { IEventStream, MLWSClient } from '../../api/client';
import { LiveModel } from '../../api/live';
import type { IOutOfMemory, IOwnUsage, IOwnUsageEvent } from '../../api/models';

/** What the container uses that this lab runs in, as its server measures it. */
export class OwnUsageModel extends LiveModel {
  constructor(client: MLWSClient) {
    super(client);
  }

  /** Null until it is known. */
  get usage(): IOwnUsage | null {
    return this._usage;
  }

  /** Emitted when a kernel was ended because the memory was used up. */
  get outOfMemory(): ISignal<this, IOutOfMemory> {
    return this._outOfMemory;
  }

  dispose(): void {
    this.attend(false);
    super.dispose();
  }

  protected attend(active: boolean): void {
    this._events?.dispose();
    this._events = null;
    if (active) {
      this._events = this.client.stream<IOwnUsageEvent>('/usage/status');
      this._events.message.connect(this._onEvent, this);
    }
  }

  protected async load(): Promise<void> {
    this._usage = await this.client.get<IOwnUsage>('/usage');
  }

  private _onEvent(_: IEventStream, event: IOwnUsageEvent): void {
    if (event.type === 'usage') {
      this._usage = event;
      this.changed();
    } else if (event.type === 'out_of_memory') {
      this._outOfMemory.emit(event);
    } else {
      void this.refresh();
    }
  }

  private _usage: IOwnUsage | null = null;
  private _events: IEventStream<IOwnUsageEvent> | null = null;
  private _outOfMemory = new Signal<this, IOutOfMemory>(this);
}
