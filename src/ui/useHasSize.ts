import { useEffect, useState, type RefObject } from 'react';

/**
 * Calls a function once an element has a size, which a hidden tab lacks.
 *
 * Returns a function that cancels.
 */
export function whenSized(element: Element, act: () => void): () => void {
  const observer = new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width > 0 && contentRect.height > 0) {
      observer.disconnect();
      act();
    }
  });
  observer.observe(element);
  return () => observer.disconnect();
}

/**
 * Returns true once an element has had a size.
 *
 * A graph that is fitted into a box without a size stays invisible when the box gets its size.
 */
export function useHasSize(box: RefObject<HTMLElement>): boolean {
  const [hasSize, setHasSize] = useState(false);
  useEffect(() => whenSized(box.current!, () => setHasSize(true)), [box]);
  return hasSize;
}

/** Returns the width of an element in pixels; its last width while it is hidden, 0 at first. */
export function useWidth(box: RefObject<HTMLElement>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width > 0 && contentRect.height > 0) {
        setWidth(Math.round(contentRect.width));
      }
    });
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [box]);
  return width;
}
