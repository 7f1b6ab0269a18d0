import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';

import { APIError, type MLWSClient } from '../api/client';
import type {
  IAbsentData,
  IDataRemote,
  IDataset,
  IDatasetPage,
  IDatasetPlaces,
  IDatasetTotal,
  IStorageUse
} from '../api/models';
import { MoreButton } from '../lab/moreButton';
import { OperationView } from '../operations/operationView';
import { followOperation, useOperation } from '../operations/tracker';
import { Button, Hint } from '../ui/controls';
import { dataIcon } from '../ui/fileIcons';
import { fileSize, listText } from '../ui/format';
import { Group } from '../ui/group';
import { language, trans } from '../ui/locale';
import { RowIcon, RowParts, splitPath } from '../ui/rowParts';
import { Rows } from '../ui/rows';
import {
  Answer,
  Failures,
  ServerView,
  useGet,
  usePages,
  type IAnswer
} from '../ui/server';
import { toggled, useValue, type State } from '../ui/state';
import { ALL, OUTPUTS, PULL } from './actions';
import { DatasetDetail, type IDataProps } from './detail';
import { ImportForm } from './importForm';
import { absentText, extent, markHelp, marksOf, markLabel } from './labels';
import { RemotesForm } from './remotesForm';

/** Datasets that are read at once. */
const PAGE_QUERY = { limit: 200 };
const PLACES_PATH = '/datasets/places';
const STORAGE_PATH = '/datasets/storage';

interface ISectionProps extends IDataProps {
  /** The paths of the expanded datasets; `OUTPUTS` if the outputs are. */
  expanded: State<ReadonlySet<string>>;
}

/** The content of cache and remote; the remote may take long to answer. */
interface IStores {
  storage: IAnswer<IStorageUse>;
  places: IAnswer<IDatasetPlaces | null>;
}

async function readPlaces(client: MLWSClient): Promise<IDatasetPlaces | null> {
  const started = await client.post(PLACES_PATH);
  const end = await followOperation(client, started);
  if (end.state === 'FAILED') {
    throw new APIError(0, end.error ?? {});
  }
  return end.result;
}

/** Reads the content of cache and remote, and again when the recorded data or remotes change. */
function useStores(
  client: MLWSClient,
  datasets: readonly IDataset[],
  remotes: readonly IDataRemote[]
): IStores {
  const of = JSON.stringify([datasets.map(({ md5 }) => md5), remotes]);
  // No event reports their changes: earlier responses about the data are stale.
  const options = { keepPrevious: true, gcTime: 0 };
  return {
    storage: useGet<'/datasets/storage', IStorageUse>(
      client,
      STORAGE_PATH,
      { of },
      { queryFn: () => client.get(STORAGE_PATH), ...options }
    ),
    places: useGet<'/datasets/places', IDatasetPlaces | null>(
      client,
      PLACES_PATH,
      { of },
      { queryFn: () => readPlaces(client), ...options }
    )
  };
}

function DatasetRow(
  props: ISectionProps & {
    dataset: IDataset;
    places: IDatasetPlaces | null | undefined;
    hasRemote: boolean;
  }
): JSX.Element {
  const { client, actions, dataset, places, expanded } = props;
  const isOpen = useValue(expanded).has(dataset.path);
  const marks = marksOf(
    dataset,
    places?.items.find(({ md5 }) => md5 === dataset.md5),
    !!places?.unreachable
  );
  const facts = [
    dataset.path,
    extent(dataset),
    ...marks.map(mark => markLabel(mark))
  ].filter(Boolean);
  return (
    <li
      className="jp-mlws-Dataset"
      data-mlws-dataset={dataset.path}
      data-mlws-pullable={
        (props.hasRemote && dataset.md5 !== null) || undefined
      }
    >
      <button
        className="jp-mlws-Row"
        data-mlws-row
        aria-expanded={isOpen}
        aria-label={listText(facts)}
        title={facts.join('\n')}
        onClick={() => (expanded.value = toggled(expanded.value, dataset.path))}
      >
        <RowIcon icon={isOpen ? caretDownIcon : caretRightIcon} />
        <RowParts icon={dataIcon} {...splitPath(dataset.path)} />
        {marks.map(mark => (
          <span
            key={mark}
            className="jp-mlws-Badge"
            data-mlws-mark={mark}
            title={markHelp(mark)}
          >
            {markLabel(mark)}
          </span>
        ))}
      </button>
      <OperationView
        tracker={actions.operations}
        place={dataset.id}
        client={client}
      />
      {isOpen && <DatasetDetail {...props} dataset={dataset} />}
    </li>
  );
}

/** How much data is not here, with a button that pulls it, and the progress of that. */
function Offer(
  props: IDataProps & {
    absent: IAbsentData | undefined;
    remote: IDataRemote | undefined;
  }
): JSX.Element {
  const { client, actions, absent, remote } = props;
  const operation = useOperation(actions.operations, PULL);
  const isShown = !!absent?.files && operation?.state !== 'running';
  return (
    <>
      {isShown && (
        <div className="jp-mlws-Offer" role="status">
          <p>{absentText(absent)}</p>
          {remote ? (
            <button
              className="jp-mlws-PullAllButton jp-mod-styled jp-mod-accept"
              title={`${remote.name}: ${remote.url}`}
              onClick={() => actions.pullAll()}
            >
              {absent.size === null
                ? trans.__('Pull Data')
                : trans.__('Pull Data (%1)', fileSize(absent.size))}
            </button>
          ) : (
            <Hint>
              {trans.__(
                'No remote is set up from which it could come. Ask the authors of the project where its data is stored, and set that up as the remote.'
              )}
            </Hint>
          )}
        </div>
      )}
      <OperationView
        tracker={actions.operations}
        place={PULL}
        client={client}
        onRetry={() => actions.pullAll()}
      />
    </>
  );
}

/** A group of datasets, with their number and size; nothing if it is empty. */
function DatasetGroup(
  props: Omit<Parameters<typeof DatasetRow>[0], 'dataset'> & {
    name: string;
    title: string;
    items: readonly IDataset[];
    total: IDatasetTotal;
    open?: boolean;
    onToggle?: (open: boolean) => void;
  }
): JSX.Element | null {
  const { name, title, items, total, open = true, onToggle, ...row } = props;
  if (total.count === 0) {
    return null;
  }
  const facts = [total.count.toLocaleString(language), fileSize(total.size)];
  return (
    <Group
      name={name}
      title={title}
      facts={listText(facts)}
      open={open}
      onToggle={onToggle}
    >
      <Rows label={title}>
        {items.map(dataset => (
          <DatasetRow key={dataset.id} {...row} dataset={dataset} />
        ))}
      </Rows>
    </Group>
  );
}

function Storage(props: IDataProps & { storage: IStorageUse }): JSX.Element {
  const { actions, storage } = props;
  const operation = useOperation(actions.operations, ALL);
  const size = (bytes: number) => fileSize(bytes);
  const rest = [
    storage.unfinished > 0
      ? trans.__('Incomplete transfers: %1', size(storage.unfinished))
      : '',
    storage.damaged > 0
      ? trans.__('Damaged, quarantined: %1', size(storage.damaged))
      : ''
  ].filter(Boolean);
  return (
    <div className="jp-mlws-Storage">
      <Hint title={trans.__('Free disk space: %1', size(storage.free))}>
        {trans.__(
          'Cache: %1 used, %2 needed by this version.',
          size(storage.size),
          size(storage.current)
        )}{' '}
        {listText(rest)}
      </Hint>
      <Button
        className="jp-mlws-FreeButton"
        disabled={operation?.state === 'running'}
        onClick={() => actions.freeSpace()}
      >
        {trans.__('Free Up Space…')}
      </Button>
    </div>
  );
}

function Datasets(
  props: ISectionProps & {
    page: IDatasetPage;
    remotes: readonly IDataRemote[];
  }
): JSX.Element {
  const { client, actions, page, remotes, expanded } = props;
  const outputsAreShown = useValue(expanded).has(OUTPUTS);
  const stores = useStores(client, page.items, remotes);
  const adding = useValue(actions.adding);
  const panel = useValue(actions.panel);
  const toggle = (one: 'import' | 'remotes') =>
    (actions.panel.value = panel === one ? null : one);
  const isEmpty = page.items.length === 0;
  const remote = remotes.find(one => one.default);
  const places = stores.places.data;
  const storage = stores.storage.data;
  // Found at once; the answer of the remote says what of it can't be pulled.
  const absent = storage?.absent.files
    ? (places?.absent ?? storage.absent)
    : undefined;
  return (
    <>
      <Offer {...props} absent={absent} remote={remote} />
      {isEmpty && (
        <Hint>
          {trans.__(
            'Large files are versioned with DVC. Every snapshot records their version, ' +
              'so you can restore any of them. Add a remote to back them up.'
          )}
        </Hint>
      )}
      <div className="jp-mlws-Tools">
        <button
          className={`jp-mlws-AddDataButton jp-mlws-Wide jp-mod-styled${isEmpty ? ' jp-mod-accept' : ''}`}
          title={trans.__('Track a file or folder with DVC')}
          onClick={() => actions.add()}
        >
          {trans.__('Track File or Folder…')}
        </button>
        <Button
          className="jp-mlws-ImportButton"
          aria-expanded={panel === 'import'}
          onClick={() => toggle('import')}
        >
          {trans.__('Import from URL…')}
        </Button>
        <Button
          className="jp-mlws-RemotesButton"
          aria-expanded={panel === 'remotes'}
          title={remote ? `${remote.name}: ${remote.url}` : undefined}
          onClick={() => toggle('remotes')}
        >
          {remote
            ? trans.__('Remote: %1', remote.name)
            : trans.__('Set Up Remote…')}
        </Button>
      </div>
      {panel === 'import' && (
        <ImportForm
          onSubmit={request => actions.import(request)}
          onClose={() => (actions.panel.value = null)}
        />
      )}
      {panel === 'remotes' && (
        <RemotesForm
          client={client}
          actions={actions}
          remotes={remotes}
          onClose={() => (actions.panel.value = null)}
        />
      )}
      <OperationView tracker={actions.operations} place={ALL} client={client} />
      {[...adding].map(path => (
        <p key={path} className="jp-mlws-Note" role="status">
          {trans.__('Tracking %1…', path)}
        </p>
      ))}
      <Failures of={[stores.storage, stores.places]} />
      {places?.unreachable && remote && (
        <p className="jp-mlws-Note jp-mod-warn" role="status">
          {trans.__(
            'Could not check the remote “%1”: %2',
            remote.name,
            places.unreachable
          )}
        </p>
      )}
      <DatasetGroup
        {...props}
        name="own"
        title={trans.__('Your Data')}
        items={page.items.filter(one => !one.output)}
        total={page.own}
        places={places}
        hasRemote={remote !== undefined}
      />
      <DatasetGroup
        {...props}
        name="outputs"
        title={trans.__('Outputs of Workflows')}
        items={page.items.filter(one => one.output)}
        total={page.outputs}
        places={places}
        hasRemote={remote !== undefined}
        open={outputsAreShown}
        onToggle={open => {
          if (open !== expanded.value.has(OUTPUTS)) {
            expanded.value = toggled(expanded.value, OUTPUTS);
          }
        }}
      />
      <MoreButton
        client={client}
        path="/datasets"
        query={PAGE_QUERY}
        list="items"
      />
      {storage && <Storage {...props} storage={storage} />}
    </>
  );
}

function Section(props: ISectionProps): JSX.Element {
  const { client } = props;
  const datasets = usePages(client, '/datasets', PAGE_QUERY);
  const remotes = useGet(client, '/datasets/remotes');
  return (
    <Answer of={datasets}>
      {page => (
        <Answer of={remotes}>
          {({ items }) => <Datasets {...props} page={page} remotes={items} />}
        </Answer>
      )}
    </Answer>
  );
}

/** Data of the project: datasets with their state, snapshots and stores. */
export function dataView(props: ISectionProps): ServerView {
  return new ServerView(props.client, () => <Section {...props} />, {
    id: 'jp-mlws-data',
    label: trans.__('Data'),
    className: 'jp-mlws-Section jp-mlws-Data',
    help: 'reference-data',
    paths: ['/datasets']
  });
}
