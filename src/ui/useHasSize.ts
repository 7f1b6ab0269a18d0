import { useEffect, useState, type RefObject } from 'react';

/**
 * Whether an element has had a size: false as long as it is in a tab behind another one.
 *
 * A graph that is fitted into a box without a size stays out of sight when the box gets one.
 */
export function useHasSize(box: RefObject<HTMLElement>): boolean {
  const [hasSize, setHasSize] = useState(false);
  useEffect(() => {
    const observer = new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width > 0 && contentRect.height > 0) {
        observer.disconnect();
        setHasSize(true);
      }
    });
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, [box]);
  return hasSize;
}
