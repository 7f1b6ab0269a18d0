import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState
} from 'react';

import type { Refusal } from '../graph/connections';
import type { XYPosition } from '../graph/geometry';
import { refusalText } from '../labels';
import { useSlot } from '../hooks';
import type { CanvasModel } from '../store/model';

/** Time for which the reason of a refusal is shown, in milliseconds. */
const REFUSAL_TIME = 6000;
/** The reason in view: at once while dragging, and for a while afterwards. */
export function useRefusal(model: CanvasModel): {
  refusal: Refusal | null;
  refuse: (refusal: Refusal | null) => void;
} {
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const refuse = useCallback((next: Refusal | null) => {
    clearTimeout(timer.current);
    if (next) {
      timer.current = setTimeout(() => setRefusal(null), REFUSAL_TIME);
    }
    setRefusal(before =>
      JSON.stringify(before) === JSON.stringify(next) ? before : next
    );
  }, []);
  useSlot(model.document.refused, refuse);
  useEffect(() => () => clearTimeout(timer.current), []);
  return { refusal, refuse };
}

/** Converts a position in the window to one in the canvas. */
export function inside(pane: HTMLElement, { x, y }: XYPosition): XYPosition {
  const box = pane.getBoundingClientRect();
  return { x: x - box.x, y: y - box.y };
}

/** Reason of a refusal, at the pointer if a pointer gesture was refused. */
export function RefusalText(props: {
  refusal: Refusal | null;
  pane: React.RefObject<HTMLDivElement>;
  pointer: React.RefObject<XYPosition | null>;
}): JSX.Element {
  const { refusal, pane, pointer } = props;
  const [place, setPlace] = useState<XYPosition | null>(null);
  // Positions the element before the browser paints.
  useLayoutEffect(() => {
    const at = pointer.current;
    const box = pane.current;
    setPlace(refusal && at && box ? inside(box, at) : null);
  }, [pane, pointer, refusal]);
  const isLeft = place && place.x < (pane.current?.clientWidth ?? 0) / 2;
  const style = place && {
    top: place.y + 18,
    bottom: 'auto',
    transform: 'none',
    ...(isLeft
      ? { left: place.x + 12 }
      : { left: 'auto', right: pane.current!.clientWidth - place.x + 12 })
  };
  return (
    <div
      className="jp-mlws-Canvas-status"
      role="status"
      style={style ?? undefined}
    >
      {refusal && (
        <div className="jp-mlws-Canvas-refusal">{refusalText(refusal)}</div>
      )}
    </div>
  );
}
