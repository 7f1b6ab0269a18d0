import { useMemo, useState } from 'react';

import { escapeId } from '../api/client';
import type { IPreview, IRunFile } from '../api/models';
import { Artifact } from '../ui/artifact';
import { Button, Empty, Hint, LabelledSelect } from '../ui/controls';
import { AnsiText } from '../ui/logPanel';
import { fileSize } from '../ui/format';
import { trans } from '../ui/locale';
import { Answer, useGet } from '../ui/server';
import { useStatusNews } from '../ui/useStatusNews';
import { Head } from '../ui/table/heading';
import { CurvePanel } from './curvePanel';
import { keyOf } from './table';
import { isSystemMetric, pathOf, type IPartProps } from './pageParts';

/** Figures that are shown without a click. */
const MAX_FIGURES = 12;

/** Metrics by step, beside those of the baseline. */
export function Charts(props: IPartProps): JSX.Element {
  const { client, run, baseline, themes } = props;
  const answer = useGet(
    client,
    `${pathOf(run)}/metrics`,
    {},
    {
      enabled: run.id !== null
    }
  );
  const runs = useMemo(
    () => (baseline ? [run, baseline] : [run]),
    [run, baseline]
  );
  if (run.id === null) {
    return <Empty>{trans.__('This run has no metrics in MLflow.')}</Empty>;
  }
  return (
    <Answer of={answer}>
      {({ items }) => (
        <CurvePanel
          client={client}
          runs={runs}
          metrics={items
            .filter(one => one.is_curve && !isSystemMetric(one.name))
            .map(({ name }) => name)}
          themes={themes}
        />
      )}
    </Answer>
  );
}

/** Figures, then all files, each with a preview. */
export function Files(props: IPartProps): JSX.Element {
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
  const answer = useGet(client, `${pathOf(run)}/preview`, {
    path: file.path,
    // Read again when the file has changed, not with every value that a run logs.
    version: file.md5 ?? String(file.size ?? '')
  });
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

/** Packages, and how they differ from those of the baseline. */
export function Environment(props: IPartProps): JSX.Element {
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

/** The output of the nodes of a workflow's run. */
export function NodeLog(
  props: IPartProps & { node: string | null; onNode: (node: string) => void }
): JSX.Element {
  const { client, run, node: chosen, onNode } = props;
  const ran = run.node
    ? [run.node]
    : run.parts.flatMap(({ node }) => (node === null ? [] : [node]));
  const node = chosen ?? ran[0];
  // A node of the graph that has not run has a log, too, which is empty.
  const nodes = ran.includes(node) ? ran : [node, ...ran];
  const workflow = escapeId(run.workflow ?? '');
  const path =
    `/workflows/${workflow}/runs/${run.run}/nodes/${encodeURIComponent(node)}/log` as const;
  const answer = useGet(client, path, {}, { enabled: node !== undefined });
  useStatusNews(client, answer.data?.complete === false, answer.refetch);
  if (node === undefined) {
    return <Empty>{trans.__('No node of this run was run.')}</Empty>;
  }
  return (
    <>
      <LabelledSelect
        label={trans.__('Node')}
        value={node}
        options={nodes.map(name => [name, name] as const)}
        onChange={onNode}
      />
      <Answer of={answer}>
        {({ text }) =>
          text === '' ? (
            <Empty>
              {ran.includes(node)
                ? trans.__('It printed nothing.')
                : trans.__('It printed nothing, or it did not run.')}
            </Empty>
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
