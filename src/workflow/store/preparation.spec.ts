import { YFile } from '@jupyter/ydoc';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { fake } from '../../__tests__/server';
import type {
  IColumnPreparation,
  IComponent,
  IPreview,
  IWorkflowEvent
} from '../../api/models';
import type { IEventStream } from '../../api/stream';
import { CanvasModel } from './model';
import { canShowPreparation, showPreparation } from './preparation';
import type { WorkflowService } from './service';

const TEXT = `vars:
- forest:
    target: left
    preparation: automatic
    random_state: 7
stages:
  split:
    cmd: jupyter mlws node split --data all.csv --train out/train.parquet --test out/test.parquet
    deps:
    - all.csv
    outs:
    - out/train.parquet
    - out/test.parquet
  forest:
    cmd: jupyter mlws node train_classifier --data out/train.parquet --model out/forest.skops
      \${forest}
    deps:
    - out/train.parquet
    outs:
    - out/forest.skops
`;

function component(
  name: string,
  inputs: [string, string][],
  outputs: [string, string][],
  settings: object = {}
): IComponent {
  return fake<IComponent>({
    name,
    title: name,
    category: '',
    description: '',
    inputs: inputs.map(([port, type]) => ({
      name: port,
      type,
      required: port === 'data',
      multiple: false,
      description: ''
    })),
    outputs: outputs.map(([port, type]) => ({
      name: port,
      type,
      extension: type === 'Model' ? '.skops' : '.parquet',
      description: ''
    })),
    settings,
    columns: null,
    source: 'library',
    path: null,
    error: null
  });
}

const LIBRARY = [
  component(
    'split',
    [['data', 'Table']],
    [
      ['train', 'Table'],
      ['test', 'Table']
    ]
  ),
  component(
    'train_classifier',
    [
      ['data', 'Table'],
      ['steps', 'Model']
    ],
    [['model', 'Model']],
    {
      properties: {
        target: {},
        preparation: {
          default: 'none',
          enum: ['none', 'automatic'],
          'x-applies-to': { algorithm: ['random_forest'] }
        },
        algorithm: { default: 'random_forest' },
        scale: { default: true },
        random_state: { default: 0 }
      }
    }
  ),
  component(
    'prepare_columns',
    [['data', 'Table']],
    [
      ['table', 'Table'],
      ['steps', 'Model']
    ]
  )
];
const column = (
  name: string,
  step: IColumnPreparation['step']
): IColumnPreparation => ({
  name,
  kind: 'number',
  reason: 'numbers',
  step,
  gaps: 0,
  fills_gaps: step === 'numbers'
});

let model: CanvasModel;
let file: YFile;
let columns: IColumnPreparation[] | null;

beforeEach(async () => {
  columns = [
    column('id', 'ignored'),
    column('age', 'numbers'),
    column('a=b', 'one_hot')
  ];
  file = new YFile();
  file.setSource(TEXT);
  file.clearUndoHistory();
  model = new CanvasModel({
    sharedModel: file,
    path: 'dvc.yaml',
    isDirty: false,
    save: async () => undefined,
    asOwn: change => change()
  });
  const signal = { connect: () => true, disconnect: () => true };
  const output = {
    port: 'model',
    type: 'Model',
    path: 'out/forest.skops',
    size: 1,
    rows: null,
    columns: null
  };
  await model.attach(
    fake<WorkflowService>({
      id: 'dvc.yaml',
      path: 'dvc.yaml',
      components: async () => LIBRARY,
      datasets: async () => [],
      runs: async () => ({ items: [], next_cursor: null }),
      results: async () => ({
        run: '1',
        previous: null,
        nodes: [
          {
            id: 'forest',
            run: '1',
            measure: null,
            thumbnail: null,
            changes: [],
            outputs: [
              {
                ...output,
                preparation: { encoded: 1, imputed: 0, ignored: 1 }
              }
            ]
          }
        ]
      }),
      plan: async () => ({ nodes: [] }),
      validate: async () => [],
      reader: {
        preview: async (): Promise<IPreview> => ({
          type: 'Model',
          text: '',
          preparation: columns
        })
      }
    }),
    fake<IEventStream<IWorkflowEvent>>({
      message: signal,
      connectionChanged: signal,
      dispose: () => undefined
    })
  );
  await model.results.refresh();
});

afterEach(() => model.dispose());

it('makes the preparation of a learner a node with the same steps, in one undo step', async () => {
  expect(canShowPreparation(model, 'forest')).toBe(true);
  expect(canShowPreparation(model, 'split')).toBe(false);
  await showPreparation(model, 'forest');

  const { vars } = model.document.workflow;
  expect(vars).toMatchObject({
    prepare_columns: {
      columns: ['id=ignored', 'age=numbers', 'a=b=one_hot'],
      task: 'classification',
      target: 'left',
      random_state: 7
    },
    forest: { preparation: 'none', scale: false, target: 'left' }
  });
  expect(Object.keys(vars.prepare_columns as object)).not.toContain('gaps');
  const links = model.drawing.graph.edges.map(
    edge =>
      `${edge.source}.${edge.sourcePort} > ${edge.target}.${edge.targetPort}`
  );
  expect(links.sort()).toEqual([
    'prepare_columns.steps > forest.steps',
    'split.train > forest.data',
    'split.train > prepare_columns.data'
  ]);
  expect([...model.selection.ids]).toEqual(['prepare_columns']);
  // It prepares nothing by itself any more.
  expect(canShowPreparation(model, 'forest')).toBe(false);
  expect(model.drawing.graph.nodes.get('forest')!.prepares).toBe(false);

  model.document.undo();
  expect(file.getSource()).toBe(TEXT);
});

it('leaves missing values to a model that takes them, and features unscaled', async () => {
  columns = [{ ...column('age', 'numbers'), fills_gaps: false }];
  file.setSource(TEXT.replace('random_state: 7', 'scale: false'));
  model.document.flush();
  await showPreparation(model, 'forest');
  expect(model.document.workflow.vars.prepare_columns).toMatchObject({
    gaps: 'keep',
    scale: false
  });
});

it('has a line more on the card where columns are prepared', () => {
  const { graph } = model.drawing;
  expect(graph.nodes.get('forest')!.prepares).toBe(true);
  file.setSource(TEXT.replace('random_state: 7', 'algorithm: baseline'));
  model.document.flush();
  expect(model.drawing.graph.nodes.get('forest')!.prepares).toBe(false);
});
