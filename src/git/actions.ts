import type { MLWSClient } from '../api/client';
import type { OpenDocuments } from '../lab/documents';
import { BranchActions } from './branches/branchActions';
import { RewriteActions } from './history/rewriteActions';
import { RemoteActions } from './remotes/remoteActions';
import { StagingActions } from './changes/stagingActions';
import { Work } from '../lab/work';

/** Operations on code, without the views. */
export interface ICode {
  work: Work;
  refs: BranchActions;
  remotes: RemoteActions;
  staging: StagingActions;
  rewrites: RewriteActions;
}

/** `showConflicts`: opens the conflicts; `setUpDataRemote`: opens the form for data remotes. */
export function makeCode(
  client: MLWSClient,
  documents: OpenDocuments,
  showConflicts: () => void,
  setUpDataRemote: () => void
): ICode {
  const work = new Work(client, documents);
  return {
    work,
    refs: new BranchActions(client, work, showConflicts),
    remotes: new RemoteActions(client, work, setUpDataRemote),
    staging: new StagingActions(client, work),
    rewrites: new RewriteActions(client, work, showConflicts)
  };
}
