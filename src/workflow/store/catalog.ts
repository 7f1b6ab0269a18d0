import { Signal } from '@lumino/signaling';

import { APIError } from '../../api/client';
import type { IComponent, IDataset, IModel } from '../../api/models';
import { deepEqual } from '../document/values';
import type { Ask } from './server';

/** Choices for nodes and their inputs: components, notebooks, datasets, models. */
export class CatalogStore {
  constructor(private _ask: Ask) {}

  /** By their names. */
  get components(): ReadonlyMap<string, IComponent> {
    return this._components;
  }

  /** Null until the components were read, or could not be. */
  get library(): 'known' | 'missing' | null {
    return this._library;
  }

  /** The notebooks that nodes run, by their paths from the project's root. */
  get notebooks(): ReadonlyMap<string, IComponent> {
    return this._notebooks;
  }

  /** The data that DVC tracks, by their paths from the project's root. */
  get datasets(): ReadonlyMap<string, IDataset> {
    return this._datasets;
  }

  get models(): readonly IModel[] {
    return this._models;
  }

  readonly changed = new Signal<this, void>(this);

  /** Resolves when the components were read, or could not be. */
  async whenKnown(): Promise<void> {
    while (this._library === null) {
      await new Promise<void>(resolve => {
        const slot = (): void => {
          this.changed.disconnect(slot);
          resolve();
        };
        this.changed.connect(slot);
      });
    }
  }

  loadComponents(): Promise<void> {
    const additions = this._additions;
    return this._ask(
      service => service.components(),
      items => {
        if (additions !== this._additions) {
          // The list may be older than a component that was added in the meantime.
          void this.loadComponents();
          return;
        }
        this._components = new Map(items.map(one => [one.name, one]));
        this._library = 'known';
        this.changed.emit();
      },
      () => {
        this.setMissing();
        return false;
      }
    );
  }

  /** Adds a component that was just created or changed here, in its file too. */
  add(component: IComponent): void {
    this._additions += 1;
    this._components = new Map(this._components).set(component.name, component);
    this.changed.emit();
  }

  /** Marks the components as unavailable without a server; the graph is drawn nevertheless. */
  setMissing(): void {
    this._library ??= 'missing';
    this.changed.emit();
  }

  loadDatasets(): Promise<void> {
    return this._ask(
      service => service.datasets(),
      items => {
        if (!deepEqual([...this._datasets.values()], items)) {
          this._datasets = new Map(items.map(one => [one.path, one]));
          this.changed.emit();
        }
      }
    );
  }

  loadModels(): Promise<void> {
    return this._ask(
      service => service.models(),
      items => {
        this._models = items;
        this.changed.emit();
      }
    );
  }

  /** Loads notebooks that are not loaded yet. */
  async loadNotebooks(paths: Iterable<string>): Promise<void> {
    const missing = [...new Set(paths)].filter(
      path => !this._requested.has(path)
    );
    await Promise.all(missing.map(path => this._loadNotebook(path)));
  }

  /** Reads datasets and notebooks again: the files may have changed. */
  async refresh(): Promise<void> {
    const notebooks = [...this._requested].map(path =>
      this._loadNotebook(path)
    );
    await Promise.all([this.loadDatasets(), ...notebooks]);
  }

  private async _loadNotebook(path: string): Promise<void> {
    const set = (notebook: IComponent | undefined): void => {
      if (!deepEqual(this._notebooks.get(path), notebook)) {
        if (notebook) {
          this._notebooks.set(path, notebook);
        } else {
          this._notebooks.delete(path);
        }
        this.changed.emit();
      }
    };
    this._requested.add(path);
    await this._ask(
      service => service.notebook(path),
      set,
      error => {
        set(undefined);
        // The node's dependencies show that it is missing.
        return error instanceof APIError && error.code === '40401';
      }
    );
  }

  private _additions = 0;
  private _components: ReadonlyMap<string, IComponent> = new Map();
  private _library: 'known' | 'missing' | null = null;
  private _notebooks = new Map<string, IComponent>();
  private _requested = new Set<string>();
  private _datasets: ReadonlyMap<string, IDataset> = new Map();
  private _models: readonly IModel[] = [];
}
