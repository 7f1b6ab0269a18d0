/** A section of the sidebar that is unfolded. */
interface IOpenSection {
  /** Share of the height that is left. */
  share: number;
  /** Pixels reserved before the rest is shared, of three sections at most half; 0 for none. */
  room: number;
  /** Pixels set by the user; undefined for none. */
  chosen: number | undefined;
}

/**
 * Heights of sections in pixels; they add up to more than the height if their rooms do.
 *
 * Without a height they are the shares.
 */
export function sectionSizes(
  sections: readonly IOpenSection[],
  height: number
): number[] {
  if (height <= 0) {
    return sections.map(({ share }) => share);
  }
  const total = sections.reduce((sum, { share }) => sum + share, 0);
  const most = sections.length > 2 ? height / 2 : height;
  const fixed = sections.map(({ share, room, chosen }) =>
    chosen !== undefined || room > 0
      ? (chosen ?? Math.max(Math.min(room, most), (height * share) / total))
      : null
  );
  const left = fixed.reduce((rest: number, size) => rest - (size ?? 0), height);
  const shares = sections.reduce(
    (sum, { share }, at) => sum + (fixed[at] === null ? share : 0),
    0
  );
  return sections.map(
    ({ share }, at) =>
      fixed[at] ?? Math.max(MIN_HEIGHT, (left * share) / shares)
  );
}

/** Pixels that show something of a section. */
export const MIN_HEIGHT = 48;
