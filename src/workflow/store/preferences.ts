import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';

import type { IRunOptions } from './service';

/** The user's settings of workflows; `schema/settings/canvas.json` describes them. */
export interface IPreferences {
  /** "" for the server's default. */
  executor: string;
  /** Number of parallel nodes; 0 for one per CPU, or per thread of the cluster. */
  jobs: number;
  keepGoing: boolean;
  showPalette: boolean;
  collapsedCategories: readonly string[];
  maxLogLength: number;
}

export const DEFAULT_PREFERENCES: IPreferences = {
  executor: '',
  jobs: 0,
  keepGoing: false,
  showPalette: true,
  collapsedCategories: [],
  maxLogLength: 500_000
};

/** The settings of all workflows, as they are at present. */
export class Preferences {
  readonly changed = new Signal<this, void>(this);

  get values(): IPreferences {
    return this._values;
  }

  get runOptions(): IRunOptions {
    const { executor, jobs, keepGoing } = this._values;
    return {
      ...(executor.trim() && { executor: executor.trim() }),
      ...(jobs > 0 && { jobs }),
      ...(keepGoing && { keep_going: true })
    };
  }

  /** Follows the settings from now on. */
  connect(settings: ISettingRegistry.ISettings): void {
    this._settings = settings;
    const update = (): void => {
      const { composite } = settings;
      this._values = { ...DEFAULT_PREFERENCES, ...composite };
      this.changed.emit();
    };
    settings.changed.connect(update);
    update();
  }

  /** Changes a setting; resolves when it is saved. */
  async set(
    key: keyof IPreferences,
    value: string | number | boolean | string[]
  ): Promise<void> {
    await this._settings?.set(key, value);
  }

  private _settings: ISettingRegistry.ISettings | null = null;
  private _values = DEFAULT_PREFERENCES;
}
