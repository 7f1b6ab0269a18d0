import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { JSONObject } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import { readFileSync } from 'fs';
import { expect, it } from 'vitest';

import { DEFAULT_PREFERENCES, Preferences } from './preferences';

const { properties } = JSON.parse(
  readFileSync('schema/settings/canvas.json', 'utf8')
) as { properties: Record<string, { default: unknown }> };

function settings(composite: JSONObject): {
  registry: ISettingRegistry.ISettings;
  change: (values: JSONObject) => void;
} {
  const registry = {
    composite,
    changed: new Signal<unknown, void>({}),
    set: async (key: string, value: string[]) => change({ [key]: value })
  };
  const change = (values: JSONObject): void => {
    registry.composite = { ...registry.composite, ...values };
    registry.changed.emit();
  };
  return {
    registry: registry as unknown as ISettingRegistry.ISettings,
    change
  };
}

it('the defaults are those of the settings schema', () => {
  const defaults = Object.keys(DEFAULT_PREFERENCES).map(key => [
    key,
    properties[key].default
  ]);
  expect(Object.fromEntries(defaults)).toEqual(DEFAULT_PREFERENCES);
});

it('a run has the options of the settings, at once after a change', () => {
  const preferences = new Preferences();
  expect(preferences.runOptions).toEqual({});
  const { registry, change } = settings({});
  preferences.connect(registry);
  expect(preferences.runOptions).toEqual({});
  change({ executor: ' dask ', jobs: 3, keepGoing: true });
  expect(preferences.runOptions).toEqual({
    executor: 'dask',
    jobs: 3,
    keep_going: true
  });
});

it('a setting that the canvas changes is kept', async () => {
  const preferences = new Preferences();
  const { registry } = settings({});
  preferences.connect(registry);
  let changes = 0;
  preferences.changed.connect(() => (changes += 1));
  await preferences.set('collapsedCategories', ['Data']);
  expect(preferences.values.collapsedCategories).toEqual(['Data']);
  expect(changes).toBe(1);
});
