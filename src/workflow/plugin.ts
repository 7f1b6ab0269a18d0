import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  createToolbarFactory,
  ICommandPalette,
  IThemeManager,
  IToolbarWidgetRegistry,
  Notification,
  WidgetTracker
} from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ILauncher } from '@jupyterlab/launcher';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { IRunningSessionManagers } from '@jupyterlab/running';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { UUID } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import { APIError, errorText, MLWSClient } from '../api/client';
import { addCanvasCommands } from './commands';
import type { Report } from './editor';
import { workflowIcon } from './icons';
import { ResumedRunNotices } from './resumedRuns';
import { RunningRuns } from './running';
import { RunGraphPart } from './runs/runGraphPart';
import { notifyOfFailures } from './runNotices';
import { Preferences } from './store/preferences';
import type { WorkflowService } from './store/service';
import { WorkflowFactory } from './factory';
import { addNotebookMenu, addToolbarItems } from './toolbar';
import type { WorkflowWidget } from './widget';
import { documentPath } from '../lab/documents';
import {
  CANVAS_FACTORY,
  IMainViews,
  IMLWSClient,
  IRunGraph,
  IWorkflowEvents,
  IWorkspaceEvents
} from '../lab/tokens';
import { addCommand, describeArgs, flag } from '../lab/describeArgs';
import { helpActions } from '../lab/notify';
import { trans, translator } from '../ui/locale';

const CANVAS = 'jupyter-mlws:canvas';
const FILE_TYPE = 'dvc-workflow';

/** News of these may be about a file that is open. */
const AREAS: ReadonlySet<string> = new Set(['workflows', 'changes', 'history']);

const CREATE = 'workflow:new';
const FROM_TABLE = 'workflow:from-table';
const IMPORT = 'workflow:import';
const RUN_NOTEBOOK = 'workflow:run-notebook';
const COMPARE = 'workflow:compare';
const SHOW_NODE = 'workflow:show-node';

const canvas: JupyterFrontEndPlugin<void> = {
  id: CANVAS,
  description: 'Draws a dvc.yaml as a graph, edits it and runs it.',
  autoStart: true,
  requires: [
    IMLWSClient,
    IWorkspaceEvents,
    IDocumentManager,
    IRenderMimeRegistry,
    IEditorServices,
    IMainViews,
    IToolbarWidgetRegistry,
    ISettingRegistry
  ],
  optional: [
    ICommandPalette,
    IThemeManager,
    ILauncher,
    ILayoutRestorer,
    IStateDB,
    IMainMenu,
    NotebookPanel.IContentFactory
  ],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    workspace: IWorkspaceEvents,
    manager: IDocumentManager,
    renderers: IRenderMimeRegistry,
    editors: IEditorServices,
    views: IMainViews,
    toolbars: IToolbarWidgetRegistry,
    settings: ISettingRegistry,
    palette: ICommandPalette | null,
    themes: IThemeManager | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null,
    menu: IMainMenu | null,
    notebookFactory: NotebookPanel.IContentFactory | null
  ) => {
    const tracker = new WidgetTracker<WorkflowWidget>({
      namespace: 'mlws-workflow'
    });
    const report = reporter();

    app.docRegistry.addFileType({
      name: FILE_TYPE,
      displayName: trans.__('Workflow'),
      // Only this name: other YAML files keep their factory.
      pattern: '^dvc\\.yaml$',
      extensions: [],
      mimeTypes: ['text/yaml'],
      contentType: 'file',
      fileFormat: 'text',
      icon: workflowIcon
    });
    const preferences = new Preferences();
    settings
      .load(CANVAS)
      .then(loaded => preferences.connect(loaded))
      .catch(report);
    views.toolbars.add('Report', 'jupyter-mlws:report', ['export']);
    addToolbarItems(toolbars, app.commands);
    addNotebookMenu(toolbars, app.commands);
    const factory = new WorkflowFactory({
      name: CANVAS_FACTORY,
      label: trans.__('Workflow'),
      modelName: 'text',
      fileTypes: [FILE_TYPE],
      defaultFor: [FILE_TYPE],
      toolbarFactory: createToolbarFactory(
        toolbars,
        settings,
        CANVAS_FACTORY,
        CANVAS,
        translator
      ),
      editors,
      registry: app.docRegistry,
      client,
      manager,
      translator,
      renderers,
      themes,
      commands: app.commands,
      preferences,
      views,
      notebookFactory,
      state,
      report
    });
    factory.widgetCreated.connect((_, widget) => {
      widget.title.icon = workflowIcon;
      widget.context.pathChanged.connect(() => void tracker.save(widget));
      notifyOfFailures(widget, () => app.shell.activateById(widget.id));
      void tracker.add(widget);
    });
    app.docRegistry.addWidgetFactory(factory);
    workspace.message.connect((_, message) => {
      if (
        message.type !== 'workspace' ||
        message.areas.some(area => AREAS.has(area))
      ) {
        tracker.forEach(({ editor }) => editor?.refreshFiles().catch(report));
      }
      if (
        message.type === 'workspace' &&
        message.areas.includes('components')
      ) {
        tracker.forEach(({ model }) => void model?.catalog.loadComponents());
      }
    });
    void restorer?.restore(tracker, {
      command: 'docmanager:open',
      args: widget => ({ path: widget.context.path, factory: CANVAS_FACTORY }),
      name: widget => widget.context.path
    });

    addCanvasCommands(app, tracker);
    if (menu) {
      addToMenus(menu, tracker);
    }
    addFileCommands(app, client, manager, report);
    addCompareCommand(app, tracker, client, views, report);
    const category = trans.__('Machine Learning');
    for (const command of app.commands.listCommands()) {
      if (command.startsWith('workflow:') && command !== RUN_NOTEBOOK) {
        palette?.addItem({ command, category, args: { isPalette: true } });
      }
    }
    launcher?.add({ command: CREATE, category, rank: 1 });
  }
};

/** Connects JupyterLab's Undo, Redo, Run and Run All to the current canvas. */
function addToMenus(
  menu: IMainMenu,
  tracker: WidgetTracker<WorkflowWidget>
): void {
  const isEnabled = (widget: Widget): boolean =>
    tracker.has(widget as WorkflowWidget);
  const { undoers } = menu.editMenu;
  undoers.undo.add({ id: 'workflow:undo', isEnabled });
  undoers.redo.add({ id: 'workflow:redo', isEnabled });
  const { codeRunners } = menu.runMenu;
  codeRunners.run.add({ id: 'workflow:run', isEnabled });
  codeRunners.runAll.add({ id: 'workflow:run-all', isEnabled });
}

const running: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:running',
  description:
    'Lists running workflows in the panel of what is running, and reports runs that the server continued.',
  autoStart: true,
  requires: [IMLWSClient, IWorkflowEvents],
  // Notebook 7 has no panel of running sessions.
  optional: [IRunningSessionManagers],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    events: IWorkflowEvents,
    managers: IRunningSessionManagers | null
  ) => {
    const open = (path: string) => {
      const file = documentPath(client.project!, path);
      const args = { path: file, factory: CANVAS_FACTORY };
      void app.commands.execute('docmanager:open', args);
    };
    managers?.add(new RunningRuns(client, events, open));
    new ResumedRunNotices(client, events, open);
  }
};

const runGraph: JupyterFrontEndPlugin<IRunGraph> = {
  id: 'jupyter-mlws:run-graph',
  description: 'Draws the workflow of a run on the page of the run.',
  autoStart: true,
  provides: IRunGraph,
  activate: () => RunGraphPart
};

/** Commands that create workflows from a template, or from files of other tools. */
function addFileCommands(
  app: JupyterFrontEnd,
  client: MLWSClient,
  manager: IDocumentManager,
  report: Report
): void {
  const file = trans.__(
    'Path of the file in JupyterLab; asked for if left out'
  );
  const open = (path: string): Promise<WorkflowWidget> =>
    app.commands.execute('docmanager:open', { path, factory: CANVAS_FACTORY });
  app.commands.addCommand(SHOW_NODE, {
    describedBy: describeArgs(
      {
        workflow: trans.__('Path of the workflow in JupyterLab'),
        node: trans.__('Name of the node')
      },
      ['workflow', 'node']
    ),
    label: trans.__('Show Node'),
    execute: async args => {
      const widget = await open(String(args.workflow));
      await widget.revealed;
      widget.whenLoaded(({ model }) =>
        model.selection.select([String(args.node)])
      );
    }
  });
  app.commands.addCommand(CREATE, {
    describedBy: describeArgs({
      isPalette: flag(trans.__('Use the label of the command palette'))
    }),
    label: args =>
      args.isPalette ? trans.__('New Workflow') : trans.__('Workflow'),
    caption: trans.__('Create a workflow in this project'),
    icon: workflowIcon,
    execute: async () => {
      try {
        const { newWorkflow } = await import('./import/newDialog');
        const { contents } = app.serviceManager;
        const path = await newWorkflow(client, contents);
        // A launcher gives its place to the widget.
        return path === null ? null : await open(path);
      } catch (error) {
        report(error);
        return null;
      }
    }
  });
  app.commands.addCommand(FROM_TABLE, {
    describedBy: describeArgs({ path: file }),
    label: trans.__('New Workflow from Table…'),
    caption: trans.__(
      'Create a workflow that begins with a CSV or Parquet file'
    ),
    icon: workflowIcon,
    execute: async ({ path }) => {
      try {
        const { workflowFromTable } = await import('./import/fromTable');
        const made = await workflowFromTable(
          client,
          manager,
          typeof path === 'string' ? path : undefined
        );
        if (!made) {
          return null;
        }
        const widget = await open(made.path);
        widget.whenLoaded(editor => {
          editor.startWith(made.table).catch(report);
        });
        return widget;
      } catch (error) {
        report(error);
        return null;
      }
    }
  });
  app.commands.addCommand(RUN_NOTEBOOK, {
    describedBy: describeArgs({ path: file }),
    label: trans.__('Run as Workflow Node'),
    isVisible: ({ path }) => typeof path === 'string',
    execute: async ({ path }) => {
      try {
        const { workflowOfNotebook } = await import('./import/notebookNode');
        const notebook = path as string;
        const target = await workflowOfNotebook(client, manager, notebook);
        if (target !== null) {
          (await open(target)).whenLoaded(editor => {
            editor.runNotebook(notebook).catch(report);
          });
        }
      } catch (error) {
        report(error);
      }
    }
  });
  app.commands.addCommand(IMPORT, {
    describedBy: describeArgs({
      path: file,
      isNotebook: { type: 'boolean' }
    }),
    label: args =>
      args.isNotebook
        ? trans.__('Split into Workflow…')
        : trans.__('Import Workflow…'),
    caption: trans.__(
      'Import an Elyra pipeline, a notebook or a workflow definition'
    ),
    execute: async ({ path: source }) => {
      try {
        const { importWorkflow } = await import('./import/importDialog');
        const path = await importWorkflow(
          client,
          manager,
          typeof source === 'string' ? source : undefined
        );
        return path === null ? null : await open(path);
      } catch (error) {
        report(error);
        return null;
      }
    }
  });
}

/** Adds the command that compares two versions of the current workflow. */
function addCompareCommand(
  app: JupyterFrontEnd,
  tracker: WidgetTracker<WorkflowWidget>,
  client: MLWSClient,
  views: IMainViews,
  report: Report
): void {
  const service = (): WorkflowService | null =>
    tracker.currentWidget?.model?.server.service ?? null;
  addCommand(app.commands, COMPARE, {
    label: trans.__('Compare Versions…'),
    isEnabled: () =>
      tracker.currentWidget === app.shell.currentWidget && service() !== null,
    execute: async () => {
      const { path, project } = service()!;
      try {
        const { compareVersions } = await import('./compare/compareVersions');
        const view = await compareVersions(client, path, project);
        if (view) {
          views.show(`graphs ${UUID.uuid4()}`, () => ({
            view,
            icon: workflowIcon
          }));
        }
      } catch (error) {
        report(error);
      }
    }
  });
}

/** Time for which an equal message is not repeated, in milliseconds. */
const QUIET_TIME = 10_000;

/** Shows errors as notifications; an error of several requests only once. */
function reporter(): Report {
  const times = new Map<string, number>();
  return error => {
    const text =
      error instanceof APIError
        ? errorText(error)
        : error instanceof Error
          ? error.message
          : String(error);
    const last = times.get(text) ?? 0;
    if (Date.now() - last > QUIET_TIME) {
      times.set(text, Date.now());
      Notification.error(`${trans.__('Workflow')}: ${text}`, {
        autoClose: 15_000,
        actions: error instanceof APIError ? helpActions(error) : []
      });
    }
  };
}

const plugins: JupyterFrontEndPlugin<unknown>[] = [canvas, running, runGraph];
export default plugins;
