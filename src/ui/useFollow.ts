import {
  useLayoutEffect,
  useRef,
  useState,
  type RefObject,
  type UIEvent
} from 'react';

/** Distance from the end that counts as the end, in pixels. */
const TOLERANCE = 8;

/** A scrolling box that shows its end while its content grows. */
interface IFollow<T extends HTMLElement> {
  scroller: RefObject<T>;
  follows: boolean;
  setFollows: (follows: boolean) => void;
  /** Scrolling up stops following; scrolling to the end starts it again. */
  onScroll: (event: UIEvent<T>) => void;
}

/** Scrolls to the end when `content` grows, until the user scrolls back. */
export function useFollow<T extends HTMLElement>(content: unknown): IFollow<T> {
  const scroller = useRef<T>(null);
  const [follows, setFollows] = useState(true);
  useLayoutEffect(() => {
    if (follows && scroller.current) {
      scroller.current.scrollTop = scroller.current.scrollHeight;
    }
  }, [follows, content]);
  return {
    scroller,
    follows,
    setFollows,
    onScroll: ({ currentTarget: at }) =>
      setFollows(at.scrollHeight - at.scrollTop - at.clientHeight < TOLERANCE)
  };
}
