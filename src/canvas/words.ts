import type { TranslationBundle } from '@jupyterlab/translation';

import type { IProblem } from '../models';
import type { IParseError } from './document';
import { ANY_INPUT, type Refusal } from './graph';
import type { ReaderKind, SweepFault } from './sweep';
import type { Problem } from './validate';

export function refusalText(
  refusal: Refusal,
  trans: TranslationBundle
): string {
  switch (refusal.kind) {
    case 'type':
      return trans.__('%1 does not fit %2', refusal.from, refusal.to);
    case 'cycle':
      return trans.__(
        'This would close a cycle: %1',
        refusal.nodes.join(' → ')
      );
    case 'taken':
      return trans.__(
        'The input "%1" is already connected to %2',
        refusal.port,
        refusal.by
      );
    case 'same':
      return trans.__('These two are already connected');
    case 'text':
      return trans.__(
        '"%1" is written in a form that can only be edited as text',
        refusal.node
      );
    case 'unknown':
      return trans.__('There is nothing to connect here');
  }
}

export function problemText(
  problem: Problem | IProblem,
  trans: TranslationBundle
): string {
  if (!('kind' in problem)) {
    return problem.message;
  }
  switch (problem.kind) {
    case 'component':
      return trans.__('There is no component "%1"', problem.name);
    case 'input':
      return trans.__('The input "%1" is missing', problem.port);
    case 'type':
      return trans.__('%1 does not fit %2', problem.from, problem.to);
    case 'output':
      return trans.__(
        '"%1" is also an output of %2',
        problem.path,
        problem.other
      );
    case 'command':
      return trans.__('The stage has no command');
    case 'cycle':
      return trans.__('A cycle: %1', problem.nodes.join(' → '));
  }
}

export function statusText(status: string, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    PENDING: trans.__('Pending'),
    QUEUED: trans.__('Queued'),
    RUNNING: trans.__('Running'),
    COMPLETED: trans.__('Completed'),
    CACHED: trans.__('Cached'),
    FAILED: trans.__('Failed'),
    SKIPPED: trans.__('Skipped'),
    CANCELLED: trans.__('Cancelled'),
    INTERRUPTED: trans.__('Interrupted')
  };
  return words[status] ?? status;
}

export function planText(action: string, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    run: trans.__('Will run'),
    cached: trans.__('Up to date'),
    restorable: trans.__('Will be restored from an earlier run'),
    frozen: trans.__('Frozen')
  };
  return words[action] ?? action;
}

/** The word for a kind of node; another type that the server names stays as it is. */
export function kindText(kind: string, trans: TranslationBundle): string {
  const words: Record<string, string> = {
    component: trans.__('Component'),
    notebook: trans.__('Notebook'),
    script: trans.__('Script'),
    shell: trans.__('Shell command'),
    sweep: trans.__('Sweep')
  };
  return words[kind] ?? kind;
}

/** Why a node can't have variants. */
export function sweepFaultText(
  fault: SweepFault,
  trans: TranslationBundle
): string {
  switch (fault.kind) {
    case 'text':
      return trans.__(
        'Only a stage with one command of its own can have variants here; others are written as text.'
      );
    case 'output':
      return trans.__(
        'The command does not say that it writes "%1": all variants would write the same file. Give the path to the command as an argument.',
        fault.path
      );
    case 'reader':
      return trans.__(
        'The command of "%1" does not say that it reads "%2", so it cannot be given the file of a variant. Give the path to the command as an argument.',
        fault.node,
        fault.path
      );
    case 'sweep':
      return trans.__('"%1" behind it has variants of its own.', fault.node);
  }
}

/** What becomes of a node that reads what a sweep writes. */
export function readerText(
  node: string,
  kind: ReaderKind,
  trans: TranslationBundle
): string {
  const words: Record<ReaderKind, string> = {
    each: trans.__('%1 runs for every variant.', node),
    all: trans.__('%1 reads the files of all variants.', node),
    first: trans.__('%1 reads the file of one variant.', node)
  };
  return words[kind];
}

export function portText(name: string, trans: TranslationBundle): string {
  return name === ANY_INPUT ? trans.__('dependencies') : name;
}

export function errorText(
  error: IParseError,
  trans: TranslationBundle
): string {
  switch (error.kind) {
    case 'yaml':
      return error.message;
    case 'root':
      return trans.__('A dvc.yaml is a mapping with the key "stages".');
    case 'stages':
      return trans.__('"stages" is not a mapping.');
    case 'stage':
      return trans.__('The stage "%1" is not a mapping.', error.name);
  }
}

/** What is wrong with a setting; the validator's own words where there are none of ours. */
export function settingErrorText(
  error: { name?: string; message?: string; params?: any },
  trans: TranslationBundle
): string {
  const { name, message, params } = error;
  switch (name) {
    case 'minimum':
      return trans.__('At least %1', params.limit);
    case 'maximum':
      return trans.__('At most %1', params.limit);
    case 'exclusiveMinimum':
      return trans.__('More than %1', params.limit);
    case 'exclusiveMaximum':
      return trans.__('Less than %1', params.limit);
    case 'type':
      return params.type === 'integer'
        ? trans.__('A whole number')
        : params.type === 'number'
          ? trans.__('A number')
          : (message ?? '');
    case 'required':
      return trans.__('This is required');
    default:
      return message ?? '';
  }
}

/** The words of React Flow itself. */
export function flowLabels(trans: TranslationBundle): Record<string, string> {
  return {
    'node.a11yDescription.default': trans.__(
      'Press Enter or Space to select a node, the arrow keys to move it, and Delete to remove it.'
    ),
    'node.a11yDescription.keyboardDisabled': trans.__(
      'Press Enter or Space to select a node.'
    ),
    'edge.a11yDescription.default': trans.__(
      'Press Enter or Space to select a connection, and Delete to remove it.'
    ),
    'controls.ariaLabel': trans.__('View'),
    'controls.zoomIn.ariaLabel': trans.__('Zoom in'),
    'controls.zoomOut.ariaLabel': trans.__('Zoom out'),
    'controls.fitView.ariaLabel': trans.__('Zoom to fit'),
    'minimap.ariaLabel': trans.__('Overview map'),
    'handle.ariaLabel': trans.__('Port')
  };
}
