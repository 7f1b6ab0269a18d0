import { Signal } from '@lumino/signaling';

import { sourcePath } from '../document/notes';
import type { DocumentStore } from './document';
import type { DrawingStore } from './drawing';

/** Selection of a drawing, with the node whose name is to be edited. */
export class SelectionStore {
  constructor(
    private _document: DocumentStore,
    private _drawing: DrawingStore
  ) {
    _drawing.changed.connect(this._prune, this);
  }

  /** Nodes, sources, notes and frames. */
  get ids(): ReadonlySet<string> {
    return this._ids;
  }

  get edges(): ReadonlySet<string> {
    return this._edges;
  }

  /** The id that alone is selected. */
  get single(): string | null {
    return this._ids.size === 1 ? [...this._ids][0] : null;
  }

  /** The selected nodes, with those of selected collapsed frames. */
  get nodes(): ReadonlySet<string> {
    const { graph, drawn } = this._drawing;
    return new Set(
      [...this._ids]
        .flatMap(id => drawn.nodes.get(id)?.members ?? [id])
        .filter(id => graph.nodes.has(id))
    );
  }

  /** The node that alone is selected. */
  get singleNode(): string | null {
    const { single } = this;
    return single !== null && this._drawing.graph.nodes.has(single)
      ? single
      : null;
  }

  /** The selected nodes, also of collapsed frames, and sources. */
  get copyable(): ReadonlySet<string> {
    const sources = [...this._ids].filter(id => sourcePath(id) !== null);
    return new Set([...this.nodes, ...sources]);
  }

  readonly changed = new Signal<this, void>(this);

  /** Emitted with the id whose name is to be typed. */
  readonly renameRequested = new Signal<this, string>(this);

  select(ids: Iterable<string>): void {
    const next = new Set(ids);
    if (
      next.size !== this._ids.size ||
      [...next].some(id => !this._ids.has(id))
    ) {
      this._document.flush();
      this._ids = next;
      this.changed.emit();
    }
  }

  selectEdges(ids: Iterable<string>): void {
    this._edges = new Set(ids);
  }

  /** Selects all nodes and notes. */
  selectAll(): void {
    const { drawn, notes } = this._drawing;
    this.select([
      ...drawn.nodes.keys(),
      ...notes.map((_, index) => `notes:${index}`)
    ]);
  }

  requestRename(): void {
    const { single } = this;
    if (single !== null) {
      this._renaming = single;
      this.renameRequested.emit(single);
    }
  }

  /** Consumes a request to edit a name; false without one, since the view may be newer. */
  takeRename(id: string): boolean {
    const isRequested = this._renaming === id;
    if (isRequested) {
      this._renaming = null;
    }
    return isRequested;
  }

  private _prune(): void {
    this.select([...this._ids].filter(id => this._drawing.has(id)));
  }

  private _ids: ReadonlySet<string> = new Set();
  private _edges: ReadonlySet<string> = new Set();
  private _renaming: string | null = null;
}
