import { IEventStream, MLWSClient } from '../api/client';
import { WorkspaceModel } from '../api/live';
import type { IWorkflowEvent, IWorkspaceEvent } from '../api/models';
import type { ILineage, ILineageNode } from './types';

/** A thing beside another one, and how one came of the other. */
export interface INeighbour {
  node: ILineageNode;
  relation: string;
}

/** What a thing came of, and what came of it. */
export class LineageModel extends WorkspaceModel {
  constructor(
    client: MLWSClient,
    workspace: IEventStream<IWorkspaceEvent>,
    runs: IEventStream<IWorkflowEvent>,
    of: string
  ) {
    super(client, workspace, ['history'], runs);
    this._of = of;
  }

  /** Of what: an id of a node. */
  get of(): string {
    return this._of;
  }

  /** Null until read. */
  get lineage(): ILineage | null {
    return this._lineage;
  }

  /** The node that is looked at; what the lineage is of where none was chosen. */
  get selected(): ILineageNode | null {
    const nodes = this._lineage?.nodes ?? [];
    return (
      nodes.find(node => node.id === this._selected) ??
      nodes.find(node => node.id === this._lineage?.of) ??
      null
    );
  }

  /** Whether there is a lineage from which the person came here. */
  get canGoBack(): boolean {
    return this._before.length > 0;
  }

  select(id: string): void {
    this._selected = id;
    this.changed();
  }

  /** Shows the lineage of another thing. */
  async follow(id: string): Promise<void> {
    if (id !== this._of) {
      this._before.push(this._of);
      await this._show(id);
    }
  }

  /** Shows the lineage before. */
  async back(): Promise<void> {
    const before = this._before.pop();
    if (before !== undefined) {
      await this._show(before);
    }
  }

  /** What a node came of directly. */
  sources(id: string): INeighbour[] {
    return this._neighbours(edge => edge.target === id, 'source');
  }

  /** What came of a node directly. */
  results(id: string): INeighbour[] {
    return this._neighbours(edge => edge.source === id, 'target');
  }

  protected async load(): Promise<void> {
    const of = this._of;
    const lineage = await this.client.get<ILineage>('/lineage', { of });
    if (of === this._of) {
      this._lineage = lineage;
    }
  }

  protected reset(): void {
    this._lineage = null;
    this._before = [];
  }

  private async _show(id: string): Promise<void> {
    this._of = id;
    this._selected = id;
    this.changed();
    await this.refresh();
  }

  private _neighbours(
    wanted: (edge: { source: string; target: string }) => boolean,
    end: 'source' | 'target'
  ): INeighbour[] {
    const { nodes, edges } = this._lineage ?? { nodes: [], edges: [] };
    const byId = new Map(nodes.map(node => [node.id, node]));
    return edges.filter(wanted).flatMap(edge => {
      const node = byId.get(edge[end]);
      return node ? [{ node, relation: edge.relation }] : [];
    });
  }

  private _of: string;
  private _before: string[] = [];
  private _selected: string | null = null;
  private _lineage: ILineage | null = null;
}
