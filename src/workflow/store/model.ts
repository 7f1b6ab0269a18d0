import type { IEventStream } from '../../api/client';
import type { IWorkflowEvent } from '../../api/models';
import { CatalogStore } from './catalog';
import { DocumentStore, type IFile } from './document';
import { DrawingStore } from './drawing';
import { ResultsStore } from './results';
import { RunsStore } from './runs';
import { SelectionStore } from './selection';
import { ServerLink } from './server';
import type { WorkflowService } from './service';

/** A `dvc.yaml` on the canvas: a store for each reason to change. Knows no DOM. */
export class CanvasModel {
  constructor(file: IFile) {
    this.document = new DocumentStore(file);
    this.drawing = new DrawingStore(this.document, this.catalog, this.server);
    this.selection = new SelectionStore(this.document, this.drawing);
    this.runs = new RunsStore(this.server, this.document, this.drawing);
  }

  readonly server = new ServerLink();
  readonly results = new ResultsStore(this.server);
  readonly catalog = new CatalogStore(this.server.ask);
  readonly document: DocumentStore;
  readonly drawing: DrawingStore;
  readonly selection: SelectionStore;
  readonly runs: RunsStore;

  get isDisposed(): boolean {
    return this.server.isDisposed;
  }

  dispose(): void {
    this.server.dispose();
    this.runs.dispose();
    this.results.dispose();
    this.drawing.dispose();
    this.document.dispose();
  }

  /** Connects to the server's side of the workflow; owns `events` from now on; null of a past run. */
  async attach(
    service: WorkflowService,
    events: IEventStream<IWorkflowEvent> | null
  ): Promise<void> {
    this.server.attach(service, events);
    this.document.path = service.path;
    await this.catalog.loadComponents();
    await Promise.all([
      this.runs.load(),
      this.results.refresh(),
      this.catalog.loadDatasets().then(() => this.drawing.validate())
    ]);
  }
}
