import type { ISharedFile } from '@jupyter/ydoc';
import type { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { APIError, type IEventStream } from '../../api/client';
import type {
  IComponent,
  INodePlan,
  IProblem,
  IWorkflowEvent
} from '../../api/models';
import { aligned, type Alignment } from '../graph/align';
import {
  copyNodes,
  cornerOf,
  pasteNodes,
  type IClip
} from '../document/clipboard';
import { RunControl } from './control';
import {
  parse,
  type IParseError,
  type IWorkflowDocument,
  type ParseResult
} from '../document/document';
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
  setFileInput,
  setSetting,
  type Edit,
  type IConnection
} from '../document/edits';
import {
  ANY_INPUT,
  buildGraph,
  canConnect,
  downstream,
  type IGraph,
  type IGraphEdge,
  type Refusal
} from '../graph/graph';
import { KeyedStore } from './keyed';
import { placeNodes } from '../graph/layout';
import { Notebooks } from './notebooks';
import {
  addFrame,
  addNote,
  framesOf,
  itemOf,
  leaveFrames,
  notesOf,
  placeSource,
  removeItems,
  setPart,
  sourceId,
  sourcePath,
  type IFrame,
  type INote
} from '../document/notes';
import { renameNode } from '../document/rename';
import type { RunStore } from './runs';
import type { IRunOptions, WorkflowService } from './service';
import type { Value } from '../document/scalars';
import { NODE_WIDTH, nodeHeight, type IPlace } from '../graph/sizes';
import {
  leaveSource,
  placeSources,
  readSource,
  removeSource,
  sourceEdge,
  sourceRefusal,
  sourcesOf,
  type ISource
} from '../graph/sources';
import { applySplices, type ISplice } from '../document/splices';
import {
  addCommandNode,
  addInput,
  fileNode,
  nameOf,
  setFrozen
} from '../document/stages';
import { Stock } from './stock';
import { asOneStep, UndoHistory } from './undo';
import { validate, type Problem } from '../graph/validate';

/** The file behind the canvas. */
export interface IFile {
  readonly sharedModel: ISharedFile;
  /** Where it is in the lab: in its project too, as long as the server has not told. */
  readonly path: string;
  readonly isDirty: boolean;
  save(): Promise<void>;
  /** Has the server change the file, as a step that can be undone here. */
  asOwn<T>(change: () => Promise<T>): Promise<T>;
}

/** The component that reads a registered model. */
const LOAD_MODEL = 'load_model';
/** How long typing must rest before the server is asked, in milliseconds. */
const REST = 500;
/** A save tells of itself several times, within so many milliseconds. */
const SETTLE = 50;

/** What the canvas shows of one `dvc.yaml`, and what can be done to it. Knows no DOM. */
export class CanvasModel implements IDisposable {
  constructor(readonly file: IFile) {
    this._shared = file.sharedModel;
    this._shared.changed.connect(this._onText, this);
    this.history.follow(this._shared);
    this._path = file.path;
    this._take(this._parse());
    this.control.ended.connect(() => void this.loadPlan());
    this.notebooks.changed.connect(this._rebuild, this);
    this.stock.dataChanged.connect(this._rebuild, this);
  }

  readonly control = new RunControl((request, take) => this.ask(request, take));
  readonly notebooks = new Notebooks((request, take, fail) =>
    this.ask(request, take, fail)
  );
  /** The steps of this file, and of the files of parameters that nodes read. */
  readonly history = new UndoHistory();
  /** The data and models that there are to read. */
  readonly stock = new Stock((request, take) => this.ask(request, take));
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

  /** Takes what the file says, where it and the unsaved edits are about the same lines. */
  get takeFile(): (() => Promise<void>) | null {
    return this._takeFile;
  }

  setConflict(takeFile: (() => Promise<void>) | null): void {
    this._takeFile = takeFile;
    this._changed.emit();
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

  /** The run that is laid over the graph. */
  get runs(): RunStore {
    return this.control.shown;
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

  /** Emitted when the name of what is selected is to be typed. */
  get nameAsked(): ISignal<this, string> {
    return this._nameAsked;
  }

  askName(): void {
    if (this.selected !== null) {
      this._asked = this.selected;
      this._nameAsked.emit(this.selected);
    }
  }

  /** Was this item's name asked for, and not yet by a view? A view may be drawn only afterwards. */
  takeAsked(id: string): boolean {
    const isAsked = this._asked === id;
    if (isAsked) {
      this._asked = null;
    }
    return isAsked;
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
    this.control.dispose();
    this.notebooks.dispose();
    this.history.dispose();
    this.stock.dispose();
    Signal.clearData(this);
  }

  // The server

  /** Connects to the server's side of the workflow; owns `events` from now on. */
  async attach(
    service: WorkflowService,
    events: IEventStream<IWorkflowEvent>
  ): Promise<void> {
    this._service = service;
    if (this._path !== service.path) {
      this._path = service.path;
      this._take(this._parse());
    }
    this._events = events;
    events.message.connect(this._onEvent, this);
    events.connectionChanged.connect(this._onConnection, this);
    await this.loadComponents();
    await Promise.all([
      this.control.load(),
      this.stock.lookAtData(),
      this._judge().then(() => this.loadPlan())
    ]);
  }

  async loadComponents(): Promise<void> {
    await this.ask(
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
    await this.ask(
      service => service.plan(),
      plan => {
        if (asked === this._planAsked && !this.file.isDirty) {
          this.plan.replace(byStage(plan.nodes));
        }
      },
      // A workflow with faults has no plan; the problems say why.
      error =>
        this._problems.length > 0 || isAboutFaults(error) ? 'told' : error
    );
  }

  /** Writes the file if need be, then starts a run. */
  async run(options: IRunOptions = {}): Promise<void> {
    await this._save();
    await this.control.start(options);
  }

  /** Writes the file if need be, then runs what the shown run left undone. */
  async resume(): Promise<void> {
    await this._save();
    await this.control.resume();
  }

  /** Writes the file if need be, then runs a node of the shown run again, and what depends on it. */
  async retry(node: string): Promise<void> {
    await this._save();
    await this.control.retry(node);
  }

  /** Writes the file if need be, then runs what depends on a node, with what the node left. */
  async skip(node: string): Promise<void> {
    await this._save();
    await this.control.skip(node);
  }

  /** Writes what is typed into the text, and the text into the file, where it differs. */
  private async _save(): Promise<void> {
    this.flush();
    if (this.file.isDirty) {
      await this.file.save();
    }
  }

  /** Runs a node again, and what depends on it. */
  runFrom(id: string): Promise<void> {
    const targets = [id, ...downstream(this._graph, id)];
    const again = this._runIds([id]);
    return this.run({ targets: this._runIds(targets), again });
  }

  /** Runs a node and what it needs, where that is not up to date. */
  runTo(id: string): Promise<void> {
    return this.run({ targets: this._runIds([id]) });
  }

  /** Runs a node although it is up to date, and nothing behind it. */
  runOnly(id: string): Promise<void> {
    const targets = this._runIds([id]);
    return this.run({ targets, again: targets });
  }

  /** A sweep runs as its variants. */
  private _runIds(ids: readonly string[]): string[] {
    return ids.flatMap(id => {
      const variants = this._graph.nodes.get(id)?.stage.variants ?? [];
      return variants.length > 0
        ? variants.map(variant => `${id}@${variant}`)
        : [id];
    });
  }

  get isRunning(): boolean {
    return this.control.isRunning;
  }

  /** Whether a run can be asked for now: there is a server, and nothing in the way. */
  get canRun(): boolean {
    return this._service !== null && !this.isRunning && !this.error;
  }

  stop(): Promise<void> {
    return this.control.cancel();
  }

  /** The file was written, or read anew from the disk. */
  onSaved(): void {
    clearTimeout(this._saved);
    this._saved = setTimeout(() => void this.loadPlan(), SETTLE);
  }

  /** Asks the server; what fails is told to people, and lost where there is no server yet. */
  async ask<T>(
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
      void this.control.load();
      return;
    }
    if (event.type !== 'hello' && event.workflow === this._service?.id) {
      this.control.apply(event);
    }
  }

  private _onConnection(_: unknown, connected: boolean): void {
    this._isConnected = connected;
    this._changed.emit();
    if (connected) {
      void this.control.load();
    }
  }

  /** False while nothing is heard of runs. */
  get isConnected(): boolean {
    return this._isConnected;
  }

  /** Asks the server about the text as it is. */
  private async _judge(): Promise<void> {
    const text = this._shared.getSource();
    if (this._error || this._library !== 'known') {
      return;
    }
    await this.ask(
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
      this._path,
      this._document
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
    this._own(() => this.history.undo());
  }

  redo(): void {
    this.flush();
    this._own(() => this.history.redo());
  }

  /** Writes what is typed in a form into the text now. */
  flush(): void {
    this._flushing.emit();
  }

  /** Changes the text in one step. */
  private _own(change: () => void, result?: ParseResult): void {
    this._isOwn = true;
    try {
      asOneStep(this._shared, change);
    } finally {
      this._isOwn = false;
    }
    this._take(result ?? this._parse());
  }

  private _onText(_: unknown, change: { sourceChange?: unknown }): void {
    if (change.sourceChange && !this._isOwn) {
      this._take(this._parse());
    }
  }

  private _parse(): ParseResult {
    return parse(this._shared.getSource(), this._path, this._document);
  }

  private _take(result: ParseResult): void {
    this._error = result.error;
    if (result.document) {
      this._forgetPlaces(result.document);
      this._document = result.document;
    }
    this._notes = notesOf(this._document);
    this._frames = framesOf(this._document);
    this._rebuild();
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      void this._judge().then(() => this.loadPlan());
    }, REST);
  }

  /** A node that the file gives no place any more goes back to where the layout has it. */
  private _forgetPlaces(next: IWorkflowDocument): void {
    const placed = new Set(
      this._document.stages.flatMap(({ id, at }) => (at ? [id] : []))
    );
    for (const { id, at } of next.stages) {
      if (!at && placed.has(id)) {
        this._places.delete(id);
      }
    }
  }

  private _rebuild(): void {
    this._graph = reuse(
      this._graph,
      buildGraph(
        this._document,
        this._components,
        this.notebooks.known,
        this._graph
      )
    );
    const before = this._places;
    this._places = placeNodes(this._graph, before);
    this._sources = sourcesOf(this._document, this._graph, this.stock.data);
    placeSources(this._sources, this._graph, this._places, before).forEach(
      (place, id) => this._places.set(id, place)
    );
    this._setProblems(validate(this._graph, this._library === 'known'));
    const kept = [...this._selection].filter(id => this._isThere(id));
    if (kept.length < this._selection.size) {
      this.select(kept);
    }
    this._changed.emit();
    if (this._service) {
      void this.notebooks.want(
        this._document.stages.flatMap(stage => stage.notebook ?? [])
      );
    }
  }

  /** The data of an id of the drawing. */
  source(id: string): ISource | null {
    return this._sources.find(source => source.id === id) ?? null;
  }

  private _isThere(id: string): boolean {
    const item = itemOf(id);
    return item
      ? item.index < this[item.list].length
      : this._graph.nodes.has(id) || this.source(id) !== null;
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

  /** Selects what there is to select. */
  selectAll(): void {
    this.select([
      ...this._graph.nodes.keys(),
      ...this._notes.map((_, index) => `notes:${index}`)
    ]);
  }

  /** The selected nodes, without notes and frames. */
  get selectedNodes(): ReadonlySet<string> {
    return new Set(
      [...this._selection].filter(id => this._graph.nodes.has(id))
    );
  }

  /** The selected nodes, and the data among what is selected. */
  get selectedToCopy(): ReadonlySet<string> {
    return new Set(
      [...this._selection].filter(
        id => this._graph.nodes.has(id) || sourcePath(id) !== null
      )
    );
  }

  /** Adds a node of a component, connected where it is said, and selects it. */
  addComponent(
    name: string,
    place: IPlace,
    link?: INewLink,
    settings: Record<string, Value> = {}
  ): string | null {
    const component = this._components.get(name);
    if (!component) {
      return null;
    }
    const id = freeId(this._document, name);
    const at: [number, number] = [place.x, place.y];
    const node = { id, component: name, outputs: component.outputs, at };
    const edits: Edit[] = [now => addNode(now, node)];
    if (link) {
      edits.push(now => this._link(now, id, link));
    }
    for (const [key, value] of Object.entries(settings)) {
      edits.push(now => setSetting(now, id, [key], value));
    }
    return this._added(id, now => compose(now, edits));
  }

  private _link(
    document: IWorkflowDocument,
    id: string,
    link: INewLink
  ): ISplice[] {
    if ('file' in link) {
      return setFileInput(document, id, link.port, link.file);
    }
    const graph = buildGraph(document, this._components);
    const isSource = link.side === 'source';
    const [source, sourcePort] = isSource
      ? [link.node, link.nodePort]
      : [id, link.port];
    const [target, targetPort] = isSource
      ? [id, link.port]
      : [link.node, link.nodePort];
    return canConnect(graph, source, sourcePort, target, targetPort)
      ? []
      : connect(
          document,
          connectionOf(graph, source, sourcePort, target, targetPort)
        );
  }

  /** Adds a node that runs a script or a notebook; the path is from the project's root. */
  addFile(path: string, place: IPlace): string | null {
    const id = freeId(this._document, nameOf(path));
    const node = fileNode(this._document, id, path, [place.x, place.y]);
    return this._added(id, now => addCommandNode(now, node));
  }

  /** Puts data on the canvas; the path is from the project's root. */
  addData(path: string, { x, y }: IPlace): void {
    const at: [number, number] = [Math.round(x), Math.round(y)];
    this.edit(now => placeSource(now, path, at));
    this.select([sourceId(path)]);
  }

  /** Adds a node that reads a version of a registered model. */
  addModel(
    name: string,
    version: number,
    place: IPlace,
    link?: INewLink
  ): void {
    const id = this.addComponent(LOAD_MODEL, place, link, { name, version });
    if (id !== null) {
      this.select([id]);
    }
  }

  /** Adds a node whose command is still to be written. */
  addShell(place: IPlace): string | null {
    const id = freeId(this._document, 'command');
    const at: [number, number] = [place.x, place.y];
    const node = { id, cmd: 'echo', deps: [], outs: [], at };
    return this._added(id, now => addCommandNode(now, node));
  }

  addNote(text: string, { x, y }: IPlace): void {
    const at: [number, number] = [Math.round(x), Math.round(y)];
    if (this.edit(now => addNote(now, { text, at }))) {
      this.select([`notes:${this._notes.length - 1}`]);
    }
  }

  /** Puts the selected nodes into a frame. */
  group(title: string): void {
    const nodes = [...this.selectedNodes];
    if (nodes.length > 0 && this.edit(now => addFrame(now, { title, nodes }))) {
      this.select([`frames:${this._frames.length - 1}`]);
    }
  }

  setNote(index: number, text: string): void {
    if (this._notes[index]?.text !== text) {
      this.edit(now => setPart(now, 'notes', index, 'text', text));
    }
  }

  setFrameTitle(index: number, title: string): void {
    if (this._frames[index]?.title !== title) {
      this.edit(now => setPart(now, 'frames', index, 'title', title));
    }
  }

  private _added(id: string, edit: Edit): string | null {
    if (!this.edit(edit)) {
      return null;
    }
    this.select([id]);
    return id;
  }

  rename(id: string, name: string): boolean {
    const isDone = this.edit(now => renameNode(now, id, name));
    if (isDone) {
      this.select([name]);
    }
    return isDone;
  }

  setFrozen(frozen: boolean): void {
    const ids = this.selectedNodes;
    this.edit(now => setFrozen(now, ids, frozen));
  }

  /** The selected nodes for the clipboard; null where none is. */
  copy(cut = false): IClip | null {
    this.flush();
    const ids = this.selectedToCopy;
    return ids.size > 0 && !this._error
      ? copyNodes(this._document, ids, this._places, cut)
      : null;
  }

  cut(): IClip | null {
    const clip = this.copy(true);
    if (clip) {
      this.removeSelected();
    }
    return clip;
  }

  /** Adds the nodes of a clip, from a corner on, and selects them. */
  paste(clip: IClip, corner: IPlace): void {
    const there = new Set(this._sources.map(({ path }) => path));
    const known = (clip.data ?? []).filter(({ path }) => there.has(path));
    const data = (clip.data ?? []).filter(({ path }) => !there.has(path));
    const { ids, edit } = pasteNodes(this._document, { ...clip, data }, corner);
    const isChange = clip.nodes.length + data.length > 0;
    if (!isChange || this.edit(edit)) {
      this.select([...ids, ...known.map(({ path }) => sourceId(path))]);
    }
  }

  duplicate(): void {
    const clip = this.copy();
    if (clip) {
      const copied = { ...clip, data: [] };
      const [x, y] = cornerOf(copied);
      this.paste(copied, { x: x + 40, y: y + 40 });
    }
  }

  /** Removes what is selected, and the selected edges between others, in one gesture. */
  removeSelected(): void {
    const ids = this.selectedNodes;
    const items = (list: 'notes' | 'frames'): Set<number> =>
      new Set(
        [...this._selection].flatMap(id => {
          const item = itemOf(id);
          return item?.list === list ? [item.index] : [];
        })
      );
    const [notes, frames] = [items('notes'), items('frames')];
    const edges = this._graph.edges.filter(
      edge =>
        this._selectedEdges.has(edge.id) &&
        !ids.has(edge.target) &&
        !ids.has(edge.source)
    );
    const sources = this._sources.filter(({ id }) => this._selection.has(id));
    const lines = this._sources
      .filter(source => !sources.includes(source))
      .flatMap(({ id, path, readers }) =>
        readers
          .filter(
            ({ node, port }) =>
              this._selectedEdges.has(sourceEdge(id, node, port)) &&
              !ids.has(node)
          )
          .map(reader => ({ path, ...reader }))
      );
    this.edit(now =>
      compose(now, [
        ...edges.map(
          edge => (then: IWorkflowDocument) => disconnect(then, linkOf(edge))
        ),
        ...lines.map(
          ({ path, node, port }) =>
            (then: IWorkflowDocument) =>
              leaveSource(then, path, node, port)
        ),
        ...sources.map(
          source => (then: IWorkflowDocument) => removeSource(then, source)
        ),
        then => removeItems(then, 'notes', notes),
        then => removeItems(then, 'frames', frames),
        then => (ids.size > 0 ? leaveFrames(then, ids) : []),
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
    const path = sourcePath(source);
    if (path !== null) {
      return sourceRefusal(this._graph, path, target, targetPort);
    }
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
    const path = sourcePath(source);
    if (path !== null) {
      const input = this._graph.nodes
        .get(target)!
        .inputs.find(port => port.name === targetPort)!;
      this.edit(now => readSource(now, path, target, input));
      return;
    }
    const connection = connectionOf(
      this._graph,
      source,
      sourcePort,
      target,
      targetPort
    );
    this.edit(now => connect(now, connection));
  }

  /** Lets an input read a file; the path is from the project's root. */
  setInputFile(id: string, port: string, path: string): void {
    this.edit(now =>
      port === ANY_INPUT
        ? addInput(now, id, path)
        : setFileInput(now, id, port, path)
    );
  }

  disconnect(edge: IGraphEdge): void {
    this.edit(now => disconnect(now, linkOf(edge)));
  }

  /** Moves nodes and notes, in one gesture. */
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
    const notes = rounded.flatMap(([id, at]): Edit[] => {
      const item = itemOf(id);
      return item?.list === 'notes'
        ? [now => setPart(now, 'notes', item.index, 'at', at)]
        : [];
    });
    const sources = rounded.flatMap(([id, at]): Edit[] => {
      const path = sourcePath(id);
      return path === null ? [] : [now => placeSource(now, path, at)];
    });
    this.edit(now =>
      compose(now, [
        then => moveNodes(then, new Map(editable)),
        ...notes,
        ...sources
      ])
    );
  }

  /** Lines the selected nodes up, or spreads them evenly. */
  align(how: Alignment): void {
    const boxes = [...this.selectedNodes].map(id => ({
      id,
      ...this._places.get(id)!,
      width: NODE_WIDTH,
      height: nodeHeight(this._graph.nodes.get(id)!)
    }));
    this.move(aligned(boxes, how));
  }

  autoLayout(): void {
    this._places = new Map();
    if (!this.edit(forgetPlaces)) {
      this._rebuild();
    }
  }

  private _shared: ISharedFile;
  private _path: string;
  private _document: IWorkflowDocument = parse('').document!;
  private _graph: IGraph = { nodes: new Map(), edges: [] };
  private _places = new Map<string, IPlace>();
  private _error: IParseError | null = null;
  private _components: ReadonlyMap<string, IComponent> = new Map();
  private _library: 'known' | 'missing' | null = null;
  private _problems: readonly (IProblem | Problem)[] = [];
  private _notes: readonly INote[] = [];
  private _frames: readonly IFrame[] = [];
  private _sources: readonly ISource[] = [];
  private _isConnected = true;
  private _takeFile: (() => Promise<void>) | null = null;
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
  private _asked: string | null = null;
  private _nameAsked = new Signal<this, string>(this);
  private _flushing = new Signal<this, void>(this);
}

/** What a new node is connected to: a port of another node, or a file. */
export type INewLink = { port: string } & (
  | { side: 'source' | 'target'; node: string; nodePort: string }
  | { file: string }
);

function connectionOf(
  graph: IGraph,
  source: string,
  sourcePort: string,
  target: string,
  targetPort: string
): IConnection {
  const output = graph.nodes
    .get(source)!
    .outputs.find(port => port.name === sourcePort)!;
  const input = graph.nodes
    .get(target)!
    .inputs.find(port => port.name === targetPort)!;
  const port = targetPort === ANY_INPUT ? null : targetPort;
  // A file that the input read so far makes room.
  const replaces = input.multiple ? [] : input.paths;
  return { source, path: output.paths[0], target, port, replaces };
}

function linkOf({ path, target, targetPort }: IGraphEdge): {
  path: string;
  target: string;
  port: string | null;
} {
  return { path, target, port: targetPort === ANY_INPUT ? null : targetPort };
}

/** The file may have changed between a look for faults and the plan. */
function isAboutFaults(error: unknown): boolean {
  return error instanceof APIError && /^4020[1-5]$/.test(error.code);
}

/** Keeps the nodes that did not change as they were, so that they are not drawn again. */
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
