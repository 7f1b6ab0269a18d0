import { searchIcon, type LabIcon } from '@jupyterlab/ui-components';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'react';

import { Empty } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { matchesWords } from '../graph/choices';

export interface IChoice {
  key: string;
  label: string;
  /** Beside the label, in a lighter color. */
  detail?: string;
  /** Additional search terms. */
  words?: string;
  icon?: LabIcon;
  /** Called with the text of the search. */
  choose: (query: string) => void;
}

const WIDTH = 320;
const HEIGHT = 300;
/** More are found by typing. */
const MAX_CHOICES = 100;

/** A search field with a list, near a place of the canvas: type, arrow keys, Enter. */
export function Chooser(props: {
  label: string;
  /** In pixels of the canvas. */
  at: { x: number; y: number };
  choices: readonly IChoice[];
  empty: string;
  onClose: () => void;
}): JSX.Element {
  const { label, at, choices, empty, onClose } = props;
  const [query, setQuery] = useState('');
  const [index, setIndex] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const place = usePlace(box, at);
  const id = useId();
  const matches = choices
    .filter(({ label: text, detail, words }) =>
      matchesWords(`${text} ${detail ?? ''} ${words ?? ''}`, query)
    )
    .sort((one, other) => startsWith(other, query) - startsWith(one, query));
  const visible = matches.slice(0, MAX_CHOICES);
  const current = visible[Math.min(index, visible.length - 1)];
  useEffect(() => {
    list.current
      ?.querySelector('[aria-selected="true"]')
      ?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  const take = (choice: IChoice | undefined): void => {
    if (choice) {
      onClose();
      choice.choose(query.trim());
    }
  };
  const step = (by: number): void =>
    setIndex((index + by + visible.length) % Math.max(1, visible.length));
  return (
    <div
      className="jp-mlws-Chooser"
      ref={box}
      style={{ ...place, width: WIDTH, maxHeight: HEIGHT }}
      role="dialog"
      aria-label={label}
      data-lm-suppress-shortcuts="true"
      onBlur={event => {
        if (!event.currentTarget.contains(event.relatedTarget)) {
          onClose();
        }
      }}
      onKeyDown={event => {
        const keys: Record<string, () => void> = {
          ArrowDown: () => step(1),
          ArrowUp: () => step(-1),
          Enter: () => take(current),
          Escape: onClose
        };
        const act = event.nativeEvent.isComposing ? undefined : keys[event.key];
        // The keys of the canvas are not meant.
        event.stopPropagation();
        if (act) {
          event.preventDefault();
          act();
        }
      }}
    >
      <div className="jp-mlws-Chooser-field">
        <searchIcon.react tag="span" className="jp-mlws-Chooser-icon" />
        <input
          autoFocus
          role="combobox"
          aria-expanded
          aria-label={label}
          aria-controls={`${id}-list`}
          aria-activedescendant={
            current ? `${id}-${visible.indexOf(current)}` : undefined
          }
          placeholder={label}
          value={query}
          onChange={event => {
            setQuery(event.target.value);
            setIndex(0);
          }}
        />
      </div>
      <ul
        ref={list}
        id={`${id}-list`}
        role="listbox"
        aria-label={label}
        className="jp-mlws-Chooser-list"
      >
        {visible.map((choice, position) => (
          <li
            key={choice.key}
            id={`${id}-${position}`}
            role="option"
            aria-selected={choice === current}
            data-mlws-choice={choice.key}
            // Keeps the focus in the field.
            onMouseDown={event => event.preventDefault()}
            onClick={() => take(choice)}
          >
            {choice.icon && (
              <choice.icon.react tag="span" className="jp-mlws-Chooser-icon" />
            )}
            <span className="jp-mlws-Chooser-label">{choice.label}</span>
            <span className="jp-mlws-Chooser-detail">{choice.detail}</span>
          </li>
        ))}
      </ul>
      {visible.length === 0 && <Empty>{empty}</Empty>}
      {matches.length > MAX_CHOICES && (
        <Empty>
          {trans.__('%1 more. Type to filter.', matches.length - MAX_CHOICES)}
        </Empty>
      )}
    </div>
  );
}

function startsWith({ label }: IChoice, query: string): number {
  const isBeginning =
    query !== '' && label.toLowerCase().startsWith(query.toLowerCase());
  return Number(isBeginning);
}

/** The box stays inside the canvas. */
function usePlace(
  box: React.RefObject<HTMLDivElement>,
  at: { x: number; y: number }
): { left: number; top: number } {
  const [place, setPlace] = useState({ left: at.x, top: at.y });
  useLayoutEffect(() => {
    const pane = box.current!.offsetParent as HTMLElement | null;
    const left = Math.min(at.x, (pane?.clientWidth ?? WIDTH) - WIDTH - 8);
    const top = Math.min(at.y, (pane?.clientHeight ?? HEIGHT) - HEIGHT - 8);
    setPlace({ left: Math.max(8, left), top: Math.max(8, top) });
  }, [box, at.x, at.y]);
  return place;
}
