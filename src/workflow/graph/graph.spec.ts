import { describe, expect, it } from 'vitest';

import type { IComponent } from '../../api/models';
import { parse } from '../document/document';
import { HAND_WRITTEN, WINE } from '../../__tests__/samples';
import { refusalOf, type Refusal } from './connections';
import { buildGraph, type IGraph } from './graph';
import { placeNodes } from './layout';
import { validate } from './validate';

function component(
  name: string,
  inputs: Record<string, string>,
  outputs: Record<string, string>
): IComponent {
  return {
    name,
    title: name,
    category: 'Test',
    description: '',
    inputs: Object.entries(inputs).map(([port, type]) => ({
      name: port.replace('*', ''),
      type: type as IComponent['inputs'][0]['type'],
      required: true,
      multiple: port.endsWith('*'),
      description: ''
    })),
    outputs: Object.entries(outputs).map(([port, type]) => ({
      name: port,
      type: type as IComponent['inputs'][0]['type'],
      extension: '',
      description: ''
    })),
    settings: { type: 'object', properties: {} },
    source: 'library',
    path: null,
    error: null,
    columns: null
  };
}

const LIBRARY = new Map(
  [
    component('load_csv', { file: 'File' }, { table: 'Table' }),
    component('train_classifier', { data: 'Table' }, { model: 'Model' }),
    component(
      'evaluate',
      { model: 'Model', data: 'Table' },
      { metrics: 'Metrics' }
    ),
    component('compare', { 'metrics*': 'Metrics' }, { table: 'Table' })
  ].map(one => [one.name, one])
);

function graphOf(text: string, path = 'workflows/wine/dvc.yaml'): IGraph {
  return buildGraph(parse(text, path).document!, LIBRARY);
}

const edges = (graph: IGraph): string[] =>
  graph.edges.map(
    edge =>
      `${edge.source}.${edge.sourcePort} > ${edge.target}.${edge.targetPort}`
  );

function refusal(
  graph: IGraph,
  source: string,
  sourcePort: string,
  target: string,
  targetPort: string
): Refusal | null {
  return refusalOf(graph, { source, sourcePort, target, targetPort });
}

describe('buildGraph', () => {
  it('binds the ports by the paths in the command', () => {
    expect(edges(graphOf(WINE))).toEqual([
      'load.table > forest.data',
      'forest.model > judge.model',
      'load.table > judge.data'
    ]);
  });

  it('connects equal paths, paths inside an output, and folders above outputs', () => {
    expect(edges(graphOf(HAND_WRITTEN, 'dvc.yaml'))).toEqual([
      'prepare.clean > train.deps',
      'train.${item}.pkl > compare.deps'
    ]);
  });

  it('draws a component that is not known from its arguments', () => {
    const graph = buildGraph(
      parse(WINE, 'workflows/wine/dvc.yaml').document!,
      new Map()
    );
    expect(edges(graph)).toEqual(edges(graphOf(WINE)));
  });
});

describe('refusalOf', () => {
  const graph = graphOf(WINE);

  it('refuses types that do not fit', () => {
    expect(refusal(graph, 'forest', 'model', 'judge', 'data')).toEqual({
      kind: 'type',
      from: 'Model',
      to: 'Table'
    });
    expect(refusal(graph, 'judge', 'metrics', 'load', 'file')).toMatchObject({
      kind: 'cycle'
    });
  });

  it('names a cycle in order', () => {
    expect(refusal(graph, 'judge', 'metrics', 'load', 'file')).toEqual({
      kind: 'cycle',
      nodes: ['judge', 'load', 'judge']
    });
  });

  it('lets a connection take the place of the one that an input has', () => {
    const two = graphOf(
      WINE +
        '  again:\n    cmd: jupyter mlws node load_csv --table t\n    outs: [t]\n'
    );
    expect(refusal(two, 'again', 'table', 'forest', 'data')).toBeNull();
  });

  it('allows an input of any number', () => {
    const more = graphOf(
      WINE +
        '  all:\n    cmd: jupyter mlws node compare --table t\n    outs: [t]\n'
    );
    expect(refusal(more, 'judge', 'metrics', 'all', 'metrics')).toBeNull();
  });
});

describe('validate', () => {
  it('tells all faults at once', () => {
    const graph = graphOf(`stages:
  a: {cmd: jupyter mlws node nothing, deps: [y], outs: [x]}
  b: {cmd: jupyter mlws node load_csv --table x, deps: [x], outs: [y, x]}
  c: {deps: [q]}
`);
    const kinds = validate(graph, true).map(
      problem => `${problem.node} ${problem.kind}`
    );
    expect(kinds).toEqual([
      'a component',
      'b input',
      'c command',
      'b output',
      'b cycle'
    ]);
  });

  it('finds nothing to blame in a good workflow', () => {
    expect(validate(graphOf(WINE), true)).toEqual([]);
    expect(validate(graphOf(HAND_WRITTEN, 'dvc.yaml'), true)).toEqual([]);
  });
});

describe('placeNodes', () => {
  it('keeps written places and lays the rest out without overlap', () => {
    const graph = graphOf(WINE);
    const places = placeNodes(graph);
    expect(places.get('forest')).toEqual({ x: 240, y: 120 });
    expect(places.get('load')!.x).toBeLessThan(places.get('forest')!.x);
    expect(places.get('judge')!.x).toBeGreaterThan(places.get('forest')!.x);
  });

  it('moves nothing that stood before', () => {
    const places = placeNodes(graphOf(WINE));
    const more = graphOf(WINE + '  extra:\n    cmd: python a.py\n');
    const after = placeNodes(more, places);
    for (const [id, place] of places) {
      expect(after.get(id)).toEqual(place);
    }
    expect(after.has('extra')).toBe(true);
  });
});
