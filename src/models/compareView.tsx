import type { ReactNode } from 'react';
import type { MLWSClient } from '../api/client';
import { Button } from '../ui/controls';
import { cellText, fullTime, listText } from '../ui/format';
import type { IComparedValue, IModelVersion } from '../api/models';
import { Answer, ServerView, useGet } from '../ui/server';
import type { IModelRegistry } from '../lab/tokens';
import { trans } from '../ui/locale';

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

interface IProps {
  client: MLWSClient;
  actions: IModelRegistry;
  ids: readonly string[];
}

function Heading(props: {
  version: IModelVersion;
  actions: IModelRegistry;
}): JSX.Element {
  const { version, actions } = props;
  return (
    <th scope="col" data-mlws-model={version.id}>
      {version.name} {version.version}
      <div className="jp-mlws-Tools">
        {version.aliases.map(alias => (
          <span key={alias} className="jp-mlws-Badge">
            {alias}
          </span>
        ))}
      </div>
      <Button onClick={() => void actions.promote(version)}>
        {trans.__('Set Alias…')}
      </Button>
    </th>
  );
}

function Comparison({ client, actions, ids }: IProps): JSX.Element {
  const answer = useGet(client, '/models/compare', { ids });
  return (
    <Answer of={answer}>
      {({ versions, params, metrics, environments }) => (
        <table className="jp-mlws-Values">
          <thead>
            <tr>
              <th scope="col" />
              {versions.map(version => (
                <Heading key={version.id} version={version} actions={actions} />
              ))}
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
          <Values
            title={trans.__('Environment')}
            versions={versions}
            values={environments}
          />
          <Group title={trans.__('Origin')} versions={versions}>
            <tr>
              <th scope="row">{trans.__('Registered')}</th>
              {versions.map(version => (
                <td key={version.id}>{fullTime(version.timestamp)}</td>
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
                <td key={version.id}>{listText(version.artifacts) || '–'}</td>
              ))}
            </tr>
          </Group>
        </table>
      )}
    </Answer>
  );
}

/** Comparison of versions in the main area, with a button to promote a version. */
export function comparisonView(props: IProps): ServerView {
  const { client, ids } = props;
  return new ServerView(client, () => <Comparison {...props} />, {
    label: trans.__('Compare %1 versions', ids.length),
    className: 'jp-mlws-View jp-mlws-ModelComparison',
    help: 'reference-experiments'
  });
}
