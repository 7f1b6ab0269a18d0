import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, MainAreaWidget, showDialog } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { IStatusBar } from '@jupyterlab/statusbar';
import { textEditorIcon } from '@jupyterlab/ui-components';

import { APIError, MLWSClient } from '../api';
import { hasHub } from '../containers/hub';
import { LogsModel } from '../containers/logs';
import { LogsView } from '../containers/logsView';
import { ContainersModel } from '../containers/model';
import { tellOutOfMemory } from '../containers/outOfMemory';
import { OwnUsageModel } from '../containers/ownUsage';
import { ContainersView, type ILabHost } from '../containers/section';
import { UsageStatus } from '../containers/usageStatus';
import { nameOf } from '../containers/words';
import { labServer } from '../labServer';
import type { IResourceReport } from '../models';
import { IMLWSClient, IMLWSSidebar } from '../tokens';

/** A person's server without a name, in the id of its container. */
const DEFAULT_SERVER = 'default';

const containers: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:containers',
  description: 'The containers of the person, where a Hub started the lab.',
  autoStart: true,
  requires: [IMLWSClient, IMLWSSidebar],
  optional: [IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    { language, trans }: IMLWSClient,
    sidebar: IMLWSSidebar,
    statusBar: IStatusBar | null
  ) => {
    const client = new MLWSClient(
      labServer(app.serviceManager.serverSettings, false),
      language,
      trans
    );
    void app.restored.then(async () => {
      if (await hasHub(client)) {
        const owner = PageConfig.getOption('hubServerUser');
        const model = new ContainersModel(client, owner || null);
        const host = labHost(app, client, owner);
        const view = new ContainersView(model, host, language, trans);
        sidebar.addSection({ view, model });
        const own = new OwnUsageModel(client);
        own.outOfMemory.connect((_, what) => {
          const resizable = {
            limit: () => memoryLimit(client),
            resize: (memory: string) => model.resize(host.here, { memory })
          };
          void tellOutOfMemory(what, resizable, language, trans);
        });
        own.active = true;
        statusBar?.registerStatusItem('jupyter-mlws:usage', {
          item: new UsageStatus(own, language, trans),
          align: 'left',
          rank: 900
        });
      }
    });
  }
};

/** The most memory that a container may have; null where nobody answers. */
async function memoryLimit(client: MLWSClient): Promise<number | null> {
  try {
    const { limits } = await client.get<IResourceReport>('/resources');
    return limits.memory;
  } catch (error) {
    if (!(error instanceof APIError)) {
      throw error;
    }
    return null;
  }
}

function labHost(
  app: JupyterFrontEnd,
  client: MLWSClient,
  owner: string
): ILabHost {
  const { trans } = client;
  const server = PageConfig.getOption('hubServerName') || DEFAULT_SERVER;
  const here = `${owner}--${server}`;
  const logs = new Map<string, MainAreaWidget>();
  return {
    here,
    ask: async (question, container) => {
      const answer = await showDialog({
        title: question.title,
        body: (
          <div>
            {container.id === here && (
              <p>
                <strong>
                  {trans.__(
                    'This is the container that you work in: this page ends with it.'
                  )}
                </strong>
              </p>
            )}
            <p>{question.lost}</p>
            <p>{question.kept}</p>
          </div>
        ),
        buttons: [
          Dialog.cancelButton({ label: trans.__('Cancel') }),
          Dialog.warnButton({ label: question.accept })
        ],
        defaultButton: 0
      });
      return answer.button.accept;
    },
    open: container => {
      window.open(container.url!, '_blank', 'noopener');
    },
    openLogs: container => {
      const { id } = container;
      let widget = logs.get(id);
      if (!widget) {
        const label = trans.__('Logs of %1', nameOf(container, trans));
        const content = new LogsView(new LogsModel(client, id), label, trans);
        widget = new MainAreaWidget({ content });
        widget.id = `jp-mlws-logs-${id}`;
        widget.title.label = label;
        widget.title.icon = textEditorIcon;
        widget.title.closable = true;
        widget.toolbar.hide();
        widget.disposed.connect(() => logs.delete(id));
        logs.set(id, widget);
        app.shell.add(widget, 'main');
      }
      app.shell.activateById(widget.id);
    }
  };
}

export default containers;
