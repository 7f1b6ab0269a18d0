import { useEffect, useRef, useState } from 'react';

import type { IExperimentRun } from '../api/models';
import { OperationView } from '../operations/operationView';
import { useOperation } from '../operations/tracker';
import { Button, LabelledSelect } from '../ui/controls';
import { duration, fullTime, relativeTime, titleOf } from '../ui/format';
import { trans } from '../ui/locale';
import { runStatusText } from '../ui/runStatus';
import { Answer, ServerView, useGet } from '../ui/server';
import { Tabs } from '../ui/tabs';
import { useViewActions } from '../ui/viewActions';
import { Code } from './pageCode';
import { Overview } from './pageOverview';
import type { IPartProps, IProps } from './pageParts';
import { Charts, Environment, Files, NodeLog } from './pageResults';
import { System } from './pageSystem';
import { Reproduced } from './reproduced';
import { Star } from './star';
import { keyOf } from './table';

/** Runs from which a baseline can be chosen. */
const MAX_BASELINES = 100;

type Tab =
  | 'overview'
  | 'graph'
  | 'charts'
  | 'system'
  | 'files'
  | 'code'
  | 'environment'
  | 'log';

function Page(props: IProps): JSX.Element {
  const { client, run } = props;
  const answer = useGet(client, `/runs/${encodeURIComponent(run)}`);
  return (
    <Answer of={answer}>{found => <RunBody {...props} run={found} />}</Answer>
  );
}

function RunBody(props: Omit<IPartProps, 'baseline'>): JSX.Element {
  const { client, run, RunGraph } = props;
  const [tab, setTab] = useState<Tab>('overview');
  const [node, setNode] = useState<string | null>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const others = useGet(client, '/runs', {
    limit: MAX_BASELINES,
    workflow: run.workflow ?? undefined,
    nested: run.node !== null || undefined
  });
  const candidates = (others.data?.items ?? []).filter(
    one => keyOf(one) !== keyOf(run) && one.node === run.node
  );
  const earlier = candidates.find(
    one => (one.started ?? '') < (run.started ?? '') && isRelated(one, run)
  );
  const baseline =
    chosen === ''
      ? null
      : (candidates.find(one => keyOf(one) === chosen) ?? earlier ?? null);
  usePageActions(props, baseline);
  const { onName } = props;
  const name = titleOf(run);
  useEffect(() => {
    onName(name);
  }, [name, onName]);
  const labels: Record<Tab, string> = {
    overview: trans.__('Overview'),
    graph: trans.__('Graph'),
    charts: trans.__('Charts'),
    system: trans.__('System metrics'),
    files: trans.__('Figures and files'),
    code: trans.__('Code'),
    environment: trans.__('Environment'),
    log: trans.__('Log')
  };
  const parts = { ...props, baseline };
  return (
    <>
      <Heading {...props} />
      <div className="jp-mlws-Tools">
        <LabelledSelect
          label={trans.__('Compare with')}
          value={baseline ? keyOf(baseline) : ''}
          options={[
            ['', trans.__('No run')],
            ...candidates.map(
              one =>
                [
                  keyOf(one),
                  `${titleOf(one)} · ${one.started ? relativeTime(one.started) : '–'}`
                ] as const
            )
          ]}
          onChange={setChosen}
        />
      </div>
      <Tabs
        className="jp-mlws-PageTabs"
        label={trans.__('Parts of the run')}
        tabs={(Object.entries(labels) as [Tab, string][]).filter(
          ([name]) =>
            !['graph', 'log'].includes(name) ||
            (run.workflow !== null && (name === 'log' || RunGraph !== null))
        )}
        tab={tab}
        onChange={setTab}
      />
      <div
        className="jp-mlws-RunPage-panel"
        role="tabpanel"
        aria-label={labels[tab]}
        ref={panel}
        tabIndex={-1}
      >
        {tab === 'overview' && <Overview {...parts} />}
        {tab === 'graph' && RunGraph && (
          <RunGraph
            client={client}
            workflow={run.workflow!}
            run={run.run}
            onOpen={name => {
              setNode(name);
              setTab('log');
              // The button that was pressed is gone.
              panel.current?.focus();
            }}
          />
        )}
        {tab === 'charts' && <Charts {...parts} />}
        {tab === 'system' && <System {...parts} />}
        {tab === 'files' && <Files {...parts} />}
        {tab === 'code' && <Code {...parts} />}
        {tab === 'environment' && <Environment {...parts} />}
        {tab === 'log' && <NodeLog {...parts} node={node} onNode={setNode} />}
      </div>
    </>
  );
}

/** Tests whether two runs are of the same workflow, or of the same experiment of MLflow. */
function isRelated(one: IExperimentRun, other: IExperimentRun): boolean {
  return other.workflow
    ? one.workflow === other.workflow
    : one.experiment === other.experiment;
}

function usePageActions(
  { actions, run }: Omit<IPartProps, 'baseline'>,
  baseline: IExperimentRun | null
): void {
  const operation = useOperation(actions.operations, keyOf(run));
  const isTracked = run.id !== null;
  useViewActions({
    compare: {
      label: trans.__('Compare'),
      tooltip: trans.__('Show this run and the chosen one side by side'),
      isEnabled: baseline !== null,
      execute: () => actions.compare([run, baseline!])
    },
    reproduce: {
      label: trans.__('Reproduce'),
      tooltip: trans.__(
        'Recreate the code, data and settings of this run in a folder'
      ),
      isEnabled: isTracked && operation?.state !== 'running' && !!run.commit,
      execute: () => void actions.reproduce(run)
    },
    register: {
      label: trans.__('Register as Model…'),
      isEnabled: isTracked,
      execute: () => actions.register(run)
    },
    lineage: {
      label: trans.__('Lineage'),
      isEnabled: isTracked,
      execute: () => actions.lineage(run)
    },
    workflow: run.workflow !== null && {
      label: trans.__('Open Workflow'),
      execute: () => actions.openWorkflow(run)
    },
    rename: {
      label: trans.__('Rename…'),
      isEnabled: isTracked && !run.deleted,
      execute: () => actions.rename(run)
    },
    archive: {
      label: run.archived ? trans.__('Unarchive') : trans.__('Archive'),
      tooltip: trans.__('Archived runs are left out of the table of runs'),
      isEnabled: isTracked && !run.deleted,
      execute: () => actions.change([run], { archived: !run.archived })
    },
    delete: !run.deleted && {
      label: trans.__('Delete…'),
      isEnabled: isTracked,
      execute: () => actions.delete(run)
    },
    notebook: {
      label: trans.__('Open as Notebook'),
      tooltip: trans.__(
        'A notebook that loads the values, curves, data and files of this run'
      ),
      isEnabled: isTracked,
      execute: () => actions.openNotebook(run)
    },
    share: {
      label: trans.__('Share…'),
      tooltip: trans.__(
        'Save this page as an HTML file, or share it by a link of the Hub'
      ),
      isEnabled: isTracked && !run.deleted,
      execute: () => actions.share(run)
    },
    link: {
      label: trans.__('Copy Link'),
      tooltip: trans.__('Copy an address that opens this page in the lab'),
      execute: () => actions.copyLink(run)
    }
  });
}

function Heading(props: Omit<IPartProps, 'baseline'>): JSX.Element {
  const { client, actions, run } = props;
  const reproductions = useGet(client, '/reproductions');
  const reproduction = reproductions.data?.items.find(
    one => one.run === run.id
  );
  return (
    <>
      <h2 className="jp-mlws-RunPage-title">
        {run.id !== null && (
          <Star
            run={run}
            onChange={starred => actions.change([run], { starred })}
          />
        )}
        {titleOf(run)}
      </h2>
      {run.deleted && (
        <p className="jp-mlws-Note jp-mod-warn">
          {trans.__('This run is deleted.')}{' '}
          <Button onClick={() => actions.restore(run)}>
            {trans.__('Restore')}
          </Button>
        </p>
      )}
      <p className="jp-mlws-RunPage-facts">
        <span className="jp-mlws-Status" data-mlws-status={run.status}>
          {runStatusText(run.status)}
        </span>
        {run.started && <span>{fullTime(run.started)}</span>}
        {run.duration !== null && <span>{duration(run.duration)}</span>}
        {run.experiment && (
          <span>{trans.__('Experiment: %1', run.experiment)}</span>
        )}
        <code>{run.run}</code>
        {run.name && ![run.run, titleOf(run)].includes(run.name) && (
          <span>{run.name}</span>
        )}
        {Object.entries(run.tags).map(([name, value]) => (
          <span key={name} className="jp-mlws-Badge">
            {value === '' ? name : `${name}: ${value}`}
            <button
              className="jp-mlws-Badge-remove"
              aria-label={trans.__('Remove tag %1', name)}
              onClick={() => actions.change([run], { tags: { [name]: null } })}
            >
              ×
            </button>
          </span>
        ))}
        {run.id !== null && (
          <Button minimal onClick={() => actions.addTag([run])}>
            {trans.__('Add Tag…')}
          </Button>
        )}
      </p>
      <OperationView
        tracker={actions.operations}
        place={keyOf(run)}
        client={client}
      />
      {reproduction && (
        <Reproduced reproduction={reproduction} actions={actions} />
      )}
    </>
  );
}

/** The page of a run in the main area. */
export function runPageView(props: Omit<IProps, 'onName'>): ServerView {
  const onName = (name: string) => (view.title.label = name);
  const page = () => <Page {...props} onName={onName} />;
  const view = new ServerView(props.client, page, {
    label: trans.__('Run %1', props.run.slice(0, 8)),
    className: 'jp-mlws-View jp-mlws-RunPage',
    help: 'reference-experiments'
  });
  return view;
}
