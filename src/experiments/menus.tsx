import { InputDialog } from '@jupyterlab/apputils';
import {
  caretDownIcon,
  caretUpIcon,
  closeIcon,
  editIcon
} from '@jupyterlab/ui-components';
import { useEffect, useRef, useState, type ReactNode } from 'react';

import { confirm } from '../lab/confirm';
import { Button, SearchField } from '../ui/controls';
import { IconButton } from '../ui/iconButton';
import { trans } from '../ui/locale';
import type { IViews } from './layout';
import {
  ALL_RUNS,
  moved,
  sortKey,
  type IChoice,
  type ILayout,
  type ISearch,
  type ITableColumn
} from './table';

/** A button that opens a list below it, until Escape or a press elsewhere. */
function Menu(props: { title: string; children: ReactNode }): JSX.Element {
  const details = useRef<HTMLDetailsElement>(null);
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    if (!isOpen) {
      return;
    }
    const onPress = ({ target }: PointerEvent) => {
      // A dialog of the list is above it.
      const isInside =
        target instanceof Element &&
        (details.current!.contains(target) || target.closest('.jp-Dialog'));
      if (!isInside) {
        setIsOpen(false);
      }
    };
    const onKey = ({ key }: globalThis.KeyboardEvent) => {
      if (key === 'Escape' && !document.querySelector('.jp-Dialog')) {
        setIsOpen(false);
        details.current?.querySelector('summary')?.focus();
      }
    };
    document.addEventListener('pointerdown', onPress, true);
    document.addEventListener('keydown', onKey, true);
    return () => {
      document.removeEventListener('pointerdown', onPress, true);
      document.removeEventListener('keydown', onKey, true);
    };
  }, [isOpen]);
  return (
    <details
      ref={details}
      className="jp-mlws-Columns"
      open={isOpen}
      onToggle={event => setIsOpen(event.currentTarget.open)}
    >
      <summary>{props.title}</summary>
      <div className="jp-mlws-Columns-list">{props.children}</div>
    </details>
  );
}

/** Chooses, orders and pins columns. */
export function ColumnMenu(props: {
  choices: readonly IChoice[];
  columns: readonly ITableColumn[];
  onChange: (columns: readonly ITableColumn[] | null) => void;
}): JSX.Element {
  const { choices, columns, onChange } = props;
  const [text, setText] = useState('');
  const visible = new Set(columns.map(sortKey));
  const isMatch = (one: IChoice) =>
    one.name.toLowerCase().includes(text.toLowerCase());
  const kindOf = (one: IChoice) => (
    <span className="jp-mlws-Run-fact">
      {one.kind === 'metric' ? trans.__('metric') : trans.__('parameter')}
    </span>
  );
  return (
    <Menu title={trans.__('Columns (%1)', visible.size)}>
      <SearchField
        label={trans.__('Find a column')}
        value={text}
        onChange={setText}
      />
      {columns.map((one, index) =>
        isMatch(one) ? (
          <div key={sortKey(one)} className="jp-mlws-Columns-row">
            <label className="jp-mlws-Check">
              <input
                type="checkbox"
                checked={true}
                onChange={() => onChange(columns.filter(each => each !== one))}
              />
              {one.name} {kindOf(one)}
            </label>
            <IconButton
              icon={caretUpIcon}
              label={trans.__('Move Up')}
              of={one.name}
              disabled={index === 0}
              onClick={() => onChange(moved(columns, index, -1))}
            />
            <IconButton
              icon={caretDownIcon}
              label={trans.__('Move Down')}
              of={one.name}
              disabled={index === columns.length - 1}
              onClick={() => onChange(moved(columns, index, 1))}
            />
            <button
              type="button"
              className="jp-mlws-Pin"
              aria-pressed={one.pinned}
              aria-label={trans.__('Pin %1', one.name)}
              title={trans.__('Keep in view, beside the name')}
              onClick={() =>
                onChange(
                  columns.map(each =>
                    each === one ? { ...one, pinned: !one.pinned } : each
                  )
                )
              }
            >
              {one.pinned ? trans.__('Pinned') : trans.__('Pin')}
            </button>
          </div>
        ) : null
      )}
      {choices
        .filter(one => isMatch(one) && !visible.has(sortKey(one)))
        .map(one => (
          <label key={sortKey(one)} className="jp-mlws-Check">
            <input
              type="checkbox"
              checked={false}
              onChange={() => onChange([...columns, { ...one, pinned: false }])}
            />
            {one.name} {kindOf(one)}
          </label>
        ))}
      <Button type="button" onClick={() => onChange(null)}>
        {trans.__('Choose Automatically')}
      </Button>
    </Menu>
  );
}

async function askForName(value: string, isNew: boolean) {
  const {
    button,
    value: name,
    isChecked
  } = await InputDialog.getText({
    title: isNew ? trans.__('Save View') : trans.__('Rename View'),
    label: trans.__('Name of the view'),
    text: value,
    okLabel: isNew ? trans.__('Save') : trans.__('Rename'),
    pattern: '.*\\S.*',
    required: true,
    checkbox: isNew
      ? {
          label: trans.__('Keep in the project'),
          caption: trans.__(
            'Save it in a file of the project, which commits carry to others'
          )
        }
      : null
  });
  const text = (name ?? '').trim();
  return button.accept && text ? { name: text, inProject: !!isChecked } : null;
}

/** Applies, saves, renames and deletes views: a search with columns, order and groups. */
export function ViewMenu(props: {
  views: IViews;
  search: ISearch;
  onSearch: (search: ISearch) => void;
}): JSX.Element {
  const { views, search, onSearch } = props;
  const [applied, setApplied] = useState('');
  return (
    <Menu title={trans.__('Views')}>
      {views.views.map(({ name, in_project: inProject, ...view }) => (
        <div key={name} className="jp-mlws-Columns-row" data-mlws-view={name}>
          <button
            type="button"
            className="jp-mlws-Link"
            onClick={() => {
              setApplied(name);
              views.change(view.layout as ILayout);
              onSearch({ ...ALL_RUNS, ...view.search });
            }}
          >
            {name}
          </button>
          {inProject && (
            <span className="jp-mlws-Badge">{trans.__('in the project')}</span>
          )}
          <IconButton
            icon={editIcon}
            label={trans.__('Rename…')}
            of={name}
            onClick={() =>
              void askForName(name, false).then(
                chosen => chosen && views.rename(name, chosen.name)
              )
            }
          />
          <IconButton
            icon={closeIcon}
            label={trans.__('Delete…')}
            of={name}
            onClick={() =>
              void confirm(
                trans.__('Delete the view “%1”?', name),
                trans.__('The runs stay.'),
                trans.__('Delete')
              ).then(isMeant => isMeant && views.remove(name))
            }
          />
        </div>
      ))}
      <Button
        type="button"
        onClick={() =>
          void askForName(applied, true).then(chosen => {
            if (chosen) {
              setApplied(chosen.name);
              views.save(chosen.name, search, chosen.inProject);
            }
          })
        }
      >
        {trans.__('Save View…')}
      </Button>
      <Button
        type="button"
        title={trans.__(
          'Save columns, order and groups in a file of the project, which commits carry to others'
        )}
        disabled={views.isOfProject}
        onClick={views.share}
      >
        {trans.__('Keep Layout in the Project')}
      </Button>
      <Button
        type="button"
        title={trans.__(
          'Use the layout of the project, or the default one if it has none'
        )}
        disabled={views.isOfProject}
        onClick={views.reset}
      >
        {trans.__('Reset Layout')}
      </Button>
    </Menu>
  );
}
