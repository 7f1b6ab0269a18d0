import { describe, expect, it } from 'vitest';

import { parse } from '../document/document';
import { framesOf, setCollapsed } from '../document/notes';
import { reconcile } from '../document/reconcile';
import { applyEdits } from '../document/textEdits';
import { buildGraph } from './graph';
import {
  collapse,
  collapseSources,
  groupsOf,
  memberLink,
  placeGroups
} from './groups';
import { sourcesOf } from './sources';

const stage = (name: string, deps: string[], outs: string[]): string => `
  ${name}:
    cmd: python ${name}.py
    deps: [${deps.join(', ')}]
    outs: [${outs.join(', ')}]`;
const TEXT = `vars:
- workflow:
    name: Groups  # kept as it is
    frames:
    - {title: Middle, nodes: [b, c, gone], collapsed: true}
stages:${stage('a', ['in.csv'], ['a.parquet'])}${stage('b', ['a.parquet', 'more.csv'], ['b.parquet'])}${stage('c', ['b.parquet'], ['c.parquet', 'c.png'])}${stage('d', ['c.parquet'], ['d.parquet'])}
`;

function drawing(text: string) {
  const document = parse(text).document!;
  const graph = buildGraph(document, new Map());
  const frames = framesOf(document);
  const groups = groupsOf(graph, frames);
  const none = { nodes: new Map(), edges: [] };
  return {
    document,
    graph,
    groups,
    drawn: collapse(graph, frames, groups, none),
    sources: collapseSources(
      sourcesOf(document, graph, new Set<string>()),
      groups
    )
  };
}

describe('collapse', () => {
  it('draws a collapsed frame as one node with its outer ports', () => {
    const { drawn, sources } = drawing(TEXT);
    expect([...drawn.nodes.keys()]).toEqual(['a', 'frames:0', 'd']);
    const group = drawn.nodes.get('frames:0')!;
    expect(group).toMatchObject({ title: 'Middle', members: ['b', 'c'] });
    expect(group.inputs.map(({ name }) => name)).toEqual(['b:deps']);
    expect(group.outputs.map(({ name }) => name)).toEqual([
      'c:c.parquet',
      'c:c.png'
    ]);
    expect(drawn.edges.map(({ source, target }) => [source, target])).toEqual([
      ['a', 'frames:0'],
      ['frames:0', 'd']
    ]);
    expect(sources.find(({ path }) => path === 'more.csv')!.readers).toEqual([
      { node: 'frames:0', port: 'b:deps' }
    ]);
    expect(memberLink(drawn.edges[1])).toEqual({
      source: 'c',
      sourcePort: 'c.parquet',
      target: 'd',
      targetPort: 'deps'
    });
  });

  it('keeps the graph, and a group, that did not change', () => {
    const { graph, drawn, groups, document } = drawing(TEXT);
    const frames = framesOf(document);
    const again = collapse(graph, frames, groups, drawn);
    expect(again.nodes.get('frames:0')).toBe(drawn.nodes.get('frames:0'));
    expect(collapse(graph, [], new Map(), drawn)).toBe(graph);
  });

  it('is one key of the file, and gives back every byte', () => {
    const { document } = drawing(TEXT);
    const edit = setCollapsed(0, false)(document);
    const open = applyEdits(
      TEXT,
      reconcile(document.source, document.data, edit)
    );
    expect(open).toBe(TEXT.replace(', collapsed: true', ''));
    const other = parse(open).document!;
    const back = setCollapsed(0, true)(other);
    expect(applyEdits(open, reconcile(other.source, other.data, back))).toBe(
      TEXT
    );
  });

  it('places a group as one node, and its nodes from its corner on', () => {
    const { graph, drawn, sources } = drawing(TEXT);
    const places = placeGroups(graph, drawn, new Map(), sources, null);
    const again = placeGroups(graph, drawn, places, sources, null);
    expect(again).toEqual(places);
    const group = places.get('frames:0')!;
    const [b, c] = [places.get('b')!, places.get('c')!];
    expect({ x: Math.min(b.x, c.x), y: Math.min(b.y, c.y) }).toEqual(group);
    expect(places.get('d')!.x).toBeLessThan(Math.max(b.x, c.x) + 216 * 2);
  });
});
