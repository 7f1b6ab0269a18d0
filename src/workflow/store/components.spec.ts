import { nullTranslator } from '@jupyterlab/translation';
import { expect, it } from 'vitest';

import type { IComponent } from '../../api/models';
import { setLocale } from '../../ui/locale';
import type { ISchema } from '../document/schema';
import { translateComponent } from './components';

const component: IComponent = {
  name: 'split',
  title: 'Split table',
  category: 'Split',
  description: 'Divide a table.',
  inputs: [
    {
      name: 'data',
      type: 'Table',
      required: true,
      multiple: false,
      description: 'A'
    }
  ],
  outputs: [
    { name: 'train', type: 'Table', extension: '.parquet', description: '' }
  ],
  settings: {
    type: 'object',
    properties: {
      share: { title: 'Share', type: 'number', default: 0.25 },
      mode: { enum: ['one_hot'], 'x-labels': ['One-hot'] },
      fill: { anyOf: [{ enum: ['mean'], 'x-labels': ['Mean'] }] }
    }
  },
  source: 'library',
  path: null,
  error: null,
  columns: null
};

it('speaks of a component in the language of the lab, and leaves its names alone', () => {
  const english = nullTranslator.load('jupyter_mlws');
  setLocale('en', { ...english, __: text => `<${text}>` });
  const translated = translateComponent(component);
  expect([translated.name, translated.title, translated.category]).toEqual([
    'split',
    '<Split table>',
    '<Split>'
  ]);
  expect(translated.inputs[0]).toMatchObject({
    name: 'data',
    description: '<A>'
  });
  // gettext answers the empty string with the catalogue's header.
  expect(translated.outputs[0].description).toBe('');
  const { properties }: ISchema = translated.settings;
  expect(properties?.share).toEqual({
    title: '<Share>',
    type: 'number',
    default: 0.25
  });
  expect(properties?.mode).toEqual({
    enum: ['one_hot'],
    'x-labels': ['<One-hot>']
  });
  expect(properties?.fill.anyOf?.[0]['x-labels']).toEqual(['<Mean>']);
  expect(component.settings).toMatchObject({
    properties: { share: { title: 'Share' } }
  });
});
