import {
  ILabShell,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { inspectorIcon } from '@jupyterlab/ui-components';

import { dataOf } from '../lab/contextMenu';
import { describeArgs } from '../lab/describeArgs';
import { IMainViews, IMLWSClient } from '../lab/tokens';
import { State } from '../ui/state';

const PLUGIN = 'jupyter-mlws:help';
const REFERENCE = 'mlws:reference';
const TOUR = 'mlws:tour';
/** The setting that shows the tour once. */
const SETTING = 'showTour';

const help: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: 'The reference, and the tour of the first start.',
  autoStart: true,
  requires: [IMLWSClient, IMainViews, IRenderMimeRegistry],
  optional: [ICommandPalette, IMainMenu, ISettingRegistry, ILabShell],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    views: IMainViews,
    renderers: IRenderMimeRegistry,
    palette: ICommandPalette | null,
    menu: IMainMenu | null,
    registry: ISettingRegistry | null,
    labShell: ILabShell | null
  ) => {
    const { trans } = client;
    /** The page that is shown; "" is the table of contents. */
    const page = new State('');
    const label = trans.__('Machine Learning Reference');
    app.commands.addCommand(REFERENCE, {
      describedBy: describeArgs({
        page: {
          type: 'string',
          description: trans.__(
            'Page to show, such as “component-split” or “error-40101”'
          )
        }
      }),
      label: ({ clicked }) => (clicked ? trans.__('Show Help') : label),
      icon: inspectorIcon,
      isEnabled: ({ clicked }) => !clicked || !!dataOf(app, 'mlwsHelp'),
      execute: async args => {
        page.value = String(args.page ?? dataOf(app, 'mlwsHelp') ?? '');
        await views.show(
          'reference',
          async () => {
            const { referenceView } = await import('./view');
            const view = referenceView({ client, renderers, page, label });
            return { view, icon: inspectorIcon, mode: 'split-right' };
          },
          { id: REFERENCE }
        );
      }
    });
    app.commands.addCommand(TOUR, {
      describedBy: describeArgs(),
      label: trans.__('Machine Learning Tour'),
      execute: async () => {
        const { showTour } = await import('./tour');
        await showTour({ client, commands: app.commands });
      }
    });
    const category = trans.__('Machine Learning');
    for (const command of [REFERENCE, TOUR]) {
      palette?.addItem({ command, category });
    }
    menu?.helpMenu.addGroup([{ command: REFERENCE }, { command: TOUR }], 31);
    if (labShell && registry) {
      void Promise.all([registry.load(PLUGIN), app.restored]).then(
        ([settings]) => {
          // Without a project, the welcome view is the beginning.
          const showOnce = () => {
            if (client.project && settings.composite[SETTING] !== false) {
              void settings.set(SETTING, false);
              void app.commands.execute(TOUR);
            }
          };
          client.projectChanged.connect(showOnce);
          showOnce();
        }
      );
    }
    document.addEventListener('click', event => {
      const link = (event.target as Element).closest?.('a[data-mlws-help]');
      if (link) {
        event.preventDefault();
        void app.commands.execute(REFERENCE, {
          page: link.getAttribute('data-mlws-help')
        });
      }
    });
  }
};

export default help;
