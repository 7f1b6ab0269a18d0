import {
  ILabShell,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { PageConfig } from '@jupyterlab/coreutils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { textEditorIcon } from '@jupyterlab/ui-components';

import { MLWSClient, apiError } from '../../api/client';
import { hasHub } from './hub';
import type { ILabHost } from './section';
import { nameOf } from './labels';
import { confirm } from '../../lab/confirm';
import { labServer } from '../../lab/server';
import { IMainViews, IMLWSClient, IMLWSSidebar } from '../../lab/tokens';
import { describeArgs } from '../../lab/describeArgs';
import { trans } from '../../ui/locale';

/** Id of the user's unnamed server in its container's id. */
const DEFAULT_SERVER = 'default';
/** JupyterLab's command. */
const SAVE_ALL = 'docmanager:save-all';
const OPEN_LOGS = 'mlws:open-container-log';

const containers: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:containers',
  description: 'The containers of the person, where a Hub started the lab.',
  autoStart: true,
  requires: [IMLWSClient, IMLWSSidebar, IMainViews],
  optional: [IStatusBar, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    _: IMLWSClient,
    sidebar: IMLWSSidebar,
    views: IMainViews,
    statusBar: IStatusBar | null,
    labShell: ILabShell | null
  ) => {
    const client = new MLWSClient(
      labServer(app.serviceManager.serverSettings, false)
    );
    const openLogs = (id: string, name: string) =>
      views.show(
        `container log ${id}`,
        async () => {
          const { logsView } = await import('./logPanel');
          const view = logsView(client, id, trans.__('Logs of %1', name));
          return { view, icon: textEditorIcon };
        },
        { id: OPEN_LOGS, args: { id, name } }
      );
    app.commands.addCommand(OPEN_LOGS, {
      describedBy: describeArgs(
        {
          id: trans.__('ID of the container'),
          name: trans.__('Name of the container')
        },
        ['id', 'name']
      ),
      execute: async args => {
        if (args.id && args.name) {
          await openLogs(String(args.id), String(args.name));
        }
      }
    });
    void app.restored.then(async () => {
      if (await hasHub(client)) {
        const [
          { ContainersModel },
          { notifyOutOfMemory },
          { containersView },
          { usageStatus },
          { BudgetNotices },
          { noticesView }
        ] = await Promise.all([
          import('./model'),
          import('./outOfMemory'),
          import('./section'),
          import('./usageStatus'),
          import('./budgetNotice'),
          import('../notices/view')
        ]);
        const owner = PageConfig.getOption('hubServerUser');
        const model = new ContainersModel(client, owner || null);
        const host = labHost(client, owner, openLogs);
        const view = containersView(model, host);
        sidebar.addSection({ panel: 'workspace', view, ofServer: true });
        // Other shells than the lab's have no header.
        app.shell.add(noticesView(client), labShell ? 'header' : 'top');
        const notices = new BudgetNotices(async () => {
          if (app.commands.hasCommand(SAVE_ALL)) {
            await app.commands.execute(SAVE_ALL);
          }
        });
        const usage = usageStatus(
          client,
          what => {
            const resizable = {
              limit: () => memoryLimit(client),
              resize: (memory: string) => model.resize(host.here, { memory })
            };
            void notifyOutOfMemory(what, resizable);
          },
          now => notices.update(now)
        );
        void client.get('/usage').then(
          now => notices.update(now),
          error => void apiError(error)
        );
        statusBar?.registerStatusItem('jupyter-mlws:usage', {
          item: usage,
          align: 'left',
          rank: 900
        });
      }
    });
  }
};

/** Maximum memory of a container; null if unknown. */
async function memoryLimit(client: MLWSClient): Promise<number | null> {
  try {
    const { limits } = await client.get('/resources');
    return limits.memory;
  } catch (error) {
    apiError(error);
    return null;
  }
}

function labHost(
  client: MLWSClient,
  owner: string,
  openLogs: (id: string, name: string) => void
): ILabHost {
  const server = PageConfig.getOption('hubServerName') || DEFAULT_SERVER;
  const here = `${owner}--${server}`;
  return {
    here,
    ask: (question, container) =>
      confirm(
        question.title,
        <div>
          {container.id === here && (
            <p>
              <strong>
                {trans.__(
                  'You are working in this container. This page will disconnect.'
                )}
              </strong>
            </p>
          )}
          <p>{question.lost}</p>
          <p>{question.kept}</p>
        </div>,
        question.accept
      ),
    open: container => {
      window.open(container.url!, '_blank', 'noopener');
    },
    openLogs: container => openLogs(container.id, nameOf(container))
  };
}

export default containers;
