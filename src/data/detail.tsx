import { useQuery } from '@tanstack/react-query';
import type { MLWSClient } from '../api/client';
import type {
  IDataset,
  IDatasetDetail,
  IDatasetUse,
  IDatasetVerified,
  IDatasetVersion
} from '../api/models';
import { MoreButton } from '../lab/moreButton';
import { useOperation } from '../operations/tracker';
import { Button, Hint } from '../ui/controls';
import { fullTime, listText, relativeTime } from '../ui/format';
import { Answer, useGet } from '../ui/server';
import { datasetPath, verifiedPath, type DatasetActions } from './actions';
import { extent } from './labels';
import { trans } from '../ui/locale';

/** The properties of all parts of the section. */
export interface IDataProps {
  client: MLWSClient;
  actions: DatasetActions;
}

interface IDatasetProps extends IDataProps {
  dataset: IDataset;
  /** False if there is no remote to push to and to pull from. */
  hasRemote: boolean;
}

/** Maximum number of faulty files named; more are counted. */
const MAX_NAMES = 10;

function Uses(props: {
  title: string;
  uses: readonly IDatasetUse[];
  openNode: (use: IDatasetUse) => void;
}): JSX.Element | null {
  if (props.uses.length === 0) {
    return null;
  }
  return (
    <p className="jp-mlws-Uses">
      {props.title}{' '}
      {props.uses.map(use => (
        <Button
          key={`${use.workflow} ${use.node}`}
          minimal
          title={use.workflow}
          onClick={() => props.openNode(use)}
        >
          {use.node}
        </Button>
      ))}
    </p>
  );
}

function Verified(props: { verified: IDatasetVerified }): JSX.Element {
  const { verified } = props;
  return (
    <div className="jp-mlws-Verified" role="status">
      {verified.stores.map(store => (
        <div key={store.name} data-mlws-store={store.name}>
          <p
            className={
              store.whole ? 'jp-mlws-Hint' : 'jp-mlws-Note jp-mod-warn'
            }
          >
            {store.whole
              ? trans._n(
                  '%2: %1 object verified.',
                  '%2: all %1 objects verified.',
                  verified.objects,
                  store.name
                )
              : trans._n(
                  '%2: %1 object is missing or damaged.',
                  '%2: %1 objects are missing or damaged.',
                  store.faulty.length,
                  store.name
                )}
          </p>
          {!store.whole && (
            <ul>
              {store.faulty.slice(0, MAX_NAMES).map(faulty => (
                <li key={faulty.md5} title={faulty.md5}>
                  {faulty.state === 'damaged'
                    ? trans.__('damaged: %1', listText(faulty.files))
                    : trans.__('missing: %1', listText(faulty.files))}
                </li>
              ))}
              {store.faulty.length > MAX_NAMES && (
                <li>
                  {trans._n(
                    'and %1 more',
                    'and %1 more',
                    store.faulty.length - MAX_NAMES
                  )}
                </li>
              )}
            </ul>
          )}
        </div>
      ))}
    </div>
  );
}

function Version(
  props: IDatasetProps & { version: IDatasetVersion; isBusy: boolean }
): JSX.Element {
  const { actions, dataset, version, isBusy } = props;
  return (
    <li className="jp-mlws-DataVersion" data-mlws-version={version.commit}>
      <span className="jp-mlws-DataVersion-subject" title={version.subject}>
        {version.subject}
      </span>
      <span className="jp-mlws-Snapshot-facts">
        {version.current && (
          <span className="jp-mlws-Badge jp-mlws-Current">
            {trans.__('current')}
          </span>
        )}
        <code>{version.short}</code>
        <span title={fullTime(version.timestamp)}>
          {relativeTime(version.timestamp)}
        </span>
        <span>{version.author}</span>
        <span>{extent(version)}</span>
      </span>
      <span className="jp-mlws-Tools">
        <Button minimal onClick={() => actions.diff(dataset, version)}>
          {trans.__('Compare with Current')}
        </Button>
        {(!version.current || dataset.state !== 'unchanged') && (
          <Button
            minimal
            disabled={isBusy}
            onClick={() => actions.checkout(dataset, version)}
          >
            {trans.__('Restore…')}
          </Button>
        )}
      </span>
    </li>
  );
}

function Detail(
  props: IDatasetProps & { detail: IDatasetDetail }
): JSX.Element {
  const { client, actions, dataset, detail, hasRemote } = props;
  const operation = useOperation(actions.operations, dataset.id);
  const isBusy = operation?.state === 'running';
  const { data: verified } = useQuery<IDatasetVerified>(
    { queryKey: [verifiedPath(dataset.id), {}], enabled: false },
    client.queries
  );
  const isRecorded = dataset.md5 !== null;
  const facts = [
    extent(dataset),
    dataset.output ? trans.__('output of %1', dataset.source) : ''
  ].filter(Boolean);
  return (
    <>
      <Hint>{facts.join(' · ')}</Hint>
      <div className="jp-mlws-Tools">
        {dataset.state === 'modified' && !dataset.output && (
          <Button onClick={() => actions.record(dataset)}>
            {trans.__('Record')}
          </Button>
        )}
        {isRecorded && hasRemote && (
          <>
            <Button disabled={isBusy} onClick={() => actions.push(dataset)}>
              {trans.__('Push')}
            </Button>
            <Button disabled={isBusy} onClick={() => actions.pull(dataset)}>
              {trans.__('Pull')}
            </Button>
          </>
        )}
        {isRecorded && (
          <>
            <Button
              disabled={isBusy}
              onClick={() => void actions.verify(dataset)}
            >
              {trans.__('Verify')}
            </Button>
            <Button onClick={() => actions.lineage(dataset)}>
              {trans.__('Lineage')}
            </Button>
          </>
        )}
      </div>
      {verified && <Verified verified={verified} />}
      <Uses
        title={trans.__('Created by')}
        uses={detail.producers}
        openNode={use => actions.openNode(use)}
      />
      <Uses
        title={trans.__('Used by')}
        uses={detail.consumers}
        openNode={use => actions.openNode(use)}
      />
      <ul className="jp-mlws-Rows" aria-label={trans.__('Versions')}>
        {detail.versions.map(version => (
          <Version
            key={version.commit}
            {...props}
            version={version}
            isBusy={isBusy}
          />
        ))}
      </ul>
      {detail.versions.length === 0 && isRecorded && (
        <Hint>{trans.__('Not committed yet.')}</Hint>
      )}
      <MoreButton
        client={client}
        path={datasetPath(dataset.id)}
        query={{}}
        list="versions"
        label={trans.__('Show Older Versions')}
      />
    </>
  );
}

/** The details of an expanded dataset, and the actions on it. */
export function DatasetDetail(props: IDatasetProps): JSX.Element {
  const { client, dataset } = props;
  const answer = useGet(client, datasetPath(dataset.id));
  return (
    <div className="jp-mlws-Dataset-detail">
      <Answer of={answer}>
        {detail => <Detail {...props} detail={detail} />}
      </Answer>
    </div>
  );
}
