import type {
  ILabShell,
  ILayoutRestorer,
  JupyterFrontEnd
} from '@jupyterlab/application';
import type { WidgetTracker } from '@jupyterlab/apputils';
import type { IRestorer } from '@jupyterlab/statedb';
import { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { BoxPanel, Widget } from '@lumino/widgets';
import { afterEach, beforeEach, expect, it } from 'vitest';

import { fake } from '../__tests__/server';
import { MainViews, type IViewCommand } from './mainArea';
import type { ViewToolbars } from './viewToolbar';

const LIMIT: Record<string, number> = { lab: Infinity, notebook: 1 };

let commands: CommandRegistry;
let areas: Record<string, BoxPanel>;
let names: string[];
let filled: string[];
let reopen: { command: string; args: ReadonlyPartialJSONObject }[];

beforeEach(() => {
  commands = new CommandRegistry();
  areas = { main: new BoxPanel(), right: new BoxPanel() };
  names = [];
  filled = [];
  reopen = [];
});

afterEach(() => {
  Object.values(areas).forEach(area => area.dispose());
});

/** Shell of JupyterLab, or of a page of Notebook 7: its main area holds a single widget. */
function open(kind: 'lab' | 'notebook'): MainViews {
  const shell = {
    add: (widget: Widget, area: string) => {
      if (area === 'right' || areas.main.widgets.length < LIMIT[kind]) {
        areas[area].addWidget(widget);
      }
    },
    activateById: () => undefined
  };
  const restorer = {
    restore: async (
      tracker: WidgetTracker,
      options: IRestorer.IOptions<Widget>
    ) => {
      tracker.widgetAdded.connect((_, widget) => {
        const { command, args, name } = options;
        names.push(name(widget));
        reopen.push({ command, args: args?.(widget) ?? {} });
      });
    }
  } as unknown as ILayoutRestorer;
  const app = { shell, commands } as unknown as JupyterFrontEnd;
  const labShell = (kind === 'lab' ? shell : null) as ILabShell | null;
  const toolbars = { fill: (name: string) => filled.push(name) };
  return new MainViews(app, labShell, restorer, fake<ViewToolbars>(toolbars));
}

async function show(
  views: MainViews,
  key: string,
  command?: IViewCommand
): Promise<void> {
  await views.show(key, () => ({ view: new Widget() }), command);
}

it('opens a view below where the main area takes no more', async () => {
  const views = open('notebook');
  areas.main.addWidget(new Widget());
  await show(views, 'server log');
  expect(areas.main.widgets).toHaveLength(1);
  expect(areas.right.widgets).toHaveLength(1);
  // A second request returns the same widget.
  await show(views, 'server log');
  expect(areas.right.widgets).toHaveLength(1);
});

it('keeps the command that opens a view again', async () => {
  const views = open('lab');
  const opened: unknown[] = [];
  commands.addCommand('mlws:open-lineage', {
    execute: args => opened.push(args)
  });
  commands.addCommand('other:erase', { execute: () => opened.push('other') });
  await show(views, 'lineage a', {
    id: 'mlws:open-lineage',
    args: { of: 'a' }
  });
  await show(views, 'conflict b');
  expect(areas.main.widgets).toHaveLength(2);
  expect(names).toEqual(['lineage a', '']);
  await commands.execute(reopen[0].command, reopen[0].args);
  await commands.execute(reopen[0].command, { id: 'other:erase' });
  expect(opened).toEqual([{ of: 'a' }]);
});

it('fills the toolbar of a view that has one', async () => {
  const views = open('lab');
  const make = () => ({ view: new Widget(), toolbar: 'Lineage' });
  await views.show('lineage a', make);
  await show(views, 'server log');
  expect(filled).toEqual(['Lineage']);
});
