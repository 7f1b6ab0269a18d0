import { Button } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactNode } from 'react';

import { cellText, fullTime, listText } from '../ui/format';
import { LiveView } from '../ui/liveView';
import type { IModelActions } from './actions';
import type { ModelComparisonModel } from './compare';
import type { IComparedValue, IModelVersion } from '../api/models';

function Group(props: {
  title: string;
  versions: readonly IModelVersion[];
  children: ReactNode;
}): JSX.Element {
  return (
    <tbody>
      <tr>
        <th
          colSpan={props.versions.length + 1}
          scope="rowgroup"
          className="jp-mlws-Values-group"
        >
          {props.title}
        </th>
      </tr>
      {props.children}
    </tbody>
  );
}

function Values(props: {
  title: string;
  versions: readonly IModelVersion[];
  values: readonly IComparedValue[];
}): JSX.Element | null {
  const { values } = props;
  if (values.length === 0) {
    return null;
  }
  return (
    <Group title={props.title} versions={props.versions}>
      {values.map(value => (
        <tr key={value.name}>
          <th scope="row">{value.name}</th>
          {value.values.map((one, at) => (
            <td key={at} className={value.differs ? 'jp-mod-differs' : ''}>
              {cellText(one)}
            </td>
          ))}
        </tr>
      ))}
    </Group>
  );
}

/** The comparison as a main-area view, from which a version can be promoted. */
export class ModelComparisonView extends LiveView<ModelComparisonModel> {
  constructor(
    model: ModelComparisonModel,
    private _actions: IModelActions,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.addClass('jp-mlws-View');
    this.addClass('jp-mlws-ModelComparison');
  }

  protected body(): JSX.Element {
    const { trans } = this;
    const { versions, params, metrics } = this.model.comparison!;
    return (
      <table className="jp-mlws-Values">
        <thead>
          <tr>
            <th scope="col" />
            {versions.map(version => this._head(version))}
          </tr>
        </thead>
        <Values
          title={trans.__('Metrics')}
          versions={versions}
          values={metrics}
        />
        <Values
          title={trans.__('Parameters')}
          versions={versions}
          values={params}
        />
        <Group title={trans.__('Origin')} versions={versions}>
          <tr>
            <th scope="row">{trans.__('Registered')}</th>
            {versions.map(version => (
              <td key={version.id}>
                {fullTime(version.timestamp, this._language)}
              </td>
            ))}
          </tr>
          <tr>
            <th scope="row">{trans.__('Code')}</th>
            {versions.map(version => (
              <td key={version.id} title={version.commit ?? undefined}>
                <code>{version.commit?.slice(0, 8) ?? '–'}</code>
              </td>
            ))}
          </tr>
          <tr>
            <th scope="row">{trans.__('Files')}</th>
            {versions.map(version => (
              <td key={version.id}>
                {listText(version.artifacts, trans) || '–'}
              </td>
            ))}
          </tr>
        </Group>
      </table>
    );
  }

  private _head(version: IModelVersion): JSX.Element {
    return (
      <th key={version.id} scope="col" data-mlws-model={version.id}>
        {version.name} {version.version}
        <div className="jp-mlws-Tools">
          {version.aliases.map(alias => (
            <span key={alias} className="jp-mlws-Badge">
              {alias}
            </span>
          ))}
        </div>
        <Button
          small={true}
          onClick={() => void this._actions.promote(version)}
        >
          {this.trans.__('Set Alias…')}
        </Button>
      </th>
    );
  }
}
