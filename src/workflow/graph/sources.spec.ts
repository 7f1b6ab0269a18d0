import { describe, expect, it } from 'vitest';

import { fake } from '../../__tests__/server';
import type { IComponent } from '../../api/models';
import { type IWorkflowDocument, parse } from '../document/document';
import type { Edit } from '../document/edits';
import { placeSource, sourceId } from '../document/notes';
import { textAfter, WINE } from '../../__tests__/samples';
import { bestLink } from './choices';
import { type Refusal, refusalOf } from './connections';
import { buildGraph, SOURCE_PORT } from './graph';
import { type ISource, readSource, removeSource, sourcesOf } from './sources';

const PATH = 'workflows/wine/dvc.yaml';
const SCRIPT = `stages:
  fit:
    cmd: python fit.py
    deps: [fit.py, params.yaml, data/raw.csv, images, made.txt, src]
  make:
    cmd: echo > made.txt
    outs: [made.txt]
`;
const LIBRARY = new Map([
  [
    'load_csv',
    fake<IComponent>({
      name: 'load_csv',
      inputs: [{ name: 'file', type: 'File', required: true, multiple: false }],
      outputs: []
    })
  ],
  [
    'evaluate',
    fake<IComponent>({
      name: 'evaluate',
      inputs: [
        { name: 'data', type: 'Table', required: true, multiple: false }
      ],
      outputs: []
    })
  ]
]);

function read(text: string, path = PATH): IWorkflowDocument {
  return parse(text, path).document!;
}

function sources(text: string, path = PATH, tracked: string[] = []): ISource[] {
  const document = read(text, path);
  return sourcesOf(document, buildGraph(document, LIBRARY), new Set(tracked));
}

function edit(text: string, change: Edit): string {
  return textAfter(read(text), change);
}

describe('data of a workflow', () => {
  it('is what nodes read and none makes, but no code', () => {
    expect(sources(WINE)).toEqual([
      {
        id: 'data:data/wine.csv',
        path: 'data/wine.csv',
        at: null,
        readers: [{ node: 'load', port: 'file' }]
      }
    ]);
    const paths = (tracked: string[]): string[] =>
      sources(SCRIPT, 'dvc.yaml', tracked).map(source => source.path);
    expect(paths([])).toEqual(['data/raw.csv']);
    expect(paths(['images'])).toEqual(['data/raw.csv', 'images']);
  });

  it('is placed beside title and notes, moved there and taken away', () => {
    const placed = edit(WINE, placeSource('a b.csv', [10, 20]));
    expect(placed).toContain(
      '- workflow: {name: Wine, data: [{path: "a b.csv", at: [10, 20]}]}   # title'
    );
    const moved = edit(placed, placeSource('a b.csv', [1, 2]));
    expect(moved).toBe(placed.replace('[10, 20]', '[1, 2]'));
    const [own] = sources(moved);
    expect(own).toEqual({
      id: 'data:a b.csv',
      path: 'a b.csv',
      at: [1, 2],
      readers: []
    });
    expect(edit(moved, removeSource(own))).toBe(WINE);
  });

  it('goes to the input that takes it, in the place of what that read', () => {
    const graph = buildGraph(read(WINE), LIBRARY);
    const refusal = (
      path: string,
      target: string,
      targetPort: string
    ): Refusal | null => {
      const source = sourceId(path);
      const link = { source, sourcePort: SOURCE_PORT, target, targetPort };
      return refusalOf(graph, link);
    };
    expect(refusal('x.csv', 'judge', 'data')).toEqual({
      kind: 'type',
      from: 'File',
      to: 'Table'
    });
    expect(refusal('x.parquet', 'judge', 'data')).toBeNull();
    expect(refusal('data/wine.csv', 'load', 'file')).toEqual({
      kind: 'same'
    });
    expect(refusal('x.csv', 'load', 'none')).toEqual({
      kind: 'unknown'
    });
    const link = bestLink(
      graph,
      { side: 'source', node: sourceId('x.csv'), port: SOURCE_PORT },
      'load'
    );
    expect(link.targetPort).toBe('file');
    const port = graph.nodes.get('load')!.inputs[0];
    expect(edit(WINE, readSource('x.csv', 'load', port))).toBe(
      WINE.replace(
        '--file data/wine.csv --table workflows/wine/out/load.table.parquet',
        '--table workflows/wine/out/load.table.parquet --file x.csv'
      ).replace('- data/wine.csv', '- x.csv')
    );
  });
});
