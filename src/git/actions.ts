import type { TranslationBundle } from '@jupyterlab/translation';

import type { MLWSClient } from '../api/client';
import type { IWorkspaceEvents } from '../lab/tokens';
import type { OpenDocuments } from '../lab/documents';
import { BranchActions } from './branchActions';
import { BranchesModel } from './branches';
import { RemoteActions } from './remoteActions';
import { StagingActions } from './stagingActions';
import { Work } from './work';

/** Everything that people do with code, apart from the views that show it. */
export interface ICode {
  work: Work;
  branches: BranchesModel;
  refs: BranchActions;
  remotes: RemoteActions;
  staging: StagingActions;
}

/** `showConflicts`: brings people to where conflicts are resolved. */
export function makeCode(
  client: MLWSClient,
  events: IWorkspaceEvents,
  documents: OpenDocuments,
  showConflicts: () => void,
  trans: TranslationBundle
): ICode {
  const branches = new BranchesModel(client, events, ['history']);
  const work = new Work(client, documents, trans);
  return {
    work,
    branches,
    refs: new BranchActions(client, work, branches, trans, showConflicts),
    remotes: new RemoteActions(client, work, branches, trans),
    staging: new StagingActions(client, work, trans)
  };
}
