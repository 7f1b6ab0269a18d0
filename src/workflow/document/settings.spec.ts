import { describe, expect, it } from 'vitest';

import type { IComponent } from '../../api/models';
import { parse } from './document';
import { textAfter } from '../../__tests__/samples';
import type { ISchema } from './schema';
import {
  changeSettings,
  defaultsOf,
  formSchema,
  formUi,
  settingsOf
} from './settings';
import { buildGraph } from '../graph/graph';
import { choiceText } from '../labels';

const SCHEMA: ISchema = {
  type: 'object',
  properties: {
    count: { type: 'integer', default: 100 },
    depth: {
      anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }],
      default: null
    },
    name: { type: 'string' },
    fast: { type: 'boolean', default: false },
    columns: { type: 'array', items: { type: 'number' }, default: [] },
    optim: {
      type: 'object',
      properties: { lr: { type: 'number', default: 0.1 } }
    }
  }
};

const COMPONENT: IComponent = {
  name: 'train',
  title: 'Train',
  category: 'Train',
  description: '',
  inputs: [],
  outputs: [],
  settings: { ...SCHEMA },
  source: 'library',
  path: null,
  error: null,
  columns: null
};

function open(text: string) {
  const document = parse(text).document!;
  const node = buildGraph(document, new Map([['train', COMPONENT]])).nodes.get(
    't'
  )!;
  return { document, node, settings: settingsOf(node, document) };
}

const PLAIN = 'stages:\n  t:\n    cmd: jupyter mlws node train\n';
const DEFAULTS = {
  count: 100,
  depth: null,
  fast: false,
  columns: [],
  optim: { lr: 0.1 }
};

describe('settingsOf', () => {
  it('begins with the defaults', () => {
    expect(defaultsOf(SCHEMA)).toEqual(DEFAULTS);
    expect(open(PLAIN).settings).toEqual(DEFAULTS);
  });

  it('reads variables, also nested, and words of the command', () => {
    const text = `vars:
- x: {t: {optim: {lr: 0.5}}}
- seed: 7
stages:
  t:
    cmd: jupyter mlws node train --count \${seed} --fast --columns 1 2.5 --depth 3 \${x.t}
`;
    expect(open(text).settings).toEqual({
      ...DEFAULTS,
      count: 7,
      fast: true,
      columns: [1, 2.5],
      depth: 3,
      optim: { lr: 0.5 }
    });
  });
});

describe('changeSettings', () => {
  function change(text: string, change: object): string {
    const { document, node, settings } = open(text);
    const edit = changeSettings(node, settings, { ...settings, ...change });
    return textAfter(document, edit);
  }

  it('writes what differs from the default, and nothing else', () => {
    const after = change(PLAIN, { count: 5, optim: { lr: 0.2 }, columns: [1] });
    expect(after).toContain(
      '- t: {count: 5, columns: [1], optim: {lr: 0.2}}\n'
    );
    expect(change(after, { count: 100, optim: { lr: 0.1 }, columns: [] })).toBe(
      PLAIN
    );
  });

  it('writes an invalid value as it is typed, for the validation to report', () => {
    expect(change(PLAIN, { count: 'many', columns: [1, undefined] })).toContain(
      '- t: {count: many, columns: [1, null]}\n'
    );
  });

  it('takes an emptied field for nothing, or for the default', () => {
    const set = change(PLAIN, { count: 5, depth: 3 });
    expect(change(set, { count: undefined, depth: undefined })).toBe(PLAIN);
  });
});

describe('formSchema', () => {
  it('makes one field of a choice between a type and nothing', () => {
    expect(formSchema(SCHEMA).properties?.depth).toEqual({
      type: ['integer', 'null'],
      minimum: 1,
      default: null
    });
  });
});

describe('choices', () => {
  const algorithm = {
    enum: ['random_forest', 'ridge'],
    'x-labels': ['Random forest', 'Ridge regression']
  };
  const schema: ISchema = {
    properties: {
      algorithm,
      trees: {
        type: 'integer',
        'x-applies-to': { algorithm: ['random_forest'] }
      },
      fill: {
        anyOf: [{ enum: ['mean'], 'x-labels': ['Mean'] }, { type: 'null' }]
      }
    }
  };

  it('have titles in the form', () => {
    const { properties } = formSchema(schema);
    expect(properties?.algorithm.enumNames).toEqual(algorithm['x-labels']);
    expect(properties?.fill.anyOf?.[0].enumNames).toEqual(['Mean']);
    expect(choiceText(algorithm, 'ridge')).toBe('Ridge regression');
    expect(choiceText(schema.properties!.fill, 'mean')).toBe('Mean');
    expect(choiceText(algorithm, 'other')).toBe('other');
  });

  it('hide the settings that have no effect', () => {
    const hidden = { trees: { 'ui:widget': 'hidden' } };
    expect(formUi(schema, { algorithm: 'ridge' })).toEqual(hidden);
    expect(formUi(schema, { algorithm: 'random_forest' })).toEqual({});
    // A sweep varies it.
    expect(formUi(schema, {})).toEqual({});
  });

  it('that name columns are chosen from lists', () => {
    const columns = { port: 'data', required: true };
    const properties: Record<string, ISchema> = {
      target: {
        anyOf: [{ type: 'string' }, { type: 'null' }],
        'x-columns': columns
      },
      drop: {
        type: 'array',
        items: { type: 'string' },
        'x-columns': columns
      }
    };
    expect(formUi(formSchema({ properties }), {})).toEqual({
      target: { 'ui:widget': 'column' },
      drop: { 'ui:field': 'columns' }
    });
  });
});
