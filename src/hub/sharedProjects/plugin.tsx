import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';

import { MLWSClient } from '../../api/client';
import { clone } from '../../lab/clone';
import { confirm } from '../../lab/confirm';
import { askFields } from '../../lab/fieldsDialog';
import { Work } from '../../lab/work';
import { hasHub } from '../containers/hub';
import { labServer } from '../../lab/server';
import type { ITeamProject } from '../../api/models';
import { memberPath, projectPath, PROJECTS } from './labels';
import type { ITeamHost } from './section';
import { IMLWSClient, IMLWSSidebar, IOpenDocuments } from '../../lab/tokens';
import { notifyOnError } from '../../lab/notify';
import { trans } from '../../ui/locale';

const team: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:team',
  description: 'The projects that people share, where a Hub started the lab.',
  autoStart: true,
  requires: [IMLWSClient, IMLWSSidebar, IOpenDocuments],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    sidebar: IMLWSSidebar,
    documents: IOpenDocuments
  ) => {
    // Projects of the Hub, whatever project of the home is shown.
    const hub = new MLWSClient(
      labServer(app.serviceManager.serverSettings, false)
    );
    void app.restored.then(async () => {
      if (await hasHub(hub)) {
        const { teamView } = await import('./section');
        const work = new Work(client, documents);
        const props = { client: hub, host: labHost(client, hub, work) };
        const view = teamView(props);
        sidebar.addSection({ panel: 'workspace', view, folded: true });
        // A user without a project may start with a shared project.
        const alone = teamView(props, true);
        sidebar.addBeginning(alone);
      }
    });
  }
};

function labHost(client: MLWSClient, hub: MLWSClient, work: Work): ITeamHost {
  const owner = PageConfig.getOption('hubServerUser');
  const change = (request: () => Promise<unknown>) =>
    notifyOnError(async () => {
      await request();
      await hub.refresh(PROJECTS);
    });
  return {
    clone: ({ name }) =>
      void clone(work, `${projectPath(name)}/clone`, {}, name),
    connect: project => void connect(client, project),
    leave: async project => {
      const isMeant = await confirm(
        trans.__('Leave %1?', project.name),
        trans.__(
          'You will lose access to its code, data and runs. Your clones are kept.'
        ),
        trans.__('Leave')
      );
      if (isMeant) {
        await change(() => hub.delete(memberPath(project.name, owner)));
      }
    },
    delete: async project => {
      const isLast = project.trashed_at !== null;
      const fields = await askFields(
        isLast
          ? trans.__('Delete %1 Permanently', project.name)
          : trans.__('Move %1 to Trash', project.name),
        trans.__('Delete'),
        [
          {
            name: 'confirm',
            label: trans.__('Type the project name to confirm')
          }
        ],
        [
          isLast
            ? trans.__(
                "Permanently deletes its code and data on the Hub. Members' clones are kept."
              )
            : trans.__(
                'It is hidden from its members. Owners can restore it from the trash.'
              )
        ]
      );
      if (fields) {
        const { confirm } = fields;
        await change(() => hub.delete(projectPath(project.name), { confirm }));
      }
    },
    restore: project =>
      void change(() => hub.post(`${projectPath(project.name)}/restore`))
  };
}

async function connect(
  client: MLWSClient,
  project: ITeamProject
): Promise<void> {
  const shown = client.project;
  if (!shown) {
    Notification.warning(trans.__('Select a project first.'));
    return;
  }
  const answer = await showDialog({
    title: trans.__('Share “%1” as %2?', shown.name, project.name),
    body: trans.__(
      'Future pushes go there, including data and runs. Nothing is sent until the next push.'
    ),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Share') })
    ]
  });
  if (!answer.button.accept) {
    return;
  }
  const path = `${projectPath(project.name)}/connect` as const;
  if (await notifyOnError(() => client.post(path))) {
    Notification.success(
      trans.__('“%1” will be shared on the next push.', shown.name)
    );
  }
}

export default team;
