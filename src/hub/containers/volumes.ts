import { APIError, type MLWSClient } from '../../api/client';
import { LiveModel } from '../../api/live';
import type { IHours, IHoursReport, IPage, IVolume } from '../../api/models';

/** What can be done with a volume. */
export type VolumeAction = 'trash' | 'restore' | 'purge';

/** People's files on the Hub's machine, and how much each person has used. */
export class VolumesModel extends LiveModel {
  constructor(client: MLWSClient) {
    super(client);
  }

  get items(): readonly IVolume[] {
    return this._items;
  }

  /** Use in the last `days`. */
  get hours(): readonly IHours[] {
    return this._hours;
  }

  get days(): number {
    return this._days;
  }

  /** Why the newest action failed. */
  get failure(): APIError | null {
    return this._failure;
  }

  get busy(): boolean {
    return this._busy;
  }

  /** Does something with a volume; a refusal becomes `failure`. */
  async act(action: VolumeAction, name: string): Promise<void> {
    const path = `/volumes/${encodeURIComponent(name)}`;
    this._busy = true;
    this._failure = null;
    this.changed();
    try {
      await (action === 'purge'
        ? this.client.delete(path)
        : this.client.post(`${path}/${action}`));
    } catch (error) {
      if (!(error instanceof APIError)) {
        throw error;
      }
      this._failure = error;
    } finally {
      this._busy = false;
      this.changed();
    }
    await this.refresh();
  }

  protected async load(): Promise<void> {
    const [volumes, report] = await Promise.all([
      this.client.get<IPage<IVolume>>('/volumes'),
      this.client.get<IHoursReport>('/resources/hours')
    ]);
    this._items = volumes.items;
    this._hours = report.items;
    this._days = report.days;
  }

  private _items: readonly IVolume[] = [];
  private _hours: readonly IHours[] = [];
  private _days = 0;
  private _failure: APIError | null = null;
  private _busy = false;
}
