import * as dagre from '@dagrejs/dagre';

import type { ILineage } from '../api/models';

export const NODE_WIDTH = 190;
export const NODE_HEIGHT = 46;

/** Returns the position of each node; edges go from left to right. */
export function positionsOf(
  lineage: ILineage
): Map<string, { x: number; y: number }> {
  const layout = new dagre.graphlib.Graph();
  layout.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 70 });
  layout.setDefaultEdgeLabel(() => ({}));
  for (const node of lineage.nodes) {
    layout.setNode(node.id, { width: NODE_WIDTH, height: NODE_HEIGHT });
  }
  for (const { source, target } of lineage.edges) {
    layout.setEdge(source, target);
  }
  dagre.layout(layout);
  return new Map(
    lineage.nodes.map(({ id }) => {
      const { x, y } = layout.node(id);
      return [id, { x: x - NODE_WIDTH / 2, y: y - NODE_HEIGHT / 2 }];
    })
  );
}
