import { YFile } from '@jupyter/ydoc';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';

import { fake } from '../../__tests__/server';
import type { IComponent, IWorkflowEvent } from '../../api/models';
import type { IEventStream } from '../../api/stream';
import { templates } from '../import/gallery';
import { WINE } from '../../__tests__/samples';
import { fittingEnds } from '../graph/choices';
import { drawnEdges } from '../graph/graph';
import * as clips from './clips';
import * as gestures from './gestures';
import { CanvasModel } from './model';
import type { WorkflowService } from './service';
import { addTemplate } from './templates';

function component(
  name: string,
  inputs: [string, string, boolean?][],
  outputs: [string, string][]
): IComponent {
  return {
    name,
    title: name,
    category: '',
    description: '',
    inputs: inputs.map(([port, type, multiple = false]) => ({
      name: port,
      type,
      required: true,
      multiple,
      description: ''
    })),
    outputs: outputs.map(([port, type]) => ({
      name: port,
      type,
      extension: type === 'Metrics' ? '.json' : '.parquet',
      description: ''
    })),
    settings: {},
    columns: null,
    source: 'library',
    path: null,
    error: null
  };
}

const LIBRARY = [
  component('load_csv', [['file', 'File']], [['table', 'Table']]),
  component('load_table', [['file', 'File']], [['table', 'Table']]),
  component('sample_data', [], [['table', 'Table']]),
  component('filter_rows', [['data', 'Table']], [['table', 'Table']]),
  component(
    'split',
    [['data', 'Table']],
    [
      ['train', 'Table'],
      ['test', 'Table']
    ]
  ),
  component('train_classifier', [['data', 'Table']], [['model', 'Model']]),
  component(
    'compare_classifiers',
    [
      ['models', 'Model', true],
      ['test', 'Table']
    ],
    [['metrics', 'Metrics']]
  ),
  component(
    'evaluate',
    [
      ['model', 'Model'],
      ['data', 'Table']
    ],
    [['metrics', 'Metrics']]
  )
];

let model: CanvasModel;

async function open(text: string): Promise<YFile> {
  const file = new YFile();
  file.setSource(text);
  file.clearUndoHistory();
  model = new CanvasModel({
    sharedModel: file,
    path: 'workflows/wine/dvc.yaml',
    isDirty: false,
    save: async () => undefined,
    asOwn: change => change()
  });
  const signal = { connect: () => true, disconnect: () => true };
  await model.attach(
    fake<WorkflowService>({
      id: 'dvc.yaml',
      path: 'workflows/wine/dvc.yaml',
      components: async () => LIBRARY,
      datasets: async () => [],
      runs: async () => ({ items: [], next_cursor: null }),
      results: async () => ({ run: null, previous: null, nodes: [] }),
      plan: async () => ({ nodes: [] }),
      validate: async () => []
    }),
    fake<IEventStream<IWorkflowEvent>>({
      message: signal,
      connectionChanged: signal,
      dispose: () => undefined
    })
  );
  return file;
}

afterEach(() => model.dispose());

const LOAD_TO_FOREST = {
  source: 'load',
  sourcePort: 'table',
  target: 'forest',
  targetPort: 'data'
};
const AT = { x: 10, y: 20 };

function links(): string[] {
  return model.drawing.graph.edges.map(
    edge =>
      `${edge.source}.${edge.sourcePort} > ${edge.target}.${edge.targetPort}`
  );
}

describe('a repair', () => {
  const encode = {
    label: 'Encode',
    settings: { columns: ['city'] },
    component: 'filter_rows',
    port: 'data'
  };

  it('goes before the split that the table comes from', async () => {
    const file = await open(WINE);
    gestures.insertComponent(model, 'split', LOAD_TO_FOREST, AT);
    gestures.repair(model, 'forest', { ...encode, before_split: true });
    expect(links()).toEqual(
      expect.arrayContaining([
        'load.table > filter_rows.data',
        'filter_rows.table > split.data',
        'split.train > forest.data'
      ])
    );
    expect(file.getSource()).toContain('city');
  });

  it('goes before the node where there is no split', async () => {
    await open(WINE);
    gestures.repair(model, 'forest', { ...encode, before_split: true });
    expect(links()).toContain('filter_rows.table > forest.data');
    expect(links()).toContain('load.table > judge.data');
  });

  it('goes before the node where test rows need it not', async () => {
    await open(WINE);
    gestures.insertComponent(model, 'split', LOAD_TO_FOREST, AT);
    gestures.repair(model, 'forest', { ...encode, before_split: false });
    expect(links()).toContain('split.train > filter_rows.data');
    expect(links()).toContain('filter_rows.table > forest.data');
  });
});

describe('a node that is deleted', () => {
  const add = (
    name: string,
    link?: Parameters<typeof gestures.addComponent>[3]
  ) => gestures.addComponent(model, name, AT, link);
  const end = (node: string, port: string) =>
    ({ side: 'source', node, port }) as const;
  const remove = (...ids: string[]): void => {
    model.selection.select(ids);
    gestures.removeSelected(model);
  };

  it('leaves its neighbours connected where it only passed a table on', async () => {
    const file = await open(WINE);
    for (const place of ['filter_rows', 'filter_rows_2']) {
      const before = place === 'filter_rows' ? 'load' : 'filter_rows';
      gestures.insertComponent(
        model,
        'filter_rows',
        { ...LOAD_TO_FOREST, source: before },
        AT
      );
    }
    const before = file.getSource();
    remove('filter_rows');
    expect(links()).toContain('load.table > filter_rows_2.data');
    model.document.undo();
    expect(file.getSource()).toBe(before);

    // Also several in a row.
    remove('filter_rows', 'filter_rows_2');
    expect(links()).toContain('load.table > forest.data');
    expect(file.getSource()).not.toContain('filter_rows');
    model.document.undo();
    expect(file.getSource()).toBe(before);
  });

  it('leaves a gap where something else came out of it', async () => {
    await open(WINE);
    remove('forest');
    expect(links()).toEqual(['load.table > judge.data']);
    add('split', { port: 'data', end: end('load', 'table') });
    add('filter_rows', { port: 'data', end: end('split', 'train') });
    add('train_classifier', { port: 'data', end: end('split', 'test') });
    remove('split');
    expect(links()).toEqual(['load.table > judge.data']);
  });

  it('leaves the data that it read to what read its table', async () => {
    await open('stages: {}\n');
    add('filter_rows', { port: 'data', file: 'data/raw.parquet' });
    add('split', { port: 'data', end: end('filter_rows', 'table') });
    remove('filter_rows');
    expect(
      model.drawing.sources.map(({ path, readers }) => [path, readers])
    ).toEqual([['data/raw.parquet', [{ node: 'split', port: 'data' }]]]);
  });
});

describe('a component that is let go on a wire', () => {
  it('goes between its ends, in one step', async () => {
    const file = await open(WINE);
    expect(
      gestures.insertComponent(model, 'filter_rows', LOAD_TO_FOREST, AT)
    ).toBe(true);
    expect(links()).toEqual(
      [
        'load.table > judge.data',
        'load.table > filter_rows.data',
        'filter_rows.table > forest.data',
        'forest.model > judge.model'
      ].sort((one, other) => links().indexOf(one) - links().indexOf(other))
    );
    expect(model.selection.single).toBe('filter_rows');
    model.document.undo();
    expect(file.getSource()).toBe(WINE);
  });

  it('also goes between data and what reads it', async () => {
    const file = await open(
      WINE.replace('load_csv', 'filter_rows').replace('--file', '--data')
    );
    const before = file.getSource();
    const link = {
      source: 'data:data/wine.csv',
      sourcePort: 'data',
      target: 'load',
      targetPort: 'data'
    };
    expect(gestures.insertComponent(model, 'load_table', link, AT)).toBe(true);
    expect(links()).toContain('load_table.table > load.data');
    expect(model.drawing.sources[0].readers).toEqual([
      { node: 'load_table', port: 'file' }
    ]);
    model.document.undo();
    expect(file.getSource()).toBe(before);
  });

  it('is refused where it does not fit', async () => {
    const file = await open(WINE);
    expect(
      gestures.insertComponent(model, 'evaluate', LOAD_TO_FOREST, AT)
    ).toBe(false);
    expect(file.getSource()).toBe(WINE);
  });
});

it('puts a connection in the place of another at an occupied input', async () => {
  const file = await open(WINE);
  gestures.addComponent(model, 'sample_data', AT);
  const before = file.getSource();
  gestures.connect(model, {
    ...LOAD_TO_FOREST,
    source: 'sample_data',
    sourcePort: 'table'
  });
  expect(links()).toContain('sample_data.table > forest.data');
  expect(links()).not.toContain('load.table > forest.data');
  model.document.undo();
  expect(file.getSource()).toBe(before);
});

it('fills an empty workflow from a template, a file and a column', async () => {
  const empty = 'stages: {}\n';
  const file = await open(empty);
  const [classification] = templates();
  expect(
    addTemplate(model, classification, { file: 'data/a.csv', column: 'churn' })
  ).toBe(true);
  const text = file.getSource();
  expect(text).toContain('node load_table ');
  expect(text).toContain('--file data/a.csv');
  expect(text).not.toContain('sample_data');
  expect(text.match(/target: churn/g)).toHaveLength(3);
  expect(text).toContain('stratify: churn');
  expect(links()).toHaveLength(6);
  expect(model.drawing.problems).toEqual([]);
  model.document.undo();
  expect(file.getSource()).toBe(empty);
});

it('knows the ports that a line fits', async () => {
  await open(WINE);
  const { graph } = model.drawing;
  expect([
    ...fittingEnds(graph, { side: 'source', node: 'load', port: 'table' })
  ]).toEqual(['forest:in:data', 'judge:in:data']);
  expect([
    ...fittingEnds(graph, { side: 'target', node: 'judge', port: 'model' })
  ]).toEqual(['forest:out:model']);
  // A line back would close a cycle.
  expect(
    fittingEnds(graph, { side: 'target', node: 'load', port: 'file' }).size
  ).toBe(0);
});

it('draws one line for all files of a sweep, and removes all with it', async () => {
  const text = `stages:
  fit:
    matrix: {n: [1, 2, 3]}
    cmd: jupyter mlws node train_classifier --data a.parquet --model m.\${item.n}.parquet
    deps: [a.parquet]
    outs: ['m.\${item.n}.parquet']
  judge:
    cmd: jupyter mlws node compare_classifiers --models m.1.parquet --models m.2.parquet --models m.3.parquet --metrics out.json
    deps: [m.1.parquet, m.2.parquet, m.3.parquet]
    metrics: [out.json]
`;
  const file = await open(text);
  const before = file.getSource();
  expect(model.drawing.graph.edges.length).toBeGreaterThan(1);
  const [drawn, ...more] = drawnEdges(model.drawing.graph);
  expect(more).toEqual([]);
  model.selection.selectEdges([drawn.id]);
  gestures.removeSelected(model);
  expect(model.drawing.graph.edges).toEqual([]);
  model.document.undo();
  expect(file.getSource()).toBe(before);
});

it('gives back every gesture by undo (property)', async () => {
  const file = await open(WINE);
  const nodes = (): string[] => [...model.drawing.graph.nodes.keys()];
  const pick = <T>(items: readonly T[], index: number): T | undefined =>
    items[index % Math.max(1, items.length)];
  const [template] = templates();
  const acts: ((number: number) => unknown)[] = [
    number =>
      gestures.addComponent(model, pick(LIBRARY, number)!.name, {
        x: number,
        y: number
      }),
    number => {
      const edge = pick(drawnEdges(model.drawing.graph), number);
      if (edge) {
        gestures.insertComponent(model, pick(LIBRARY, number)!.name, edge, AT);
      }
    },
    number => {
      const source = pick(nodes(), number);
      const target = pick(nodes(), number + 1);
      const from = model.drawing.graph.nodes.get(source ?? '')?.outputs[0];
      const to = model.drawing.graph.nodes.get(target ?? '')?.inputs[0];
      if (source && target && from && to) {
        gestures.connect(model, {
          source,
          sourcePort: from.name,
          target,
          targetPort: to.name
        });
      }
    },
    number => {
      model.selection.select([pick(nodes(), number) ?? '']);
      gestures.removeSelected(model);
    },
    () => model.drawing.arrange(),
    number => gestures.startWithFile(model, `data/${number}.csv`, AT),
    // Files that are dropped: data, a script, a table on an input
    number =>
      gestures.addFiles(model, [`data/${number}.csv`, `step${number}.py`], AT),
    number => {
      const id = pick(nodes(), number);
      const input = model.drawing.graph.nodes.get(id ?? '')?.inputs[0];
      if (id && input) {
        gestures.setInputFile(model, id, input.name, `data/${number}.csv`);
      }
    },
    number =>
      addTemplate(model, template, { file: `data/${number}.csv`, column: 'y' }),
    number => {
      model.selection.select(nodes());
      gestures.align(
        model,
        (['left', 'top', 'horizontal', 'vertical'] as const)[number % 4]
      );
    },
    number => {
      model.selection.select(nodes().slice(0, 1 + (number % 3)));
      gestures.group(model, `Frame ${number}`);
    },
    number => gestures.addNote(model, `Note ${number}`, AT),
    number => {
      const id = pick(nodes(), number);
      if (id && !nodes().includes(`renamed${number}`)) {
        gestures.rename(model, id, `renamed${number}`);
      }
    },
    number => {
      model.selection.select([pick(nodes(), number) ?? '']);
      gestures.freeze(model, number % 2 === 0);
    },
    number => {
      const id = pick(nodes(), number);
      if (id) {
        model.drawing.move(new Map([[id, { x: number * 7, y: number * 3 }]]));
      }
    },
    number => {
      model.selection.select([pick(nodes(), number) ?? '']);
      clips.duplicate(model);
    }
  ];
  const step = fc.tuple(fc.nat(acts.length - 1), fc.nat(20));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), steps => {
      const texts = [file.getSource()];
      for (const [act, number] of steps) {
        acts[act](number);
        if (file.getSource() !== texts[texts.length - 1]) {
          texts.push(file.getSource());
        }
      }
      for (const text of texts.reverse()) {
        expect(file.getSource()).toBe(text);
        model.document.undo();
      }
      expect(file.getSource()).toBe(WINE);
    }),
    { numRuns: 60 }
  );
});
