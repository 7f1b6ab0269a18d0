import type { IThemeManager } from '@jupyterlab/apputils';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { useEffect, useState } from 'react';

import { escapeId, type MLWSClient } from '../api/client';
import type {
  IExperimentRun,
  IPreview,
  IRunDetail,
  IRunFile
} from '../api/models';
import { OperationView } from '../operations/operationView';
import { useOperation } from '../operations/tracker';
import { Button, Empty, Hint, LabelledSelect } from '../ui/controls';
import { Failure } from '../ui/errorBox';
import { AnsiText } from '../ui/logPanel';
import { Markdown } from '../ui/markdown';
import {
  cellText,
  duration,
  fileSize,
  fullTime,
  relativeTime
} from '../ui/format';
import { trans } from '../ui/locale';
import { runStatusText } from '../ui/runStatus';
import { Answer, ServerView, useGet } from '../ui/server';
import { Tabs } from '../ui/tabs';
import { Head } from '../ui/table/heading';
import { useViewActions } from '../ui/viewActions';
import { Artifact } from '../workflow/results/preview';
import type { RunActions } from './actions';
import { CurvePanel } from './curvePanel';
import { numberOf } from './charts';
import { Star } from './star';
import { Reproduced } from './reproduced';
import { keyOf, titleOf } from './table';

/** Runs from which a baseline can be chosen. */
const MAX_BASELINES = 100;
/** Figures that are shown without a click. */
const MAX_FIGURES = 12;

interface IProps {
  client: MLWSClient;
  actions: RunActions;
  rendermime: IRenderMimeRegistry;
  themes: IThemeManager | null;
  /** ID of the run in MLflow, or that of a workflow's run. */
  run: string;
  /** Called with the name of the run once it is known. */
  onName: (name: string) => void;
}

interface IPartProps extends Omit<IProps, 'run'> {
  run: IRunDetail;
  baseline: IExperimentRun | null;
}

const pathOf = (run: IExperimentRun) =>
  `/runs/${encodeURIComponent(keyOf(run))}` as const;

type Tab = 'overview' | 'charts' | 'files' | 'environment' | 'log';

function Page(props: IProps): JSX.Element {
  const { client, run } = props;
  const answer = useGet(client, `/runs/${encodeURIComponent(run)}`);
  return (
    <Answer of={answer}>{found => <RunBody {...props} run={found} />}</Answer>
  );
}

function RunBody(props: Omit<IPartProps, 'baseline'>): JSX.Element {
  const { client, run } = props;
  const [tab, setTab] = useState<Tab>('overview');
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
    charts: trans.__('Charts'),
    files: trans.__('Figures and files'),
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
        className="jp-mlws-CompareTabs"
        label={trans.__('Parts of the run')}
        tabs={(Object.entries(labels) as [Tab, string][]).filter(
          ([name]) => name !== 'log' || run.workflow !== null
        )}
        tab={tab}
        onChange={setTab}
      />
      <div role="tabpanel" aria-label={labels[tab]}>
        {tab === 'overview' && <Overview {...parts} />}
        {tab === 'charts' && <Charts {...parts} />}
        {tab === 'files' && <Files {...parts} />}
        {tab === 'environment' && <Environment {...parts} />}
        {tab === 'log' && <NodeLog {...parts} />}
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

/** A value beside that of the baseline, and the difference of numbers. */
function ValueRows(props: {
  title: string;
  values: Record<string, unknown>;
  before: Record<string, unknown> | null;
}): JSX.Element {
  const { title, values, before } = props;
  const names = [
    ...new Set([...Object.keys(values), ...Object.keys(before ?? {})])
  ];
  if (names.length === 0) {
    return <Hint>{trans.__('%1: none', title)}</Hint>;
  }
  return (
    <table className="jp-mlws-Values" aria-label={title}>
      <Head
        names={[
          title,
          trans.__('This run'),
          ...(before ? [trans.__('Compared'), trans.__('Difference')] : [])
        ]}
      />
      <tbody>
        {names.sort().map(name => {
          const [now, old] = [numberOf(values[name]), numberOf(before?.[name])];
          const differs =
            before !== null &&
            cellText(values[name]) !== cellText(before[name]);
          return (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td className={differs ? 'jp-mod-differs' : ''}>
                {cellText(values[name])}
              </td>
              {before && <td>{cellText(before[name])}</td>}
              {before && (
                <td>
                  {differs && typeof now === 'number' && typeof old === 'number'
                    ? `${now > old ? '+' : '−'}${cellText(Math.abs(now - old))}`
                    : ''}
                </td>
              )}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Overview(props: IPartProps): JSX.Element {
  const { run, baseline } = props;
  return (
    <div className="jp-mlws-RunPage-columns">
      <ValueRows
        title={trans.__('Metrics')}
        values={run.metrics}
        before={baseline && baseline.metrics}
      />
      <ValueRows
        title={trans.__('Parameters')}
        values={run.params}
        before={baseline && baseline.params}
      />
      <Note {...props} />
      <Origin {...props} />
      <Parts {...props} />
    </div>
  );
}

/** What people wrote about the run, as Markdown. */
function Note({ actions, run, rendermime }: IPartProps): JSX.Element | null {
  const [draft, setDraft] = useState<string | null>(null);
  if (run.id === null) {
    return null;
  }
  const save = () => {
    void actions.setNote(run, draft ?? '').then(isSaved => {
      if (isSaved) {
        setDraft(null);
      }
    });
  };
  return (
    <section aria-label={trans.__('Notes')}>
      <h3>{trans.__('Notes')}</h3>
      {draft === null ? (
        <>
          {run.note !== '' && (
            <Markdown text={run.note} renderers={rendermime} />
          )}
          <Button onClick={() => setDraft(run.note)}>
            {run.note === ''
              ? trans.__('Write a Note')
              : trans.__('Edit the Note')}
          </Button>
        </>
      ) : (
        <>
          <textarea
            className="jp-mod-styled jp-mlws-RunPage-note"
            aria-label={trans.__('Note in Markdown')}
            autoFocus
            rows={8}
            value={draft}
            onChange={event => setDraft(event.target.value)}
          />
          <div className="jp-mlws-Tools">
            <Button onClick={save}>{trans.__('Save')}</Button>
            <Button minimal onClick={() => setDraft(null)}>
              {trans.__('Cancel')}
            </Button>
          </div>
        </>
      )}
    </section>
  );
}

/** The nested runs, such as those of nodes. */
function Parts({ actions, run }: IPartProps): JSX.Element | null {
  if (run.parts.length === 0) {
    return null;
  }
  return (
    <table className="jp-mlws-Values" aria-label={trans.__('Nested runs')}>
      <Head
        names={[
          trans.__('Nested runs'),
          trans.__('Status'),
          trans.__('Duration')
        ]}
      />
      <tbody>
        {run.parts.map(part => (
          <tr key={part.id}>
            <th scope="row">
              <button
                className="jp-mlws-Link"
                onClick={() => actions.open(part.id)}
              >
                {part.node ?? part.title}
              </button>
            </th>
            <td>{runStatusText(part.status)}</td>
            <td>{part.duration === null ? '–' : duration(part.duration)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What the nodes of a workflow's run printed. */
function NodeLog({ client, run }: IPartProps): JSX.Element {
  const nodes = run.node
    ? [run.node]
    : run.parts.flatMap(({ node }) => (node === null ? [] : [node]));
  const [chosen, setChosen] = useState<string | null>(null);
  const node = chosen ?? nodes[0];
  const workflow = escapeId(run.workflow ?? '');
  const path =
    `/workflows/${workflow}/runs/${run.run}/nodes/${encodeURIComponent(node)}/log` as const;
  const answer = useGet(client, path, {}, { enabled: node !== undefined });
  const { refetch } = answer;
  const isComplete = answer.data?.complete !== false;
  useEffect(() => {
    if (isComplete) {
      return;
    }
    const events = client.stream('/workflows/status');
    events.message.connect(refetch);
    return () => events.dispose();
    // A new response has another function of the same request.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [client, path, isComplete]);
  if (node === undefined) {
    return <Empty>{trans.__('No node of this run was run.')}</Empty>;
  }
  return (
    <>
      <LabelledSelect
        label={trans.__('Node')}
        value={node}
        options={nodes.map(name => [name, name] as const)}
        onChange={setChosen}
      />
      <Answer of={answer}>
        {({ text }) =>
          text === '' ? (
            <Empty>{trans.__('It printed nothing.')}</Empty>
          ) : (
            <pre className="jp-mlws-Preview-text" tabIndex={0}>
              <AnsiText text={text} />
            </pre>
          )
        }
      </Answer>
    </>
  );
}

/** Code, data and models of the run. */
function Origin({ client, actions, run, baseline }: IPartProps): JSX.Element {
  const models = useGet(
    client,
    `${pathOf(run)}/models`,
    {},
    {
      enabled: run.id !== null
    }
  );
  const inputs = Object.entries(run.inputs);
  const before = baseline?.inputs;
  return (
    <section aria-label={trans.__('Origin')}>
      <table className="jp-mlws-Values" aria-label={trans.__('Code and data')}>
        <Head names={[trans.__('Code and data'), trans.__('Version')]} />
        <tbody>
          <tr>
            <th scope="row">{trans.__('Code')}</th>
            <td title={run.commit ?? undefined}>
              {run.commit === null ? (
                trans.__('not recorded')
              ) : (
                <>
                  <code>{run.commit.slice(0, 8)}</code>{' '}
                  {run.dirty === true && trans.__('with uncommitted changes')}
                  {baseline?.commit && baseline.commit !== run.commit && (
                    <Button
                      minimal
                      onClick={() =>
                        actions.compareCode(baseline.commit!, run.commit!)
                      }
                    >
                      {trans.__('Show Differences')}
                    </Button>
                  )}
                </>
              )}
            </td>
          </tr>
          {inputs.map(([path, md5]) => (
            <tr key={path}>
              <th scope="row">{path}</th>
              <td
                className={
                  before && before[path] !== md5 ? 'jp-mod-differs' : ''
                }
                title={md5}
              >
                <code>{md5.slice(0, 8)}</code>
                {before && before[path] !== md5 && (
                  <>
                    {' '}
                    {before[path]
                      ? trans.__('before: %1', before[path].slice(0, 8))
                      : trans.__('new')}
                  </>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {run.snapshots.length > 0 && (
        <p>
          {trans.__('In snapshots')}{' '}
          {run.snapshots.map(one => (
            <Button
              key={one.commit}
              minimal
              title={fullTime(one.timestamp)}
              onClick={() => actions.compareCode(one.commit, 'HEAD')}
            >
              <code>{one.commit.slice(0, 8)}</code> {one.subject}
            </Button>
          ))}
        </p>
      )}
      {models.error && <Failure error={models.error} />}
      {models.data && models.data.items.length > 0 && (
        <p>
          {trans.__('Registered as')}{' '}
          {models.data.items.map(version => (
            <Button
              key={version.id}
              minimal
              onClick={() => actions.showModel(version.name)}
            >
              {version.name} {version.version}
              {version.aliases.map(alias => (
                <span key={alias} className="jp-mlws-Badge">
                  {alias}
                </span>
              ))}
            </Button>
          ))}
        </p>
      )}
    </section>
  );
}

function Charts(props: IPartProps): JSX.Element {
  const { client, run, baseline, themes } = props;
  const answer = useGet(
    client,
    `${pathOf(run)}/metrics`,
    {},
    {
      enabled: run.id !== null
    }
  );
  if (run.id === null) {
    return <Empty>{trans.__('This run has no metrics in MLflow.')}</Empty>;
  }
  return (
    <Answer of={answer}>
      {({ items }) => (
        <CurvePanel
          client={client}
          runs={baseline ? [run, baseline] : [run]}
          metrics={items
            .filter(({ count }) => count === null || count > 1)
            .map(({ name }) => name)}
          themes={themes}
        />
      )}
    </Answer>
  );
}

function Files(props: IPartProps): JSX.Element {
  const { client, run } = props;
  const [opened, setOpened] = useState<string | null>(null);
  const answer = useGet(client, `${pathOf(run)}/files`);
  return (
    <Answer of={answer}>
      {({ items }) => {
        const isFigure = ({ kind, available }: IRunFile) =>
          kind === 'Figure' && available;
        const figures = items.filter(isFigure).slice(0, MAX_FIGURES);
        const file = items.find(one => one.path === opened);
        return items.length === 0 ? (
          <Empty>{trans.__('This run made no files.')}</Empty>
        ) : (
          <>
            {figures.length > 0 && (
              <div className="jp-mlws-RunPage-figures">
                {figures.map(one => (
                  <figure key={one.path}>
                    <FilePreview {...props} file={one} />
                    <figcaption>{one.path}</figcaption>
                  </figure>
                ))}
              </div>
            )}
            <table className="jp-mlws-Values" aria-label={trans.__('Files')}>
              <Head
                names={[
                  trans.__('File'),
                  trans.__('Node'),
                  trans.__('Size'),
                  trans.__('Version')
                ]}
              />
              <tbody>
                {items.map(one => (
                  <tr key={one.path}>
                    <th scope="row">
                      <Button
                        minimal
                        disabled={!one.available}
                        title={
                          one.available
                            ? trans.__('Preview')
                            : trans.__(
                                'Its content is in no cache of this machine'
                              )
                        }
                        aria-expanded={opened === one.path}
                        onClick={() =>
                          setOpened(opened === one.path ? null : one.path)
                        }
                      >
                        {one.path}
                      </Button>
                    </th>
                    <td>{one.node ?? '–'}</td>
                    <td>{one.size === null ? '–' : fileSize(one.size)}</td>
                    <td>
                      <code>{one.md5?.slice(0, 8) ?? '–'}</code>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
            {file && (
              <section
                className="jp-mlws-Preview"
                aria-label={trans.__('Preview of %1', file.path)}
              >
                <FilePreview {...props} file={file} />
              </section>
            )}
          </>
        );
      }}
    </Answer>
  );
}

function FilePreview(props: IPartProps & { file: IRunFile }): JSX.Element {
  const { client, run, file, rendermime } = props;
  const answer = useGet(client, `${pathOf(run)}/preview`, { path: file.path });
  return (
    <Answer of={answer}>
      {preview => (
        <Artifact
          // Its type says which fields it has.
          preview={preview as IPreview}
          name={file.path}
          renderers={rendermime}
        />
      )}
    </Answer>
  );
}

function Environment(props: IPartProps): JSX.Element {
  const { client, run, baseline } = props;
  const answer = useGet(client, `${pathOf(run)}/environments`, {
    previous: baseline ? keyOf(baseline) : undefined
  });
  if (run.id === null) {
    return <Empty>{trans.__('This run is not in MLflow.')}</Empty>;
  }
  return (
    <Answer of={answer}>
      {({ environments, changes }) =>
        environments.length === 0 ? (
          <Empty>
            {trans.__('The environment of this run was not recorded.')}
          </Empty>
        ) : (
          <>
            {baseline && changes.length === 0 && (
              <Hint>{trans.__('The same as that of the compared run.')}</Hint>
            )}
            {changes.length > 0 && (
              <table
                className="jp-mlws-Values"
                aria-label={trans.__('Differences')}
              >
                <Head
                  names={[
                    trans.__('Package'),
                    trans.__('This run'),
                    trans.__('Compared')
                  ]}
                />
                <tbody>
                  {changes.map(({ name, before, after }) => (
                    <tr key={name}>
                      <th scope="row">{name}</th>
                      <td className="jp-mod-differs">{after ?? '–'}</td>
                      <td>{before ?? '–'}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            )}
            {environments.map(one => (
              <details key={one.id} open={environments.length === 1}>
                <summary>
                  {trans._n(
                    '%2 on %3, %1 package',
                    '%2 on %3, %1 packages',
                    Object.keys(one.packages).length,
                    one.title,
                    one.platform
                  )}
                </summary>
                <pre className="jp-mlws-Preview-text" tabIndex={0}>
                  {one.requirements}
                </pre>
              </details>
            ))}
          </>
        )
      }
    </Answer>
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
