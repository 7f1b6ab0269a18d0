/** A section of the sidebar that is unfolded. */
interface IOpenSection {
  /** Share of the height that is left. */
  share: number;
  /** Pixels that it has before the others share what is left; 0 for none. */
  room: number;
  /** Pixels that a person gave it; undefined for none. */
  chosen: number | undefined;
}

/**
 * The pixels of each section; they add up to more than the height where rooms take more.
 *
 * Without a height yet they are the shares.
 */
export function sectionSizes(
  sections: readonly IOpenSection[],
  height: number
): number[] {
  if (height <= 0) {
    return sections.map(({ share }) => share);
  }
  const total = sections.reduce((sum, { share }) => sum + share, 0);
  const fixed = sections.map(({ share, room, chosen }) =>
    chosen !== undefined || room > 0
      ? (chosen ?? Math.max(room, (height * share) / total))
      : null
  );
  const left = fixed.reduce((rest: number, size) => rest - (size ?? 0), height);
  const shares = sections.reduce(
    (sum, { share }, at) => sum + (fixed[at] === null ? share : 0),
    0
  );
  return sections.map(
    ({ share }, at) => fixed[at] ?? Math.max(SMALLEST, (left * share) / shares)
  );
}

/** Pixels that show something of a section. */
export const SMALLEST = 48;
