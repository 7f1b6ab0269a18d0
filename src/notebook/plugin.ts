import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { errorIcon, historyIcon, listIcon } from '@jupyterlab/ui-components';

import { memorySize } from '../ui/format';
import { ErrorsView } from './errorsView';
import { CellMarks } from './marks';
import type { NotebookModel } from './model';
import { OpenNotebooks } from './open';
import { variablesPanel } from './variablesPanel';
import type { NotebookEvent } from '../api/models';
import { IMainViews, IMLWSClient } from '../lab/tokens';
import { addCommand, describeArgs } from '../lab/describeArgs';
import { trans } from '../ui/locale';

namespace CommandIDs {
  export const errors = 'mlws:notebook-errors';
  export const history = 'mlws:notebook-history';
  export const variables = 'mlws:notebook-variables';
  export const variable = 'mlws:notebook-variable';
  export const runUpTo = 'mlws:run-up-to';
  export const log = 'mlws:server-log';
}

const ID = 'jupyter-mlws:notebooks';

const notebooks: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Time, history and errors of cells; the log of the server.',
  autoStart: true,
  requires: [IMLWSClient, INotebookTracker, IMainViews],
  optional: [ICommandPalette, ISettingRegistry, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    tracker: INotebookTracker,
    views: IMainViews,
    palette: ICommandPalette | null,
    registry: ISettingRegistry | null,
    restorer: ILayoutRestorer | null
  ) => {
    const open = new OpenNotebooks(client, tracker);
    let settings: ISettingRegistry.ISettings | null = null;

    const errors = new ErrorsView({ client, notebooks: open });
    errors.title.icon = errorIcon;
    errors.title.caption = trans.__('Notebook errors');
    app.shell.add(errors, 'right', { rank: 600 });
    restorer?.add(errors, errors.id);

    const variables = variablesPanel({
      client,
      notebooks: open,
      onOpen: name =>
        void app.commands.execute(CommandIDs.variable, {
          notebook: open.current?.model.path,
          name
        })
    });
    variables.title.icon = listIcon;
    variables.title.caption = trans.__('Variables');
    app.shell.add(variables, 'right', { rank: 590 });
    restorer?.add(variables, variables.id);

    const showHistory = (model: NotebookModel, cell: string | null) =>
      views.show(`executions ${model.path} ${cell}`, async () => {
        const { executionsView } = await import('./historyView');
        const view = executionsView({ client, model, cell });
        return { view, icon: historyIcon };
      });

    const timeout = (): number | null => {
      const seconds = settings?.get('cellTimeout').composite as number;
      return seconds > 0 ? seconds : null;
    };

    const tell = (
      panel: NotebookPanel,
      model: NotebookModel,
      event: NotebookEvent
    ) => {
      if (event.type === 'death') {
        const last = panel.content.activeCell?.model.id;
        const count = event.cells.length;
        const lost = count
          ? trans._n(
              'The kernel died and was restarted. Results of %1 cell were lost.',
              'The kernel died and was restarted. Results of %1 cells were lost.',
              count
            )
          : trans.__('The kernel died and was restarted.');
        Notification.error(lost, {
          autoClose: false,
          actions:
            last && count
              ? [
                  {
                    label: trans.__('Rerun with Dependencies'),
                    callback: () => void open.runUpTo(panel, model, last)
                  }
                ]
              : []
        });
      } else if (event.type === 'saved') {
        void open.takeOutputs(panel, model, event.cells).then(mixed => {
          if (mixed) {
            Notification.info(
              trans.__(
                'The server has saved outputs of %1. Save with “Overwrite” to keep both ' +
                  'the outputs and your edits.',
                panel.title.label
              ),
              { autoClose: false }
            );
          }
        });
      } else if (event.type === 'memory') {
        const used = memorySize(event.used);
        const limit = memorySize(event.limit);
        if (event.level === 'limit') {
          Notification.error(
            trans.__(
              'The cell was stopped: its kernel used %1 of its %2 memory limit.',
              used,
              limit
            ),
            { autoClose: false }
          );
        } else {
          Notification.warning(
            trans.__(
              'The kernel is using %1 of its %2 memory limit.',
              used,
              limit
            ),
            { autoClose: 10_000 }
          );
        }
      }
    };

    const warnOfLost = (
      panel: NotebookPanel,
      model: NotebookModel,
      cell: string
    ) =>
      Notification.warning(
        trans.__(
          'A cell of %1 ended while no tab was open, and its code has changed since. Its outputs are in the execution history only.',
          panel.title.label
        ),
        {
          autoClose: false,
          actions: [
            {
              label: trans.__('Show Execution History'),
              callback: () => showHistory(model, cell)
            }
          ]
        }
      );

    const follow = (panel: NotebookPanel, model: NotebookModel) => {
      const marks = new CellMarks(panel, model, cell =>
        showHistory(model, cell)
      );
      // A lab without an open notebook does not need it at its start.
      void import('./liveOutputs').then(({ LiveOutputs }) => {
        if (!panel.isDisposed && !model.isDisposed) {
          const live = new LiveOutputs(panel, model, client);
          live.lost.connect((_, cell) => warnOfLost(panel, model, cell));
          panel.disposed.connect(() => live.dispose());
        }
      });
      model.happened.connect((_, event) => tell(panel, model, event));
      panel.disposed.connect(() => marks.dispose());
      const seconds = timeout();
      if (seconds !== null) {
        void model.setTimeout(seconds);
      }
      models.add(model);
    };
    const models = new Set<NotebookModel>();
    open.opened.connect((_, [panel, model]) => follow(panel, model));

    void registry?.load(ID).then(loaded => {
      settings = loaded;
      const apply = () => {
        for (const model of models) {
          if (model.isDisposed) {
            models.delete(model);
          } else {
            void model.setTimeout(timeout());
          }
        }
      };
      loaded.changed.connect(apply);
      if (timeout() !== null) {
        apply();
      }
    });

    const isEnabled = () => open.current !== null;
    open.currentChanged.connect(() => app.commands.notifyCommandChanged());
    addCommand(app.commands, CommandIDs.errors, {
      label: trans.__('Show Notebook Errors'),
      icon: errorIcon,
      execute: () => app.shell.activateById(errors.id)
    });
    addCommand(app.commands, CommandIDs.variables, {
      label: trans.__('Show Variables'),
      icon: listIcon,
      execute: () => app.shell.activateById(variables.id)
    });
    app.commands.addCommand(CommandIDs.variable, {
      describedBy: describeArgs({
        notebook: { type: 'string' },
        name: { type: 'string' },
        path: { type: 'array', items: { type: 'number' } },
        title: { type: 'string' }
      }),
      label: trans.__('Open Variable'),
      execute: args =>
        views.show(
          `variable ${JSON.stringify(args)}`,
          async () => {
            const { variableView } = await import('./variableView');
            const { commands } = app;
            const view = variableView(client, open, commands, args);
            return { view, icon: listIcon };
          },
          { id: CommandIDs.variable, args }
        )
    });
    addCommand(app.commands, CommandIDs.history, {
      label: trans.__('Show Execution History'),
      icon: historyIcon,
      isEnabled,
      execute: () => {
        if (open.current) {
          showHistory(open.current.model, null);
        }
      }
    });
    addCommand(app.commands, CommandIDs.runUpTo, {
      label: trans.__('Run All Needed Cells and This One'),
      caption: trans.__(
        'Rerun the cells that the selected cell depends on (from history), then the selected cell'
      ),
      isEnabled,
      execute: async () => {
        const cell = open.current?.panel.content.activeCell?.model.id;
        if (open.current && cell) {
          await open.runUpTo(open.current.panel, open.current.model, cell);
        }
      }
    });
    addCommand(app.commands, CommandIDs.log, {
      label: trans.__('Show Server Log'),
      icon: listIcon,
      execute: () =>
        views.show(
          'server log',
          async () => {
            const { logView } = await import('./logView');
            return { view: logView(client), icon: listIcon };
          },
          { id: CommandIDs.log }
        )
    });
    for (const command of Object.values(CommandIDs)) {
      if (command !== CommandIDs.variable) {
        palette?.addItem({ command, category: trans.__('Notebook') });
      }
    }
  }
};

export default notebooks;
