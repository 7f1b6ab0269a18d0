import type { IFrame } from '../document/notes';
import { boundsOf, nodeBox, type XYPosition } from './geometry';
import {
  ANY_INPUT,
  type IEnd,
  type IGraph,
  type IGraphNode,
  type IGraphPort,
  type ILink
} from './graph';
import { type IPlacedSource, placeNodes } from './layout';
import type { ISource } from './sources';
import type { IShape } from './wrapping';

/** Number of hidden nodes of a collapsed frame from which their layout has to be fast. */
const LARGE_GROUP_NODES = 60;

/** Returns the collapsed frame of each of their nodes, by its id in the drawing. */
export function groupsOf(
  graph: IGraph,
  frames: readonly IFrame[]
): ReadonlyMap<string, string> {
  const groups = new Map<string, string>();
  frames.forEach(({ nodes, isCollapsed }, index) => {
    for (const id of isCollapsed ? nodes : []) {
      if (graph.nodes.has(id) && !groups.has(id)) {
        groups.set(id, `frames:${index}`);
      }
    }
  });
  return groups;
}

/**
 * Returns the graph with each collapsed frame as a node, whose ports are those ports of its members
 * that are connected from outside, or not at all. Their names are `node:port`.
 */
export function collapse(
  graph: IGraph,
  frames: readonly IFrame[],
  groups: ReadonlyMap<string, string>,
  before: IGraph
): IGraph {
  if (groups.size === 0) {
    return graph;
  }
  const nodeOf = (id: string): string => groups.get(id) ?? id;
  const inner = new Set<string>();
  const outer = new Set<string>();
  const edges = graph.edges.flatMap(edge => {
    const [source, target] = [nodeOf(edge.source), nodeOf(edge.target)];
    const from = `${edge.source}:${edge.sourcePort}`;
    const to = `${edge.target}:${edge.targetPort}`;
    const ends = source === target && source !== edge.source ? inner : outer;
    ends.add(`out ${from}`).add(`in ${to}`);
    return ends === inner
      ? []
      : [
          {
            ...edge,
            source,
            sourcePort: source === edge.source ? edge.sourcePort : from,
            target,
            targetPort: target === edge.target ? edge.targetPort : to
          }
        ];
  });
  const portsOf = (
    node: IGraphNode,
    side: 'in' | 'out'
  ): readonly IGraphPort[] =>
    (side === 'in' ? node.inputs : node.outputs).flatMap(port => {
      const name = `${node.id}:${port.name}`;
      const isOpen =
        !inner.has(`${side} ${name}`) &&
        (port.name !== ANY_INPUT || port.paths.length > 0);
      return isOpen || outer.has(`${side} ${name}`) ? [{ ...port, name }] : [];
    });
  const nodes = new Map<string, IGraphNode>();
  for (const node of graph.nodes.values()) {
    const id = nodeOf(node.id);
    const group = nodes.get(id);
    if (id === node.id) {
      nodes.set(id, node);
    } else if (!group) {
      const { title } = frames[Number(id.split(':')[1])];
      nodes.set(id, {
        ...node,
        id,
        title,
        kind: 'group',
        component: null,
        componentName: null,
        settings: null,
        at: null,
        inputs: [...portsOf(node, 'in')],
        outputs: [...portsOf(node, 'out')],
        members: [node.id]
      });
    } else {
      group.inputs.push(...portsOf(node, 'in'));
      group.outputs.push(...portsOf(node, 'out'));
      group.members = [...group.members!, node.id];
    }
  }
  for (const [id, node] of nodes) {
    const old = node.members && before.nodes.get(id);
    if (old && signatureOf(old) === signatureOf(node)) {
      nodes.set(id, old);
    }
  }
  return { nodes, edges };
}

function signatureOf({ title, inputs, outputs, members }: IGraphNode): string {
  return JSON.stringify([title, inputs, outputs, members]);
}

/** Returns the sources as they are connected in the drawing. */
export function collapseSources(
  sources: readonly ISource[],
  groups: ReadonlyMap<string, string>
): readonly ISource[] {
  return groups.size === 0
    ? sources
    : sources.map(source => ({
        ...source,
        readers: source.readers.map(reader => {
          const group = groups.get(reader.node);
          return group
            ? { node: group, port: `${reader.node}:${reader.port}` }
            : reader;
        })
      }));
}

/** Returns the node and port that a port of the drawing belongs to. */
export function memberEnd<T extends { node: string; port: string }>(end: T): T {
  if (!end.node.startsWith('frames:')) {
    return end;
  }
  const at = end.port.indexOf(':');
  return { ...end, node: end.port.slice(0, at), port: end.port.slice(at + 1) };
}

/** Converts a connection of the drawing to one of the graph. */
export function memberLink(link: ILink): ILink {
  const source = memberEnd({ node: link.source, port: link.sourcePort });
  const target = memberEnd({ node: link.target, port: link.targetPort });
  return {
    source: source.node,
    sourcePort: source.port,
    target: target.node,
    targetPort: target.port
  };
}

/** Returns the ends of a drawn node to which an edge may be connected. */
export function endsOf(node: IGraphNode, from: IEnd): IEnd[] {
  const side = from.side === 'source' ? 'target' : 'source';
  return (side === 'target' ? node.inputs : node.outputs).map(({ name }) =>
    memberEnd({ side, node: node.id, port: name })
  );
}

/**
 * Positions all nodes and the groups of the drawing. A group is at the upper left corner of its
 * members, so that they move with it and keep their arrangement.
 */
export function placeGroups(
  graph: IGraph,
  drawn: IGraph,
  before: ReadonlyMap<string, XYPosition>,
  sources: readonly IPlacedSource[],
  shape: IShape | null
): Map<string, XYPosition> {
  if (drawn === graph) {
    return placeNodes(graph, before, sources, shape);
  }
  const places = new Map(
    [...before].filter(([id]) => !id.startsWith('frames:'))
  );
  const subgraph = (members: readonly string[]): IGraph => {
    const nodes = new Map(members.map(id => [id, graph.nodes.get(id)!]));
    const edges = graph.edges.filter(
      ({ source, target }) => nodes.has(source) && nodes.has(target)
    );
    return { nodes, edges };
  };
  const nodes = new Map(
    [...drawn.nodes].map(([id, node]) => {
      const boxes = (node.members ?? []).flatMap(member => {
        const { at } = graph.nodes.get(member)!;
        const place = at ? { x: at[0], y: at[1] } : places.get(member);
        return place ? [nodeBox(graph.nodes.get(member)!, place)] : [];
      });
      const corner = boundsOf(boxes);
      return [id, corner ? { ...node, at: [corner.x, corner.y] } : node] as [
        string,
        IGraphNode
      ];
    })
  );
  const outer = placeNodes(
    { nodes, edges: drawn.edges },
    places,
    sources,
    shape
  );
  for (const { id, members } of drawn.nodes.values()) {
    if (!members) {
      continue;
    }
    const own = subgraph(members);
    const inside = placeNodes(own, places, [], null, LARGE_GROUP_NODES);
    const isNew = nodes.get(id)!.at === null;
    const corner = boundsOf(
      [...inside].map(([member, place]) =>
        nodeBox(graph.nodes.get(member)!, place)
      )
    )!;
    const { x, y } = outer.get(id)!;
    for (const [member, place] of inside) {
      outer.set(
        member,
        isNew ? { x: place.x - corner.x + x, y: place.y - corner.y + y } : place
      );
    }
  }
  return outer;
}
