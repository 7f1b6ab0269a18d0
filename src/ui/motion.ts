/** Duration of view transitions, in milliseconds; 0 if the system prefers reduced motion. */
export const MOVE_DURATION = window.matchMedia?.(
  '(prefers-reduced-motion: reduce)'
).matches
  ? 0
  : 200;
