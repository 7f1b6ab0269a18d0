import type { ISharedFile } from '@jupyter/ydoc';
import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import type { IEventStream } from '../api';
import type {
  IComponent,
  INodePlan,
  IProblem,
  IRunSummary,
  IWorkflowEvent
} from '../models';
import {
  parse,
  type IParseError,
  type IWorkflowDocument,
  type ParseResult
} from './document';
import {
  addNode,
  compose,
  connect,
  disconnect,
  EditError,
  forgetPlaces,
  freeId,
  moveNodes,
  removeNodes,
  type Edit
} from './edits';
import {
  ANY_INPUT,
  buildGraph,
  canConnect,
  type IGraph,
  type IGraphEdge,
  type Refusal
} from './graph';
import { KeyedStore } from './keyed';
import { placeNodes, type IPlace } from './layout';
import { FINAL, RunStore } from './runs';
import type { WorkflowService } from './service';
import { applySplices } from './splices';
import { validate, type Problem } from './validate';

/** The file behind the canvas. */
export interface IFile {
  readonly sharedModel: ISharedFile;
  readonly isDirty: boolean;
  save(): Promise<void>;
}

/** How long typing must rest before the server is asked, in milliseconds. */
const REST = 500;
/** A save tells of itself several times, within so many milliseconds. */
const SETTLE = 50;

/** What the canvas shows of one `dvc.yaml`, and what can be done to it. Knows no DOM. */
export class CanvasModel implements IDisposable {
  constructor(readonly file: IFile) {
    this._shared = file.sharedModel;
    this._shared.changed.connect(this._onText, this);
    this._take(parse(this._shared.getSource(), this._path));
  }

  readonly runs = new RunStore();
  readonly plan = new KeyedStore<INodePlan>();
  /** The nodes with faults, with the worst of each. */
  readonly faults = new KeyedStore<IProblem | Problem>();

  /** The last text that could be read. */
  get document(): IWorkflowDocument {
    return this._document;
  }

  get graph(): IGraph {
    return this._graph;
  }

  get places(): ReadonlyMap<string, IPlace> {
    return this._places;
  }

  /** Why the text as it stands can't be read; the graph is of an earlier one then. */
  get error(): IParseError | null {
    return this._error;
  }

  get components(): ReadonlyMap<string, IComponent> {
    return this._components;
  }

  /** Null until the library was read, or tried to. */
  get library(): 'known' | 'missing' | null {
    return this._library;
  }

  /** The server's verdict on the present text, else what the canvas can tell itself. */
  get problems(): readonly (IProblem | Problem)[] {
    return this._problems;
  }

  get pastRuns(): readonly IRunSummary[] {
    return this._pastRuns;
  }

  get service(): WorkflowService | null {
    return this._service;
  }

  get selection(): ReadonlySet<string> {
    return this._selection;
  }

  get selectedEdges(): ReadonlySet<string> {
    return this._selectedEdges;
  }

  /** The one selected node. */
  get selected(): string | null {
    const [first, ...more] = this._selection;
    return first !== undefined && more.length === 0 ? first : null;
  }

  /** The graph, its places, the parse error, the components or the problems changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get selectionChanged(): ISignal<this, void> {
    return this._selectionChanged;
  }

  /** Emitted when a gesture was refused. */
  get refused(): ISignal<this, Refusal> {
    return this._refused;
  }

  /** Emitted with the error of a request that failed. */
  get failed(): ISignal<this, unknown> {
    return this._failed;
  }

  /** Emitted before the text is read for saving: what is typed but not yet written must be. */
  get flushing(): ISignal<this, void> {
    return this._flushing;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._timer);
    clearTimeout(this._saved);
    this._shared.changed.disconnect(this._onText, this);
    this._events?.dispose();
    Signal.clearData(this);
  }

  // The server

  /** Connects to the server's side of the workflow; owns `events` from now on. */
  async attach(
    service: WorkflowService,
    events: IEventStream<IWorkflowEvent>
  ): Promise<void> {
    this._service = service;
    this._path = service.path;
    this._take(parse(this._shared.getSource(), this._path));
    this._events = events;
    events.message.connect(this._onEvent, this);
    events.connectionChanged.connect(this._onConnection, this);
    await this.loadComponents();
    await Promise.all([
      this.loadRun(),
      this._judge().then(() => this.loadPlan())
    ]);
  }

  async loadComponents(): Promise<void> {
    await this._ask(
      service => service.components(),
      items => {
        this._components = new Map(items.map(one => [one.name, one]));
        this._library = 'known';
      },
      error => {
        this.missLibrary();
        return error;
      }
    );
    this._rebuild();
  }

  /** Without a server there are no components to show; the graph is drawn all the same. */
  missLibrary(): void {
    this._library = this._library ?? 'missing';
    this._changed.emit();
  }

  async loadRun(): Promise<void> {
    await this._ask(
      service => service.runs(),
      runs => {
        this._pastRuns = runs;
        this._changed.emit();
      }
    );
    if (this._pastRuns.length > 0) {
      await this._ask(
        service => service.status(),
        run => this.runs.load(run)
      );
    }
  }

  /** The plan is of the file on disk: while the text is ahead of it there is none. */
  async loadPlan(): Promise<void> {
    const isFaulty = this._problems.some(
      problem => 'kind' in problem || problem.severity === 'error'
    );
    if (
      this.file.isDirty ||
      this._error ||
      isFaulty ||
      this._graph.nodes.size === 0
    ) {
      this.plan.replace(new Map());
      return;
    }
    const asked = ++this._planAsked;
    await this._ask(
      service => service.plan(),
      plan => {
        if (asked === this._planAsked && !this.file.isDirty) {
          this.plan.replace(byStage(plan.nodes));
        }
      },
      // A workflow with faults has no plan; the problems say why.
      error => (this._problems.length > 0 ? 'told' : error)
    );
  }

  /** Writes the file if need be, then starts a run. */
  async run(
    options: { force?: boolean; targets?: string[] } = {}
  ): Promise<void> {
    this.flush();
    if (this.file.isDirty) {
      await this.file.save();
    }
    await this._ask(
      service => service.execute(options),
      run =>
        this.runs.load({
          ...run,
          nodes: run.nodes ?? [],
          last_seq: run.last_seq ?? 0
        })
    );
  }

  get isRunning(): boolean {
    const { run } = this.runs;
    return run !== null && !FINAL.has(run.status);
  }

  async stop(): Promise<void> {
    const { run } = this.runs;
    if (run && this.isRunning) {
      await this._ask(service => service.cancel(run.id));
    }
  }

  /** The file was written, or read anew from the disk. */
  onSaved(): void {
    clearTimeout(this._saved);
    this._saved = setTimeout(() => void this.loadPlan(), SETTLE);
  }

  private async _ask<T>(
    request: (service: WorkflowService) => Promise<T>,
    take: (reply: T) => void = () => undefined,
    fail: (error: unknown) => unknown = error => error
  ): Promise<void> {
    if (!this._service) {
      return;
    }
    try {
      const reply = await request(this._service);
      if (!this._isDisposed) {
        take(reply);
      }
    } catch (error) {
      if (!this._isDisposed && fail(error) !== 'told') {
        this._failed.emit(error);
      }
    }
  }

  private _onEvent(_: unknown, event: IWorkflowEvent): void {
    if (event.type === 'reset') {
      void this.loadRun();
      return;
    }
    if (event.type === 'hello' || event.workflow !== this._service?.id) {
      return;
    }
    const isNew = this.runs.apply(event);
    if (isNew) {
      void this.loadRun();
    }
    if (event.type === 'run' && FINAL.has(event.status)) {
      void this.loadRun();
      void this.loadPlan();
    }
  }

  private _onConnection(_: unknown, connected: boolean): void {
    if (connected) {
      void this.loadRun();
    }
  }

  /** Asks the server about the text as it is. */
  private async _judge(): Promise<void> {
    const text = this._shared.getSource();
    if (this._error || this._library !== 'known') {
      return;
    }
    await this._ask(
      service => service.validate(text),
      problems => {
        if (text === this._shared.getSource()) {
          this._setProblems(problems);
          this._changed.emit();
        }
      }
    );
  }

  // The text

  /** Applies an edit as one transaction and one step of undo. False where nothing changed. */
  edit(change: Edit): boolean {
    if (this._error) {
      return false;
    }
    let splices;
    try {
      splices = change(this._document);
    } catch (error) {
      if (error instanceof EditError) {
        this._refused.emit({ kind: 'text', node: error.stage });
        return false;
      }
      throw error;
    }
    if (splices.length === 0) {
      return false;
    }
    const result = parse(
      applySplices(this._shared.getSource(), splices),
      this._path
    );
    if (result.error) {
      throw new Error(
        `The edit would break the text: ${JSON.stringify(result.error)}`
      );
    }
    const write = (): void => {
      for (const { offset, delete: count, insert } of splices) {
        this._shared.updateSource(offset, offset + count, insert);
      }
    };
    this._own(() => this._shared.transact(write), result);
    return true;
  }

  undo(): void {
    this.flush();
    this._own(() => this._shared.undo());
  }

  redo(): void {
    this.flush();
    this._own(() => this._shared.redo());
  }

  /** Writes what is typed in a form into the text now. */
  flush(): void {
    this._flushing.emit();
  }

  /** Changes the text, apart from what is done within the half second that the undo manager merges. */
  private _own(change: () => void, result?: ParseResult): void {
    const shared = this._shared as ISharedFile & {
      undoManager?: { stopCapturing(): void };
    };
    shared.undoManager?.stopCapturing();
    this._isOwn = true;
    try {
      change();
    } finally {
      this._isOwn = false;
      shared.undoManager?.stopCapturing();
    }
    this._take(result ?? parse(this._shared.getSource(), this._path));
  }

  private _onText(_: unknown, change: { sourceChange?: unknown }): void {
    if (change.sourceChange && !this._isOwn) {
      this._take(parse(this._shared.getSource(), this._path));
    }
  }

  private _take(result: ParseResult): void {
    this._error = result.error;
    if (result.document) {
      this._document = result.document;
    }
    this._rebuild();
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      void this._judge().then(() => this.loadPlan());
    }, REST);
  }

  private _rebuild(): void {
    this._graph = reuse(
      this._graph,
      buildGraph(this._document, this._components)
    );
    this._places = placeNodes(this._graph, this._places);
    this._setProblems(validate(this._graph, this._library === 'known'));
    const kept = [...this._selection].filter(id => this._graph.nodes.has(id));
    if (kept.length < this._selection.size) {
      this.select(kept);
    }
    this._changed.emit();
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

  // Gestures

  select(ids: Iterable<string>): void {
    const next = new Set(ids);
    if (
      next.size !== this._selection.size ||
      [...next].some(id => !this._selection.has(id))
    ) {
      this.flush();
      this._selection = next;
      this._selectionChanged.emit();
    }
  }

  selectEdges(ids: Iterable<string>): void {
    this._selectedEdges = new Set(ids);
  }

  /** Adds a node of a component, and selects it. */
  addComponent(name: string, place: IPlace): string | null {
    const component = this._components.get(name);
    if (!component) {
      return null;
    }
    const id = freeId(this._document, name);
    const at: [number, number] = [place.x, place.y];
    const node = { id, component: name, outputs: component.outputs, at };
    if (!this.edit(now => addNode(now, node))) {
      return null;
    }
    this.select([id]);
    return id;
  }

  /** Removes the selected nodes, and the selected edges between others, in one gesture. */
  removeSelected(): void {
    const ids = this._selection;
    const edges = this._graph.edges.filter(
      edge =>
        this._selectedEdges.has(edge.id) &&
        !ids.has(edge.target) &&
        !ids.has(edge.source)
    );
    this.edit(now =>
      compose(now, [
        ...edges.map(
          edge => (then: IWorkflowDocument) => disconnect(then, linkOf(edge))
        ),
        then => (ids.size > 0 ? removeNodes(then, ids) : [])
      ])
    );
  }

  refusal(
    source: string,
    sourcePort: string,
    target: string,
    targetPort: string
  ): Refusal | null {
    return canConnect(this._graph, source, sourcePort, target, targetPort);
  }

  connect(
    source: string,
    sourcePort: string,
    target: string,
    targetPort: string
  ): void {
    const refusal = this.refusal(source, sourcePort, target, targetPort);
    if (refusal) {
      this._refused.emit(refusal);
      return;
    }
    const output = this._graph.nodes
      .get(source)!
      .outputs.find(port => port.name === sourcePort)!;
    const input = this._graph.nodes
      .get(target)!
      .inputs.find(port => port.name === targetPort)!;
    const port = targetPort === ANY_INPUT ? null : targetPort;
    // A file that the input read so far makes room.
    const replaces = input.multiple ? [] : input.paths;
    const path = output.paths[0];
    this.edit(now => connect(now, { source, path, target, port, replaces }));
  }

  disconnect(edge: IGraphEdge): void {
    this.edit(now => disconnect(now, linkOf(edge)));
  }

  move(places: ReadonlyMap<string, IPlace>): void {
    const rounded = [...places].map(
      ([id, { x, y }]): [string, [number, number]] => [
        id,
        [Math.round(x), Math.round(y)]
      ]
    );
    const editable = rounded.filter(
      ([id]) => this._graph.nodes.get(id)?.stage.isEditable
    );
    // Others are moved for the eye only, until the file is opened again.
    for (const [id, [x, y]] of rounded) {
      this._places.set(id, { x, y });
    }
    this.edit(now => moveNodes(now, new Map(editable)));
  }

  autoLayout(): void {
    this._places = new Map();
    if (!this.edit(forgetPlaces)) {
      this._rebuild();
    }
  }

  private _shared: ISharedFile;
  private _path = 'dvc.yaml';
  private _document: IWorkflowDocument = parse('').document!;
  private _graph: IGraph = { nodes: new Map(), edges: [] };
  private _places = new Map<string, IPlace>();
  private _error: IParseError | null = null;
  private _components: ReadonlyMap<string, IComponent> = new Map();
  private _library: 'known' | 'missing' | null = null;
  private _problems: readonly (IProblem | Problem)[] = [];
  private _pastRuns: readonly IRunSummary[] = [];
  private _service: WorkflowService | null = null;
  private _events: IEventStream<IWorkflowEvent> | null = null;
  private _selection: ReadonlySet<string> = new Set();
  private _selectedEdges: ReadonlySet<string> = new Set();
  private _planAsked = 0;
  private _isOwn = false;
  private _isDisposed = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _saved: ReturnType<typeof setTimeout> | undefined;
  private _changed = new Signal<this, void>(this);
  private _selectionChanged = new Signal<this, void>(this);
  private _refused = new Signal<this, Refusal>(this);
  private _failed = new Signal<this, unknown>(this);
  private _flushing = new Signal<this, void>(this);
}

function linkOf({ path, target, targetPort }: IGraphEdge): {
  path: string;
  target: string;
  port: string | null;
} {
  return { path, target, port: targetPort === ANY_INPUT ? null : targetPort };
}

/** Keeps the nodes that did not change as they were, so that they are not drawn again. */
function reuse(before: IGraph, after: IGraph): IGraph {
  const nodes = new Map(
    [...after.nodes].map(([id, node]) => {
      const old = before.nodes.get(id);
      const isSame =
        old &&
        old.component === node.component &&
        JSON.stringify(old) === JSON.stringify(node);
      return [id, isSame ? old : node];
    })
  );
  return { nodes, edges: after.edges };
}

/** Of a sweep's variants the one that will do the most speaks for the node. */
function byStage(plans: readonly INodePlan[]): Map<string, INodePlan> {
  const weight = ['run', 'restorable', 'frozen', 'cached'];
  const stages = new Map<string, INodePlan>();
  for (const plan of plans) {
    const id = plan.id.split('@')[0];
    const known = stages.get(id);
    if (!known || weight.indexOf(plan.action) < weight.indexOf(known.action)) {
      stages.set(id, plan);
    }
  }
  return stages;
}
