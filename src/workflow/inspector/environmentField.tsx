import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';

import type { Data } from '../../api/models';
import { Select } from '../../ui/controls';
import { trans } from '../../ui/locale';
import {
  launcher,
  launcherText,
  lockOf,
  setEnvironment
} from '../document/environments';
import type { IGraphNode } from '../graph/graph';
import { useCanvas } from '../context';

/** Values of the list that are no name of an environment. */
const LAB = '';
const OTHER = '?';

/** The environment in which the commands of a node run, from those of the project. */
export function EnvironmentField({
  node
}: {
  node: IGraphNode;
}): JSX.Element | null {
  const { model } = useCanvas();
  const id = useId();
  const { stage } = node;
  const { service } = model.server;
  // By the path, so that it is read again when environments change.
  const { data } = useQuery<Data<'get', '/envs'>>({
    queryKey: ['/envs', { project: service?.project }],
    enabled: service !== null
  });
  const environments = data?.items ?? [];
  const text = launcherText(stage);
  if (!stage.isEditable || (environments.length === 0 && text === '')) {
    return null;
  }
  const present = environments.find(
    one => launcher(one, stage.folder) === text
  );
  const isMissing = present?.state === 'missing';
  return (
    <div className="jp-mlws-Field jp-mlws-EnvironmentField">
      <label htmlFor={id}>{trans.__('Environment')}</label>
      <Select
        id={id}
        className="jp-mod-styled"
        value={present?.name ?? (text === '' ? LAB : OTHER)}
        options={[
          [LAB, trans.__('Same as JupyterLab')],
          ...environments.map(({ name }): [string, string] => [name, name]),
          ...(present || text === ''
            ? []
            : [[OTHER, text, true] as [string, string, boolean]])
        ]}
        onChange={name =>
          void model.document.edit(
            setEnvironment(
              node.id,
              environments.find(one => one.name === name) ?? null,
              environments
            )
          )
        }
      />
      <div className="jp-mlws-Field-help">
        {isMissing && present.tool !== 'uv' && present.tool !== 'pixi'
          ? trans.__('It is not installed yet.')
          : present
            ? stage.deps.some(dep => dep.paths.includes(lockOf(present)))
              ? trans.__(
                  'Runs the node again when %1 changes.',
                  lockOf(present)
                )
              : trans.__(
                  'The node does not run again when %1 changes: it is not a dependency.',
                  lockOf(present)
                )
            : trans.__('Choose an environment of the project.')}
      </div>
    </div>
  );
}
