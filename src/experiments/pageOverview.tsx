import type { IExperimentRun } from '../api/models';
import { Button, Hint } from '../ui/controls';
import { Failure } from '../ui/errorBox';
import { MarkdownEditor } from '../ui/markdownEditor';
import { cellText, duration, fullTime } from '../ui/format';
import { trans } from '../ui/locale';
import { runStatusText } from '../ui/runStatus';
import { useGet } from '../ui/server';
import { Head } from '../ui/table/heading';
import { numberOf } from './charts';
import { isSystemMetric, pathOf, type IPartProps } from './pageParts';

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

/** The metrics without those of the use of the machine. */
function ownMetrics({ metrics }: IExperimentRun): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(metrics).filter(([name]) => !isSystemMetric(name))
  );
}

/** Values, note, origin and nested runs. */
export function Overview(props: IPartProps): JSX.Element {
  const { run, baseline } = props;
  return (
    <div className="jp-mlws-RunPage-columns">
      <ValueRows
        title={trans.__('Metrics')}
        values={ownMetrics(run)}
        before={baseline && ownMetrics(baseline)}
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

/** The note of the run, which is Markdown, and its editor. */
function Note({ actions, run, rendermime }: IPartProps): JSX.Element | null {
  if (run.id === null) {
    return null;
  }
  return (
    <section aria-label={trans.__('Notes')}>
      <h3>{trans.__('Notes')}</h3>
      <MarkdownEditor
        text={run.note}
        renderers={rendermime}
        label={trans.__('Note in Markdown')}
        button={
          run.note === '' ? trans.__('Write a Note') : trans.__('Edit the Note')
        }
        onSave={text => actions.setNote(run, text)}
      />
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
              onClick={() => actions.openModel(version.name)}
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
