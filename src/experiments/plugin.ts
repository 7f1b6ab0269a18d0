import {
  IRouter,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, IThemeManager } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { spreadsheetIcon } from '@jupyterlab/ui-components';

import { LINK_PROJECT, LINK_RUN, RunActions } from './actions';
import { ALL_RUNS, keyOf } from './table';
import type { IExperimentRun, IPage } from '../api/models';
import { projectState, State } from '../ui/state';
import { NEWEST_RUNS, runsView } from './view';
import {
  IMainViews,
  IMLWSClient,
  IMLWSSidebar,
  IModelRegistry,
  IRunGraph
} from '../lab/tokens';
import { compareIcon } from '../ui/fileIcons';
import { notifyOnError } from '../lab/notify';
import { addToPalette } from '../lab/palette';
import { describeArgs } from '../lab/describeArgs';
import { trans } from '../ui/locale';

/** After the workflows. */
const RANK = 20;

namespace CommandIDs {
  export const compare = 'mlws:compare-runs';
  export const openTable = 'mlws:open-experiments';
  export const openRun = 'mlws:open-run';
  export const followLink = 'mlws:follow-run-link';
}

const experiments: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlws:experiments',
  description: 'The runs of the project: a table, comparison, reproduction.',
  autoStart: true,
  requires: [
    IMLWSClient,
    IMLWSSidebar,
    IModelRegistry,
    IRenderMimeRegistry,
    IMainViews
  ],
  optional: [
    ICommandPalette,
    IThemeManager,
    IRouter,
    IEditorLanguageRegistry,
    IRunGraph
  ],
  activate: (
    app: JupyterFrontEnd,
    client: IMLWSClient,
    sidebar: IMLWSSidebar,
    registry: IModelRegistry,
    rendermime: IRenderMimeRegistry,
    views: IMainViews,
    palette: ICommandPalette | null,
    themes: IThemeManager | null,
    router: IRouter | null,
    languages: IEditorLanguageRegistry | null,
    RunGraph: IRunGraph | null
  ) => {
    const compare = (runs: readonly IExperimentRun[]) =>
      views.show(
        `runs ${runs.map(run => run.id ?? run.run).join(' ')}`,
        async () => {
          const { runComparisonView } = await import('./compareContent');
          const view = runComparisonView({
            runs,
            client,
            rendermime,
            themes,
            onOpen: run => actions.openRow(run)
          });
          return { view };
        }
      );
    views.toolbars.add('Experiments', 'jupyter-mlws:experiments', [
      'compare',
      'register',
      'reproduce',
      'lineage',
      'baseline',
      'star',
      'tag',
      'archive',
      'clear-selection'
    ]);
    const search = new State(ALL_RUNS);
    const actions = new RunActions(app, client, registry, compare);
    const openTable = () =>
      views.show(
        'experiments',
        async () => {
          const { runTableView } = await import('./tableView');
          const view = runTableView({ client, actions, search });
          return { view, icon: spreadsheetIcon, toolbar: 'Experiments' };
        },
        { id: CommandIDs.openTable }
      );
    views.toolbars.add('Run', 'jupyter-mlws:run-page', [
      'compare',
      'reproduce',
      'register',
      'lineage',
      'workflow',
      'rename',
      'archive',
      'delete',
      'notebook',
      'share',
      'link'
    ]);
    const openRun = (run: string) =>
      views.show(
        `run ${run}`,
        async () => {
          const { runPageView } = await import('./page');
          const view = runPageView({
            client,
            actions,
            rendermime,
            themes,
            languages,
            RunGraph,
            run
          });
          return { view, icon: spreadsheetIcon, toolbar: 'Run' };
        },
        { id: CommandIDs.openRun, args: { run } }
      );

    const selected = projectState<ReadonlySet<string>>(client, new Set());
    const view = runsView({
      client,
      selected,
      onCompare: () => void app.commands.execute(CommandIDs.compare),
      onOpen: run => actions.open(keyOf(run)),
      onOpenTable: () => void openTable()
    });
    sidebar.addSection({
      panel: 'workspace',
      view,
      rank: RANK,
      lazy: true
    });

    app.commands.addCommand(CommandIDs.compare, {
      describedBy: describeArgs({
        runs: {
          type: 'array',
          items: { type: 'string' },
          description: trans.__(
            'IDs of the runs to compare; the selected ones if left out'
          )
        }
      }),
      label: trans.__('Compare Runs'),
      icon: compareIcon,
      execute: async args => {
        if (Array.isArray(args.runs) && args.runs.length > 1) {
          const paths = args.runs.map(
            run => `/runs/${encodeURIComponent(String(run))}` as const
          );
          const runs = await notifyOnError(() =>
            Promise.all(paths.map(path => client.get(path)))
          );
          if (runs) {
            await compare(runs);
          }
          return;
        }
        const newest = client.queries.getQueryData<IPage<IExperimentRun>>([
          '/runs',
          NEWEST_RUNS
        ]);
        const chosen =
          newest?.items.filter(({ run }) => selected.value.has(run)) ?? [];
        if (chosen.length < 2) {
          await sidebar.show(view);
          return;
        }
        await compare(chosen);
      }
    });
    app.commands.addCommand(CommandIDs.openTable, {
      describedBy: describeArgs({
        run: trans.__('ID of the only run to show')
      }),
      label: trans.__('Open Experiment Table'),
      icon: spreadsheetIcon,
      execute: async args => {
        await openTable();
        if (typeof args.run === 'string') {
          const filter = `attributes.run_id = '${args.run}'`;
          search.value = { ...ALL_RUNS, filter, nested: true };
        }
      }
    });
    app.commands.addCommand(CommandIDs.openRun, {
      describedBy: describeArgs({ run: trans.__('ID of the run') }, ['run']),
      label: trans.__('Open Run'),
      icon: spreadsheetIcon,
      execute: async args => {
        if (typeof args.run === 'string') {
          await openRun(args.run);
        }
      }
    });
    app.commands.addCommand(CommandIDs.followLink, {
      describedBy: describeArgs({ search: trans.__('Query of the address') }),
      execute: async args => {
        const words = new URLSearchParams(String(args.search ?? ''));
        const run = words.get(LINK_RUN);
        if (!run) {
          return;
        }
        // The layout of the last visit is restored first.
        await app.restored;
        const projects = await client.loadProjects();
        const project = projects.find(
          one => one.id === words.get(LINK_PROJECT)
        );
        if (project) {
          client.project = project;
        }
        await openRun(run);
      }
    });
    router?.register({
      command: CommandIDs.followLink,
      pattern: new RegExp(`[?&]${LINK_RUN}=`)
    });
    addToPalette(palette, CommandIDs.compare, CommandIDs.openTable);
  }
};

export default experiments;
