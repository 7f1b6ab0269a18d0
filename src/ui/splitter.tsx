import { useRef, type KeyboardEvent, type PointerEvent } from 'react';

/** Pixels of a step with an arrow key. */
const STEP = 20;

/** Splitter between two panes, by pointer or by the arrow keys. */
export function Splitter(props: {
  label: string;
  /** The side of the bar on which the pane is. */
  side: 'left' | 'right' | 'bottom';
  size: number;
  limits: readonly [number, number];
  onResize: (size: number) => void;
  onCollapse: () => void;
}): JSX.Element {
  const { label, side, size, limits, onResize, onCollapse } = props;
  const start = useRef<{ at: number; size: number } | null>(null);
  const isRow = side === 'bottom';
  const sign = side === 'left' ? 1 : -1;
  const at = (event: PointerEvent): number =>
    isRow ? event.clientY : event.clientX;
  const onKeyDown = (event: KeyboardEvent): void => {
    const more = { left: 'ArrowRight', right: 'ArrowLeft', bottom: 'ArrowUp' };
    const less = {
      left: 'ArrowLeft',
      right: 'ArrowRight',
      bottom: 'ArrowDown'
    };
    if (event.key === more[side]) {
      onResize(size + STEP);
    } else if (event.key === less[side]) {
      onResize(size - STEP);
    } else if (event.key === 'Enter') {
      onCollapse();
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      className={`jp-mlws-Splitter jp-mod-${side}`}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={isRow ? 'horizontal' : 'vertical'}
      aria-valuenow={size}
      aria-valuemin={limits[0]}
      aria-valuemax={limits[1]}
      onKeyDown={onKeyDown}
      onDoubleClick={onCollapse}
      onPointerDown={event => {
        if (event.button === 0) {
          event.currentTarget.setPointerCapture(event.pointerId);
          start.current = { at: at(event), size };
        }
      }}
      onPointerMove={event => {
        if (start.current) {
          const { at: from, size: before } = start.current;
          onResize(before + sign * (at(event) - from));
        }
      }}
      onPointerUp={() => {
        start.current = null;
      }}
      onPointerCancel={() => {
        start.current = null;
      }}
    />
  );
}
