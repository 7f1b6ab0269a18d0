import { HTMLAttributes, KeyboardEvent, useRef } from 'react';

const ROW_SELECTOR = '[data-mlws-row]';

/** A list whose rows (`data-mlws-row`) the arrow keys, Home and End walk through. */
export function Rows({
  label,
  ...attributes
}: HTMLAttributes<HTMLUListElement> & { label: string }): JSX.Element {
  const list = useRef<HTMLUListElement>(null);
  const walk = (event: KeyboardEvent) => {
    const rows = Array.from(
      list.current?.querySelectorAll<HTMLElement>(ROW_SELECTOR) ?? []
    );
    const at = rows.indexOf(event.target as HTMLElement);
    const next: Record<string, number> = {
      ArrowDown: Math.min(at + 1, rows.length - 1),
      ArrowUp: Math.max(at - 1, 0),
      Home: 0,
      End: rows.length - 1
    };
    if (at >= 0 && event.key in next) {
      event.preventDefault();
      rows[next[event.key]].focus();
    }
  };
  return (
    <ul
      ref={list}
      className="jp-mlws-Rows"
      aria-label={label}
      onKeyDown={walk}
      {...attributes}
    />
  );
}
