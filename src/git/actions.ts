import type { MLWSClient } from '../api/client';
import type { OpenDocuments } from '../lab/documents';
import { BranchActions } from './branches/branchActions';
import { RemoteActions } from './remotes/remoteActions';
import { StagingActions } from './changes/stagingActions';
import { Work } from '../lab/work';

/** Everything that people do with code, apart from the views that show it. */
export interface ICode {
  work: Work;
  refs: BranchActions;
  remotes: RemoteActions;
  staging: StagingActions;
}

/**
 * `showConflicts`: brings people to where conflicts are resolved; `setUpDataRemote`: to the form of
 * the remotes for data.
 */
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
    staging: new StagingActions(client, work)
  };
}
