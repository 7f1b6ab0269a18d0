import {
  ILabShell,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { Widget } from '@lumino/widgets';

import { addCommand } from '../lab/describeArgs';
import { notifyOnError } from '../lab/notify';
import { IMainViews, IMLWSClient } from '../lab/tokens';
import { mlwsIcon } from '../ui/fileIcons';
import { trans } from '../ui/locale';

const PLUGIN = 'jupyter-mlws:welcome';
const COMMAND = 'mlws:welcome';
const KEY = 'welcome';
/** The setting that shows the view in a folder without a project. */
const SETTING = 'showWelcome';

const welcome: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'A view to begin with, in a folder that has no project.',
  autoStart: true,
  requires: [IMLWSClient, IMainViews, IDocumentManager, ISettingRegistry],
  optional: [ICommandPalette, IMainMenu, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    views: IMainViews,
    manager: IDocumentManager,
    registry: ISettingRegistry,
    palette: ICommandPalette | null,
    menu: IMainMenu | null,
    labShell: ILabShell | null
  ) => {
    const settings = registry.load(PLUGIN);
    addCommand(app.commands, COMMAND, {
      label: trans.__('Welcome to Machine Learning'),
      caption: trans.__(
        'Open the example, start from a table, clone a repository or import a workflow'
      ),
      icon: mlwsIcon,
      execute: async () => {
        const loaded = await settings;
        await views.show(KEY, async () => {
          const { WelcomeView } = await import('./view');
          const view = new WelcomeView({
            client,
            manager,
            commands: app.commands,
            isShown: () => loaded.composite[SETTING] !== false,
            setShown: isShown => loaded.set(SETTING, isShown)
          });
          view.title.label = trans.__('Welcome');
          return { view, icon: mlwsIcon };
        });
      }
    });
    palette?.addItem({
      command: COMMAND,
      category: trans.__('Machine Learning')
    });
    menu?.helpMenu.addGroup([{ command: COMMAND }], 30);
    // A page for a file or a folder does not show the welcome.
    if (labShell && PageConfig.getOption('treePath') === '') {
      void notifyOnError(async () => {
        const [{ composite }] = await Promise.all([settings, app.restored]);
        if (composite[SETTING] === false) {
          return;
        }
        const projects = await client.loadProjects();
        const launchers = launchersOf(labShell);
        if (projects.length === 0 && launchers) {
          await app.commands.execute(COMMAND);
          launchers.forEach(launcher => launcher.close());
        }
      });
    }
  }
};

/** Returns the launchers of the main area; null if something else is open there. */
function launchersOf(shell: ILabShell): Widget[] | null {
  const widgets = [...shell.widgets('main')];
  return widgets.every(({ id }) => id.startsWith('launcher')) ? widgets : null;
}

export default welcome;
