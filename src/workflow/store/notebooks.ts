import { ISignal, Signal } from '@lumino/signaling';

import { APIError } from '../../api/client';
import type { INotebookSettings } from '../../api/models';
import type { WorkflowService } from './service';

/** Asks the server; `fail` says whether an error was dealt with. */
type Ask = <T>(
  request: (service: WorkflowService) => Promise<T>,
  take: (reply: T) => void,
  fail: (error: unknown) => unknown
) => Promise<void>;

/** What can be set of the notebooks that nodes run, by their paths from the project's root. */
export class Notebooks {
  constructor(private _ask: Ask) {}

  get known(): ReadonlyMap<string, INotebookSettings> {
    return this._known;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Reads those of these that are not known yet. */
  async want(paths: Iterable<string>): Promise<void> {
    const missing = [...new Set(paths)].filter(path => !this._asked.has(path));
    await Promise.all(missing.map(path => this._read(path)));
  }

  /** Reads all anew: the files may have been written. */
  async look(): Promise<void> {
    await Promise.all([...this._asked].map(path => this._read(path)));
  }

  dispose(): void {
    Signal.clearData(this);
  }

  private async _read(path: string): Promise<void> {
    this._asked.add(path);
    await this._ask(
      service => service.notebook(path),
      notebook => this._set(path, notebook),
      error => {
        this._set(path, null);
        // That it is missing is told where the node's files are.
        return error instanceof APIError && error.code === '40401'
          ? 'told'
          : error;
      }
    );
  }

  private _set(path: string, notebook: INotebookSettings | null): void {
    const before = JSON.stringify(this._known.get(path) ?? null);
    if (before !== JSON.stringify(notebook)) {
      if (notebook) {
        this._known.set(path, notebook);
      } else {
        this._known.delete(path);
      }
      this._changed.emit();
    }
  }

  private _known = new Map<string, INotebookSettings>();
  private _asked = new Set<string>();
  private _changed = new Signal<this, void>(this);
}
