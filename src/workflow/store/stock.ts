import { ISignal, Signal } from '@lumino/signaling';

import type { IDataset, IModel } from '../../api/models';
import type { Ask } from './control';

/** The data that DVC tracks and the registered models, for those who look for something to read. */
export class Stock {
  constructor(private _ask: Ask) {}

  /** By their paths from the project's root. */
  get data(): ReadonlyMap<string, IDataset> {
    return this._data;
  }

  get models(): readonly IModel[] {
    return this._models;
  }

  get dataChanged(): ISignal<this, void> {
    return this._dataChanged;
  }

  get modelsChanged(): ISignal<this, void> {
    return this._modelsChanged;
  }

  async lookAtData(): Promise<void> {
    await this._ask(
      service => service.datasets(),
      items => {
        const before = JSON.stringify([...this._data.values()]);
        if (before !== JSON.stringify(items)) {
          this._data = new Map(items.map(one => [one.path, one]));
          this._dataChanged.emit();
        }
      }
    );
  }

  async lookAtModels(): Promise<void> {
    await this._ask(
      service => service.models(),
      items => {
        this._models = items;
        this._modelsChanged.emit();
      }
    );
  }

  dispose(): void {
    Signal.clearData(this);
  }

  private _data: ReadonlyMap<string, IDataset> = new Map();
  private _models: readonly IModel[] = [];
  private _dataChanged = new Signal<this, void>(this);
  private _modelsChanged = new Signal<this, void>(this);
}
