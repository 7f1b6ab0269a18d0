import { useCallback, useEffect, useMemo, useReducer, useState } from 'react';

import type { MLWSClient } from '../../api/client';
import { ActionButton, type IContainerHost } from '../containers/actions';
import { NewContainer } from '../containers/createForm';
import { LiveRegion } from '../containers/liveRegion';
import { ContainerLog } from '../containers/logPanel';
import {
  useContainers,
  useReport,
  type ContainersModel
} from '../containers/model';
import {
  filterContainers,
  sortContainers,
  type IOrder
} from '../containers/order';
import {
  containerStatusLabel,
  nameOf,
  type IQuestion
} from '../containers/labels';
import { Failure, Waiting } from '../../ui/errorBox';
import type {
  ContainerStatus,
  IContainer,
  IResourceReport
} from '../../api/models';
import { Hint, SearchField, Select } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { Tabs } from '../../ui/tabs';
import { useValue } from '../../ui/state';
import {
  DismissedNotices,
  followNotices,
  NoticeBars
} from '../notices/notices';
import { Announcements } from './announcements';
import { Audit } from './audit';
import { BulkActions } from './bulk';
import type { IConfig } from './config';
import { Confirmation } from './confirmation';
import { Images } from './images';
import { Machines } from './machines';
import { SharedPages } from './pages';
import { SharedProjects } from './projects';
import { Queue } from './queue';
import { HubSettings } from './settings';
import { Storage } from './storage';
import { ContainerTable } from './table';
import { UsageCharts } from './usageCharts';
import { Users } from './users';
import { Volumes } from './volumes';
import { THEMES, type PageTheme, type Theme } from './theme';

/** "2 minutes ago" grows older while nothing else happens, in milliseconds. */
const CLOCK_INTERVAL = 30_000;
const STATUSES: ContainerStatus[] = [
  'CREATED',
  'QUEUED',
  'STARTING',
  'RUNNING',
  'UNHEALTHY',
  'STOPPING',
  'STOPPED',
  'CRASHED'
];
/** Error code: the user is not, or no longer, signed in. */
const SIGNED_OUT = '50301';

function Head(props: { config: IConfig; theme: PageTheme }): JSX.Element {
  const { config, theme } = props;
  const [chosen, choose] = useState(theme.chosen);
  const labels: Record<Theme, string> = {
    system: trans.__('System'),
    light: trans.__('Light'),
    dark: trans.__('Dark')
  };
  return (
    <header className="jp-mlws-Head">
      <h1>{trans.__('Containers')}</h1>
      <a href={`${config.hubUrl}home`}>{trans.__('Hub Control Panel')}</a>
      <span className="jp-mlws-Head-user">
        {config.admin
          ? trans.__('%1 (administrator)', config.user)
          : config.user}
      </span>
      <label>
        {trans.__('Theme')}
        <Select
          className="jp-mlws-Select jp-mod-styled"
          value={chosen}
          options={THEMES.map(one => [one, labels[one]])}
          onChange={next => {
            theme.chosen = next;
            choose(next);
          }}
        />
      </label>
    </header>
  );
}

function Containers(props: {
  items: readonly IContainer[];
  report: IResourceReport;
  model: ContainersModel;
  host: IContainerHost;
  isAdmin: boolean;
}): JSX.Element {
  const { items, report, model, isAdmin } = props;
  const [text, setText] = useState('');
  const [status, setStatus] = useState<ContainerStatus | ''>('');
  const [order, setOrder] = useState<IOrder>({
    column: 'user',
    descending: false
  });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const shown = sortContainers(filterContainers(items, text, status), order);
  // Filtered containers are excluded from bulk actions.
  const together = shown.filter(one => chosen.has(one.id));
  const nothing = isAdmin
    ? trans.__('No containers yet.')
    : trans.__('You have no container yet. Create one to start your lab.');
  return (
    <section className="jp-mlws-Containers" aria-labelledby="mlws-containers">
      <h2 id="mlws-containers">
        {isAdmin ? trans.__('All containers') : trans.__('My containers')}
      </h2>
      <div className="jp-mlws-Toolbar">
        <SearchField
          placeholder={trans.__('Filter')}
          label={trans.__('Filter by owner, name, image or machine')}
          value={text}
          onChange={setText}
        />
        <Select<ContainerStatus | ''>
          className="jp-mlws-Select jp-mod-styled"
          aria-label={trans.__('Filter by state')}
          value={status}
          options={[
            ['', trans.__('All states')],
            ...STATUSES.map(one => [one, containerStatusLabel(one)] as const)
          ]}
          onChange={setStatus}
        />
        <span className="jp-mlws-Hint" role="status">
          {trans.__('%1 of %2', shown.length, items.length)}
        </span>
        <NewContainer
          model={model}
          report={report}
          className="jp-mlws-New"
          asksOwner={isAdmin}
        />
      </div>
      {together.length > 0 && (
        <BulkActions
          chosen={together}
          model={model}
          host={props.host}
          onDone={() => setChosen(new Set())}
        />
      )}
      {items.length === 0 && <Hint>{nothing}</Hint>}
      {items.length > 0 && shown.length === 0 && (
        <Hint>{trans.__('No containers match the filter.')}</Hint>
      )}
      {shown.length > 0 && (
        <div className="jp-mlws-Grid-frame">
          <ContainerTable
            containers={shown}
            hasGpu={report.nodes.some(one => one.capacity.gpu > 0)}
            order={order}
            model={model}
            host={props.host}
            chosen={chosen}
            onSort={setOrder}
            onChoose={setChosen}
          />
        </div>
      )}
    </section>
  );
}

function Logs(props: {
  client: MLWSClient;
  container: IContainer;
  onClose: () => void;
}): JSX.Element | null {
  const { client, container } = props;
  const { id } = container;
  const label = trans.__(
    'Logs of %1',
    `${container.user} / ${nameOf(container)}`
  );
  return (
    <section className="jp-mlws-Logs" aria-labelledby="mlws-logs">
      <div className="jp-mlws-Logs-head">
        <h2 id="mlws-logs">{label}</h2>
        <ActionButton
          name="close"
          label={trans.__('Close logs')}
          onClick={props.onClose}
        />
      </div>
      <ContainerLog key={id} client={client} id={id} label={label} />
    </section>
  );
}

type Tab =
  | 'containers'
  | 'users'
  | 'usage'
  | 'storage'
  | 'images'
  | 'projects'
  | 'pages'
  | 'announcements'
  | 'audit'
  | 'settings';
type Tabbed = readonly (readonly [name: Tab, label: string])[];

/** The parts of the page; administrators have more of them. */
const tabsOf = (isAdmin: boolean): Tabbed => [
  ['containers', trans.__('Containers')],
  ...(isAdmin ? ([['users', trans.__('Users')]] as const) : []),
  ['usage', trans.__('Usage')],
  ['storage', trans.__('Storage')],
  ...(isAdmin
    ? ([
        ['images', trans.__('Images and environments')],
        ['projects', trans.__('Shared projects')]
      ] as const)
    : []),
  ['pages', trans.__('Shared pages')],
  ...(isAdmin
    ? ([
        ['announcements', trans.__('Announcements')],
        ['audit', trans.__('Audit log')],
        ['settings', trans.__('Settings')]
      ] as const)
    : [])
];

/** The chosen tab, which is that of the address, so that it can be linked and reloaded. */
function useTab(tabs: Tabbed): [Tab, (tab: Tab) => void] {
  const read = (): Tab =>
    tabs.find(([name]) => `#${name}` === location.hash)?.[0] ?? 'containers';
  const [tab, setTab] = useState(read);
  useEffect(() => {
    const follow = (): void => setTab(read());
    window.addEventListener('hashchange', follow);
    return () => window.removeEventListener('hashchange', follow);
  });
  return [tab, next => (location.hash = next)];
}

/** The page of the Hub's service: machines, the queue and containers, live. */
export function Page(props: {
  model: ContainersModel;
  config: IConfig;
  theme: PageTheme;
}): JSX.Element {
  const { model, config, theme } = props;
  const { client } = model;
  const containers = useContainers(model);
  const report = useReport(model);
  const connected = useValue(model.connected);
  const lost = useValue(model.lost);
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const clock = setInterval(tick, CLOCK_INTERVAL);
    return () => clearInterval(clock);
  }, []);
  const [question, setQuestion] = useState<
    (IQuestion & { answer: (accepted: boolean) => void }) | null
  >(null);
  const [logs, setLogs] = useState<IContainer | null>(null);
  const ask = useCallback(
    (asked: IQuestion) =>
      new Promise<boolean>(resolve =>
        setQuestion({ ...asked, answer: resolve })
      ),
    []
  );
  const host = useMemo<IContainerHost>(
    () => ({ ask, openLogs: setLogs }),
    [ask]
  );
  // Volumes change their size and owner mostly when a container starts or stops.
  useEffect(() => {
    const again = () =>
      void client.refresh('/volumes', '/resources/hours', '/storage');
    model.moved.connect(again);
    return () => void model.moved.disconnect(again);
  }, [model, client]);
  const [dismissed] = useState(() => new DismissedNotices());
  useEffect(() => followNotices(client), [client]);
  const tabs = tabsOf(config.admin);
  const [tab, chooseTab] = useTab(tabs);
  const error = containers.error ?? report.error;
  const retry = (): void => {
    containers.refetch();
    report.refetch();
  };
  const isReady = containers.data && report.data;

  return (
    <>
      <Head config={config} theme={theme} />
      {error?.code === SIGNED_OUT && (
        <p className="jp-mlws-Note">
          <a href={config.baseUrl}>{trans.__('Sign in again')}</a>
        </p>
      )}
      {isReady && error && <Failure error={error} onRetry={retry} />}
      {isReady && !error && lost && (
        <p className="jp-mlws-Note jp-mod-warn" role="status">
          {trans.__(
            'Connection lost. Reconnecting… What you see may be out of date.'
          )}
        </p>
      )}
      <NoticeBars client={client} dismissed={dismissed} />
      <LiveRegion model={model} />
      {!containers.data || !report.data ? (
        <Waiting error={error} onRetry={retry} />
      ) : (
        <main className="jp-mlws-Main" aria-busy={!connected}>
          <Tabs
            label={trans.__('Parts of the page')}
            className="jp-mlws-PageTabs"
            tabs={tabs}
            tab={tab}
            onChange={chooseTab}
          />
          <div
            role="tabpanel"
            aria-label={tabs.find(([name]) => name === tab)![1]}
          >
            {tab === 'containers' && (
              <>
                <Machines machines={report.data.nodes} />
                <Queue
                  waiting={report.data.queue}
                  model={model}
                  isAdmin={config.admin}
                />
                <Containers
                  items={containers.data}
                  report={report.data}
                  model={model}
                  host={host}
                  isAdmin={config.admin}
                />
                {logs && (
                  <Logs
                    client={client}
                    container={logs}
                    onClose={() => setLogs(null)}
                  />
                )}
              </>
            )}
            {tab === 'users' && <Users client={client} isReachable={!error} />}
            {tab === 'usage' && (
              <UsageCharts client={client} isAdmin={config.admin} />
            )}
            {tab === 'storage' && (
              <>
                {config.admin && (
                  <Storage
                    client={client}
                    machines={report.data.nodes}
                    isReachable={!error}
                  />
                )}
                <Volumes client={client} confirm={ask} isReachable={!error} />
              </>
            )}
            {tab === 'images' && (
              <Images client={client} confirm={ask} isReachable={!error} />
            )}
            {tab === 'projects' && (
              <SharedProjects
                client={client}
                confirm={ask}
                isReachable={!error}
              />
            )}
            {tab === 'announcements' && (
              <Announcements
                client={client}
                confirm={ask}
                isReachable={!error}
              />
            )}
            {tab === 'pages' && (
              <SharedPages client={client} confirm={ask} isReachable={!error} />
            )}
            {tab === 'audit' && <Audit client={client} isReachable={!error} />}
            {tab === 'settings' && (
              <HubSettings client={client} isReachable={!error} />
            )}
          </div>
        </main>
      )}
      {question && (
        <Confirmation
          question={question}
          onAnswer={accepted => {
            setQuestion(null);
            question.answer(accepted);
          }}
        />
      )}
    </>
  );
}
