import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import {
  caretDownIcon,
  caretRightIcon,
  closeIcon,
  HTMLSelect
} from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { MLWSClient } from '../api/client';
import type { IAliasChange, IModel, IModelVersion } from '../api/models';
import { MoreButton } from '../lab/moreButton';
import { Button, Hint } from '../ui/controls';
import { cellText, fullTime, relativeTime } from '../ui/format';
import { Markdown } from '../ui/markdown';
import { RowParts } from '../ui/rowParts';
import { Rows } from '../ui/rows';
import { Answer, Failures, ServerView, useGet, usePages } from '../ui/server';
import { State, toggled, useValue } from '../ui/state';
import type { IModelRegistry } from '../lab/tokens';
import { modelPath } from './actions';
import { trans } from '../ui/locale';

/** Metrics shown in the list; the comparison has them all. */
const MAIN_METRICS = 3;
/** Models that are read at once. */
const PAGE_QUERY = { limit: 50 };
/** Ranks that are shown. */
const MAX_RANKS = 5;

interface IProps {
  client: MLWSClient;
  actions: IModelRegistry;
  renderers: IRenderMimeRegistry;
  /** The names of the expanded models. */
  expanded: State<ReadonlySet<string>>;
}

interface IVersionProps extends IProps {
  /** Ids of the versions to compare, in the order of choice. */
  selected: readonly string[];
  onSelect: (id: string) => void;
}

export function Alias(props: {
  actions: IModelRegistry;
  version: IModelVersion;
  alias: string;
}): JSX.Element {
  const { actions, version, alias } = props;
  const remove = trans.__('Remove alias “%1”…', alias);
  return (
    <span className="jp-mlws-Badge jp-mlws-Alias" data-mlws-alias={alias}>
      {alias}
      <button
        title={remove}
        aria-label={remove}
        onClick={() => actions.removeAlias(version, alias)}
      >
        <closeIcon.react tag="span" width="10px" />
      </button>
    </span>
  );
}

function Version(
  props: IVersionProps & { version: IModelVersion }
): JSX.Element {
  const { actions, version } = props;
  const metrics = Object.entries(version.metrics);
  const name = trans.__('version %1', version.version);
  return (
    <li className="jp-mlws-ModelVersion" data-mlws-model={version.id}>
      <label
        className="jp-mlws-Row"
        title={metrics
          .map(([metric, value]) => `${metric}: ${cellText(value)}`)
          .join('\n')}
      >
        <input
          type="checkbox"
          data-mlws-row
          checked={props.selected.includes(version.id)}
          onChange={() => props.onSelect(version.id)}
        />
        <span className="jp-mlws-Row-name">{name}</span>
        <span className="jp-mlws-Run-fact" title={fullTime(version.timestamp)}>
          {relativeTime(version.timestamp)}
        </span>
      </label>
      <span className="jp-mlws-Counts">
        {metrics.slice(0, MAIN_METRICS).map(([metric, value]) => (
          <span key={metric} className="jp-mlws-Metric">
            {metric} <b>{cellText(value)}</b>
          </span>
        ))}
      </span>
      <span className="jp-mlws-Tools">
        {version.aliases.map(alias => (
          <Alias
            key={alias}
            actions={actions}
            version={version}
            alias={alias}
          />
        ))}
        <Button
          minimal
          aria-label={trans.__('Set Alias for %1 %2…', version.name, name)}
          onClick={() => void actions.promote(version)}
        >
          {trans.__('Set Alias…')}
        </Button>
        <Button minimal onClick={() => actions.lineage(version)}>
          {trans.__('Lineage')}
        </Button>
      </span>
    </li>
  );
}

function changeText(change: IAliasChange): string {
  const { alias, version, before } = change;
  if (version === null) {
    return trans.__('%1 removed from version %2', alias, before ?? '–');
  }
  return before === null
    ? trans.__('%1 set to version %2', alias, version)
    : trans.__('%1 moved from version %2 to %3', alias, before, version);
}

export function AliasHistory(props: {
  client: MLWSClient;
  name: string;
}): JSX.Element | null {
  const { client, name } = props;
  const history = useGet(client, `${modelPath(name)}/aliases/history`);
  const { data, error } = history;
  if (error) {
    return <Failures of={[history]} />;
  }
  if (!data || data.items.length === 0) {
    return null;
  }
  return (
    <details className="jp-mlws-AliasHistory">
      <summary>{trans.__('Alias history')}</summary>
      <ul>
        {data.items.map((change, index) => (
          <li key={index}>
            {changeText(change)}{' '}
            <span
              className="jp-mlws-Run-fact"
              title={change.timestamp ? fullTime(change.timestamp) : undefined}
            >
              {change.timestamp
                ? relativeTime(change.timestamp)
                : trans.__('by another program')}{' '}
              {change.by}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Expanded(props: IVersionProps & { name: string }): JSX.Element {
  const { client, name } = props;
  const path = modelPath(name);
  return (
    <div className="jp-mlws-Dataset-detail">
      <Answer of={useGet(client, path)}>
        {detail => (
          <>
            <Button onClick={() => props.actions.open(name)}>
              {trans.__('Open Model')}
            </Button>
            {detail.description && (
              <Markdown text={detail.description} renderers={props.renderers} />
            )}
            <ul
              className="jp-mlws-Rows"
              aria-label={trans.__('Versions of %1', name)}
            >
              {detail.versions.map(version => (
                <Version key={version.id} {...props} version={version} />
              ))}
            </ul>
            <MoreButton
              client={client}
              path={path}
              query={{}}
              list="versions"
              label={trans.__('Show Older Versions')}
            />
            <AliasHistory client={client} name={name} />
          </>
        )}
      </Answer>
    </div>
  );
}

function ModelRow(props: IVersionProps & { item: IModel }): JSX.Element {
  const { item, expanded } = props;
  const isOpen = useValue(expanded).has(item.name);
  return (
    <li className="jp-mlws-Model" data-mlws-model-name={item.name}>
      <button
        className="jp-mlws-Row"
        data-mlws-row
        aria-expanded={isOpen}
        onClick={() => (expanded.value = toggled(expanded.value, item.name))}
      >
        <RowParts
          icon={isOpen ? caretDownIcon : caretRightIcon}
          name={item.name}
        />
        {item.newest && (
          <span className="jp-mlws-Run-fact">
            {trans.__('version %1', item.newest.version)}
          </span>
        )}
        {Object.entries(item.aliases).map(([alias, version]) => (
          <span key={alias} className="jp-mlws-Badge">
            {alias} = {version}
          </span>
        ))}
      </button>
      {isOpen && <Expanded {...props} name={item.name} />}
    </li>
  );
}

function Best({ client, actions }: IProps): JSX.Element | null {
  const [metric, setMetric] = useState('');
  const columns = useGet(client, '/runs/columns');
  const best = useGet(
    client,
    '/models/best',
    { metric, limit: MAX_RANKS },
    { enabled: metric !== '' }
  );
  if (columns.error || best.error) {
    return <Failures of={[columns, best]} />;
  }
  if (!columns.data || columns.data.metrics.length === 0) {
    return null;
  }
  const options = [
    { value: '', label: trans.__('(select a metric)') },
    ...columns.data.metrics.map(name => ({ value: name, label: name }))
  ];
  const items = best.data?.items ?? [];
  return (
    <div className="jp-mlws-Best">
      <label>
        {trans.__('Rank by')}{' '}
        <HTMLSelect
          value={metric}
          options={options}
          onChange={event => setMetric(event.target.value)}
        />
      </label>
      {best.data && items.length === 0 && (
        <Hint>{trans.__('No model version has this metric.')}</Hint>
      )}
      {items.length > 0 && (
        <ol
          title={
            best.data?.mode === 'max'
              ? trans.__('Higher is better')
              : trans.__('Lower is better')
          }
        >
          {items.map(({ value, version }) => (
            <li key={version.id} data-mlws-best={version.id}>
              {version.name} {version.version} <b>{cellText(value)}</b>{' '}
              <Button minimal onClick={() => void actions.promote(version)}>
                {trans.__('Set Alias…')}
              </Button>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function Empty({ client, actions }: IProps): JSX.Element {
  return (
    <>
      <Hint>
        {trans.__(
          'Registered models have versions, each created from a run. Aliases such as ' +
            '“production” mark the version in use.'
        )}
      </Hint>
      <div className="jp-mlws-Tools">
        <button
          className="jp-mlws-RegisterButton jp-mlws-Wide jp-mod-styled jp-mod-accept"
          onClick={() => actions.register()}
        >
          {trans.__('Register Model from Run…')}
        </button>
      </div>
    </>
  );
}

function Registry(props: IProps): JSX.Element {
  const { client, actions } = props;
  const models = usePages(client, '/models', PAGE_QUERY);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const ids = [...selected];
  return (
    <Answer of={models}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty {...props} />
        ) : (
          <>
            <div className="jp-mlws-Tools">
              <Button onClick={() => actions.register()}>
                {trans.__('Register Model from Run…')}
              </Button>
              {ids.length > 1 && (
                <Button
                  className="jp-mlws-CompareModelsButton"
                  onClick={() => actions.compare(ids)}
                >
                  {trans.__('Compare %1 versions', ids.length)}
                </Button>
              )}
            </div>
            <Best {...props} />
            <Rows label={trans.__('Models')}>
              {items.map(item => (
                <ModelRow
                  key={item.id}
                  {...props}
                  item={item}
                  selected={ids}
                  onSelect={id => setSelected(now => toggled(now, id))}
                />
              ))}
            </Rows>
            <MoreButton
              client={client}
              path="/models"
              query={PAGE_QUERY}
              list="items"
            />
          </>
        )
      }
    </Answer>
  );
}

/** List of the registered models: versions, aliases, and the best versions. */
export function modelsView(props: IProps): ServerView {
  return new ServerView(props.client, () => <Registry {...props} />, {
    id: 'jp-mlws-models',
    label: trans.__('Models'),
    className: 'jp-mlws-Section jp-mlws-Models',
    help: 'reference-experiments',
    paths: ['/models', '/runs/columns']
  });
}
