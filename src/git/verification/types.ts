/** The JSON of verification and repair, field for field. */

import type { IProof } from '../../api/models';

export type Store = 'git' | 'cache' | 'remote' | 'workspace';

/** An object that a store does not hold as it should. */
export interface IObjectProblem {
  path: string;
  hash: string;
  where: Store;
  problem: 'missing' | 'damaged';
  /** A workflow makes it, so that a run can make it again. */
  output: boolean;
}

export interface IVerification {
  snapshot: string;
  objects: number;
  bytes: number;
  remote: string | null;
  /** Why the remote could not be asked. */
  unreachable: string | null;
  problems: IObjectProblem[];
  proof: IProof;
}

export interface IRepaired {
  snapshot: string;
  mended: { path: string; hash: string; where: Store; source: Store }[];
  lost: IObjectProblem[];
  unreachable: string | null;
}
