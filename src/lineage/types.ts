/** The JSON of lineage, field for field. */

export type LineageKind =
  'model' | 'run' | 'dataset' | 'snapshot' | 'node' | 'params';

/** A thing; its id begins with its kind, and the facts depend on that. */
export interface ILineageNode {
  id: string;
  kind: LineageKind;
  label: string;
  facts: Record<string, any>;
}

/** `target` came of `source`. */
export interface ILineageEdge {
  source: string;
  target: string;
  relation: string;
}

export interface ILineage {
  of: string;
  nodes: ILineageNode[];
  edges: ILineageEdge[];
  /** There is more. */
  truncated: boolean;
}
