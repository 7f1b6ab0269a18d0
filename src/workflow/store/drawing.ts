import { Signal } from '@lumino/signaling';

import type { IProblem } from '../../api/models';
import type { IWorkflow } from '../document/document';
import { compose, type Edit } from '../document/edits';
import { forgetPositions, moveNodes } from '../document/nodes';
import {
  dataOf,
  forgetSourcePositions,
  framesOf,
  type IFrame,
  type INote,
  itemOf,
  notesOf,
  placeSource,
  setPart,
  sourceId,
  sourcePath
} from '../document/notes';
import { deepEqual } from '../document/values';
import {
  boundsOf,
  edgeEnds,
  type IBox,
  nodeBox,
  nodeHeight,
  type XYPosition
} from '../graph/geometry';
import { buildGraph, type IGraph } from '../graph/graph';
import { modelTitles } from '../graph/modelTitles';
import {
  collapse,
  collapseSources,
  groupsOf,
  placeGroups
} from '../graph/groups';
import { routeEdges } from '../graph/routing';
import { type ISource, sourcesOf } from '../graph/sources';
import { type Problem, validate } from '../graph/validate';
import type { IShape } from '../graph/wrapping';
import type { CatalogStore } from './catalog';
import type { DocumentStore } from './document';
import { KeyedStore } from './keyed';
import type { ServerLink } from './server';

/** Delay of the server's validation after the last edit, in milliseconds. */
const VALIDATION_DELAY = 500;
/** Maximum number of nodes of a graph with routed edges. */
const MAX_ROUTED_NODES = 300;

/** Graph of a workflow with its positions and problems. */
export class DrawingStore {
  constructor(
    private _document: DocumentStore,
    private _catalog: CatalogStore,
    private _server: ServerLink
  ) {
    _document.changed.connect(this._onDocument, this);
    _catalog.changed.connect(this._onCatalog, this);
    this._onDocument();
  }

  /** The nodes with problems, with the worst of each. */
  readonly faults = new KeyedStore<IProblem | Problem>();

  get graph(): IGraph {
    return this._graph;
  }

  /** The title of a node; for a model with a generated name its algorithm. */
  titleOf(id: string): string {
    const { workflow } = this._document;
    if (this._titles?.graph !== this._graph || this._titles.of !== workflow) {
      const titles = modelTitles(this._graph, workflow);
      this._titles = { graph: this._graph, of: workflow, titles };
    }
    return (
      this._titles.titles.get(id) ?? this._graph.nodes.get(id)?.title ?? id
    );
  }

  /** The graph as drawn: each collapsed frame is a node. */
  get drawn(): IGraph {
    return this._drawn;
  }

  /** The sources as they are connected in the drawing. */
  get drawnSources(): readonly ISource[] {
    return this._drawnSources;
  }

  /** The node of the drawing that shows a node: itself, or its collapsed frame. */
  shown(id: string): string {
    return this._groups.get(id) ?? id;
  }

  /** The upper left corners of nodes and sources. */
  get positions(): ReadonlyMap<string, XYPosition> {
    return this._positions;
  }

  /** True if the file places no node: the layout uses the room that there is. */
  get isAutomatic(): boolean {
    return this._document.workflow.stages.every(({ at }) => at === null);
  }

  /** Data that the workflow reads and does not make. */
  get sources(): readonly ISource[] {
    return this._sources;
  }

  get notes(): readonly INote[] {
    return this._notes;
  }

  get frames(): readonly IFrame[] {
    return this._frames;
  }

  /** Problems of the present text: those of the server, until its response the local ones. */
  get problems(): readonly (IProblem | Problem)[] {
    return this._problems;
  }

  readonly changed = new Signal<this, void>(this);

  /** Emitted after all got the positions of the automatic layout. */
  readonly arranged = new Signal<this, void>(this);

  /** Emitted after the server has validated the text. */
  readonly validated = new Signal<this, void>(this);

  dispose(): void {
    clearTimeout(this._timer);
  }

  /** The source with an id of the drawing. */
  source(id: string): ISource | null {
    return this._sources.find(source => source.id === id) ?? null;
  }

  /** Is there a node, a source, a note or a frame with an id? */
  has(id: string): boolean {
    const item = itemOf(id);
    return item
      ? item.index < this[item.list].length
      : this._graph.nodes.has(id) || this.source(id) !== null;
  }

  /** Moves nodes, sources and notes, in a single step. */
  move(positions: ReadonlyMap<string, XYPosition>): void {
    const nodes = new Map<string, [number, number]>();
    const edits: Edit[] = [];
    for (const [id, { x, y }] of positions) {
      const at: [number, number] = [Math.round(x), Math.round(y)];
      const item = itemOf(id);
      const path = sourcePath(id);
      if (item?.list === 'notes') {
        edits.push(setPart('notes', item.index, 'at', at));
      } else if (path !== null) {
        edits.push(placeSource(path, at));
      } else if (item) {
        const { x: left, y: top } = this._positions.get(id)!;
        for (const member of this._drawn.nodes.get(id)?.members ?? []) {
          const place = this._positions.get(member)!;
          const next = { x: place.x + at[0] - left, y: place.y + at[1] - top };
          this._positions.set(member, next);
          if (this._graph.nodes.get(member)!.stage.isEditable) {
            nodes.set(member, [next.x, next.y]);
          }
        }
      } else if (this._graph.nodes.get(id)?.stage.isEditable) {
        nodes.set(id, at);
      }
      // Positions that the file cannot hold stay until the file is closed.
      this._positions.set(id, { x: at[0], y: at[1] });
      this._routes = null;
    }
    this._document.edit(compose(moveNodes(nodes), ...edits));
  }

  /** Keeps the position of a renamed node. */
  keepPlace(id: string, name: string): void {
    this._layout.set(name, this._positions.get(id)!);
  }

  /**
   * The corners of routed edges, by edge.
   *
   * Empty for a large graph, since routing takes quadratic time.
   */
  get routes(): ReadonlyMap<string, readonly XYPosition[]> {
    this._routes ??= this._findRoutes();
    return this._routes;
  }

  /** Takes the room that the drawing has; a graph without a place is laid out to fill it. */
  setShape(shape: IShape): void {
    if (shape.width === 0 || shape.height === 0) {
      return;
    }
    const isFirst = this._shape === null;
    this._shape = shape;
    if (isFirst && this._graph.nodes.size > 0 && this.isAutomatic) {
      this._layOut();
      this.changed.emit();
    }
  }

  /**
   * Lays out a graph whose file has no positions again, if it is drawn much larger in the present
   * room by this; returns whether it did.
   */
  fillRoom(): boolean {
    const [before, layout] = [this._positions, new Map(this._layout)];
    if (!this._shape || !this.isAutomatic || this._drawn.nodes.size === 0) {
      return false;
    }
    const zoom = this._zoomIn(this._shape);
    this._layOut();
    if (this._zoomIn(this._shape) < zoom * MIN_GAIN) {
      [this._positions, this._layout] = [before, layout];
      this._routes = null;
      return false;
    }
    this.changed.emit();
    this.arranged.emit();
    return true;
  }

  /** The zoom at which all nodes are in view. */
  private _zoomIn({ width, height }: IShape): number {
    const box = boundsOf(this._boxes())!;
    return Math.min(1, width / box.width, height / box.height);
  }

  private _boxes(): IBox[] {
    return [...this._drawn.nodes.values()].map(node =>
      nodeBox(node, this._positions.get(node.id)!)
    );
  }

  /** Gives all nodes the positions of the automatic layout. */
  arrange(): void {
    // A move that is written later would take its nodes back.
    this._document.flush();
    this._forgetPlaces();
    if (!this._document.edit(compose(forgetPositions, forgetSourcePositions))) {
      this._update();
    }
    this.arranged.emit();
  }

  /** Has the server validate the present text. */
  async validate(): Promise<void> {
    clearTimeout(this._timer);
    const { text, error } = this._document;
    if (!error && this._catalog.library === 'known') {
      await this._server.ask(
        service => service.validate(text),
        problems => {
          if (text === this._document.text) {
            this._validatedText = text;
            this._setProblems(problems);
            this.changed.emit();
          }
        }
      );
    }
    this.validated.emit();
  }

  private _onDocument(): void {
    const { workflow } = this._document;
    if (workflow !== this._workflow) {
      // A node without a position in the file returns to its position in the layout.
      const before = this._workflow ? placedIn(this._workflow) : new Map();
      for (const [id, at] of placedIn(workflow)) {
        if (!at && before.get(id)) {
          this._positions.delete(id);
        }
      }
      this._workflow = workflow;
    }
    this._update();
    this._validateSoon();
  }

  private _onCatalog(): void {
    const heights = this._heights();
    this._update();
    // Ports that nothing is connected to are only known now, and need room.
    const isFirst = !this._isCatalogKnown && this._catalog.library !== null;
    this._isCatalogKnown ||= isFirst;
    const isMoving = isFirst || this.isAutomatic;
    if (isMoving && !deepEqual(heights, this._heights())) {
      this._layOut();
      this.changed.emit();
    }
    this._validateSoon();
  }

  private _validateSoon(): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => void this.validate(), VALIDATION_DELAY);
  }

  private _update(): void {
    const { workflow } = this._document;
    const { components, notebooks, datasets, library } = this._catalog;
    this._graph = reuse(
      this._graph,
      buildGraph(workflow, components, notebooks, this._graph)
    );
    this._sources = sourcesOf(workflow, this._graph, datasets);
    this._notes = notesOf(workflow);
    this._frames = framesOf(workflow);
    const groups = groupsOf(this._graph, this._frames);
    const isOther = !deepEqual([...groups], [...this._groups]);
    this._groups = groups;
    this._drawn = collapse(this._graph, this._frames, groups, this._drawn);
    this._drawnSources = collapseSources(this._sources, groups);
    if (isOther && this.isAutomatic) {
      this._forgetPlaces(); // The layout uses the space.
    }
    this._place();
    // Problems of the server stay until it has validated the text again.
    if (this._document.text !== this._validatedText) {
      this._validatedText = null;
      this._setProblems(validate(this._graph, library === 'known'));
    }
    this.changed.emit();
    if (this._server.service) {
      void this._catalog.loadNotebooks(
        workflow.stages.flatMap(stage => stage.notebook ?? [])
      );
    }
  }

  private _heights(): number[] {
    return [...this._drawn.nodes.values()].map(nodeHeight);
  }

  private _place(): void {
    this._positions = placeGroups(
      this._graph,
      this._drawn,
      new Map([...this._layout, ...this._positions]),
      this._drawnSources,
      this._shape
    );
    for (const [id, at] of placedIn(this._document.workflow)) {
      const place = this._positions.get(id);
      if (!at && place) {
        this._layout.set(id, place);
      }
    }
    this._routes = null;
  }

  /** Gives all nodes without a place in the file the positions of the automatic layout. */
  private _layOut(): void {
    this._forgetPlaces();
    this._place();
  }

  private _forgetPlaces(): void {
    this._positions = new Map();
    this._layout.clear();
  }

  private _findRoutes(): ReadonlyMap<string, readonly XYPosition[]> {
    const { nodes } = this._drawn;
    if (nodes.size > MAX_ROUTED_NODES) {
      return new Map();
    }
    return routeEdges(
      edgeEnds(this._drawn, id => this._positions.get(id)),
      this._boxes()
    );
  }

  private _setProblems(problems: readonly (IProblem | Problem)[]): void {
    this._problems = problems;
    const byNode = new Map<string, IProblem | Problem>();
    for (const problem of problems) {
      const id = problem.node?.split('@')[0];
      if (id && !byNode.has(id)) {
        byNode.set(id, problem);
      }
    }
    this.faults.replace(byNode);
  }

  private _workflow: IWorkflow | null = null;
  private _isCatalogKnown = false;
  private _validatedText: string | null = null;
  private _graph: IGraph = { nodes: new Map(), edges: [] };
  private _titles: {
    graph: IGraph;
    of: IWorkflow;
    titles: ReadonlyMap<string, string>;
  } | null = null;
  private _drawn = this._graph;
  private _groups: ReadonlyMap<string, string> = new Map();
  private _drawnSources: readonly ISource[] = [];
  private _positions = new Map<string, XYPosition>();
  /** Positions from the layout, including those of nodes moved or removed since. */
  private _layout = new Map<string, XYPosition>();
  private _shape: IShape | null = null;
  private _routes: ReadonlyMap<string, readonly XYPosition[]> | null = null;
  private _sources: readonly ISource[] = [];
  private _notes: readonly INote[] = [];
  private _frames: readonly IFrame[] = [];
  private _problems: readonly (IProblem | Problem)[] = [];
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

/** Minimum enlargement of a graph for which a new layout may move its nodes. */
const MIN_GAIN = 1.15;

/** The positions that a file has for nodes and data, by their ids. */
function placedIn(
  workflow: IWorkflow
): ReadonlyMap<string, [number, number] | null> {
  return new Map([
    ...workflow.stages.map(({ id, at }): [string, [number, number] | null] => [
      id,
      at
    ]),
    ...dataOf(workflow).map(
      ({ path, at }): [string, [number, number] | null] => [sourceId(path), at]
    )
  ]);
}

/** Keeps unchanged nodes as objects, so that they are not rendered again. */
function reuse(before: IGraph, after: IGraph): IGraph {
  const nodes = new Map(
    [...after.nodes].map(([id, node]) => {
      const old = before.nodes.get(id);
      const isSame =
        old === node ||
        (old &&
          old.component === node.component &&
          old.stage.line === node.stage.line &&
          JSON.stringify(old) === JSON.stringify(node));
      return [id, isSame ? old : node];
    })
  );
  return { nodes, edges: after.edges };
}
