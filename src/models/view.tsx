import {
  Button,
  caretDownIcon,
  caretRightIcon,
  closeIcon,
  HTMLSelect
} from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import { APIError } from '../api/client';
import { Failure } from '../ui/errorBox';
import { cellText, fullTime, relativeTime } from '../ui/format';
import { LiveView } from '../ui/liveView';
import { Rows } from '../ui/rows';
import type { IModelActions } from './actions';
import type { IExpandedModel, RegistryModel } from './model';
import type { IAliasChange, IModel, IModelVersion } from '../api/models';

/** Metrics shown in the list; the comparison has them all. */
const MAIN_METRICS = 3;

interface IProps {
  model: RegistryModel;
  actions: IModelActions;
  language: string;
  trans: TranslationBundle;
}

function Alias(
  props: IProps & { version: IModelVersion; alias: string }
): JSX.Element {
  const { actions, version, alias, trans } = props;
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

function Version(props: IProps & { version: IModelVersion }): JSX.Element {
  const { model, actions, version, language, trans } = props;
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
          checked={model.selected.includes(version.id)}
          onChange={() => model.select(version.id)}
        />
        <span className="jp-mlws-Row-name">{name}</span>
        <span
          className="jp-mlws-Run-fact"
          title={fullTime(version.timestamp, language)}
        >
          {relativeTime(version.timestamp, language)}
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
          <Alias key={alias} {...props} alias={alias} />
        ))}
        <Button
          small={true}
          minimal={true}
          aria-label={trans.__('Set Alias for %1 %2…', version.name, name)}
          onClick={() => void actions.promote(version)}
        >
          {trans.__('Set Alias…')}
        </Button>
        <Button
          small={true}
          minimal={true}
          onClick={() => actions.lineage(version)}
        >
          {trans.__('Lineage')}
        </Button>
      </span>
    </li>
  );
}

function changeText(change: IAliasChange, trans: TranslationBundle): string {
  const { alias, version, before } = change;
  if (version === null) {
    return trans.__('%1 removed from version %2', alias, before ?? '–');
  }
  return before === null
    ? trans.__('%1 set to version %2', alias, version)
    : trans.__('%1 moved from version %2 to %3', alias, before, version);
}

function AliasHistory(props: {
  history: readonly IAliasChange[];
  language: string;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { history, language, trans } = props;
  if (history.length === 0) {
    return null;
  }
  return (
    <details className="jp-mlws-AliasHistory">
      <summary>{trans.__('Alias history')}</summary>
      <ul>
        {history.map((change, index) => (
          <li key={index}>
            {changeText(change, trans)}{' '}
            <span
              className="jp-mlws-Run-fact"
              title={
                change.timestamp
                  ? fullTime(change.timestamp, language)
                  : undefined
              }
            >
              {change.timestamp
                ? relativeTime(change.timestamp, language)
                : trans.__('by another program')}{' '}
              {change.by}
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Expanded(
  props: IProps & { item: IModel; known: IExpandedModel }
): JSX.Element {
  const { model, item, known, language, trans } = props;
  const { detail, history } = known;
  return (
    <>
      {detail.description && (
        <p className="jp-mlws-Hint">{detail.description}</p>
      )}
      <ul
        className="jp-mlws-Rows"
        aria-label={trans.__('Versions of %1', item.name)}
      >
        {detail.versions.map(version => (
          <Version key={version.id} {...props} version={version} />
        ))}
      </ul>
      {detail.next_cursor !== null && (
        <Button small={true} onClick={() => void model.moreVersions(item.id)}>
          {trans.__('Show Older Versions')}
        </Button>
      )}
      <AliasHistory history={history} language={language} trans={trans} />
    </>
  );
}

function ModelRow(props: IProps & { item: IModel }): JSX.Element {
  const { model, item, trans } = props;
  const known = model.expanded.get(item.id);
  const isOpen = known !== undefined;
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  return (
    <li className="jp-mlws-Model" data-mlws-model-name={item.name}>
      <button
        className="jp-mlws-Row"
        data-mlws-row
        aria-expanded={isOpen}
        onClick={() => void model.toggle(item.id)}
      >
        <Caret.react tag="span" className="jp-mlws-Row-icon" width="16px" />
        <span className="jp-mlws-Row-name">{item.name}</span>
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
      {isOpen && (
        <div className="jp-mlws-Dataset-detail">
          {known === null && (
            <p className="jp-mlws-Hint">{trans.__('Loading…')}</p>
          )}
          {known instanceof APIError && <Failure error={known} trans={trans} />}
          {known && !(known instanceof APIError) && (
            <Expanded {...props} known={known} />
          )}
        </div>
      )}
    </li>
  );
}

function Best(props: IProps): JSX.Element | null {
  const { model, actions, trans } = props;
  const { best } = model;
  if (model.metrics.length === 0) {
    return null;
  }
  const options = [
    { value: '', label: trans.__('(select a metric)') },
    ...model.metrics.map(metric => ({ value: metric, label: metric }))
  ];
  return (
    <div className="jp-mlws-Best">
      <label>
        {trans.__('Rank by')}{' '}
        <HTMLSelect
          value={model.metric}
          options={options}
          onChange={event => (model.metric = event.target.value)}
        />
      </label>
      {best && best.items.length === 0 && (
        <p className="jp-mlws-Hint">
          {trans.__('No model version has this metric.')}
        </p>
      )}
      {best && best.items.length > 0 && (
        <ol
          title={
            best.mode === 'max'
              ? trans.__('Higher is better')
              : trans.__('Lower is better')
          }
        >
          {best.items.map(({ value, version }) => (
            <li key={version.id} data-mlws-best={version.id}>
              {version.name} {version.version} <b>{cellText(value)}</b>{' '}
              <Button
                small={true}
                minimal={true}
                onClick={() => void actions.promote(version)}
              >
                {trans.__('Set Alias…')}
              </Button>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function Empty(props: IProps): JSX.Element {
  const { actions, trans } = props;
  return (
    <>
      <p className="jp-mlws-Hint">
        {trans.__(
          'Registered models have versions, each created from a run. Aliases such as ' +
            '“production” mark the version in use.'
        )}
      </p>
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

/** The registered models: versions, aliases, the best ones. */
export class RegistryView extends LiveView<RegistryModel> {
  constructor(
    model: RegistryModel,
    private _actions: IModelActions,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.id = 'jp-mlws-models';
    this.title.label = trans.__('Models');
    this.addClass('jp-mlws-Section');
    this.addClass('jp-mlws-Models');
  }

  protected body(): JSX.Element {
    const { model, trans } = this;
    const props: IProps = {
      model,
      actions: this._actions,
      language: this._language,
      trans
    };
    if (model.items.length === 0) {
      return <Empty {...props} />;
    }
    const chosen = model.selected.length;
    return (
      <>
        <div className="jp-mlws-Tools">
          <button
            className="jp-mlws-CompareModelsButton jp-mlws-Wide jp-mod-styled"
            disabled={chosen < 2}
            onClick={() => this._actions.compare(model.selected)}
          >
            {chosen < 2
              ? trans.__('Compare (select two)')
              : trans.__('Compare %1 versions', chosen)}
          </button>
          <Button small={true} onClick={() => this._actions.register()}>
            {trans.__('Register Model from Run…')}
          </Button>
        </div>
        <Best {...props} />
        <Rows label={trans.__('Models')}>
          {model.items.map(item => (
            <ModelRow key={item.id} {...props} item={item} />
          ))}
        </Rows>
        {model.hasMore && (
          <Button small={true} onClick={() => void model.more()}>
            {trans.__('Show More')}
          </Button>
        )}
      </>
    );
  }
}
