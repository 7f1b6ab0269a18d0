import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReactNode } from 'react';

import type { ChangeState } from '../api/models';
import { stateLetters } from './changeLabels';

/** The name of a file, and its folder without a slash at the end. */
export function splitPath(path: string): { name: string; facts: string } {
  const slash = path.lastIndexOf('/');
  return {
    name: path.slice(slash + 1),
    facts: path.slice(0, Math.max(slash, 0))
  };
}

export function RowIcon(props: { icon: LabIcon; width?: string }): JSX.Element {
  const { icon: Icon, width = '16px' } = props;
  return <Icon.react tag="span" className="jp-mlws-Row-icon" width={width} />;
}

/** Characters of a name's end that stay in a narrow row: names in a list often begin alike. */
const TAIL_LENGTH = 10;

function RowName({ name }: { name: string }): JSX.Element {
  const characters = [...name];
  return (
    <span className="jp-mlws-Row-name">
      <span>{characters.slice(0, -TAIL_LENGTH).join('')}</span>
      <span>{characters.slice(-TAIL_LENGTH).join('')}</span>
    </span>
  );
}

/** The content of a row: an icon, a name, facts about it, and the letter of a change. */
export function RowParts(props: {
  icon: LabIcon;
  name: string;
  facts?: ReactNode;
  state?: ChangeState;
  /** Before the letter. */
  children?: ReactNode;
}): JSX.Element {
  const { icon, name, facts, state, children } = props;
  return (
    <>
      <RowIcon icon={icon} />
      <RowName name={name} />
      {facts !== undefined && (
        <span className="jp-mlws-Row-folder">{facts}</span>
      )}
      {children}
      {state && <StateLetter state={state} />}
    </>
  );
}

function StateLetter({ state }: { state: ChangeState }): JSX.Element {
  return (
    <span className="jp-mlws-ChangeState" data-mlws-state={state}>
      {stateLetters[state]}
    </span>
  );
}
