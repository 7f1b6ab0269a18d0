/** Milliseconds for a view to move to another place; none for people who asked for no motion. */
export const MOVE_DURATION = window.matchMedia?.(
  '(prefers-reduced-motion: reduce)'
).matches
  ? 0
  : 200;
