import { YFile } from '@jupyter/ydoc';
import { CodeEditor } from '@jupyterlab/codeeditor';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';

import { setHelpPage } from '../ui/helpLink';
import type { MLWSClient } from '../api/client';
import type {
  IFileDiff,
  IRun,
  IRunSummary,
  ISweeps,
  IWorkflowResults
} from '../api/models';
import { trans } from '../ui/locale';
import { CanvasView } from './canvas/view';
import { parse } from './document/document';
import { graphDiff } from './graph/graphDiff';
import { CanvasProvider, type ICanvasContext, type IPastRun } from './context';
import { CanvasModel } from './store/model';
import type { PanesStore } from './store/panes';
import { WorkflowService } from './store/service';

/** Service of a workflow at the time of a run. */
class PastService extends WorkflowService {
  constructor(
    private _source: MLWSClient,
    { path, project }: WorkflowService,
    private _past: IRunSummary
  ) {
    super(_source, path, project);
  }

  run(): Promise<IRun> {
    return super.run(this._past.id);
  }

  results(): Promise<IWorkflowResults> {
    return this.reader.results(this._past.id);
  }

  /** The text of a file as the run read it; the path is from the project's root. */
  async file(path: string): Promise<YFile> {
    const { commit } = this._past;
    if (commit === null) {
      throw new Error(trans.__('The files of this run were not kept.'));
    }
    const { old, truncated } = (await this._source.get('/git/diff', {
      project: this.project,
      from: commit,
      path
    })) as IFileDiff;
    if (old === null || truncated) {
      throw new Error(trans.__('This run has no text of “%1”.', path));
    }
    const file = new YFile();
    file.setSource(old);
    return file;
  }

  /** The run has reported its problems. */
  async validate(): Promise<[]> {
    return [];
  }

  /** The ranking of variants is that of their newest runs. */
  async sweeps(): Promise<ISweeps> {
    return { items: [], etag: '' };
  }
}

export interface IPastRunOptions {
  client: MLWSClient;
  /** The service of the workflow as it is now. */
  service: WorkflowService;
  run: IRunSummary;
  /** The text of the workflow as the run read it. */
  text: string;
  /** The text as it is now. */
  now: string;
  /** Context of the workflow's present canvas. */
  context: ICanvasContext;
  createEditor: (
    model: CodeEditor.IModel,
    host: HTMLElement
  ) => CodeEditor.IEditor;
  panes: PanesStore;
  compare: () => void;
  leave: () => void;
  restore: () => void;
  showReport: (model: CanvasModel) => void;
}

let count = 0;

/** Read-only canvas of a past run: its workflow, settings and results. */
export class PastRunWidget extends ReactWidget {
  constructor(options: IPastRunOptions) {
    super();
    this.addClass('jp-mlws-Workflow');
    setHelpPage(this, 'reference-runs');
    this.addClass('jp-mod-past');
    const { client, service, run, text, context } = options;
    const file = new YFile();
    file.setSource(text);
    this._model = new CanvasModel({
      sharedModel: file,
      path: service.path,
      isDirty: false,
      isReadOnly: true,
      save: async () => undefined,
      asOwn: change => change()
    });
    this._model.server.failed.connect((_, error) =>
      context.model.server.failed.emit(error)
    );
    const past = new PastService(client, service, run);
    this._context = {
      ...context,
      ...documentsOf(past, options.createEditor),
      model: this._model,
      panes: options.panes,
      showReport: () => options.showReport(this._model),
      past: pastOf(options)
    };
    this._flowId = `mlws-past-flow-${(count += 1)}`;
    this.ready = this._model.attach(past, null);
  }

  /** Resolves when the run with its results was read. */
  readonly ready: Promise<void>;

  dispose(): void {
    super.dispose();
    this._model.dispose();
  }

  protected onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.tabIndex = -1;
    this.node.focus();
  }

  protected render(): JSX.Element {
    return (
      <CanvasProvider value={this._context}>
        <CanvasView
          id={this._flowId}
          view={this._view}
          hasTree={false}
          onReady={() => undefined}
        />
      </CanvasProvider>
    );
  }

  private _model: CanvasModel;
  private _context: ICanvasContext;
  private _flowId: string;
  private _view = { initial: null, keep: () => undefined };
}

/** Returns the parameter files, code and workflows as a run read them. */
function documentsOf(
  past: PastService,
  createEditor: IPastRunOptions['createEditor']
): Pick<ICanvasContext, 'params' | 'code' | 'openSource'> {
  return {
    openSource: async path => ({ sharedModel: await past.file(path) }),
    params: {
      open: async path => ({ sharedModel: await past.file(path) }),
      edit: () => undefined
    },
    code: {
      createEditor: async (path, host) => {
        const sharedModel = await past.file(path);
        const model = new CodeEditor.Model({ sharedModel });
        const editor = createEditor(model, host);
        editor.setOption('readOnly', true);
        return { editor, sharedModel };
      },
      save: async () => undefined
    }
  };
}

/** Compares the workflow of a run with the present workflow. */
function pastOf(options: IPastRunOptions): IPastRun {
  const { text, now, service, compare, leave, restore } = options;
  const [before, after] = [text, now].map(
    one => parse(one, service.path).document
  );
  return {
    differences: before && after ? graphDiff(before, after).differences : [],
    compare,
    leave,
    restore
  };
}
