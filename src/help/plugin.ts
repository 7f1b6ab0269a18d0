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
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { dataOf } from '../lab/contextMenu';
import { addCommand, describeArgs } from '../lab/describeArgs';
import { errorHelp } from '../lab/notify';
import { IMainViews, IMLWSClient } from '../lab/tokens';
import { trans } from '../ui/locale';
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
    /** The page that is shown; "" is the table of contents. */
    const page = new State('');
    const label = trans.__('Machine Learning Reference');
    const pageOf = (args: ReadonlyPartialJSONObject): string => {
      const { currentWidget } = app.shell;
      const pages: Record<string, unknown> = {
        clicked: dataOf(app, 'mlwsHelp'),
        current: currentWidget?.title.dataset.mlwsHelp
      };
      return String((args.of ? pages[args.of as string] : args.page) ?? '');
    };
    app.commands.addCommand(REFERENCE, {
      describedBy: describeArgs({
        page: trans.__(
          'Page to show, such as “component-split” or “error-40101”'
        ),
        of: {
          type: 'string',
          enum: ['clicked', 'current'],
          description: trans.__(
            'Show the page about what was clicked, or about the current view'
          )
        }
      }),
      label: ({ of }) => (of ? trans.__('Show Help') : label),
      icon: inspectorIcon,
      isEnabled: args => !args.of || pageOf(args) !== '',
      execute: async args => {
        page.value = pageOf(args);
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
    addCommand(app.commands, TOUR, {
      label: trans.__('Machine Learning Tour'),
      execute: async () => {
        const { showTour } = await import('./tour');
        await showTour({ client, commands: app.commands });
      }
    });
    const category = trans.__('Machine Learning');
    const items = [
      { command: REFERENCE, args: { of: 'current' } },
      { command: REFERENCE },
      { command: TOUR }
    ];
    for (const item of items) {
      palette?.addItem({ ...item, category });
    }
    menu?.helpMenu.addGroup(items, 31);
    errorHelp.action = code => ({
      label: code,
      caption: trans.__('Help on %1', trans.__('error %1', code)),
      displayType: 'link',
      callback: () =>
        void app.commands.execute(REFERENCE, { page: `error-${code}` })
    });
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
