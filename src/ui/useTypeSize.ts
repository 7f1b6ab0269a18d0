import { useStore } from '@xyflow/react';
import { type RefObject, useLayoutEffect } from 'react';

/** The smallest type on the screen, in pixels. */
const MIN_TYPE = 12;
/** Type changes its size at these zooms only: a style for all nodes takes time. */
const LEVELS = [
  1, 0.9, 0.8, 0.7, 0.65, 0.6, 0.55, 0.5, 0.46, 0.42, 0.38, 0.35, 0.3, 0.25, 0.2
];

function levelOf(zoom: number): number {
  return LEVELS.find(level => zoom >= level) ?? LEVELS[LEVELS.length - 1];
}

/** Keeps titles of a graph at 12 pixels or more; returns the zoom of the present size. */
export function useTypeSize(pane: RefObject<HTMLElement>): number {
  const level = useStore(({ transform }) => levelOf(transform[2]));
  useLayoutEffect(() => {
    const { style } = pane.current!;
    style.setProperty('--jp-mlws-type', `${MIN_TYPE / level}px`);
  }, [pane, level]);
  return level;
}
