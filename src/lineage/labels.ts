import {
  historyIcon,
  LabIcon,
  listIcon,
  runIcon,
  tagIcon
} from '@jupyterlab/ui-components';

import { componentIcon, dataIcon } from '../ui/fileIcons';
import type { LineageKind } from '../api/models';
import { trans } from '../ui/locale';

export const kindIcons: Record<LineageKind, LabIcon> = {
  model: tagIcon,
  run: runIcon,
  dataset: dataIcon,
  snapshot: historyIcon,
  node: componentIcon,
  params: listIcon
};

export function kindLabel(kind: LineageKind): string {
  const labels: Record<LineageKind, string> = {
    model: trans.__('model'),
    run: trans.__('run'),
    dataset: trans.__('data'),
    snapshot: trans.__('snapshot'),
    node: trans.__('workflow node'),
    params: trans.__('parameters')
  };
  return labels[kind];
}

export function relationLabel(relation: string): string {
  const labels: Record<string, string> = {
    logged: trans._p('relation', 'logged'),
    code: trans._p('relation', 'code for'),
    parameters: trans._p('relation', 'parameters for'),
    read: trans._p('relation', 'read by'),
    held: trans._p('relation', 'present during'),
    ran: trans._p('relation', 'ran as'),
    part: trans._p('relation', 'part of'),
    wrote: trans._p('relation', 'wrote'),
    makes: trans._p('relation', 'produces'),
    holds: trans._p('relation', 'in'),
    needs: trans._p('relation', 'used by'),
    recorded: trans._p('relation', 'recorded in')
  };
  return labels[relation] ?? relation;
}
