import type { IComparedValue, IModelComparison } from '../api/models';

/** A value that two versions of a model do not share. */
interface IChange {
  key: string;
  name: string;
  before: string | number | null;
  after: string | number | null;
  /** The difference of two metrics; null for other values. */
  delta: number | null;
}

/** Returns what differs between the first and the last of the compared versions. */
export function changesOf(comparison: IModelComparison): IChange[] {
  const kinds = ['metrics', 'params', 'environments'] as const;
  return kinds.flatMap(kind =>
    comparison[kind].filter(one => one.differs).map(one => changeOf(kind, one))
  );
}

function changeOf(kind: string, { name, values }: IComparedValue): IChange {
  const before = values[0] ?? null;
  const after = values[values.length - 1] ?? null;
  const delta =
    typeof before === 'number' && typeof after === 'number'
      ? after - before
      : null;
  return { key: `${kind}.${name}`, name, before, after, delta };
}
