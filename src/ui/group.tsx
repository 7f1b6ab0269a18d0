import { addIcon } from '@jupyterlab/ui-components';
import type { ReactNode } from 'react';

import { IconButton } from './iconButton';

/** Collapsible group with facts beside its title, and a button that adds an item. */
export function Group(props: {
  name: string;
  title: string;
  /** Such as the number of its items. */
  facts: string;
  open?: boolean;
  onToggle?: (open: boolean) => void;
  add?: { label: string; onClick: () => void };
  children: ReactNode;
}): JSX.Element {
  const { add, onToggle } = props;
  return (
    <div className="jp-mlws-Group" data-mlws-group={props.name}>
      <details
        open={props.open}
        onToggle={event => onToggle?.(event.currentTarget.open)}
      >
        <summary>
          <span>{props.title}</span>
          <span className="jp-mlws-Group-count">{props.facts}</span>
        </summary>
        {props.children}
      </details>
      {add && (
        <IconButton
          icon={addIcon}
          className="jp-mlws-AddButton"
          label={add.label}
          onClick={add.onClick}
        />
      )}
    </div>
  );
}
