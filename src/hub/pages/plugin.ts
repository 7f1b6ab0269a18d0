import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Clipboard, ICommandPalette, Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';

import { MLWSClient } from '../../api/client';
import type { ISharedPage } from '../../api/models';
import { describeArgs } from '../../lab/describeArgs';
import { projectPath } from '../../lab/documents';
import { notifyOnError } from '../../lab/notify';
import { addToPalette } from '../../lab/palette';
import { labServer } from '../../lab/server';
import { IMLWSClient } from '../../lab/tokens';
import { download } from '../../ui/download';
import { trans } from '../../ui/locale';
import { hasHub } from '../containers/hub';
import { PROJECTS } from '../sharedProjects/labels';
import type { IChoice, IPageSource } from './form';

namespace CommandIDs {
  export const share = 'mlws:share-page';
  export const report = 'mlws:report';
  export const notebook = 'mlws:share-notebook';
}

const KINDS = ['run', 'report', 'notebook'] as const;

const pages: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:pages',
  description: 'Saves runs, reports and notebooks as HTML, or shares them.',
  autoStart: true,
  requires: [IMLWSClient],
  optional: [ICommandPalette, INotebookTracker],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null
  ) => {
    const hub = new MLWSClient(
      labServer(app.serviceManager.serverSettings, false)
    );
    const share = (title: string, source: IPageSource) =>
      notifyOnError(() => sharePage(client, hub, title, source));
    app.commands.addCommand(CommandIDs.share, {
      describedBy: describeArgs(
        {
          kind: trans.__('What becomes a page: run, report or notebook'),
          source: trans.__(
            'ID of the run, path of the notebook, or BASE..HEAD'
          ),
          title: trans.__('Title of the dialog')
        },
        ['kind', 'source']
      ),
      label: trans.__('Share…'),
      execute: async args => {
        const kind = KINDS.find(one => one === args.kind);
        if (kind && typeof args.source === 'string') {
          const title = String(args.title ?? trans.__('Share'));
          await share(title, { kind, source: args.source });
        }
      }
    });
    app.commands.addCommand(CommandIDs.report, {
      describedBy: describeArgs({
        versions: trans.__('The versions to compare, as BASE..HEAD')
      }),
      label: trans.__('Report of Changes…'),
      caption: trans.__(
        'What changed between two versions, as a page for a review'
      ),
      isEnabled: () => client.project !== null,
      execute: async args => {
        const source = typeof args.versions === 'string' ? args.versions : '';
        await share(trans.__('Report of Changes'), { kind: 'report', source });
      }
    });
    const path = () => {
      const open = notebooks?.currentWidget?.context.path;
      return open !== undefined && client.project
        ? projectPath(client.project, open)
        : null;
    };
    app.commands.addCommand(CommandIDs.notebook, {
      describedBy: describeArgs({}),
      label: trans.__('Share Notebook…'),
      isEnabled: () => path() !== null,
      execute: async () => {
        const source = path();
        if (source !== null) {
          await notebooks?.currentWidget?.context.save();
          await share(trans.__('Share “%1”', source), {
            kind: 'notebook',
            source
          });
        }
      }
    });
    addToPalette(palette, CommandIDs.report, CommandIDs.notebook);
  }
};

/** Asks for the readers of a page, makes it, and shows its address or saves its file. */
async function sharePage(
  client: MLWSClient,
  hub: MLWSClient,
  title: string,
  source: IPageSource
): Promise<void> {
  const isOnHub = await hasHub(hub);
  const projects = isOnHub
    ? (await hub.get(PROJECTS)).items
        .filter(one => one.trashed_at === null)
        .map(one => one.name)
    : null;
  const { askShare } = await import('./form');
  const page = await askShare(title, source, projects, choice =>
    send(client, { ...source, source: choice.source }, choice)
  );
  if (page) {
    tellLink(page);
  }
}

async function send(
  client: MLWSClient,
  source: IPageSource,
  choice: IChoice
): Promise<ISharedPage | null> {
  const { target, name, until } = choice;
  if (target === 'file') {
    const { html, file } = await client.post('/pages/export', source);
    download(new Blob([html], { type: 'text/html' }), file);
    return null;
  }
  // To the end of that day, where the user is.
  const expires = until ? new Date(`${until}T23:59:59`).toISOString() : null;
  return await client.post('/pages/share', {
    ...source,
    audience: target,
    name: name.trim(),
    expires
  });
}

function tellLink(page: ISharedPage): void {
  const url = new URL(page.url, window.location.origin).toString();
  Clipboard.copyToSystem(url);
  Notification.success(
    trans.__('Shared “%1”. The link is copied: %2', page.title, url),
    {
      autoClose: false,
      actions: [
        {
          label: trans.__('Open'),
          callback: () => void window.open(url, '_blank', 'noopener')
        }
      ]
    }
  );
}

export default pages;
