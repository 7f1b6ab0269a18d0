import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { useState, type ReactNode } from 'react';

import type { MLWSClient } from '../api/client';
import type {
  IModelDetail,
  IModelUse,
  IModelVersion,
  ISignatureColumn
} from '../api/models';
import { MoreButton } from '../lab/moreButton';
import { Button, Empty, Hint } from '../ui/controls';
import { cellText, fullTime, listText, relativeTime } from '../ui/format';
import { trans } from '../ui/locale';
import { MarkdownEditor } from '../ui/markdownEditor';
import { Answer, ServerView, useGet } from '../ui/server';
import { Head } from '../ui/table/heading';
import { modelPath, versionPath, type ModelActions } from './actions';
import { changesOf } from './changes';
import { Alias, AliasHistory } from './view';

/** Metrics in the table of versions; the changes of a version have them all. */
const MAX_METRICS = 6;

interface IProps {
  client: MLWSClient;
  actions: ModelActions;
  renderers: IRenderMimeRegistry;
  name: string;
}

interface IVersionProps extends IProps {
  version: IModelVersion;
}

function Page(props: IProps): JSX.Element {
  const answer = useGet(props.client, modelPath(props.name));
  return (
    <Answer of={answer}>
      {model => <ModelBody {...props} model={model} />}
    </Answer>
  );
}

function ModelBody(props: IProps & { model: IModelDetail }): JSX.Element {
  const { client, actions, renderers, model } = props;
  const [chosen, setChosen] = useState<number | null>(null);
  const { versions } = model;
  const at = versions.findIndex(one => one.version === chosen);
  const version = versions[at] ?? versions[0];
  return (
    <>
      <h2 className="jp-mlws-RunPage-title">{model.name}</h2>
      <section aria-label={trans.__('Description')}>
        <MarkdownEditor
          text={model.description}
          renderers={renderers}
          label={trans.__('Description in Markdown')}
          button={
            model.description === ''
              ? trans.__('Write a Description')
              : trans.__('Edit the Description')
          }
          onSave={text => actions.describe(model.name, text)}
        />
      </section>
      {version === undefined ? (
        <Empty>{trans.__('This model has no version.')}</Empty>
      ) : (
        <>
          <Versions
            {...props}
            version={version}
            onChoose={one => setChosen(one.version)}
          />
          <MoreButton
            client={client}
            path={modelPath(model.name)}
            query={{}}
            list="versions"
            label={trans.__('Show Older Versions')}
          />
          <Version
            key={version.id}
            {...props}
            version={version}
            previous={versions[versions.indexOf(version) + 1] ?? null}
          />
        </>
      )}
      <Uses {...props} />
      <AliasHistory client={client} name={model.name} />
    </>
  );
}

function Versions(
  props: IVersionProps & {
    model: IModelDetail;
    onChoose: (version: IModelVersion) => void;
  }
): JSX.Element {
  const { actions, model, version, onChoose } = props;
  const { versions } = model;
  const names = [
    ...new Set(versions.flatMap(one => Object.keys(one.metrics)))
  ].sort();
  // Those that tell versions apart come first.
  const differing = names.filter(
    name => new Set(versions.map(one => one.metrics[name])).size > 1
  );
  const metrics = [...new Set([...differing, ...names])].slice(0, MAX_METRICS);
  return (
    <div
      className="jp-mlws-Scrolled"
      role="region"
      aria-label={trans.__('Versions')}
      tabIndex={0}
    >
      <table className="jp-mlws-Values">
        <Head
          names={[
            trans.__('Version'),
            trans.__('Aliases'),
            trans.__('Registered'),
            trans.__('Run'),
            trans.__('Code'),
            ...metrics
          ]}
        />
        <tbody>
          {versions.map(one => (
            <tr
              key={one.id}
              data-mlws-model={one.id}
              className={one === version ? 'jp-mod-selected' : ''}
            >
              <th scope="row">
                <button
                  className="jp-mlws-Link"
                  aria-pressed={one === version}
                  onClick={() => onChoose(one)}
                >
                  {trans.__('version %1', one.version)}
                </button>
              </th>
              <td>
                {one.aliases.map(alias => (
                  <Alias
                    key={alias}
                    actions={actions}
                    version={one}
                    alias={alias}
                  />
                ))}
              </td>
              <td title={fullTime(one.timestamp)}>
                {relativeTime(one.timestamp)}
              </td>
              <td>
                {one.run_id === null ? (
                  '–'
                ) : (
                  <button
                    className="jp-mlws-Link"
                    onClick={() => actions.openRun(one.run_id!)}
                  >
                    {one.run_id.slice(0, 8)}
                  </button>
                )}
              </td>
              <td title={one.commit ?? undefined}>
                <code>{one.commit?.slice(0, 8) ?? '–'}</code>
              </td>
              {metrics.map(name => (
                <td key={name}>{cellText(one.metrics[name])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The chosen version: what changed, what it reads and returns, and its files. */
function Version(
  props: IVersionProps & { previous: IModelVersion | null }
): JSX.Element {
  const { actions, version, previous } = props;
  const name = trans.__('version %1', version.version);
  return (
    <section aria-label={name}>
      <h3>{trans.__('Version %1', version.version)}</h3>
      <div className="jp-mlws-Tools">
        <Button onClick={() => void actions.promote(version)}>
          {trans.__('Set Alias…')}
        </Button>
        <Button onClick={() => actions.lineage(version)}>
          {trans.__('Lineage')}
        </Button>
        <Button onClick={() => actions.copyAddress(version)}>
          {trans.__('Copy Address')}
        </Button>
      </div>
      <div className="jp-mlws-RunPage-columns">
        {previous === null ? (
          <Hint>{trans.__('This is the first version.')}</Hint>
        ) : (
          <Changes {...props} previous={previous} />
        )}
        <Signature {...props} />
        <Origin {...props} />
      </div>
    </section>
  );
}

/** A part of the page about a version. */
function Part(props: { title: string; children: ReactNode }): JSX.Element {
  const { title, children } = props;
  return (
    <section aria-label={title}>
      <h4>{title}</h4>
      {children}
    </section>
  );
}

function Changes(
  props: IVersionProps & { previous: IModelVersion }
): JSX.Element {
  const { client, actions, version, previous } = props;
  const answer = useGet(client, '/models/compare', {
    ids: [previous.id, version.id]
  });
  const title = trans.__('Changes since version %1', previous.version);
  const { commit } = version;
  return (
    <Part title={title}>
      <Answer of={answer}>
        {comparison => {
          const changes = changesOf(comparison);
          return changes.length === 0 ? (
            <Hint>
              {trans.__('Metrics, parameters and packages are the same.')}
            </Hint>
          ) : (
            <table className="jp-mlws-Values" aria-label={title}>
              <Head
                names={[
                  trans.__('Value'),
                  trans.__('Before'),
                  trans.__('Now'),
                  trans.__('Difference')
                ]}
              />
              <tbody>
                {changes.map(({ key, name, before, after, delta }) => (
                  <tr key={key}>
                    <th scope="row">{name}</th>
                    <td>{cellText(before)}</td>
                    <td className="jp-mod-differs">{cellText(after)}</td>
                    <td>
                      {delta !== null &&
                        `${delta > 0 ? '+' : '−'}${cellText(Math.abs(delta))}`}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          );
        }}
      </Answer>
      {commit !== null &&
        previous.commit !== null &&
        commit !== previous.commit && (
          <Button onClick={() => actions.compareCode(previous.commit!, commit)}>
            {trans.__('Show Differences in Code')}
          </Button>
        )}
    </Part>
  );
}

function Signature({ client, version }: IVersionProps): JSX.Element {
  const answer = useGet(client, `${versionPath(version)}/signature`);
  const title = trans.__('Inputs and outputs');
  return (
    <Part title={title}>
      <Answer of={answer}>
        {({ file, inputs, outputs }) =>
          inputs.length + outputs.length === 0 ? (
            <Hint>
              {file === null
                ? trans.__('No file of this version says what it reads.')
                : trans.__('%1 does not say what the model reads.', file)}
            </Hint>
          ) : (
            <table className="jp-mlws-Values" aria-label={title}>
              <Head
                names={[
                  trans.__('Name'),
                  trans.__('Direction'),
                  trans.__('Type')
                ]}
              />
              <tbody>
                <Columns columns={inputs} direction={trans.__('input')} />
                <Columns columns={outputs} direction={trans.__('output')} />
              </tbody>
            </table>
          )
        }
      </Answer>
    </Part>
  );
}

function Columns(props: {
  columns: readonly ISignatureColumn[];
  direction: string;
}): JSX.Element {
  const { columns, direction } = props;
  return (
    <>
      {columns.map(({ name, type, values }, at) => (
        <tr key={at}>
          <th scope="row">{name ?? '–'}</th>
          <td>{direction}</td>
          <td>
            {values.length > 0
              ? trans.__('one of %1', listText(values))
              : type || '–'}
          </td>
        </tr>
      ))}
    </>
  );
}

function Origin({ version }: IVersionProps): JSX.Element {
  const title = trans.__('Files');
  const tags = Object.entries(version.tags);
  return (
    <Part title={title}>
      {version.artifacts.length === 0 ? (
        <Hint>{trans.__('This version has no files.')}</Hint>
      ) : (
        <ul>
          {version.artifacts.map(path => (
            <li key={path}>{path}</li>
          ))}
        </ul>
      )}
      <p>
        {trans.__('Address in MLflow:')} <code>{version.uri}</code>
      </p>
      {tags.map(([name, value]) => (
        <span key={name} className="jp-mlws-Badge">
          {value === '' ? name : `${name}: ${value}`}
        </span>
      ))}
    </Part>
  );
}

function placeOf(use: IModelUse): string {
  if (use.node === null) {
    return `${use.path}:${use.line}`;
  }
  return use.registers
    ? trans.__('%1 of %2 registers versions', use.node, use.path)
    : trans.__('%1 of %2 loads it', use.node, use.path);
}

function Uses({ client, actions, name }: IProps): JSX.Element {
  const answer = useGet(client, `${modelPath(name)}/uses`);
  const title = trans.__('Used in this project');
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <Answer of={answer}>
        {({ items }) =>
          items.length === 0 ? (
            <Hint>
              {trans.__(
                'No node loads it, and no file names it by %1.',
                `models:/${name}`
              )}
            </Hint>
          ) : (
            <ul>
              {items.map((use, at) => (
                <li key={at}>
                  <button
                    className="jp-mlws-Link"
                    onClick={() => actions.openUse(use)}
                  >
                    {placeOf(use)}
                  </button>{' '}
                  {use.version !== null && (
                    <span className="jp-mlws-Badge">{use.version}</span>
                  )}{' '}
                  {use.text !== '' && <code>{use.text}</code>}
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </section>
  );
}

/** The page of a model in the main area. */
export function modelPageView(props: IProps): ServerView {
  return new ServerView(props.client, () => <Page {...props} />, {
    label: props.name,
    className: 'jp-mlws-View jp-mlws-ModelPage',
    help: 'reference-experiments'
  });
}
