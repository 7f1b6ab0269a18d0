import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  InputDialog,
  Notification,
  WidgetTracker
} from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ILauncher } from '@jupyterlab/launcher';
import {
  ITranslator,
  nullTranslator,
  TranslationBundle
} from '@jupyterlab/translation';

import { APIError, MLWSClient } from '../api';
import { createWorkflow } from '../canvas/create';
import { workflowIcon } from '../canvas/icons';
import { WorkflowFactory, WorkflowWidget, type Report } from '../canvas/widget';
import { IMLWSClient, IWorkspaceEvents } from '../tokens';

const FACTORY = 'Workflow';
const FILE_TYPE = 'dvc-workflow';

namespace CommandIDs {
  export const run = 'workflow:run';
  export const runAll = 'workflow:run-all';
  export const stop = 'workflow:stop';
  export const create = 'workflow:new';
  export const fit = 'workflow:fit';
  export const autoLayout = 'workflow:auto-layout';
  export const undo = 'workflow:undo';
  export const redo = 'workflow:redo';
  export const remove = 'workflow:delete-selection';
}

const canvas: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:canvas',
  description: 'Draws a dvc.yaml as a graph, edits it and runs it.',
  autoStart: true,
  requires: [IMLWSClient, IWorkspaceEvents, IDocumentManager],
  optional: [ITranslator, ICommandPalette, ILauncher, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    workspace: IWorkspaceEvents,
    manager: IDocumentManager,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null
  ) => {
    translator ??= nullTranslator;
    const trans = translator.load('jupyter_mlws');
    const tracker = new WidgetTracker<WorkflowWidget>({
      namespace: 'mlws-workflow'
    });
    const report = reporter(trans);

    app.docRegistry.addFileType({
      name: FILE_TYPE,
      displayName: trans.__('Workflow'),
      // By its name alone: other YAML files are not taken.
      pattern: '^dvc\\.yaml$',
      extensions: [],
      mimeTypes: ['text/yaml'],
      contentType: 'file',
      fileFormat: 'text',
      icon: workflowIcon
    });
    const factory = new WorkflowFactory({
      name: FACTORY,
      label: trans.__('Workflow'),
      modelName: 'text',
      fileTypes: [FILE_TYPE],
      defaultFor: [FILE_TYPE],
      client,
      manager,
      translator,
      report
    });
    factory.widgetCreated.connect((_, widget) => {
      widget.title.icon = workflowIcon;
      widget.context.pathChanged.connect(() => void tracker.save(widget));
      void tracker.add(widget);
    });
    app.docRegistry.addWidgetFactory(factory);
    workspace.message.connect((_, message) => {
      if (
        message.type === 'workspace' &&
        message.areas.includes('components')
      ) {
        tracker.forEach(widget => void widget.model.loadComponents());
      }
    });
    void restorer?.restore(tracker, {
      command: 'docmanager:open',
      args: widget => ({ path: widget.context.path, factory: FACTORY }),
      name: widget => widget.context.path
    });

    addCommands(app, tracker, client, trans, report);
    const category = trans.__('Machine learning');
    for (const command of Object.values(CommandIDs)) {
      palette?.addItem({ command, category });
    }
    launcher?.add({ command: CommandIDs.create, category, rank: 1 });
  }
};

function addCommands(
  app: JupyterFrontEnd,
  tracker: WidgetTracker<WorkflowWidget>,
  client: MLWSClient,
  trans: TranslationBundle,
  report: Report
): void {
  const current = (): WorkflowWidget | null =>
    tracker.currentWidget && tracker.currentWidget === app.shell.currentWidget
      ? tracker.currentWidget
      : null;
  const onCurrent = (
    id: string,
    label: string,
    act: (widget: WorkflowWidget) => unknown,
    isEnabled: (widget: WorkflowWidget) => boolean = () => true
  ): void => {
    app.commands.addCommand(id, {
      label,
      isEnabled: () => {
        const widget = current();
        return widget !== null && isEnabled(widget);
      },
      execute: async () => {
        const widget = current();
        if (widget) {
          await act(widget);
        }
      }
    });
  };
  const isIdle = ({ model }: WorkflowWidget): boolean => !model.isRunning;
  onCurrent(
    CommandIDs.run,
    trans.__('Run the workflow'),
    ({ model }) => model.run(),
    isIdle
  );
  onCurrent(
    CommandIDs.runAll,
    trans.__('Run every node again'),
    ({ model }) => model.run({ force: true }),
    isIdle
  );
  onCurrent(
    CommandIDs.stop,
    trans.__('Stop the run'),
    ({ model }) => model.stop(),
    ({ model }) => model.isRunning
  );
  onCurrent(CommandIDs.fit, trans.__('Zoom to fit'), ({ content }) =>
    content.flow?.fit()
  );
  onCurrent(
    CommandIDs.autoLayout,
    trans.__('Lay out automatically'),
    ({ model }) => model.autoLayout()
  );
  onCurrent(CommandIDs.undo, trans.__('Undo in the workflow'), ({ model }) =>
    model.undo()
  );
  onCurrent(CommandIDs.redo, trans.__('Redo in the workflow'), ({ model }) =>
    model.redo()
  );
  onCurrent(
    CommandIDs.remove,
    trans.__('Delete the selected nodes and edges'),
    ({ model }) => model.removeSelected()
  );
  app.commands.addCommand(CommandIDs.create, {
    label: args =>
      args.isPalette ? trans.__('New workflow') : trans.__('Workflow'),
    caption: trans.__('Make a workflow in this project'),
    icon: workflowIcon,
    execute: async () => {
      try {
        await askAndCreate(app, client, trans);
      } catch (error) {
        report(error);
      }
    }
  });
}

async function askAndCreate(
  app: JupyterFrontEnd,
  client: MLWSClient,
  trans: TranslationBundle
): Promise<void> {
  const answer = await InputDialog.getText({
    title: trans.__('New workflow'),
    label: trans.__('Name'),
    placeholder: trans.__('What it is for'),
    required: true,
    okLabel: trans.__('Create')
  });
  const name = answer.value?.trim();
  if (!answer.button.accept || !name) {
    return;
  }
  const folder = client.project?.path ?? '';
  const home = folder === '.' ? '' : folder;
  const path = await createWorkflow(app.serviceManager.contents, home, name);
  await app.commands.execute('docmanager:open', { path, factory: FACTORY });
}

/** How long the same message is not shown again, in milliseconds. */
const ONCE = 10_000;

/** Shows errors as notifications; the same one of several requests only once. */
function reporter(trans: TranslationBundle): Report {
  const shown = new Map<string, number>();
  return error => {
    const parts =
      error instanceof APIError
        ? [
            error.message,
            ...error.errors.map(one => one.message),
            error.solution
          ]
        : [error instanceof Error ? error.message : String(error)];
    const text = parts.filter(part => part !== '').join('\n');
    const last = shown.get(text) ?? 0;
    if (Date.now() - last > ONCE) {
      shown.set(text, Date.now());
      Notification.error(`${trans.__('Workflow')}: ${text}`, {
        autoClose: 15_000
      });
    }
  };
}

export default canvas;
