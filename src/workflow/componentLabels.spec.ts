import type { TranslationBundle } from '@jupyterlab/translation';
import { expect, it } from 'vitest';

import { inWords } from './componentLabels';
import type { IComponent } from '../api/models';

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
  error: null
};

it('speaks of a component in the language of the lab, and leaves its names alone', () => {
  const trans = { __: (text: string) => `<${text}>` } as TranslationBundle;
  const told = inWords(component, trans);
  expect([told.name, told.title, told.category]).toEqual([
    'split',
    '<Split table>',
    '<Split>'
  ]);
  expect(told.inputs[0]).toMatchObject({ name: 'data', description: '<A>' });
  // gettext answers the empty string with the catalogue's header.
  expect(told.outputs[0].description).toBe('');
  expect(told.settings.properties.share).toEqual({
    title: '<Share>',
    type: 'number',
    default: 0.25
  });
  expect(told.settings.properties.mode).toEqual({
    enum: ['one_hot'],
    'x-labels': ['<One-hot>']
  });
  expect(told.settings.properties.fill.anyOf[0]['x-labels']).toEqual([
    '<Mean>'
  ]);
  expect(component.settings.properties.share.title).toBe('Share');
});
