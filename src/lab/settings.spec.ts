import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { TranslationBundle } from '@jupyterlab/translation';
import { expect, it, vi } from 'vitest';

import { fake } from '../__tests__/server';
import { translatedSettings } from './settings';

it('translates the texts of a schema before it is used', () => {
  const transform = vi.fn<ISettingRegistry['transform']>();
  const registry = translatedSettings(
    fake<ISettingRegistry>({ transform, plugins: {} }),
    fake<TranslationBundle>({ __: (text: string) => `<${text}>` })
  );
  registry.transform('own', { fetch: plugin => ({ ...plugin, raw: 'read' }) });
  const [id, { fetch }] = transform.mock.calls[0];
  expect(id).toBe('own');
  const schema = {
    title: 'Canvas',
    type: 'object',
    properties: { jobs: { title: 'Jobs', default: 'title' } }
  };
  const plugin = fetch!(fake<ISettingRegistry.IPlugin>({ id, schema }));
  expect(plugin.raw).toBe('read');
  expect(plugin.schema).toEqual({
    title: '<Canvas>',
    type: 'object',
    properties: { jobs: { title: '<Jobs>', default: 'title' } }
  });
  expect(registry.plugins).toEqual({});
});
